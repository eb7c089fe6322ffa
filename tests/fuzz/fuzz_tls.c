/* Any bytes as a ClientHello; its fingerprints have their form, its name is plain text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sensor/protocol/tls/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct tls_hello hello;
    if (tls_parse(bytes, size, &hello) != PARSED_YES) {
        return 0;
    }
    if (strnlen(hello.ja3, sizeof(hello.ja3)) != 32 ||
        strnlen(hello.ja4, sizeof(hello.ja4)) != 36 ||
        strnlen(hello.sni, sizeof(hello.sni)) == sizeof(hello.sni)) {
        abort();
    }
    for (const char *at = hello.sni; *at; at++) {
        if ((uint8_t)*at < ' ') {
            abort();
        }
    }
    return 0;
}
