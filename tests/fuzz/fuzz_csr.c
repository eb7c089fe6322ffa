/* Any bytes as a certificate request; what comes out must be fit for a certificate. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bus/csr.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
must_be_plain(const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t size = strnlen(text, NAME_SIZE);
    if (size == 0 || size == NAME_SIZE || text[strspn(text, plain)]) {
        abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct csr csr;
    char why[256];
    if (!csr_parse(bytes, size, &csr, why)) {
        if (!why[0]) {
            abort();
        }
        return 0;
    }
    must_be_plain(csr.role);
    must_be_plain(csr.name);
    if (csr.key[0] != 4 || csr.signed_part < bytes ||
        csr.signed_part + csr.signed_size > bytes + size ||
        csr.signature + csr.signature_size > bytes + size) {
        abort();
    }
    (void)csr_prove(&csr);
    return 0;
}
