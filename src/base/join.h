/* Texts put together from parts, cut where their room ends, as snprintf() does: for what is done
 * with every detection, where reading the formats takes longer than all else.  Not for what a peer
 * sent and a person reads: a cut may fall into a character (text_put(), line_put()).
 *
 *     struct join key = join_to(to, sizeof(to));
 *     join_text(&key, "e:");
 *     join_text(&key, endpoint_id);
 */
#ifndef CORDON_BASE_JOIN_H
#define CORDON_BASE_JOIN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct join {
    char *to;    /* borrowed; NUL-terminated at every moment */
    size_t room; /* bytes of it, with the NUL; at least 1 */
    size_t used;
};

static inline struct join
join_to(char *to, size_t room)
{
    to[0] = '\0';
    return (struct join){.to = to, .room = room};
}

/* "%.*s" */
static inline void
join_most(struct join *join, const char *text, size_t most)
{
    size_t left = join->room - join->used - 1;
    size_t size = strnlen(text, most < left ? most : left);
    memcpy(join->to + join->used, text, size);
    join->used += size;
    join->to[join->used] = '\0';
}

/* "%s" */
static inline void
join_text(struct join *join, const char *text)
{
    join_most(join, text, SIZE_MAX);
}

/* "%u" */
static inline void
join_number(struct join *join, uint64_t number)
{
    char digits[24];
    char *at = digits + sizeof(digits) - 1;
    *at = '\0';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    join_text(join, at);
}

/* snprintf(to, room, "%s", from) */
static inline void
join_copy(char *to, size_t room, const char *from)
{
    struct join join = join_to(to, room);
    join_text(&join, from);
}

#endif
