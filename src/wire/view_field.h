/* Rows of the field tables of API objects: each has one line about its meaning, which the OpenAPI
 * document shows.  Only for view_*.c and op.c. */
#ifndef CORDON_WIRE_VIEW_FIELD_H
#define CORDON_WIRE_VIEW_FIELD_H

#include <stddef.h>

#include "wire/codec.h"

/* Always there. */
#define ROW(type, member, name_, kind_, about_)                                                    \
    {                                                                                              \
        .name = (name_), .kind = (kind_), .at = offsetof(type, member),                            \
        .size = sizeof(((type *)0)->member), .about = (about_)                                     \
    }
/* Left out where it is empty or zero. */
#define ROW_OPT(type, member, name_, kind_, about_)                                                \
    {                                                                                              \
        .name = (name_), .kind = (kind_), .optional = true, .at = offsetof(type, member),          \
        .size = sizeof(((type *)0)->member), .about = (about_)                                     \
    }
/* A text that people read: where it is one of our sentences whose code begins with 'said_', the
 * same stands beside it as a code and values, in NAME_said (wire/said.h). */
#define ROW_SAID(type, member, name_, said_, about_)                                               \
    {                                                                                              \
        .name = (name_), .kind = FIELD_TEXT, .at = offsetof(type, member),                         \
        .size = sizeof(((type *)0)->member), .said = (said_), .about = (about_)                    \
    }
#define ROW_OPT_SAID(type, member, name_, said_, about_)                                           \
    {                                                                                              \
        .name = (name_), .kind = FIELD_TEXT, .optional = true, .at = offsetof(type, member),       \
        .size = sizeof(((type *)0)->member), .said = (said_), .about = (about_)                    \
    }
/* Likewise, of a FIELD_STRING of at most 'most_' bytes; 'said_' NULL: no sentence of ours. */
#define ROW_OPT_STRING(type, member, name_, most_, said_, about_)                                  \
    {                                                                                              \
        .name = (name_), .kind = FIELD_STRING, .optional = true, .at = offsetof(type, member),     \
        .size = sizeof(((type *)0)->member), .max_count = (most_), .said = (said_),                \
        .about = (about_)                                                                          \
    }
/* Always there. */
#define ROW_STRING(type, member, name_, most_, about_)                                             \
    {                                                                                              \
        .name = (name_), .kind = FIELD_STRING, .at = offsetof(type, member),                       \
        .size = sizeof(((type *)0)->member), .max_count = (most_), .about = (about_)               \
    }
#define ROW_TEXTS_SAID(type, member, count_member, name_, said_, about_)                           \
    {                                                                                              \
        .name = (name_), .kind = FIELD_TEXTS, .at = offsetof(type, member),                        \
        .size = sizeof(((type *)0)->member[0]), .count_at = offsetof(type, count_member),          \
        .max_count = COUNT_OF(((type *)0)->member), .said = (said_), .about = (about_)             \
    }
#define ROW_RANGE(type, member, name_, kind_, least_, most_, about_)                               \
    {                                                                                              \
        .name = (name_), .kind = (kind_), .optional = true, .at = offsetof(type, member),          \
        .size = sizeof(((type *)0)->member), .least = (least_), .most = (most_), .about = (about_) \
    }
#define ROW_ENUM(type, member, name_, optional_, names_, about_)                                   \
    {                                                                                              \
        .name = (name_), .kind = FIELD_ENUM, .optional = (optional_),                              \
        .at = offsetof(type, member), .size = sizeof(((type *)0)->member), .names = (names_),      \
        .about = (about_)                                                                          \
    }
/* FIELD_OBJECT (always there) and FIELD_POINTER (left out where NULL). */
#define ROW_SUB(type, member, name_, kind_, shape_, about_)                                        \
    {                                                                                              \
        .name = (name_), .kind = (kind_), .optional = (kind_) == FIELD_POINTER,                    \
        .at = offsetof(type, member), .size = sizeof(((type *)0)->member), .shape = (shape_),      \
        .about = (about_)                                                                          \
    }
#define ROW_LINES(type, member, name_, optional_, most_, about_)                                   \
    {                                                                                              \
        .name = (name_), .kind = FIELD_LINES, .optional = (optional_),                             \
        .at = offsetof(type, member), .size = sizeof(((type *)0)->member), .max_count = (most_),   \
        .about = (about_)                                                                          \
    }
/* FIELD_LIST, FIELD_MACS, FIELD_IPS; always there, perhaps empty. */
#define ROW_LIST(type, member, count_member, name_, kind_, shape_, max_, about_)                   \
    {                                                                                              \
        .name = (name_), .kind = (kind_), .at = offsetof(type, member),                            \
        .size = sizeof(((type *)0)->member), .shape = (shape_),                                    \
        .count_at = offsetof(type, count_member), .max_count = (max_), .about = (about_)           \
    }
#define ROW_TEXTS(type, member, count_member, name_, about_)                                       \
    {                                                                                              \
        .name = (name_), .kind = FIELD_TEXTS, .at = offsetof(type, member),                        \
        .size = sizeof(((type *)0)->member[0]), .count_at = offsetof(type, count_member),          \
        .max_count = COUNT_OF(((type *)0)->member), .about = (about_)                              \
    }

#endif
