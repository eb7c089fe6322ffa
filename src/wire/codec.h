/* Strict JSON <-> plain struct, by description.  A message says its fields once, in a table; the
 * codec refuses unknown and doubled fields, wrong types, values out of range, texts too long, lists
 * too long, and what is missing.  Nothing is cut or guessed.
 *
 * Optional fields that are zero ("", 0, false, none, empty list) are left out when encoding, and
 * are zero after decoding where absent. */
#ifndef CORDON_WIRE_CODEC_H
#define CORDON_WIRE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/macros.h"

#define WIRE_FRAME_MAX (1024 * 1024) /* bytes of one message */
#define WIRE_DEPTH_MAX 16

enum field_kind {
    FIELD_BOOL,
    FIELD_INT,    /* signed, 'size' 1, 2, 4 or 8 bytes; exact up to 2^53 */
    FIELD_UINT,   /* unsigned, likewise */
    FIELD_ENUM,   /* 'names': NULL-ended; the C enum's value is the index */
    FIELD_TEXT,   /* char[size] in the struct; UTF-8 without control characters */
    FIELD_STRING, /* an owned char *; like FIELD_TEXT, at most 'max_count' bytes; NULL is "" */
    FIELD_LINES, /* an owned char *; a text of several lines (utf8_lines_size), 'max_count' bytes */
    FIELD_TEXTS, /* char[max_count][size]; used entries first, or counted by 'count_at' */
    FIELD_MAC,
    FIELD_IP,
    FIELD_PREFIX,
    FIELD_OBJECT,  /* an embedded struct with 'shape' */
    FIELD_POINTER, /* an owned pointer to one struct with 'shape' */
    FIELD_LIST,    /* an owned pointer to items with 'shape'; size_t count at 'count_at' */
    FIELD_IPS,     /* an owned pointer to struct ip; size_t count at 'count_at' */
    FIELD_MACS,
    FIELD_BYTES, /* an owned uint8_t *; base64 (RFC 4648); size_t at 'count_at' */
    FIELD_JSON,  /* an owned cJSON *, passed as it is */
    FIELD_TIME,  /* int64_t microseconds since 1970; RFC 3339 text in JSON (the API's form) */
};

struct shape;

struct field {
    const char *name;
    enum field_kind kind;
    bool optional;
    size_t at;           /* offsetof */
    size_t size;         /* sizeof the member (texts: of one text) */
    int64_t least, most; /* both 0: whatever the type holds */
    const char *const *names;
    const struct shape *shape;
    size_t count_at;
    size_t max_count;
    const char *about; /* one line for the API document; NULL: the name says it */
    /* FIELD_TEXT and FIELD_TEXTS: where said.h knows the text (its code begins so), said_add()
     * puts the same beside it as NAME_said; decoding passes that over.  NULL: never. */
    const char *said;
    /* A member of a union: there if and only if the enum (an int) at 'tag_at' equals 'tag'. */
    bool is_tagged;
    size_t tag_at;
    int tag;
};

/* Behind a field's name: the text as a code and values. */
#define SAID_SUFFIX "_said"

struct shape {
    const char *name; /* as in messages and in the OpenAPI document */
    size_t size;      /* of the struct */
    const struct field *fields;
    size_t field_count;
    /* What a table cannot say (this field needs that one); NULL: nothing.  'why' has 128 bytes. */
    bool (*check)(const void *thing, char why[128]);
};

struct codec_error {
    char path[128]; /* "rules[3].permit_set" */
    char why[128];  /* "longer than 63 bytes" */
};

/* 'out' is zeroed first; on success the caller finishes it with codec_fini.  0 or -EBADMSG, then
 * 'error' says where and why, and nothing needs to be finished. */
int codec_decode(const struct shape *shape, const cJSON *json, void *out,
                 struct codec_error *error) MUST_CHECK;
/* As above, for a message: the object also has a "type", which the caller has looked at. */
int codec_decode_message(const struct shape *shape, const cJSON *json, void *out,
                         struct codec_error *error) MUST_CHECK;
