/* EVE lines: each member that Suricata 7 gives an alert or statistics its type, and nothing that it
 * does not know outside of the alert's metadata. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include <cjson/cJSON.h>

#include "hellos.h"
#include "sensor/eve.h"
#include "world.h"

/* s: text, n: whole number, o: object, a: list of text, v: list of numbers. */
struct member {
    const char *path;
    char type;
    bool is_needed;
};

static const struct member alert_members[] = {
    {"timestamp", 's', true},
    {"flow_id", 'n', false},
    {"event_type", 's', true},
    {"vlan", 'v', false},
    {"src_ip", 's', true},
    {"src_port", 'n', false},
    {"dest_ip", 's', true},
    {"dest_port", 'n', false},
    {"proto", 's', true},
    {"app_proto", 's', false},
    {"direction", 's', false},
    {"ether", 'o', false},
    {"ether.src_mac", 's', false},
    {"ether.dest_mac", 's', false},
    {"alert", 'o', true},
    {"alert.action", 's', true},
    {"alert.gid", 'n', true},
    {"alert.signature_id", 'n', true},
    {"alert.rev", 'n', true},
    {"alert.signature", 's', true},
    {"alert.category", 's', true},
    {"alert.severity", 'n', true},
    {"alert.metadata", 'o', true},
    {"alert.metadata.*", 'a', false},
    {"flow", 'o', false},
    {"flow.pkts_toserver", 'n', false},
    {"flow.pkts_toclient", 'n', false},
    {"flow.bytes_toserver", 'n', false},
    {"flow.bytes_toclient", 'n', false},
    {"flow.start", 's', false},
    {"flow.src_ip", 's', false},
    {"flow.dest_ip", 's', false},
    {"flow.src_port", 'n', false},
    {"flow.dest_port", 'n', false},
};

static const struct member stats_members[] = {
    {"timestamp", 's', true},
    {"event_type", 's', true},
    {"stats", 'o', true},
    {"stats.uptime", 'n', true},
    {"stats.capture", 'o', true},
    {"stats.capture.kernel_packets", 'n', true},
    {"stats.capture.kernel_drops", 'n', true},
    {"stats.decoder", 'o', true},
    {"stats.decoder.pkts", 'n', true},
    {"stats.decoder.bytes", 'n', true},
    {"stats.decoder.invalid", 'n', true},
    {"stats.flow", 'o', true},
    {"stats.flow.total", 'n', true},
    {"stats.detect", 'o', true},
    {"stats.detect.alert", 'n', true},
};

static bool
is_type(const cJSON *item, char type)
{
    const cJSON *element;
    switch (type) {
    case 's':
        return cJSON_IsString(item);
    case 'n':
        return cJSON_IsNumber(item) && item->valuedouble >= 0 &&
               item->valuedouble == (double)(uint64_t)item->valuedouble;
    case 'o':
        return cJSON_IsObject(item);
    default:
        cJSON_ArrayForEach(element, item)
        {
            if (type == 'a' ? !cJSON_IsString(element) : !cJSON_IsNumber(element)) {
                return false;
            }
        }
        return cJSON_IsArray(item) && cJSON_GetArraySize(item) > 0;
    }
}

static const struct member *
member_of(const struct member *members, size_t count, const char *path)
{
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(members[i].path);
        bool is_any = members[i].path[size - 1] == '*';
        if (is_any ? strncmp(path, members[i].path, size - 1) == 0
                   : strcmp(path, members[i].path) == 0) {
            return &members[i];
        }
    }
    return NULL;
}

/* The first member that is wrong, in 'wrong'. */
static bool
check(const cJSON *object, const char *prefix, const struct member *members, size_t count,
      char wrong[128])
{
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        snprintf(wrong, 128, "%s%s%s", prefix, prefix[0] ? "." : "", item->string);
        const struct member *member = member_of(members, count, wrong);
        if (!member || !is_type(item, member->type)) {
            return false;
        }
        char path[128];
        memcpy(path, wrong, sizeof(path));
        if (cJSON_IsObject(item) && !check(item, path, members, count, wrong)) {
            return false;
        }
    }
    return true;
}

