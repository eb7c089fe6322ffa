/* Suricata EVE JSON -> detection, by a whole tree of the line and in the plainest way: what eve.c,
 * which picks what it needs in one pass, is held against by the unit test and the fuzzer. */
#include "eve_by_tree.h"

#include "intake/line.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "wire/codec.h"

static const char *
text_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsString(item) ? item->valuestring : "";
}

/* Addresses, times, words: what is longer is none of them. */
static const char *
short_of(const cJSON *object, const char *name)
{
    const char *text = text_of(object, name);
    return strlen(text) < 64 ? text : "";
}

static double
number_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static const cJSON *
object_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsObject(item) ? item : NULL;
}

static void
put(char *to, size_t size, const char *from)
{
    line_put(to, size, from, strlen(from));
}

static uint16_t
port_of(const cJSON *object, const char *name)
{
    double value = number_of(object, name);
    return value >= 0 && value <= 65535 ? (uint16_t)value : 0;
}

/* Suricata's metadata is always a list of texts per key; the first one, or "". */
static const char *
metadata_of(const cJSON *alert, const char *name)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(object_of(alert, "metadata"), name);
    const cJSON *first = cJSON_IsArray(list) ? cJSON_GetArrayItem(list, 0) : list;
    return cJSON_IsString(first) && strlen(first->valuestring) < 64 ? first->valuestring : "";
}

static enum severity
severity_of(const cJSON *alert)
{
    static const enum severity by_number[] = {SEVERITY_INFO, SEVERITY_HIGH, SEVERITY_MEDIUM,
                                              SEVERITY_LOW};
    const char *declared = metadata_of(alert, "signature_severity");
    if (strcasecmp(declared, "Critical") == 0) {
        return SEVERITY_HIGH;
    }
    if (strcasecmp(declared, "Informational") == 0) {
        return SEVERITY_INFO;
    }
    double number = number_of(alert, "severity");
    return number >= 1 && number < (double)COUNT_OF(by_number) ? by_number[(int)number]
                                                               : SEVERITY_INFO;
}

static uint8_t
confidence_of(const cJSON *alert)
{
    static const struct {
        const char *name;
        uint8_t confidence;
    } known[] = {{"High", 90}, {"Medium", 70}, {"Low", 40}};
    const char *declared = metadata_of(alert, "confidence");
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (strcasecmp(declared, known[i].name) == 0) {
            return known[i].confidence;
        }
    }
    return 0;
}

/* The rule's own tactic, else what its classification (classification.config) means. */
static enum phase
phase_of(const cJSON *alert)
{
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
    enum phase phase = line_phase_of_tactic(metadata_of(alert, "mitre_tactic_id"));
    char category[TEXT_SIZE];
    snprintf(category, sizeof(category), "%s", text_of(alert, "category"));
    for (size_t i = 0; phase == PHASE_UNKNOWN && i < COUNT_OF(known); i++) {
        if (strcasestr(category, known[i].part)) {
            phase = known[i].phase;
        }
    }
    return phase;
}

static bool
peer_parse(const cJSON *root, const char *ip, const char *port, struct peer *peer)
{
    peer->port = port_of(root, port);
    return ip_parse(short_of(root, ip), &peer->ip);
}

static void
macs_parse(const cJSON *root, struct detection *detection)
{
    const cJSON *ether = object_of(root, "ether");
    struct mac mac;
    if (mac_parse(short_of(ether, "src_mac"), &mac)) {
        detection->src.mac = mac;
    }
    if (mac_parse(short_of(ether, "dest_mac"), &mac)) {
        detection->dst.mac = mac;
    }
}

/* src becomes the side that opened the connection, as far as the record says. */
static void
turn_to_flow(const cJSON *root, struct detection *detection)
{
    struct ip opener;
    bool is_said = ip_parse(short_of(object_of(root, "flow"), "src_ip"), &opener);
    bool is_answer = is_said ? ip_is_equal(&opener, &detection->dst.ip) &&
                                   !ip_is_equal(&opener, &detection->src.ip)
                             : strcmp(text_of(root, "direction"), "to_client") == 0;
    if (is_answer) {
        struct peer answerer = detection->src;
        detection->src = detection->dst;
        detection->dst = answerer;
    }
}

/* Needs src and dst as they will stay. */
static enum party
suspect_of(const cJSON *alert, const struct detection *detection)
{
    struct ip target, source;
    bool has_target = ip_parse(short_of(object_of(alert, "target"), "ip"), &target);
    bool has_source = ip_parse(short_of(object_of(alert, "source"), "ip"), &source);
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
    bool is_client = strcmp(metadata_of(alert, "attack_target"), "Client_Endpoint") == 0;
    return is_client ? PARTY_SRC : PARTY_UNSAID;
}

