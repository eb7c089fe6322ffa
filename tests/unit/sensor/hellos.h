/* TLS ClientHellos for tests. */
#ifndef CORDON_TESTS_SENSOR_HELLOS_H
#define CORDON_TESTS_SENSOR_HELLOS_H

#include <stddef.h>
#include <stdint.h>

struct hello_lists { /* each ends with -1; NULL: the extension is not there */
    uint16_t version;
    const int *ciphers;
    const int *extensions; /* in this order; contents from the lists below, else empty */
    const int *groups, *formats, *signatures, *versions;
    const char *sni, *alpn; /* alpn: several, each with its length before it */
};

/* As records of at most 'record' bytes; the size of all. */
size_t hello_make(const struct hello_lists *lists, size_t record, uint8_t out[4096]);

/* Chrome's, as in the description of JA4, with GREASE, and what its fingerprint is. */
extern const struct hello_lists hello_chrome;
#define HELLO_CHROME_JA4 "t13d1516h2_8daaf6152771_e5627efa2ab1"
/* The two of the description of JA3. */
extern const struct hello_lists hello_ja3_full, hello_ja3_bare;
#define HELLO_JA3_FULL "ada70206e40642a3e4461f35503241d5"
#define HELLO_JA3_BARE "de350869b8c85de67a350c8d186f11e6"

#endif
