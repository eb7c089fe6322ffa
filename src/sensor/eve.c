#include "sensor/eve.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "base/log.h"
#include "base/mem.h"
#include "sensor/protocol.h"

struct eve_out {
    int file;   /* -1: none */
    int socket; /* -1: not connected */
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    uint64_t lost;
};

/* Suricata's own form: 2026-03-09T02:58:24.532140+0000 */
static void
time_add(cJSON *object, const char *name, int64_t at_us)
{
    char date[24], text[48];
    time_t seconds = (time_t)(at_us / 1000000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text, sizeof(text), "%s.%06d+0000", date, (int)(at_us % 1000000));
    cJSON_AddStringToObject(object, name, text);
}

static void
ip_add(cJSON *object, const char *name, const struct ip *ip)
{
    char text[IP_TEXT_SIZE];
    ip_format(ip, text);
    cJSON_AddStringToObject(object, name, text);
}

static void
metadata_add(cJSON *metadata, const char *name, const char *value)
{
    if (value[0]) {
        cJSON *list = cJSON_AddArrayToObject(metadata, name);
        cJSON_AddItemToArray(list, cJSON_CreateString(value));
    }
}

static const char *
proto_name(uint8_t protocol, const struct ip *ip)
{
    (void)ip;
    return protocol == PROTOCOL_TCP      ? "TCP"
           : protocol == PROTOCOL_UDP    ? "UDP"
           : protocol == PROTOCOL_ICMP   ? "ICMP"
           : protocol == PROTOCOL_ICMPV6 ? "IPv6-ICMP"
                                         : "";
}

static void
alert_add(cJSON *root, const struct detection *detection)
{
    static const int severities[SEVERITY_COUNT] = {4, 3, 2, 1};
    static const char *const names[SEVERITY_COUNT] = {"Informational", "Minor", "Major",
                                                      "Critical"};
    char confidence[8];
    cJSON *alert = cJSON_AddObjectToObject(root, "alert");
    cJSON_AddStringToObject(alert, "action", "allowed");
    cJSON_AddNumberToObject(alert, "gid", 1);
    cJSON_AddNumberToObject(alert, "signature_id", (double)detection->signature_id);
    cJSON_AddNumberToObject(alert, "rev", 1);
    cJSON_AddStringToObject(alert, "signature", detection->signature);
    cJSON_AddStringToObject(alert, "category", detection->category);
    cJSON_AddNumberToObject(alert, "severity", severities[detection->severity]);
    cJSON *metadata = cJSON_AddObjectToObject(alert, "metadata");
    snprintf(confidence, sizeof(confidence), "%u", detection->confidence);
    metadata_add(metadata, "confidence",
                 detection->confidence >= 80   ? "High"
                 : detection->confidence >= 60 ? "Medium"
                                               : "Low");
    metadata_add(metadata, "cordon_confidence", confidence);
    metadata_add(metadata, "cordon_phase", phase_names[detection->phase]);
    /* As far as a sensor can tell: whose port it was, and so whose evidence, policy knows. */
    metadata_add(metadata, "cordon_evidence",
                 detection->handshake || detection->origin.is_stamped ? "strong" : "weak");
    metadata_add(metadata, "cordon_handshake", detection->handshake ? "yes" : "no");
    metadata_add(metadata, "cordon_stamped", detection->origin.is_stamped ? "yes" : "no");
    metadata_add(metadata, "cordon_list", detection->list);
    metadata_add(metadata, "cordon_indicator", detection->indicator);
    metadata_add(metadata, "signature_severity", names[detection->severity]);
    cJSON *techniques = cJSON_CreateArray();
    for (size_t i = 0; i < DETECTION_TECHNIQUES_MAX && detection->techniques[i][0]; i++) {
        cJSON_AddItemToArray(techniques, cJSON_CreateString(detection->techniques[i]));
    }
    cJSON_AddItemToObject(metadata, "mitre_technique_id", techniques);
}

static void
flow_add(cJSON *root, const struct flow *flow)
{
    cJSON *record = cJSON_AddObjectToObject(root, "flow");
    cJSON_AddNumberToObject(record, "pkts_toserver", (double)flow->packets[SIDE_CLIENT]);
    cJSON_AddNumberToObject(record, "pkts_toclient", (double)flow->packets[SIDE_SERVER]);
    cJSON_AddNumberToObject(record, "bytes_toserver", (double)flow->bytes[SIDE_CLIENT]);
    cJSON_AddNumberToObject(record, "bytes_toclient", (double)flow->bytes[SIDE_SERVER]);
    time_add(record, "start", flow->first_us);
    ip_add(record, "src_ip", &flow->ip[SIDE_CLIENT]);
    ip_add(record, "dest_ip", &flow->ip[SIDE_SERVER]);
    cJSON_AddNumberToObject(record, "src_port", flow->port[SIDE_CLIENT]);
    cJSON_AddNumberToObject(record, "dest_port", flow->port[SIDE_SERVER]);
}

