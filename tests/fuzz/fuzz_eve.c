/* Any bytes as one EVE line; what comes out must be fit for the wire, and what a tree of the whole
 * line gives. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "eve_by_tree.h"
#include "wire/detection.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
compare(const char *line, size_t size)
{
    struct detection picked, wanted;
    char why[NAME_SIZE] = "", wanted_why[NAME_SIZE] = "";
    memset(&picked, 0, sizeof(picked));
    memset(&wanted, 0, sizeof(wanted));
    enum line_result result = eve_parse(line, size, true, &picked, why);
    if (result == LINE_REFUSED && strcmp(why, "not a JSON object") == 0) {
        return; /* stricter than cJSON about blanks and numbers: test_pick.c says how */
    }
    if (result != eve_by_tree(line, size, true, &wanted, wanted_why) ||
        strcmp(why, wanted_why) != 0 ||
        (result == LINE_DETECTION && memcmp(&picked, &wanted, sizeof(picked)) != 0)) {
        abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct line_source source = {
        .name = "fuzz", .strength = STRENGTH_WEAK, .confidence = 70, .adjacent = true};
    struct detection detection, again;
    struct codec_error error;
    char why[NAME_SIZE] = "";
    compare((const char *)bytes, size);
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
