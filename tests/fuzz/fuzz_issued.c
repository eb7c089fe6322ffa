/* Any bytes as a line of the register of certificates: what is taken is fit for the list. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bus/issued.h"
#include "bus/pki.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct certificate c = {.expires_us = 0};
    char why[256], *line = malloc(size + 1);
    if (!line) {
        abort();
    }
    memcpy(line, bytes, size);
    line[size] = '\0';
    if (issued_parse(line, &c) && (!pki_name_check(c.name, why) || c.role >= DEVICE_ROLE_COUNT ||
                                   !c.serial[0] || strnlen(c.serial, SERIAL_SIZE) == SERIAL_SIZE ||
                                   c.issued_us < 0 || c.issued_us >= c.expires_us)) {
        abort();
    }
    free(line);
    return 0;
}