/* Never NULL; the caller owns it. */
cJSON *codec_encode(const struct shape *shape, const void *thing);
/* Frees owned lists and bytes, and zeroes. */
void codec_fini(const struct shape *shape, void *thing);
/* Deep copy; 'to' is finished by the caller with codec_fini. */
void codec_copy(const struct shape *shape, const void *from, void *to);
/* Parses text of at most WIRE_FRAME_MAX bytes and WIRE_DEPTH_MAX levels; NULL where it is not
 * exactly one JSON value. */
cJSON *codec_parse(const char *text, size_t size);

/* Table entries; 'need' is FIELD_NEEDED or FIELD_OPTIONAL.  The JSON name is the member's. */
#define FIELD_NEEDED false
#define FIELD_OPTIONAL true
#define FIELD_(kind_, need, type, member, ...)                                                     \
    {                                                                                              \
        .name = #member, .kind = (kind_), .optional = (need), .at = offsetof(type, member),        \
        .size = sizeof(((type *)0)->member), __VA_ARGS__                                           \
    }
#define F_BOOL(need, type, member) FIELD_(FIELD_BOOL, need, type, member, .most = 0)
#define F_INT(need, type, member) FIELD_(FIELD_INT, need, type, member, .most = 0)
#define F_UINT(need, type, member) FIELD_(FIELD_UINT, need, type, member, .most = 0)
#define F_RANGE(need, type, member, least_, most_)                                                 \
    FIELD_(FIELD_UINT, need, type, member, .least = (least_), .most = (most_))
#define F_ENUM(need, type, member, names_) FIELD_(FIELD_ENUM, need, type, member, .names = (names_))
#define F_TEXT(need, type, member) FIELD_(FIELD_TEXT, need, type, member, .most = 0)
#define F_MAC(need, type, member) FIELD_(FIELD_MAC, need, type, member, .most = 0)
#define F_IP(need, type, member) FIELD_(FIELD_IP, need, type, member, .most = 0)
#define F_PREFIX(need, type, member) FIELD_(FIELD_PREFIX, need, type, member, .most = 0)
#define F_JSON(need, type, member) FIELD_(FIELD_JSON, need, type, member, .most = 0)
#define F_OBJECT(need, type, member, shape_)                                                       \
    FIELD_(FIELD_OBJECT, need, type, member, .shape = (shape_))
#define F_TEXTS(need, type, member, count, most_)                                                  \
    {                                                                                              \
        .name = #member, .kind = FIELD_TEXTS, .optional = (need), .at = offsetof(type, member),    \
        .size = sizeof(((type *)0)->member[0]), .count_at = (count), .max_count = (most_)          \
    }
#define FIELD_COUNTED_(kind_, need, type, member, count, most_, ...)                               \
    FIELD_(kind_, need, type, member, .count_at = offsetof(type, count), .max_count = (most_),     \
           __VA_ARGS__)
#define F_LIST(need, type, member, count, most_, shape_)                                           \
    FIELD_COUNTED_(FIELD_LIST, need, type, member, count, most_, .shape = (shape_))
#define F_IPS(need, type, member, count, most_)                                                    \
    FIELD_COUNTED_(FIELD_IPS, need, type, member, count, most_, .shape = NULL)
#define F_MACS(need, type, member, count, most_)                                                   \
    FIELD_COUNTED_(FIELD_MACS, need, type, member, count, most_, .shape = NULL)
#define F_BYTES(need, type, member, count, most_)                                                  \
    FIELD_COUNTED_(FIELD_BYTES, need, type, member, count, most_, .shape = NULL)
#define F_STRING(need, type, member, most_)                                                        \
    FIELD_(FIELD_STRING, need, type, member, .max_count = (most_))
#define F_LINES(need, type, member, most_)                                                         \
    FIELD_(FIELD_LINES, need, type, member, .max_count = (most_))
/* FIELD_TEXTS without a counter: the used ones come first, "" ends them. */
#define NO_COUNT SIZE_MAX

#define SHAPE(shape_name, type, field_table, check_function)                                       \
    {                                                                                              \
        .name = (shape_name), .size = sizeof(type), .fields = (field_table),                       \
        .field_count = COUNT_OF(field_table), .check = (check_function)                            \
    }

#endif
