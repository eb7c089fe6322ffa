/* Any bytes as a YAML file with rules in it. */
#include <stdint.h>

#include "wire/desired.h"
#include "wire/yaml_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct wire_desired out;
    struct yaml_file_error error;
    if (yaml_file_decode((const char *)bytes, size, &wire_desired_shape, &out, &error) == 0) {
        codec_fini(&wire_desired_shape, &out);
    }
    return 0;
}
