#include "model/addr.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t v4_start[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool
mac_is_none(const struct mac *mac)
{
    static const struct mac none;
    return memcmp(mac, &none, sizeof(none)) == 0;
}

bool
mac_is_equal(const struct mac *a, const struct mac *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

bool
mac_is_group(const struct mac *mac)
{
    return mac->b[0] & 1;
}

bool
mac_is_virtual_router(const struct mac *mac)
{
    static const struct {
        uint8_t bytes[5];
        size_t size;
    } starts[] = {
        {{0x00, 0x00, 0x5e, 0x00, 0x01}, 5}, /* VRRP IPv4, RFC 9568 */
        {{0x00, 0x00, 0x5e, 0x00, 0x02}, 5}, /* VRRP IPv6 */
        {{0x00, 0x00, 0x0c, 0x07, 0xac}, 5}, /* HSRP version 1 */
    };
    for (size_t i = 0; i < COUNT_OF(starts); i++) {
        if (memcmp(mac->b, starts[i].bytes, starts[i].size) == 0) {
            return true;
        }
    }
    static const uint8_t hsrp2[4] = {0x00, 0x00, 0x0c, 0x9f}; /* then f0:00 to ff:ff */
    return memcmp(mac->b, hsrp2, sizeof(hsrp2)) == 0 && (mac->b[4] & 0xf0) == 0xf0;
}

void
mac_format(const struct mac *mac, char text[MAC_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof(mac->b); i++) { /* searches write tens of thousands */
        text[i * 3] = digits[mac->b[i] >> 4];
        text[i * 3 + 1] = digits[mac->b[i] & 15];
        text[i * 3 + 2] = i + 1 < sizeof(mac->b) ? ':' : '\0';
    }
}

/* The separator may stand after each byte (: -), after each two (.), or nowhere. */
bool
mac_parse(const char *text, struct mac *mac)
{
    size_t size = strlen(text);
    char separator = size == 17 ? text[2] : size == 14 ? '.' : '\0';
    size_t every = size == 17 ? 2 : 4;
    if ((size == 17 && separator != ':' && separator != '-') ||
        (size != 17 && size != 14 && size != 12)) {
        return false;
    }
    struct mac read = {{0}};
    size_t digits = 0;
    for (const char *at = text; *at; at++) {
        bool is_between = digits > 0 && digits < 12 && digits % every == 0;
        if (separator && is_between && *at == separator && at[-1] != separator) {
            continue;
        }
        if (!isxdigit((unsigned char)*at) || digits == 12) {
            return false;
        }
        char low = (char)(*at | 0x20); /* letters small, digits as they are */
        unsigned nibble = (unsigned)(low <= '9' ? low - '0' : low - 'a' + 10);
        read.b[digits / 2] = (uint8_t)((unsigned)read.b[digits / 2] << 4 | nibble);
        digits++;
    }
    if (digits != 12) {
        return false;
    }
    *mac = read;
    return true;
}

bool
ip_is_none(const struct ip *ip)
{
    static const struct ip none;
    return memcmp(ip, &none, sizeof(none)) == 0;
}

bool
ip_is_equal(const struct ip *a, const struct ip *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

bool
ip_is_v4(const struct ip *ip)
{
    return memcmp(ip->b, v4_start, sizeof(v4_start)) == 0;
}

bool
ip_is_link_local(const struct ip *ip)
{
    return ip_is_v4(ip) ? ip->b[12] == 169 && ip->b[13] == 254
                        : ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80;
}

bool
ip_is_group(const struct ip *ip)
{
    static const uint8_t broadcast[4] = {255, 255, 255, 255};
    return ip_is_v4(ip) ? (ip->b[12] & 0xf0) == 0xe0 || memcmp(ip->b + 12, broadcast, 4) == 0
                        : ip->b[0] == 0xff;
}

struct ip
ip_from_v4(const uint8_t bytes[4])
{
    struct ip ip;
    memcpy(ip.b, v4_start, sizeof(v4_start));
    memcpy(ip.b + 12, bytes, 4);
    return ip;
}

struct ip
ip_from_v6(const uint8_t bytes[16])
{
    struct ip ip;
    memcpy(ip.b, bytes, sizeof(ip.b));
    return ip;
}

static char *
decimal_put(char *to, unsigned value)
{
    if (value >= 100) {
        *to++ = (char)('0' + value / 100);
    }
    if (value >= 10) {
        *to++ = (char)('0' + value / 10 % 10);
    }
    *to++ = (char)('0' + value % 10);
    return to;
}

static void
dotted_put(char *text, const uint8_t b[4])
{
    for (size_t i = 0; i < 4; i++) {
        text = decimal_put(text, b[i]);
        *text++ = i < 3 ? '.' : '\0';
    }
}

static char *
group_put(char *text, unsigned group)
{
    static const char digits[] = "0123456789abcdef";
    for (int shift = 12; shift >= 0; shift -= 4) {
        if (group >> shift || shift == 0) {
            *text++ = digits[group >> shift & 15];
        }
    }
    return text;
}

/* RFC 5952, as inet_ntop() writes it, which takes eight times as long: the rules of a large site
 * hold many. */
static void
ip6_put(char *text, const uint8_t b[16])
{
    size_t zeros_at = 8, zeros = 1; /* the longest run of two or more, the first of several */
    for (size_t i = 0, run = 0; i < 8; i++) {
        run = b[2 * i] || b[2 * i + 1] ? 0 : run + 1;
        if (run > zeros) {
            zeros = run;
            zeros_at = i + 1 - run;
        }
    }
    for (size_t i = 0; i < 8; i++) {
        if (i == zeros_at) {
            *text++ = ':';
            i += zeros - 1;
            if (i == 7) {
                *text++ = ':';
            }
            continue;
        }
        if (i > 0) {
            *text++ = ':';
        }
        if (i == 6 && zeros_at == 0 && zeros == 6) {
            dotted_put(text, b + 12);
            return;
        }
        text = group_put(text, (unsigned)b[2 * i] << 8 | b[2 * i + 1]);
    }
    *text = '\0';
}

void
ip_format(const struct ip *ip, char text[IP_TEXT_SIZE])
{
    if (ip_is_v4(ip)) {
        dotted_put(text, ip->b + 12);
    } else {
        ip6_put(text, ip->b);
    }
}

bool
ip_parse(const char *text, struct ip *ip)
{
    uint8_t bytes[16];
    if (inet_pton(AF_INET, text, bytes) == 1) {
        *ip = ip_from_v4(bytes);
        return true;
    }
    if (inet_pton(AF_INET6, text, bytes) == 1) {
        *ip = ip_from_v6(bytes);
        return true;
    }
    return false;
}

bool
prefix_is_none(const struct prefix *prefix)
{
    return prefix->length == 0 && ip_is_none(&prefix->ip);
}

/* Are the first 'bits' of both equal? */
static bool
is_equal_for(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8;
    uint8_t mask = (uint8_t)(0xff00u >> (bits % 8));
    return memcmp(a, b, whole) == 0 && (bits % 8 == 0 || ((a[whole] ^ b[whole]) & mask) == 0);
}

bool
prefix_has(const struct prefix *prefix, const struct ip *ip)
{
    return !prefix_is_none(prefix) && is_equal_for(prefix->ip.b, ip->b, prefix->length);
}

void
prefix_format(const struct prefix *prefix, char text[PREFIX_TEXT_SIZE])
{
    char ip[IP_TEXT_SIZE];
    ip_format(&prefix->ip, ip);
    if (prefix->length == 128) {
        snprintf(text, PREFIX_TEXT_SIZE, "%s", ip);
        return;
    }
    unsigned before = ip_is_v4(&prefix->ip) && prefix->length >= 96 ? 96 : 0;
    snprintf(text, PREFIX_TEXT_SIZE, "%s/%u", ip, prefix->length - before);
}

bool
prefix_parse(const char *text, struct prefix *prefix)
{
    char ip_text[IP_TEXT_SIZE];
    const char *slash = strchr(text, '/');
    size_t size = slash ? (size_t)(slash - text) : strlen(text);
    if (size >= sizeof(ip_text)) {
        return false;
    }
    memcpy(ip_text, text, size);
    ip_text[size] = '\0';
    struct prefix read = {.length = 128};
    if (!ip_parse(ip_text, &read.ip)) {
        return false;
    }
    if (slash) {
        char *end;
        unsigned most = ip_is_v4(&read.ip) ? 32 : 128;
        unsigned long length = strtoul(slash + 1, &end, 10);
        if (!isdigit((unsigned char)slash[1]) || *end || length > most) {
            return false;
        }
        read.length = (uint8_t)(length + 128 - most);
    }
    struct ip masked = {{0}};
    memcpy(masked.b, read.ip.b, read.length / 8);
    if (read.length % 8) {
        masked.b[read.length / 8] =
            (uint8_t)(read.ip.b[read.length / 8] & (0xff00u >> (read.length % 8)));
    }
    if (!ip_is_equal(&masked, &read.ip) || prefix_is_none(&read)) {
        return false;
    }
    *prefix = read;
    return true;
}
