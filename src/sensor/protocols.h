/* Application protocols, as far as detectors need them.  Each parser is pure and bounded. */
#ifndef CORDON_SENSOR_PROTOCOLS_H
#define CORDON_SENSOR_PROTOCOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/addr.h"
#include "model/text.h"

enum application {
    APPLICATION_UNKNOWN,
    APPLICATION_HTTP,
    APPLICATION_TLS,
    APPLICATION_DNS,
    APPLICATION_OTHER
};
extern const char *const application_names[]; /* as in EVE's app_proto; NULL: none */

#define DNS_ADDRESSES_MAX 16
struct dns_message { /* RFC 1035 */
    bool is_answer;
    uint8_t code;
    char name[HOST_SIZE]; /* of the question, lower case */
    uint16_t type;
    struct ip addresses[DNS_ADDRESSES_MAX]; /* of A and AAAA answers */
    uint32_t ttl_s[DNS_ADDRESSES_MAX];
    size_t address_count;
};
bool dns_parse(const uint8_t *bytes, size_t size, struct dns_message *message);

struct http_request { /* RFC 9112; HTTP/1 only */
    char method[16];
    char host[HOST_SIZE]; /* lower case, without the port */
    char path[URL_SIZE];  /* as sent: origin form, or absolute */
    char user_agent[HOST_SIZE];
};
enum parsed { PARSED_NO, PARSED_MORE, PARSED_YES };
/* The head of a request; MORE: it may become one with more bytes. */
enum parsed http_parse(const uint8_t *bytes, size_t size, struct http_request *request);

struct tls_hello {       /* RFC 8446 4.1.2 */
    char sni[HOST_SIZE]; /* lower case; "" without one */
    char ja3[33];        /* MD5, hex */
    char ja4[40];
    uint16_t version; /* the highest offered */
};
enum parsed tls_parse(const uint8_t *bytes, size_t size, struct tls_hello *hello);

#endif
