/* What the parts of the codec share: one field of a struct.  Only for codec*.c. */
#ifndef CORDON_WIRE_CODEC_FIELD_H
#define CORDON_WIRE_CODEC_FIELD_H

#include "wire/codec.h"

#define NAME_MOST 128                              /* bytes of an enum's word, at most */
#define CODEC_EXACT_MOST INT64_C(9007199254740992) /* 2^53: what a double holds exactly */
#define CODEC_EXACT_DIGITS 16                      /* of that */

/* Printable ASCII only: nothing to look at twice. */
bool codec_is_ascii(const char *text, size_t size);
/* A member of a union: is it the one that is there? */
bool codec_is_there(const struct field *field, const void *thing);
bool codec_is_zero(const struct field *field, const void *thing);
/* As it may be sent: within what every receiver holds exactly. */
int64_t codec_load_integer(const struct field *field, const void *at);
/* False: out of the field's range. */
bool codec_store_integer(const struct field *field, int64_t value, void *at) MUST_CHECK;
/* Of a list, or of texts. */
size_t codec_item_count(const struct field *field, const void *thing);
cJSON *codec_encode_field(const struct field *field, const void *thing);
/* An address that a text names, NUL-terminated; NULL or what is wrong. */
const char *codec_decode_address(enum field_kind kind, const char *text, void *at);

#endif
