/* Lines as other makers' products write them, with documentation addresses. */
#ifndef CORDON_TESTS_INTAKE_LINES_H
#define CORDON_TESTS_INTAKE_LINES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "intake/line.h"

#define NOW_US 1800000000000000LL  /* 2027-01-15 */
#define SEEN_US 1741489104532140LL /* 2025-03-09T02:58:24.532140Z */

#define EVE_ENDS                                                                                   \
    "\"src_ip\":\"203.0.113.80\",\"src_port\":80,\"dest_ip\":\"192.0.2.101\",\"dest_port\":49175," \
    "\"proto\":\"TCP\""
#define EVE_START "{\"timestamp\":\"2025-03-09T11:58:24.532140+0900\",\"flow_id\":1676750115612680,"
#define EVE_ALERT                                                                                  \
    EVE_START                                                                                      \
    "\"event_type\":\"alert\",\"vlan\":[10]," EVE_ENDS                                             \
    ",\"ether\":{\"src_mac\":\"02:00:00:00:00:fe\",\"dest_mac\":\"02:00:00:00:01:01\"},"           \
    "\"alert\":{\"action\":\"allowed\",\"gid\":1,\"signature_id\":9000001,\"rev\":1,"              \
    "\"signature\":\"EXAMPLE response\",\"category\":\"A Network Trojan was detected\","           \
    "\"severity\":1,\"metadata\":{\"attack_target\":[\"Client_Endpoint\"],"                        \
    "\"confidence\":[\"High\"],\"mitre_tactic_id\":[\"TA0010\"],"                                  \
    "\"mitre_technique_id\":[\"T1041\",\"T1071_001\",\"nonsense\"]}},"                             \
    "\"http\":{\"hostname\":\"c2.example.net\",\"url\":\"/a?x=1\"},"                               \
    "\"direction\":\"to_client\",\"flow\":{\"start\":\"2025-03-09T11:58:20.324862+0900\","         \
    "\"src_ip\":\"192.0.2.101\",\"dest_ip\":\"203.0.113.80\"}}"
#define EVE_BARE                                                                                   \
    EVE_START "\"event_type\":\"alert\"," EVE_ENDS                                                 \
              ",\"alert\":{\"signature\":\"EXAMPLE\",\"signature_id\":7,\"severity\":3}}"

#define CEF_HEADER "CEF:0|Trend Micro|Deep Discovery Inspector|6.7.1052|"
#define CEF_ENDS                                                                                   \
    "shost=pc-101 src=192.0.2.101 spt=12121 smac=02:00:00:00:01:01 dhost=c2.example.net "          \
    "dst=203.0.113.80 dpt=80 dmac=02:00:00:00:00:fe "
#define CEF_CALLBACK                                                                               \
    CEF_HEADER "20|Malware URL requested \\| type 1|8|rt=Mar 09 2025 11:58:24 GMT+09:00 "          \
               "dvc=192.0.2.10 deviceDirection=1 " CEF_ENDS                                        \
               "proto=TCP flexNumber1Label=vLANId flexNumber1=10 cn1Label=CCCA_Detection cn1=1 "   \
               "cs6Label=pAttackPhase cs6=Command and Control Communication cat=Callback "         \
               "act=not blocked cnt=3 request=http://c2.example.net/a/setting.doc?x\\=1 "          \
               "sourceTranslatedAddress=192.0.2.101 destinationTranslatedAddress=203.0.113.80"

static inline enum line_result
parse_size(enum line_format format, const char *line, size_t size, bool adjacent,
           struct detection *detection, char why[NAME_SIZE])
{
    const struct line_source source = {
        .name = "ids", .strength = STRENGTH_WEAK, .confidence = 55, .adjacent = adjacent};
    /* A copy of its own size, so that the address sanitizer sees every byte read beyond. */
    char *copy = calloc(1, size ? size : 1);
    memcpy(copy, line, size);
    enum line_result result = line_parse(format, copy, size, &source, NOW_US, detection, why);
    free(copy);
    return result;
}

static inline enum line_result
parse(enum line_format format, const char *line, struct detection *detection, char why[NAME_SIZE])
{
    return parse_size(format, line, strlen(line), true, detection, why);
}

/* What the line is refused (or ignored) for. */
#define assert_fate(format, line, expected, reason)                                                \
    do {                                                                                           \
        struct detection found_;                                                                   \
        char why_[NAME_SIZE];                                                                      \
        assert_int_equal(parse(format, line, &found_, why_), expected);                            \
        assert_string_equal(why_, reason);                                                         \
    } while (0)

static inline void
assert_ip(const struct ip *ip, const char *expected)
{
    char text[IP_TEXT_SIZE];
    ip_format(ip, text);
    assert_string_equal(text, expected);
}

static inline void
assert_mac(const struct mac *mac, const char *expected)
{
    char text[MAC_TEXT_SIZE];
    mac_format(mac, text);
    assert_string_equal(text, expected);
}

#define ALERT_SIZE 512

/* An alert that differs from all others by 'number' (from 1); with the line end. */
static inline size_t
alert_write(char line[ALERT_SIZE], unsigned number)
{
    return (size_t)snprintf(line, ALERT_SIZE,
                            EVE_START "\"event_type\":\"alert\"," EVE_ENDS
                                      ",\"alert\":{\"signature\":\"EXAMPLE\","
                                      "\"signature_id\":%u,\"severity\":3}}\n",
                            number);
}

#endif
