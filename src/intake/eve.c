/* Suricata EVE JSON, event_type "alert" -> detection.
 *
 * The alert's src_ip is the sender of the packet that matched, which may be the outside server; the
 * flow record says who opened the connection, so src and dst are turned to that.  Hints which end
 * is ours, best first: the rule's `target` keyword (alert.target), metadata attack_target. */
#include "intake/line.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "intake/pick.h"

#define SHORT_SIZE 64 /* addresses, times, words: what is longer is none of them */

enum place {
    TIMESTAMP,
    EVENT_TYPE,
    SRC_IP,
    SRC_PORT,
    DEST_IP,
    DEST_PORT,
    PROTO,
    VLAN,
    DIRECTION,
    ETHER,
    SRC_MAC,
    DEST_MAC,
    ALERT,
    SIGNATURE,
    CATEGORY,
    SIGNATURE_ID,
    SEVERITY,
    METADATA,
    DECLARED_SEVERITY,
    CONFIDENCE,
    TACTIC,
    TECHNIQUES,
    ATTACK_TARGET,
    TARGET,
    TARGET_IP,
    SOURCE,
    SOURCE_IP,
    FLOW,
    FLOW_SRC_IP,
    FLOW_START,
    HTTP,
    HOSTNAME,
    URL,
    HTTP_XFF,
    XFF,
    TLS,
    SNI,
    JA4,
    JA3,
    JA3_HASH,
    DNS,
    QUERY,
    RRNAME,
    PLACE_COUNT
};

static const struct pick_want ether_table[] = {
    PICK_WANT("src_mac", SRC_MAC, NULL),
    PICK_WANT("dest_mac", DEST_MAC, NULL),
};
static const struct pick_wants ether_wants = PICK_WANTS(ether_table);

/* Suricata's metadata is always a list of texts per key. */
static const struct pick_want metadata_table[] = {
    PICK_WANT("signature_severity", DECLARED_SEVERITY, NULL),
    PICK_WANT("confidence", CONFIDENCE, NULL),
    PICK_WANT("mitre_tactic_id", TACTIC, NULL),
    PICK_WANT("mitre_technique_id", TECHNIQUES, NULL),
    PICK_WANT("attack_target", ATTACK_TARGET, NULL),
};
static const struct pick_wants metadata_wants = PICK_WANTS(metadata_table);

static const struct pick_want target_table[] = {PICK_WANT("ip", TARGET_IP, NULL)};
static const struct pick_wants target_wants = PICK_WANTS(target_table);
static const struct pick_want source_table[] = {PICK_WANT("ip", SOURCE_IP, NULL)};
static const struct pick_wants source_wants = PICK_WANTS(source_table);

static const struct pick_want alert_table[] = {
    PICK_WANT("signature", SIGNATURE, NULL),          PICK_WANT("category", CATEGORY, NULL),
    PICK_WANT("signature_id", SIGNATURE_ID, NULL),    PICK_WANT("severity", SEVERITY, NULL),
    PICK_WANT("metadata", METADATA, &metadata_wants), PICK_WANT("target", TARGET, &target_wants),
    PICK_WANT("source", SOURCE, &source_wants),
};
static const struct pick_wants alert_wants = PICK_WANTS(alert_table);

static const struct pick_want flow_table[] = {
    PICK_WANT("src_ip", FLOW_SRC_IP, NULL),
    PICK_WANT("start", FLOW_START, NULL),
};
static const struct pick_wants flow_wants = PICK_WANTS(flow_table);

static const struct pick_want http_table[] = {
    PICK_WANT("hostname", HOSTNAME, NULL),
    PICK_WANT("url", URL, NULL),
    PICK_WANT("xff", HTTP_XFF, NULL),
};
static const struct pick_wants http_wants = PICK_WANTS(http_table);

static const struct pick_want ja3_table[] = {PICK_WANT("hash", JA3_HASH, NULL)};
static const struct pick_wants ja3_wants = PICK_WANTS(ja3_table);
static const struct pick_want tls_table[] = {
    PICK_WANT("sni", SNI, NULL),
    PICK_WANT("ja4", JA4, NULL),
    PICK_WANT("ja3", JA3, &ja3_wants),
};
static const struct pick_wants tls_wants = PICK_WANTS(tls_table);

/* Of the record itself, or of each query in it (Suricata 7). */
static const struct pick_want rrname_table[] = {PICK_WANT("rrname", RRNAME, NULL)};
static const struct pick_wants rrname_wants = PICK_WANTS(rrname_table);
static const struct pick_want dns_table[] = {
    PICK_WANT("query", QUERY, NULL),
    PICK_WANT("rrname", RRNAME, NULL),
};
static const struct pick_wants dns_wants = PICK_WANTS(dns_table);

