/* Fuzz input as a row of records: kind, place, length (two bytes, big end first), bytes.  So a
 * fuzzer of something that keeps state can say more than one thing to it. */
#ifndef CORDON_TESTS_FUZZ_RECORDS_H
#define CORDON_TESTS_FUZZ_RECORDS_H

#include "base/cursor.h"

struct record {
    uint8_t kind, place;
    const uint8_t *bytes;
    size_t size;
};

/* The last one may be cut short; false: there is none. */
static inline bool
record_next(struct cursor *in, struct record *record)
{
    record->kind = cur_u8(in);
    record->place = cur_u8(in);
    size_t size = cur_be16(in);
    if (!cur_ok(in)) {
        return false;
    }
    record->size = size < cur_left(in) ? size : cur_left(in);
    record->bytes = cur_take(in, record->size);
    return true;
}

#endif
