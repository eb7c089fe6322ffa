/* Any bytes as one EVE line; what comes out must be fit for the wire. */
#include <stdint.h>
#include <stdlib.h>

#include "intake/line.h"
#include "wire/detection.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct line_source source = {
        .name = "fuzz", .strength = STRENGTH_WEAK, .confidence = 70, .adjacent = true};
    struct detection detection, again;
    struct codec_error error;
    char why[NAME_SIZE];
    if (line_parse(LINE_EVE, (const char *)bytes, size, &source, 1, &detection, why) !=
        LINE_DETECTION) {
        return 0;
    }
    cJSON *json = codec_encode(&wire_detection_shape, &detection);
    if (codec_decode(&wire_detection_shape, json, &again, &error)) {
        abort();
    }
    cJSON_Delete(json);
    return 0;
}