static const struct pick_want root_table[] = {
    PICK_WANT("timestamp", TIMESTAMP, NULL), PICK_WANT("event_type", EVENT_TYPE, NULL),
    PICK_WANT("src_ip", SRC_IP, NULL),       PICK_WANT("src_port", SRC_PORT, NULL),
    PICK_WANT("dest_ip", DEST_IP, NULL),     PICK_WANT("dest_port", DEST_PORT, NULL),
    PICK_WANT("proto", PROTO, NULL),         PICK_WANT("vlan", VLAN, NULL),
    PICK_WANT("direction", DIRECTION, NULL), PICK_WANT("ether", ETHER, &ether_wants),
    PICK_WANT("alert", ALERT, &alert_wants), PICK_WANT("flow", FLOW, &flow_wants),
    PICK_WANT("http", HTTP, &http_wants),    PICK_WANT("tls", TLS, &tls_wants),
    PICK_WANT("dns", DNS, &dns_wants),       PICK_WANT("xff", XFF, NULL),
};
static const struct pick_wants root_wants = PICK_WANTS(root_table);

/* "" where it is no text, or a long one. */
static const char *
short_text(const struct pick *value, char room[SHORT_SIZE])
{
    if (pick_text(value, room, SHORT_SIZE) >= SHORT_SIZE) {
        room[0] = '\0';
    }
    return room;
}

static bool
is_text(const struct pick *value)
{
    return value->kind == PICK_TEXT && value->size > 0;
}

static void
put(char *to, size_t size, const struct pick *from)
{
    char plain[URL_SIZE * 2]; /* longer than any field: line_put sees whether it fits */
    if (!from->has_escapes) {
        line_put(to, size, from->at, from->kind == PICK_TEXT ? from->size : 0);
        return;
    }
    size_t whole = pick_text(from, plain, sizeof(plain));
    line_put(to, size, plain, whole < sizeof(plain) ? whole : sizeof(plain) - 1);
}

static uint16_t
port_of(const struct pick *port)
{
    double value = pick_number(port);
    return value >= 0 && value <= 65535 ? (uint16_t)value : 0;
}

/* The first text of a list, or "". */
static const char *
first_text(const struct pick *list, char room[SHORT_SIZE])
{
    struct pick first = pick_first(list);
    return short_text(&first, room);
}

static enum severity
severity_of(const struct pick *picks)
{
    char room[SHORT_SIZE];
    static const enum severity by_number[] = {SEVERITY_INFO, SEVERITY_HIGH, SEVERITY_MEDIUM,
                                              SEVERITY_LOW};
    const char *declared = first_text(&picks[DECLARED_SEVERITY], room);
    if (strcasecmp(declared, "Critical") == 0) {
        return SEVERITY_HIGH;
    }
    if (strcasecmp(declared, "Informational") == 0) {
        return SEVERITY_INFO;
    }
    double number = pick_number(&picks[SEVERITY]);
    return number >= 1 && number < (double)COUNT_OF(by_number) ? by_number[(int)number]
                                                               : SEVERITY_INFO;
}

static uint8_t
confidence_of(const struct pick *picks)
{
    char room[SHORT_SIZE];
    static const struct {
        const char *name;
        uint8_t confidence;
    } known[] = {{"High", 90}, {"Medium", 70}, {"Low", 40}};
    const char *declared = first_text(&picks[CONFIDENCE], room);
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (strcasecmp(declared, known[i].name) == 0) {
            return known[i].confidence;
        }
    }
    return 0;
}

/* The rule's own tactic, else what its classification (classification.config) means. */
static enum phase
phase_of(const struct pick *picks)
{
    char room[SHORT_SIZE], category[TEXT_SIZE];
    static const struct {
        const char *part;
        enum phase phase;
    } known[] = {
        {"Command and Control", PHASE_C2},
        {"Network Trojan", PHASE_C2},
        {"Domain Observed Used for C2", PHASE_C2},
        {"Network Scan", PHASE_DISCOVERY},
        {"Information Leak", PHASE_DISCOVERY},
        {"Credential Theft", PHASE_LATERAL_MOVEMENT},
        {"Administrator Privilege Gain", PHASE_LATERAL_MOVEMENT},
        {"User Privilege Gain", PHASE_POINT_OF_ENTRY},
        {"Exploit Kit", PHASE_POINT_OF_ENTRY},
        {"Web Application Attack", PHASE_POINT_OF_ENTRY},
        {"Executable code", PHASE_POINT_OF_ENTRY},
        {"Targeted Malicious Activity", PHASE_C2},
    };
    enum phase phase = line_phase_of_tactic(first_text(&picks[TACTIC], room));
    (void)pick_text(&picks[CATEGORY], category, sizeof(category));
    for (size_t i = 0; phase == PHASE_UNKNOWN && i < COUNT_OF(known); i++) {
        if (strcasestr(category, known[i].part)) {
            phase = known[i].phase;
        }
    }
    return phase;
}