static void
ether_add(cJSON *root, const struct detection *detection)
{
    char text[MAC_TEXT_SIZE];
    if (mac_is_none(&detection->src.mac)) {
        return;
    }
    cJSON *ether = cJSON_AddObjectToObject(root, "ether");
    mac_format(&detection->src.mac, text);
    cJSON_AddStringToObject(ether, "src_mac", text);
    if (!mac_is_none(&detection->dst.mac)) {
        mac_format(&detection->dst.mac, text);
        cJSON_AddStringToObject(ether, "dest_mac", text);
    }
}

char *
eve_alert(const struct detection *detection, const struct flow *flow)
{
    cJSON *root = cJSON_CreateObject();
    time_add(root, "timestamp", detection->seen_us);
    if (flow) {
        cJSON_AddNumberToObject(root, "flow_id", (double)flow->number);
    }
    cJSON_AddStringToObject(root, "event_type", "alert");
    if (detection->vlan) {
        cJSON *vlan = cJSON_AddArrayToObject(root, "vlan");
        cJSON_AddItemToArray(vlan, cJSON_CreateNumber(detection->vlan));
    }
    ip_add(root, "src_ip", &detection->src.ip);
    if (detection->protocol == PROTOCOL_TCP || detection->protocol == PROTOCOL_UDP) {
        cJSON_AddNumberToObject(root, "src_port", detection->src.port);
    }
    ip_add(root, "dest_ip", &detection->dst.ip);
    if (detection->protocol == PROTOCOL_TCP || detection->protocol == PROTOCOL_UDP) {
        cJSON_AddNumberToObject(root, "dest_port", detection->dst.port);
    }
    const char *proto = proto_name(detection->protocol, &detection->src.ip);
    cJSON_AddStringToObject(root, "proto", proto[0] ? proto : "ARP");
    ether_add(root, detection);
    alert_add(root, detection);
    if (flow) {
        if (flow->application >= 0) {
            cJSON_AddStringToObject(root, "app_proto", protocols[flow->application]->name);
        }
        cJSON_AddStringToObject(root, "direction", "to_server");
        flow_add(root, flow);
    }
    char *line = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    return line;
}

char *
eve_stats(const struct wire_sensor_stats *stats, int64_t uptime_s)
{
    cJSON *root = cJSON_CreateObject();
    time_add(root, "timestamp", stats->at_us);
    cJSON_AddStringToObject(root, "event_type", "stats");
    cJSON *record = cJSON_AddObjectToObject(root, "stats");
    cJSON_AddNumberToObject(record, "uptime", (double)uptime_s);
    cJSON *capture = cJSON_AddObjectToObject(record, "capture");
    cJSON_AddNumberToObject(capture, "kernel_packets", (double)stats->packets);
    cJSON_AddNumberToObject(capture, "kernel_drops", (double)stats->kernel_drops);
    cJSON *decoder = cJSON_AddObjectToObject(record, "decoder");
    cJSON_AddNumberToObject(decoder, "pkts", (double)stats->packets);
    cJSON_AddNumberToObject(decoder, "bytes", (double)stats->bytes);
    cJSON_AddNumberToObject(decoder, "invalid", (double)stats->undecoded);
    cJSON *flow = cJSON_AddObjectToObject(record, "flow");
    cJSON_AddNumberToObject(flow, "total", (double)stats->flows);
    cJSON *detect = cJSON_AddObjectToObject(record, "detect");
    cJSON_AddNumberToObject(detect, "alert", (double)stats->detections);
    char *line = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    return line;
}

struct eve_out *
eve_out_new(const char *file, const char *path)
{
    struct eve_out *out = MEM_NEW(struct eve_out);
    out->file = -1;
    out->socket = -1;
    snprintf(out->path, sizeof(out->path), "%s", path);
    if (strcmp(file, "-") == 0) {
        out->file = dup(STDOUT_FILENO);
    } else if (file[0]) {
        out->file = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
        if (out->file < 0) {
            log_error("eve", "cannot write", LOG_S("file", file), LOG_S("error", strerror(errno)));
        }
    }
    return out;
}

void
eve_out_free(struct eve_out *out)
{
    if (out) {
        if (out->file >= 0) {
            close(out->file);
        }
        if (out->socket >= 0) {
            close(out->socket);
        }
        free(out);
    }
}

static void
socket_open(struct eve_out *out)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", out->path);
    out->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (out->socket >= 0 &&
        connect(out->socket, (struct sockaddr *)&address, sizeof(address)) < 0) {
        close(out->socket);
        out->socket = -1;
    }
}

void
eve_out_write(struct eve_out *out, const char *line)
{
    size_t size = strlen(line);
    char *whole = mem_new(size + 2, 1);
    memcpy(whole, line, size);
    whole[size] = '\n';
    if (out->file >= 0 && write(out->file, whole, size + 1) != (ssize_t)(size + 1)) {
        out->lost++;
    }
    if (out->path[0] && out->socket < 0) {
        socket_open(out);
    }
    if (out->path[0] && (out->socket < 0 ||
                         send(out->socket, whole, size + 1, MSG_NOSIGNAL) != (ssize_t)(size + 1))) {
        out->lost++;
        if (out->socket >= 0) {
            close(out->socket); /* half a line cannot be taken back: begin anew */
            out->socket = -1;
        }
    }
    free(whole);
}

uint64_t
eve_out_lost(const struct eve_out *out)
{
    return out->lost;
}
