/* Bounded reading of bytes that nobody vouches for (frames, files, messages).
 *
 * Every read checks itself; the first one that does not fit sets 'bad', which sticks, and every
 * later read gives 0 or NULL.  So a parser reads its fields in order and asks cur_ok() once.
 * Header only: the reads sit on the sensor's hottest path. */
#ifndef CORDON_BASE_CURSOR_H
#define CORDON_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
    const uint8_t *pos; /* borrowed */
    const uint8_t *end;
    bool bad;
};

static inline struct cursor
cur_make(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    return (struct cursor){.pos = at, .end = at + size, .bad = false};
}

static inline size_t
cur_left(const struct cursor *c)
{
    return (size_t)(c->end - c->pos);
}

static inline bool
cur_ok(const struct cursor *c)
{
    return !c->bad;
}

/* The next 'n' bytes, or NULL where fewer are left. */
static inline const uint8_t *
cur_take(struct cursor *c, size_t n)
{
    if (c->bad || cur_left(c) < n) {
        c->bad = true;
        return NULL;
    }
    c->pos += n;
    return c->pos - n;
}

static inline void
cur_skip(struct cursor *c, size_t n)
{
    (void)cur_take(c, n);
}

/* A cursor over the next 'n' bytes, which cannot read beyond them; bad where fewer are left. */
static inline struct cursor
cur_sub(struct cursor *c, size_t n)
{
    const uint8_t *at = cur_take(c, n);
    if (!at) {
        return (struct cursor){.pos = c->end, .end = c->end, .bad = true};
    }
    return cur_make(at, n);
}

static inline uint8_t
cur_u8(struct cursor *c)
{
    const uint8_t *p = cur_take(c, 1);
    return p ? p[0] : 0;
}

static inline uint16_t
cur_be16(struct cursor *c)
{
    const uint8_t *p = cur_take(c, 2);
    return (uint16_t)(p ? (p[0] << 8) | p[1] : 0);
}

static inline uint32_t
cur_be24(struct cursor *c)
{
    const uint8_t *p = cur_take(c, 3);
    return p ? ((uint32_t)p[0] << 16) | ((uint32_t)p[1] << 8) | p[2] : 0;
}

static inline uint32_t
cur_be32(struct cursor *c)
{
    const uint8_t *p = cur_take(c, 4);
    return p ? ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3] : 0;
}

static inline uint64_t
cur_be64(struct cursor *c)
{
    uint64_t high = cur_be32(c);
    return (high << 32) | cur_be32(c);
}

static inline uint16_t
cur_le16(struct cursor *c)
{
    const uint8_t *p = cur_take(c, 2);
    return (uint16_t)(p ? (p[1] << 8) | p[0] : 0);
}

static inline uint32_t
cur_le32(struct cursor *c)
{
    const uint8_t *p = cur_take(c, 4);
    return p ? ((uint32_t)p[3] << 24) | ((uint32_t)p[2] << 16) | ((uint32_t)p[1] << 8) | p[0] : 0;
}

/* Copies the next 'n' bytes to 'out'; zeroes it where fewer are left. */
static inline void
cur_copy(struct cursor *c, void *out, size_t n)
{
    const uint8_t *p = cur_take(c, n);
    if (p) {
        memcpy(out, p, n);
    } else {
        memset(out, 0, n);
    }
}

#endif