static bool
peer_parse(const struct pick *ip, const struct pick *port, struct peer *peer)
{
    char room[SHORT_SIZE];
    peer->port = port_of(port);
    return ip_parse(short_text(ip, room), &peer->ip);
}

static void
macs_parse(const struct pick *picks, struct detection *detection)
{
    char room[SHORT_SIZE];
    struct mac mac;
    if (mac_parse(short_text(&picks[SRC_MAC], room), &mac)) {
        detection->src.mac = mac;
    }
    if (mac_parse(short_text(&picks[DEST_MAC], room), &mac)) {
        detection->dst.mac = mac;
    }
}

/* src becomes the side that opened the connection, as far as the record says. */
static void
turn_to_flow(const struct pick *picks, struct detection *detection)
{
    char room[SHORT_SIZE];
    struct ip opener;
    bool is_said = ip_parse(short_text(&picks[FLOW_SRC_IP], room), &opener);
    bool is_answer = is_said ? ip_is_equal(&opener, &detection->dst.ip) &&
                                   !ip_is_equal(&opener, &detection->src.ip)
                             : pick_is(&picks[DIRECTION], "to_client");
    if (is_answer) {
        struct peer answerer = detection->src;
        detection->src = detection->dst;
        detection->dst = answerer;
    }
}

/* Needs src and dst as they will stay. */
static enum party
suspect_of(const struct pick *picks, const struct detection *detection)
{
    char room[SHORT_SIZE];
    struct ip target, source;
    bool has_target = ip_parse(short_text(&picks[TARGET_IP], room), &target);
    bool has_source = ip_parse(short_text(&picks[SOURCE_IP], room), &source);
    bool is_spreading =
        detection->phase == PHASE_LATERAL_MOVEMENT || detection->phase == PHASE_DISCOVERY;
    /* A rule about spreading names the victim as target; one about malware the infected host. */
    const struct ip *named =
        is_spreading ? (has_source ? &source : NULL) : (has_target ? &target : NULL);
    if (named) {
        return ip_is_equal(named, &detection->src.ip)   ? PARTY_SRC
               : ip_is_equal(named, &detection->dst.ip) ? PARTY_DST
                                                        : PARTY_UNSAID;
    }
    bool is_client = strcmp(first_text(&picks[ATTACK_TARGET], room), "Client_Endpoint") == 0;
    return is_client ? PARTY_SRC : PARTY_UNSAID;
}

/* What it was about by name: a web server, the server of a handshake, or the name asked for. */
static struct pick
host_of(const struct pick *picks)
{
    if (is_text(&picks[HOSTNAME]) || is_text(&picks[SNI])) {
        return is_text(&picks[HOSTNAME]) ? picks[HOSTNAME] : picks[SNI];
    }
    if (picks[QUERY].kind != PICK_ARRAY) {
        return picks[RRNAME];
    }
    struct pick inner[PLACE_COUNT] = {{.kind = PICK_ABSENT}};
    struct pick query = pick_first(&picks[QUERY]);
    bool is_read =
        query.kind == PICK_OBJECT && pick_object(query.at, query.size, &rrname_wants, inner);
    return is_read ? inner[RRNAME] : (struct pick){.kind = PICK_ABSENT};
}

static void
application_parse(const struct pick *picks, struct detection *detection)
{
    char url[URL_SIZE * 2 + 8], host[URL_SIZE], path[URL_SIZE];
    struct pick name = host_of(picks);
    put(detection->server_name, sizeof(detection->server_name), &name);
    if (is_text(&picks[URL])) {
        (void)pick_text(&name, host, sizeof(host));
        (void)pick_text(&picks[URL], path, sizeof(path));
        bool is_whole = strstr(path, "://") != NULL;
        int size = snprintf(url, sizeof(url), "%s%s%s", is_whole ? "" : "http://",
                            is_whole ? "" : host, path);
        line_put(detection->url, sizeof(detection->url), url, (size_t)size);
    }
    put(detection->ja3, sizeof(detection->ja3), &picks[JA3_HASH]);
    put(detection->ja4, sizeof(detection->ja4), &picks[JA4]);
}

