/* CEF -> detection, with the keys of Trend Micro Deep Discovery Inspector.
 *
 *   CEF:0|Trend Micro|Deep Discovery Inspector|6.7.1052|20|Malware URL \| requested|6|key=value ...
 *
 * Header fields escape | and \ with a backslash, extension values escape = and \ and line ends.
 * Values hold blanks, so a value ends where the next "key=" begins.  An address family per key:
 * src/dst carry IPv4, c6a2/c6a3 IPv6; the host to act on is sourceTranslatedAddress or c6a1
 * ("Interested IP"). */
#include "intake/line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"

#define TIME_MAX_MS 4102444800000 /* the year 2100: later is a mistake */
#define CEF_HEADER_FIELDS 7
#define CEF_KEYS_MAX 128
#define CEF_KEY_SIZE 48
#define CEF_VALUE_SIZE 1024

struct span {
    const char *at;
    size_t size;
};

struct cef {
    struct span header[CEF_HEADER_FIELDS]; /* version, vendor, product, version, id, name, sev. */
    struct span keys[CEF_KEYS_MAX];
    struct span values[CEF_KEYS_MAX];
    size_t count;
};

/* The header field from 'at' up to the next bare '|'; moves '*at' behind it. */
static bool
header_take(const char **at, const char *end, struct span *field)
{
    const char *p = *at;
    while (p < end && *p != '|') {
        p += *p == '\\' && p + 1 < end ? 2 : 1;
    }
    if (p >= end) {
        return false;
    }
    *field = (struct span){.at = *at, .size = (size_t)(p - *at)};
    *at = p + 1;
    return true;
}

static bool
is_key_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-' || c == '[' || c == ']';
}

/* Where the key before an '=' at 'equals' begins; NULL where it is no key: an escaped '=', or text
 * that does not follow a blank or the start. */
static const char *
key_start(const char *from, const char *equals)
{
    const char *p = equals;
    while (p > from && is_key_character(p[-1])) {
        p--;
    }
    bool follows_blank = p == from || p[-1] == ' ' || p[-1] == '\t';
    return p < equals && equals - p < CEF_KEY_SIZE && follows_blank ? p : NULL;
}

/* The next "key=" in [from, end); false: none. */
static bool
key_find(const char *from, const char *end, struct span *key)
{
    for (const char *p = from; p < end; p++) {
        if (*p == '\\') {
            p++;
            continue;
        }
        const char *start = *p == '=' ? key_start(from, p) : NULL;
        if (start) {
            *key = (struct span){.at = start, .size = (size_t)(p - start)};
            return true;
        }
    }
    return false;
}

static bool
extension_split(const char *at, const char *end, struct cef *cef)
{
    struct span key;
    bool is_found = key_find(at, end, &key);
    while (is_found) {
        const char *value = key.at + key.size + 1;
        struct span next;
        is_found = key_find(value, end, &next);
        const char *stop = is_found ? next.at : end;
        while (stop > value && (stop[-1] == ' ' || stop[-1] == '\t')) {
            stop--;
        }
        if (cef->count == CEF_KEYS_MAX) {
            return false;
        }
        cef->keys[cef->count] = key;
        cef->values[cef->count++] = (struct span){.at = value, .size = (size_t)(stop - value)};
        key = next;
    }
    return true;
}

/* Copies without the escapes; too long is marked by line_put. */
static void
unescape(const struct span *from, char *to, size_t to_size)
{
    char plain[CEF_VALUE_SIZE * 2];
    size_t used = 0;
    for (size_t i = 0; i < from->size && used < sizeof(plain); i++) {
        char c = from->at[i];
        if (c == '\\' && i + 1 < from->size) {
            c = from->at[++i];
            c = c == 'n' || c == 'r' ? ' ' : c;
        }
        plain[used++] = c;
    }
    line_put(to, to_size, plain, used);
}

static const struct span *
value_of(const struct cef *cef, const char *key)
{
    size_t size = strlen(key);
    for (size_t i = 0; i < cef->count; i++) {
        if (cef->keys[i].size == size && memcmp(cef->keys[i].at, key, size) == 0) {
            return &cef->values[i];
        }
    }
    return NULL;
}

static void
text_of(const struct cef *cef, const char *key, char *to, size_t to_size)
{
    const struct span *value = value_of(cef, key);
    to[0] = '\0';
    if (value) {
        unescape(value, to, to_size);
    }
}

