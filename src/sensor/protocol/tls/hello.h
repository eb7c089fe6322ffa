/* TLS ClientHello (RFC 8446 4.1.2) and its fingerprints: JA3 (MD5 over version, ciphers,
 * extensions, curves, point formats; GREASE of RFC 8701 left out) and JA4 (sorted, so that browsers
 * that shuffle their extensions keep theirs). */
#ifndef CORDON_SENSOR_PROTOCOL_TLS_HELLO_H
#define CORDON_SENSOR_PROTOCOL_TLS_HELLO_H

#include "model/text.h"
#include "sensor/protocol.h"

struct tls_hello {
    char sni[HOST_SIZE]; /* lower case; "" without one */
    char ja3[33];        /* MD5, hex */
    char ja4[40];
    uint16_t version; /* the highest offered */
};

extern const struct protocol protocol_tls; /* tells of hellos */

enum parsed tls_parse(const uint8_t *bytes, size_t size, struct tls_hello *hello);

#endif
