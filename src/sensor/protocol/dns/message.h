/* DNS messages (RFC 1035): the question, and the addresses of the answer. */
#ifndef CORDON_SENSOR_PROTOCOL_DNS_MESSAGE_H
#define CORDON_SENSOR_PROTOCOL_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/addr.h"
#include "model/text.h"

#define DNS_ADDRESSES_MAX 16

struct dns_message {
    bool is_answer;
    uint8_t code;
    char name[HOST_SIZE]; /* of the question, lower case */
    uint16_t type;
    struct ip addresses[DNS_ADDRESSES_MAX]; /* of A and AAAA answers */
    uint32_t ttl_s[DNS_ADDRESSES_MAX];
    size_t address_count;
};

extern const struct protocol protocol_dns; /* tells of messages */

bool dns_parse(const uint8_t *bytes, size_t size, struct dns_message *message);

#endif
