#include "store/sum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

#define HEAD ",\"sum\":\""
#define HEAD_SIZE (sizeof(HEAD) - 1)
#define TAIL_SIZE (HEAD_SIZE + 16 + 2) /* with the digits, a quote and the brace */

char *
sum_add(char *text)
{
    size_t size = strlen(text);
    if (size < 3 || text[size - 1] != '}') {
        return text; /* "{}" or no object: nothing that could turn into something else */
    }
    unsigned long long sum = hash_stable(text, size);
    text = mem_resize(text, size + SUM_SIZE + 1, 1);
    snprintf(text + size - 1, SUM_SIZE + 2, HEAD "%016llx\"}", sum);
    return text;
}

bool
sum_take(char *text, size_t *size)
{
    if (*size <= TAIL_SIZE || strncmp(text + *size - TAIL_SIZE, HEAD, HEAD_SIZE) != 0) {
        return true;
    }
    char *end = NULL;
    unsigned long long wanted = strtoull(text + *size - TAIL_SIZE + HEAD_SIZE, &end, 16);
    bool is_whole = end == text + *size - 2 && strcmp(end, "\"}") == 0;
    *size -= TAIL_SIZE - 1;
    text[*size - 1] = '}';
    text[*size] = '\0';
    return is_whole && hash_stable(text, *size) == wanted;
}