static void
application_parse(const cJSON *root, struct detection *detection)
{
    const cJSON *http = object_of(root, "http");
    const cJSON *tls = object_of(root, "tls");
    const cJSON *dns = object_of(root, "dns");
    const cJSON *queries = cJSON_GetObjectItemCaseSensitive(dns, "query");
    const cJSON *query = cJSON_IsArray(queries) ? cJSON_GetArrayItem(queries, 0) : dns;
    const char *host = text_of(http, "hostname");
    host = host[0] ? host : text_of(tls, "sni");
    host = host[0] ? host : text_of(query, "rrname");
    put(detection->server_name, sizeof(detection->server_name), host);
    const char *xff = text_of(root, "xff");
    xff = xff[0] ? xff : text_of(http, "xff");
    const char *comma = strrchr(xff, ',');
    xff = comma ? comma + 1 : xff;
    if (!ip_parse(xff + strspn(xff, " "), &detection->forwarded_for)) {
        detection->forwarded_for = (struct ip){{0}};
    }
    char path[URL_SIZE];
    snprintf(path, sizeof(path), "%s", text_of(http, "url"));
    if (path[0]) {
        char url[URL_SIZE * 2 + 8];
        bool is_whole = strstr(path, "://") != NULL;
        snprintf(url, sizeof(url), "%s%.1023s%s", is_whole ? "" : "http://", is_whole ? "" : host,
                 path);
        put(detection->url, sizeof(detection->url), url);
    }
    put(detection->ja3, sizeof(detection->ja3), text_of(object_of(tls, "ja3"), "hash"));
    put(detection->ja4, sizeof(detection->ja4), text_of(tls, "ja4"));
}

static void
alert_parse(const cJSON *alert, struct detection *detection)
{
    put(detection->signature, sizeof(detection->signature), text_of(alert, "signature"));
    put(detection->category, sizeof(detection->category), text_of(alert, "category"));
    double id = number_of(alert, "signature_id");
    detection->signature_id = id > 0 && id < 4294967296.0 ? (uint64_t)id : 0;
    detection->severity = severity_of(alert);
    detection->confidence = confidence_of(alert);
    detection->phase = phase_of(alert);
    const cJSON *techniques =
        cJSON_GetObjectItemCaseSensitive(object_of(alert, "metadata"), "mitre_technique_id");
    const cJSON *technique;
    techniques = cJSON_IsArray(techniques) ? techniques : NULL;
    cJSON_ArrayForEach(technique, techniques)
    {
        if (cJSON_IsString(technique)) {
            char id_text[TECHNIQUE_SIZE];
            snprintf(id_text, sizeof(id_text), "%.9s", technique->valuestring);
            for (char *at = id_text; *at; at++) {
                *at = *at == '_' ? '.' : *at; /* rules write T1071_001: a dot ends a keyword */
            }
            line_add_technique(detection, id_text);
        }
    }
}

static enum line_result
root_parse(const cJSON *root, bool with_macs, struct detection *detection, char why[NAME_SIZE])
{
    const char *type = text_of(root, "event_type");
    const cJSON *alert = object_of(root, "alert");
    if (!type[0]) {
        snprintf(why, NAME_SIZE, "no event_type");
        return LINE_REFUSED;
    }
    if (strcmp(type, "alert") != 0) {
        char shown[41];
        put(shown, sizeof(shown), type);
        snprintf(why, NAME_SIZE, "event_type %s", shown);
        return LINE_IGNORED;
    }
    if (!alert || !text_of(alert, "signature")[0]) {
        snprintf(why, NAME_SIZE, "alert without a signature");
        return LINE_REFUSED;
    }
    if (!peer_parse(root, "src_ip", "src_port", &detection->src) ||
        !peer_parse(root, "dest_ip", "dest_port", &detection->dst)) {
        snprintf(why, NAME_SIZE, "no usable src_ip and dest_ip");
        return LINE_REFUSED;
    }
    bool is_timed = time_parse(short_of(root, "timestamp"), &detection->seen_us) == 0;
    if (!is_timed || detection->seen_us <= 0) { /* 0 would mean: no time of its own, so now */
        snprintf(why, NAME_SIZE, "no usable timestamp");
        return LINE_REFUSED;
    }
    if (time_parse(short_of(object_of(root, "flow"), "start"), &detection->first_us) != 0) {
        detection->first_us = 0;
    }
    put(detection->maker, sizeof(detection->maker), "suricata");
    detection->protocol = line_protocol(short_of(root, "proto"));
    const cJSON *vlans = cJSON_GetObjectItemCaseSensitive(root, "vlan");
    const cJSON *vlan = cJSON_IsArray(vlans) ? cJSON_GetArrayItem(vlans, 0) : NULL;
    detection->vlan = cJSON_IsNumber(vlan) && vlan->valuedouble >= 0 && vlan->valuedouble < 4095
                          ? (uint16_t)vlan->valuedouble
                          : 0;
    if (with_macs) {
        macs_parse(root, detection);
    }
    alert_parse(alert, detection);
    application_parse(root, detection);
    turn_to_flow(root, detection);
    detection->suspect = suspect_of(alert, detection);
    return LINE_DETECTION;
}

enum line_result
eve_by_tree(const char *line, size_t size, bool with_macs, struct detection *detection,
            char why[NAME_SIZE])
{
    static const char cookie[] = "@cee:"; /* Suricata's syslog output may put this in front */
    if (size >= sizeof(cookie) - 1 && memcmp(line, cookie, sizeof(cookie) - 1) == 0) {
        line += sizeof(cookie) - 1;
        size -= sizeof(cookie) - 1;
    }
    cJSON *root = codec_parse(line, size);
    if (!cJSON_IsObject(root)) {
        snprintf(why, NAME_SIZE, "not a JSON object");
        cJSON_Delete(root);
        return LINE_REFUSED;
    }
    enum line_result result = root_parse(root, with_macs, detection, why);
    cJSON_Delete(root);
    return result;
}