static void
techniques_parse(const struct pick *list, struct detection *detection)
{
    struct pick technique = pick_next(list, &(struct pick){.kind = PICK_ABSENT});
    for (; technique.kind != PICK_ABSENT; technique = pick_next(list, &technique)) {
        char id[TECHNIQUE_SIZE];
        (void)pick_text(&technique, id, sizeof(id));
        for (char *at = id; *at; at++) {
            *at = *at == '_' ? '.' : *at; /* rules write T1071_001: a dot ends a keyword */
        }
        line_add_technique(detection, id);
    }
}

static void
alert_parse(const struct pick *picks, struct detection *detection)
{
    put(detection->signature, sizeof(detection->signature), &picks[SIGNATURE]);
    put(detection->category, sizeof(detection->category), &picks[CATEGORY]);
    double id = pick_number(&picks[SIGNATURE_ID]);
    detection->signature_id = id > 0 && id < 4294967296.0 ? (uint64_t)id : 0;
    detection->severity = severity_of(picks);
    detection->confidence = confidence_of(picks);
    detection->phase = phase_of(picks);
    techniques_parse(&picks[TECHNIQUES], detection);
}

static uint16_t
vlan_of(const struct pick *list)
{
    struct pick first = pick_first(list);
    double vlan = list->kind == PICK_ARRAY ? pick_number(&first) : 0;
    return vlan >= 0 && vlan < 4095 ? (uint16_t)vlan : 0;
}

/* Of a list the last one: the nearest proxy wrote it, the others came with the request. */
static void
forwarded_parse(const struct pick *picks, struct detection *detection)
{
    char room[SHORT_SIZE];
    const char *list = short_text(&picks[is_text(&picks[XFF]) ? XFF : HTTP_XFF], room);
    const char *comma = strrchr(list, ',');
    const char *last = comma ? comma + 1 : list;
    if (!ip_parse(last + strspn(last, " "), &detection->forwarded_for)) {
        detection->forwarded_for = (struct ip){{0}};
    }
}

static enum line_result
root_parse(const struct pick *picks, bool with_macs, struct detection *detection,
           char why[NAME_SIZE])
{
    char room[SHORT_SIZE];
    if (!is_text(&picks[EVENT_TYPE])) {
        snprintf(why, NAME_SIZE, "no event_type");
        return LINE_REFUSED;
    }
    if (!pick_is(&picks[EVENT_TYPE], "alert")) {
        char shown[41];
        put(shown, sizeof(shown), &picks[EVENT_TYPE]);
        snprintf(why, NAME_SIZE, "event_type %s", shown);
        return LINE_IGNORED;
    }
    if (!is_text(&picks[SIGNATURE])) {
        snprintf(why, NAME_SIZE, "alert without a signature");
        return LINE_REFUSED;
    }
    if (!peer_parse(&picks[SRC_IP], &picks[SRC_PORT], &detection->src) ||
        !peer_parse(&picks[DEST_IP], &picks[DEST_PORT], &detection->dst)) {
        snprintf(why, NAME_SIZE, "no usable src_ip and dest_ip");
        return LINE_REFUSED;
    }
    bool is_timed = time_parse(short_text(&picks[TIMESTAMP], room), &detection->seen_us) == 0;
    if (!is_timed || detection->seen_us <= 0) { /* 0 would mean: no time of its own, so now */
        snprintf(why, NAME_SIZE, "no usable timestamp");
        return LINE_REFUSED;
    }
    if (time_parse(short_text(&picks[FLOW_START], room), &detection->first_us) != 0) {
        detection->first_us = 0;
    }
    memcpy(detection->maker, "suricata", sizeof("suricata"));
    detection->protocol = line_protocol(short_text(&picks[PROTO], room));
    detection->vlan = vlan_of(&picks[VLAN]);
    if (with_macs) {
        macs_parse(picks, detection);
    }
    forwarded_parse(picks, detection);
    alert_parse(picks, detection);
    application_parse(picks, detection);
    turn_to_flow(picks, detection);
    detection->suspect = suspect_of(picks, detection);
    return LINE_DETECTION;
}

enum line_result
eve_parse(const char *line, size_t size, bool with_macs, struct detection *detection,
          char why[NAME_SIZE])
{
    static const char cookie[] = "@cee:"; /* Suricata's syslog output may put this in front */
    struct pick picks[PLACE_COUNT] = {{.kind = PICK_ABSENT}};
    if (size >= sizeof(cookie) - 1 && memcmp(line, cookie, sizeof(cookie) - 1) == 0) {
        line += sizeof(cookie) - 1;
        size -= sizeof(cookie) - 1;
    }
    if (!pick_object(line, size, &root_wants, picks)) {
        snprintf(why, NAME_SIZE, "not a JSON object");
        return LINE_REFUSED;
    }
    return root_parse(picks, with_macs, detection, why);
}