static unsigned long
number_of(const struct cef *cef, const char *key)
{
    char text[24];
    text_of(cef, key, text, sizeof(text));
    return strtoul(text, NULL, 10);
}

/* 0 for what no port can be. */
static uint16_t
port_of(const struct cef *cef, const char *key)
{
    unsigned long port = number_of(cef, key);
    return port <= 65535 ? (uint16_t)port : 0;
}

/* Every maker gives cn1, cs6, flexNumber1 and their like a meaning of its own, by "KEYLabel". */
static bool
is_labelled(const struct cef *cef, const char *label_key, const char *label)
{
    char text[NAME_SIZE];
    text_of(cef, label_key, text, sizeof(text));
    return strcasecmp(text, label) == 0;
}

/* The first of two keys (IPv4, IPv6) that holds an address. */
static bool
ip_of(const struct cef *cef, const char *v4, const char *v6, struct ip *ip)
{
    char text[IP_TEXT_SIZE + 2];
    text_of(cef, v4, text, sizeof(text));
    if (text[0] && ip_parse(text, ip)) {
        return true;
    }
    text_of(cef, v6, text, sizeof(text));
    return text[0] && ip_parse(text, ip);
}

static void
mac_of(const struct cef *cef, const char *key, struct mac *mac)
{
    char text[MAC_TEXT_SIZE + 2];
    struct mac found;
    text_of(cef, key, text, sizeof(text));
    if (mac_parse(text, &found)) {
        *mac = found;
    }
}

/* "Mar 09 2015 17:05:21 GMT+08:00", or milliseconds since 1970; 0: neither. */
static int64_t
time_of(const char *text)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%b %d %Y %H:%M:%S", &tm);
    if (!rest) {
        char *end;
        long long milliseconds = strtoll(text, &end, 10);
        bool is_number = end != text && *end == '\0';
        return is_number && milliseconds > 0 && milliseconds < TIME_MAX_MS ? milliseconds * 1000
                                                                           : 0;
    }
    int hours = 0, minutes = 0;
    char sign = '+';
    if (sscanf(rest, " GMT%c%2d:%2d", &sign, &hours, &minutes) < 1) {
        sign = '+';
    }
    int64_t offset_s = (hours * 60 + minutes) * (sign == '-' ? -60 : 60);
    int64_t seconds = (int64_t)timegm(&tm) - offset_s;
    return seconds > 0 && seconds < TIME_MAX_MS / 1000 ? seconds * 1000000 : 0;
}

static enum phase
phase_of(const struct cef *cef)
{
    static const struct {
        const char *part;
        enum phase phase;
    } known[] = {
        {"Intelligence Gathering", PHASE_INTELLIGENCE_GATHERING},
        {"Point of Entry", PHASE_POINT_OF_ENTRY},
        {"Command and Control", PHASE_C2},
        {"C&C", PHASE_C2},
        {"Lateral Movement", PHASE_LATERAL_MOVEMENT},
        {"Discovery", PHASE_DISCOVERY},
        {"Exfiltration", PHASE_EXFILTRATION},
    };
    char text[NAME_SIZE];
    bool is_custom = is_labelled(cef, "cs6Label", "pAttackPhase");
    text_of(cef, is_custom ? "cs6" : "pAttackPhase", text, sizeof(text));
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (strcasestr(text, known[i].part)) {
            return known[i].phase;
        }
    }
    bool is_callback = is_labelled(cef, "cn1Label", "CCCA_Detection") && number_of(cef, "cn1") == 1;
    return is_callback ? PHASE_C2 : PHASE_UNKNOWN;
}

/* Deep Discovery uses 2, 4, 6, 8; CEF has 0 to 10 or words. */
static enum severity
severity_of(const struct span *field)
{
    static const char *const words[] = {"Low", "Medium", "High", "Very-High"};
    static const enum severity meant[] = {SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH,
                                          SEVERITY_HIGH};
    char text[16];
    unescape(field, text, sizeof(text));
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (strcasecmp(text, words[i]) == 0) {
            return meant[i];
        }
    }
    unsigned long number = strtoul(text, NULL, 10);
    return number >= 8   ? SEVERITY_HIGH
           : number >= 6 ? SEVERITY_MEDIUM
           : number >= 4 ? SEVERITY_LOW
                         : SEVERITY_INFO;
}