static bool
has(const cJSON *object, const char *path)
{
    char copy[128], *rest;
    snprintf(copy, sizeof(copy), "%s", path);
    for (char *name = strtok_r(copy, ".", &rest); name; name = strtok_r(NULL, ".", &rest)) {
        object = cJSON_GetObjectItemCaseSensitive(object, name);
    }
    return object != NULL;
}

static cJSON *
valid(const char *line, const struct member *members, size_t count)
{
    char wrong[128] = "";
    cJSON *json = cJSON_Parse(line);
    assert_non_null(json);
    assert_null(strchr(line, '\n'));
    if (!check(json, "", members, count, wrong)) {
        fail_msg("%s is wrong in %s", wrong, line);
    }
    for (size_t i = 0; i < count; i++) {
        if (members[i].is_needed && !has(json, members[i].path)) {
            fail_msg("%s is missing in %s", members[i].path, line);
        }
    }
    const char *at = cJSON_GetObjectItem(json, "timestamp")->valuestring;
    int year, month, day, hour, minute, second, micro, size = 0;
    assert_int_equal(sscanf(at, "%4d-%2d-%2dT%2d:%2d:%2d.%6d+0000%n", &year, &month, &day, &hour,
                            &minute, &second, &micro, &size),
                     7);
    assert_int_equal(size, strlen(at));
    return json;
}

static const char *
text_of(const cJSON *json, const char *member)
{
    const cJSON *metadata = cJSON_GetObjectItem(cJSON_GetObjectItem(json, "alert"), "metadata");
    const cJSON *list = cJSON_GetObjectItem(metadata, member);
    assert_true(cJSON_IsArray(list));
    return cJSON_GetArrayItem(list, 0)->valuestring;
}

/* Findings of every detector, as the pipeline makes them. */
static void
test_alerts(void **state)
{
    (void)state;
    struct world *world = world_new("203.0.113.66,95\nc2.example.net\n");
    uint8_t bytes[4096];
    size_t size = hello_make(&hello_chrome, 4000, bytes);
    world_talk(world, "10.0.0.5", 40000, "198.51.100.7", 443, bytes, size);
    world_shake(world, "10.0.0.5", 40001, "203.0.113.66", 80);
    world_dns(world, "10.0.0.5", "10.0.0.53", "c2.example.net", NULL);
    for (uint16_t i = 1; i <= 5; i++) {
        char to[32];
        snprintf(to, sizeof(to), "10.0.1.%u", i);
        world_segment(world, "10.0.0.5", (uint16_t)(30000 + i), to, 445, 1, 0, TCP_SYN, "");
        world_segment(world, to, 445, "10.0.0.5", (uint16_t)(30000 + i), 0, 2, TCP_RST | TCP_ACK,
                      "");
    }
    world_arp(world, 1, "10.0.0.8", "10.0.0.9");
    world_arp(world, 2, "10.0.0.9", "10.0.0.8");
    for (unsigned i = 1; i <= 15; i++) {
        char to[32];
        snprintf(to, sizeof(to), "10.0.1.%u", i);
        world_arp(world, 1, "10.0.0.5", to);
    }
    world_pass(world, 3 * SECOND);
    assert_int_equal(world->count, 5);
    for (size_t i = 0; i < world->count; i++) {
        char *line = eve_alert(&world->found[i], NULL);
        cJSON *json = valid(line, alert_members, sizeof(alert_members) / sizeof(alert_members[0]));
        assert_string_equal(cJSON_GetObjectItem(json, "event_type")->valuestring, "alert");
        assert_string_equal(text_of(json, "cordon_phase"), phase_names[world->found[i].phase]);
        assert_string_equal(text_of(json, "mitre_technique_id"), world->found[i].techniques[0]);
        bool is_strong = world->found[i].handshake || world->found[i].origin.is_stamped;
        assert_string_equal(text_of(json, "cordon_evidence"), is_strong ? "strong" : "weak");
        assert_string_equal(text_of(json, "cordon_handshake"),
                            world->found[i].handshake ? "yes" : "no");
        cJSON_Delete(json);
        cJSON_free(line);
    }
    world_free(world);
}

