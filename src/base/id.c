#include "base/id.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* Crockford: no I L O U */

#define RANDOM_SIZE 16 /* one base-32 digit from each byte */

/* Drawn for several ids at once: up to 256 bytes getrandom gives whole, or the program ends. */
static void
random_take(uint8_t out[RANDOM_SIZE])
{
    static _Thread_local uint8_t drawn[RANDOM_SIZE * 16];
    static _Thread_local size_t left;
    if (left == 0) {
        if (getrandom(drawn, sizeof(drawn), 0) != (ssize_t)sizeof(drawn)) {
            abort();
        }
        left = sizeof(drawn);
    }
    left -= RANDOM_SIZE;
    memcpy(out, drawn + left, RANDOM_SIZE);
}

void
id_make(int64_t wall_us, char id[ID_SIZE])
{
    uint8_t random[RANDOM_SIZE];
    random_take(random);
    uint64_t ms = wall_us > 0 ? (uint64_t)wall_us / 1000 : 0;
    for (int i = 9; i >= 0; i--) {
        id[i] = digits[ms & 31];
        ms >>= 5;
    }
    for (size_t i = 0; i < sizeof(random); i++) {
        id[10 + i] = digits[random[i] & 31];
    }
    id[ID_SIZE - 1] = '\0';
}

bool
id_is_valid(const char *text)
{
    return strlen(text) == ID_SIZE - 1 && strspn(text, digits) == ID_SIZE - 1;
}