/* deviceDirection 0: the source is outside; src is then the server that answered. */
static void
peers_parse(const struct cef *cef, bool with_macs, struct detection *detection)
{
    struct peer *src = &detection->src, *dst = &detection->dst;
    (void)!ip_of(cef, "src", "c6a2", &src->ip);
    (void)!ip_of(cef, "dst", "c6a3", &dst->ip);
    src->port = port_of(cef, "spt");
    dst->port = port_of(cef, "dpt");
    text_of(cef, "shost", src->host, sizeof(src->host));
    text_of(cef, "dhost", dst->host, sizeof(dst->host));
    (void)!ip_of(cef, "sourceTranslatedAddress", "c6a1", &detection->interested_ip);
    if (with_macs) {
        mac_of(cef, "smac", &src->mac);
        mac_of(cef, "dmac", &dst->mac);
        mac_of(cef, "interestedMacAddress", &detection->interested_mac);
    }
    if (!ip_is_none(&detection->interested_ip)) {
        detection->suspect = ip_is_equal(&detection->interested_ip, &src->ip)   ? PARTY_SRC
                             : ip_is_equal(&detection->interested_ip, &dst->ip) ? PARTY_DST
                                                                                : PARTY_UNSAID;
    }
}

static void
server_parse(const struct cef *cef, struct detection *detection)
{
    text_of(cef, "request", detection->url, sizeof(detection->url));
    bool is_dst = detection->suspect != PARTY_DST;
    const char *host = is_dst ? detection->dst.host : detection->src.host;
    line_put(detection->server_name, sizeof(detection->server_name), host, strlen(host));
    line_put(detection->indicator, sizeof(detection->indicator), detection->url,
             strlen(detection->url));
}

static enum line_result
fields_parse(const struct cef *cef, bool with_macs, struct detection *detection,
             char why[NAME_SIZE])
{
    peers_parse(cef, with_macs, detection);
    if (ip_is_none(&detection->src.ip) && ip_is_none(&detection->dst.ip) &&
        ip_is_none(&detection->interested_ip)) {
        snprintf(why, NAME_SIZE, "no address in the line");
        return LINE_REFUSED;
    }
    char text[NAME_SIZE];
    text_of(cef, "rt", text, sizeof(text));
    detection->seen_us = time_of(text);
    unescape(&cef->header[2], text, sizeof(text));
    bool is_ddi = strstr(text, "Deep Discovery") != NULL;
    line_put(detection->maker, sizeof(detection->maker), is_ddi ? "deep-discovery" : text,
             is_ddi ? strlen("deep-discovery") : strlen(text));
    unescape(&cef->header[4], text, sizeof(text));
    detection->signature_id = strtoul(text, NULL, 10) & 0xffffffff;
    unescape(&cef->header[5], detection->signature, sizeof(detection->signature));
    text_of(cef, "cat", detection->category, sizeof(detection->category));
    detection->severity = severity_of(&cef->header[6]);
    detection->phase = phase_of(cef);
    text_of(cef, "proto", text, sizeof(text));
    detection->protocol = line_protocol(text);
    bool has_vlan = is_labelled(cef, "flexNumber1Label", "vLANId");
    unsigned long vlan = has_vlan ? number_of(cef, "flexNumber1") : 0;
    detection->vlan = vlan > 0 && vlan < 4095 ? (uint16_t)vlan : 0;
    unsigned long count = number_of(cef, "cnt");
    detection->count = count > 0 && count < 0xffffffff ? (uint32_t)count : 1;
    server_parse(cef, detection);
    return LINE_DETECTION;
}

enum line_result
cef_parse(const char *line, size_t size, bool with_macs, struct detection *detection,
          char why[NAME_SIZE])
{
    static const char start[] = "CEF:";
    const char *end = line + size;
    const char *at = memmem(line, size, start, sizeof(start) - 1);
    struct cef cef = {.count = 0};
    if (!at) {
        snprintf(why, NAME_SIZE, "no CEF header");
        return LINE_REFUSED;
    }
    for (size_t i = 0; i < CEF_HEADER_FIELDS; i++) {
        if (!header_take(&at, end, &cef.header[i])) {
            snprintf(why, NAME_SIZE, "CEF header has fewer than 7 fields");
            return LINE_REFUSED;
        }
    }
    if (!extension_split(at, end, &cef)) {
        snprintf(why, NAME_SIZE, "more than %d CEF keys", CEF_KEYS_MAX);
        return LINE_REFUSED;
    }
    return fields_parse(&cef, with_macs, detection, why);
}
