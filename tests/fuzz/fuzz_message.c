/* Any bytes as one frame between our programs: decoded by its own type, encoded and decoded again
 * with the same result. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
round_trip(enum wire_type type, const void *message)
{
    struct codec_error error;
    cJSON *once = wire_encode(type, message);
    void *again = calloc(1, wire_shape(type)->size);
    if (!again || wire_decode(type, once, again, &error)) {
        abort(); /* we sent what we would refuse */
    }
    cJSON *twice = wire_encode(type, again);
    if (!cJSON_Compare(once, twice, true)) {
        abort();
    }
    wire_fini(type, again);
    free(again);
    cJSON_Delete(once);
    cJSON_Delete(twice);
}

/* The quick reader takes and refuses what the careful one does. */
static void
agree(enum wire_type type, const char *text, size_t size, const void *careful)
{
    struct codec_error error;
    void *quick = calloc(1, wire_shape(type)->size);
    if (!quick || (wire_read(type, text, size, quick, &error) == 0) != (careful != NULL)) {
        abort();
    }
    if (careful) {
        cJSON *one = wire_encode(type, quick);
        cJSON *other = wire_encode(type, careful);
        if (!cJSON_Compare(one, other, true)) {
            abort();
        }
        cJSON_Delete(one);
        cJSON_Delete(other);
        wire_fini(type, quick);
    }
    free(quick);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    enum wire_type type;
    struct codec_error error;
    cJSON *json = codec_parse((const char *)bytes, size);
    if (json && wire_type_of(json, &type)) {
        void *message = calloc(1, wire_shape(type)->size);
        bool is_good = message && wire_decode(type, json, message, &error) == 0;
        agree(type, (const char *)bytes, size, is_good ? message : NULL);
        if (is_good) {
            round_trip(type, message);
            wire_fini(type, message);
        }
        free(message);
    }
    cJSON_Delete(json);
    return 0;
}