/* With its flow, a VLAN, and texts that would break out of their quotes. */
static void
test_alert_with_flow(void **state)
{
    (void)state;
    static struct detection detection;
    static struct flow flow;
    detection.seen_us = WORLD_START + 42;
    detection.vlan = 30;
    detection.src.ip = ip_of("2001:db8::5");
    detection.dst.ip = ip_of("2001:db8::9");
    detection.protocol = PROTOCOL_UDP;
    detection.src.port = 1;
    detection.dst.port = 53;
    detection.src.mac.b[5] = 1;
    detection.dst.mac.b[5] = 2;
    detection.signature_id = 9100005;
    snprintf(detection.techniques[0], TECHNIQUE_SIZE, "T1071.004");
    snprintf(detection.signature, sizeof(detection.signature), "a \"quoted\" \\ name");
    snprintf(detection.category, sizeof(detection.category), "c");
    flow.number = 7;
    flow.packets[0] = 3;
    flow.first_us = WORLD_START;
    char *line = eve_alert(&detection, &flow);
    cJSON *json = valid(line, alert_members, sizeof(alert_members) / sizeof(alert_members[0]));
    assert_non_null(strstr(line, "\"timestamp\":\"2023-11-14T22:13:20.000042+0000\""));
    assert_string_equal(cJSON_GetObjectItem(json, "src_ip")->valuestring, "2001:db8::5");
    assert_string_equal(cJSON_GetObjectItem(json, "proto")->valuestring, "UDP");
    assert_true(has(json, "flow.pkts_toserver"));
    assert_true(has(json, "ether.dest_mac"));
    assert_string_equal(
        cJSON_GetObjectItem(cJSON_GetObjectItem(json, "alert"), "signature")->valuestring,
        detection.signature);
    cJSON_Delete(json);
    cJSON_free(line);
}

static void
test_stats(void **state)
{
    (void)state;
    const struct wire_sensor_stats stats = {
        .at_us = WORLD_START, .packets = 5, .kernel_drops = 2, .detections = 1};
    char *line = eve_stats(&stats, 60);
    cJSON *json = valid(line, stats_members, sizeof(stats_members) / sizeof(stats_members[0]));
    assert_non_null(strstr(line, "\"kernel_drops\":2"));
    cJSON_Delete(json);
    cJSON_free(line);
}

/* A socket that comes late gets the next line; what it missed is counted. */
static void
test_socket(void **state)
{
    (void)state;
    char dir[] = "/tmp/cordon-eve-XXXXXX", got[64] = "", path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/socket", dir);
    struct eve_out *out = eve_out_new("", path);
    eve_out_write(out, "missed");
    assert_int_equal(eve_out_lost(out), 1);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int server = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(server, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(server, 1), 0);
    eve_out_write(out, "first");
    int peer = accept(server, NULL, NULL);
    assert_true(peer >= 0);
    assert_int_equal(read(peer, got, sizeof(got) - 1), 6);
    assert_string_equal(got, "first\n");
    close(peer); /* gone: told as lost, not by a signal */
    eve_out_write(out, "second");
    eve_out_write(out, "third");
    assert_true(eve_out_lost(out) >= 2);
    eve_out_free(out);
    close(server);
    unlink(path);
    rmdir(dir);
}

/* A full file system or a closed pipe is counted, too. */
static void
test_file(void **state)
{
    (void)state;
    struct eve_out *out = eve_out_new("/dev/full", "");
    eve_out_write(out, "line");
    assert_int_equal(eve_out_lost(out), 1);
    eve_out_free(out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alerts), cmocka_unit_test(test_alert_with_flow),
        cmocka_unit_test(test_stats),  cmocka_unit_test(test_socket),
        cmocka_unit_test(test_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
