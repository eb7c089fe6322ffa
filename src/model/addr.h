/* MAC and IP addresses and prefixes as plain values.  One kind of IP: 16 bytes, IPv4 as
 * ::ffff:a.b.c.d (RFC 4291 2.5.5.2), so that every table and comparison handles both families.
 * All-zero means "none" in every model struct. */
#ifndef CORDON_MODEL_ADDR_H
#define CORDON_MODEL_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"

struct mac {
    uint8_t b[6];
};

struct ip {
    uint8_t b[16];
};

/* 'length' counts in the 128-bit form: an IPv4 /24 has 120.  A host route has 128. */
struct prefix {
    struct ip ip;
    uint8_t length;
};

#define MAC_TEXT_SIZE 18    /* 02:00:00:00:01:01 */
#define IP_TEXT_SIZE 46     /* INET6_ADDRSTRLEN */
#define PREFIX_TEXT_SIZE 50 /* 2001:db8::/32, 192.0.2.0/24; host routes without a length */

bool mac_is_none(const struct mac *mac);
bool mac_is_equal(const struct mac *a, const struct mac *b);
/* Group bit set: multicast or broadcast. */
bool mac_is_group(const struct mac *mac);
/* VRRP 00:00:5e:00:01/02, HSRP 00:00:0c:07:ac, 00:00:0c:9f:f: a router's, never an endpoint's. */
bool mac_is_virtual_router(const struct mac *mac);
void mac_format(const struct mac *mac, char text[MAC_TEXT_SIZE]);
/* Colons, hyphens, dotted triples or twelve bare digits. */
bool mac_parse(const char *text, struct mac *mac) MUST_CHECK;

bool ip_is_none(const struct ip *ip);
bool ip_is_equal(const struct ip *a, const struct ip *b);
bool ip_is_v4(const struct ip *ip);
/* fe80::/10 or 169.254/16. */
bool ip_is_link_local(const struct ip *ip);
/* Multicast, or 255.255.255.255. */
bool ip_is_group(const struct ip *ip);
struct ip ip_from_v4(const uint8_t bytes[4]);
struct ip ip_from_v6(const uint8_t bytes[16]);
/* Dotted quad for IPv4, RFC 5952 for IPv6. */
void ip_format(const struct ip *ip, char text[IP_TEXT_SIZE]);
bool ip_parse(const char *text, struct ip *ip) MUST_CHECK;

bool prefix_is_none(const struct prefix *prefix);
bool prefix_has(const struct prefix *prefix, const struct ip *ip);
void prefix_format(const struct prefix *prefix, char text[PREFIX_TEXT_SIZE]);
/* "192.0.2.0/24", "2001:db8::/32", or a bare address (a host route).  Host bits set: refused.
 * So is "::/0", which has the form of "none": taken, it would mean nobody where all was meant. */
bool prefix_parse(const char *text, struct prefix *prefix) MUST_CHECK;

#endif
