/* Zone files: bytes of the machine, but damaged ones must not take core down. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const int64_t times[] = {INT64_C(-4000000000), 0, 1800000000, INT64_C(9000000000)};
    struct zone *zone = NULL;
    if (zone_parse(bytes, size, &zone) != 0) {
        return 0;
    }
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        int32_t offset_s = zone_offset_s(zone, times[i]);
        if (offset_s < -93599 || offset_s > 93599) {
            abort();
        }
        (void)zone_to_utc_s(zone, times[i]);
    }
    zone_free(zone);
    return 0;
}
