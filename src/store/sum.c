#include "store/sum.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

#define HEAD ",\"sum\":\""
#define HEAD_SIZE (sizeof(HEAD) - 1)
#define TAIL_SIZE (HEAD_SIZE + 16 + 2) /* with the digits, a quote and the brace */

/* Eight bytes at a time: FNV-1a over words instead of bytes, with what each multiplication leaves
 * in the low bits turned to where the next one carries it on.  Of accidents it misses one in 2^64.
 */
static uint64_t
sum_of(const char *text, size_t size)
{
    const uint64_t prime = 0x100000001b3ULL;
    uint64_t sum = 0xcbf29ce484222325ULL ^ size, word;
    for (; size >= sizeof(word); text += sizeof(word), size -= sizeof(word)) {
        memcpy(&word, text, sizeof(word));
        sum = (sum ^ le64toh(word)) * prime;
        sum ^= sum >> 32;
    }
    for (; size > 0; text++, size--) {
        sum = (sum ^ (uint8_t)*text) * prime;
    }
    return sum ^ sum >> 29;
}

int64_t
sum_of_setting(const char *name, const char *value)
{
    uint64_t sum = sum_of(name, strlen(name)) * 31 + sum_of(value, strlen(value));
    return (int64_t)(sum >> 1); /* never negative */
}

size_t
sum_add(char *text, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    if (size < 3 || text[size - 1] != '}') {
        text[size] = '\0';
        return size; /* "{}" or no object: nothing that could turn into something else */
    }
    uint64_t sum = sum_of(text, size);
    memcpy(text + size - 1, HEAD, HEAD_SIZE);
    char *to = text + size - 1 + HEAD_SIZE;
    for (int i = 60; i >= 0; i -= 4) {
        *to++ = digits[sum >> i & 15];
    }
    memcpy(to, "\"}", sizeof("\"}"));
    return size - 1 + TAIL_SIZE;
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
    /* rows of earlier releases have the other one */
    return is_whole && (sum_of(text, *size) == wanted || hash_stable(text, *size) == wanted);
}
