/* Text <-> struct without a tree of JSON values in between, for what comes by the thousand:
 * messages and stored rows.  The same strictness as codec.h, from the same tables.
 *
 * The reader takes what our own writer writes.  Whatever else it meets (other spacing of numbers,
 * escapes by number, an unknown name, a mistake) it leaves to codec_decode(), which takes it or
 * says what is wrong: so both always agree. */
#ifndef CORDON_WIRE_CODEC_TEXT_H
#define CORDON_WIRE_CODEC_TEXT_H

#include "wire/codec.h"

/* Text that grows; zeroed at first. */
struct codec_text {
    char *bytes; /* owned; not NUL-terminated */
    size_t used, room;
    bool is_borrowed; /* 'bytes' at first are somebody else's: what does not fit there is owned */
};
void codec_text_fini(struct codec_text *text);
void codec_text_put(struct codec_text *text, const char *bytes, size_t size);
/* For what comes by the thousand: keeps the room, up to a limit. */
void codec_text_reset(struct codec_text *text);

/* Appends the object.  'type' NULL: none; else it has this "type" (a message). */
void codec_write(const struct shape *shape, const void *thing, const char *type,
                 struct codec_text *text);
/* As codec_parse() and codec_decode(), or codec_decode_message() where 'is_message'. */
int codec_read(const struct shape *shape, const char *text, size_t size, bool is_message, void *out,
               struct codec_error *error) MUST_CHECK;

#endif
