/* Every message: a golden object with all its fields comes back as it was, without any needed field
 * it is refused, and its members land where the code looks for them.  The same for the fuzzer's
 * seeds: at least one per message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "golden.h"
#include "wire/ack.h"
#include "wire/answer.h"
#include "wire/ask.h"
#include "wire/desired.h"
#include "wire/detection.h"
#include "wire/device.h"
#include "wire/edge_stats.h"
#include "wire/event.h"
#include "wire/facts.h"
#include "wire/hello.h"
#include "wire/message.h"
#include "wire/observed.h"
#include "wire/read_back.h"
#include "wire/sensor_stats.h"
#include "wire/source_stats.h"

static char golden_folder[1024], seeds_folder[1024];

/* What may not be left out; nobody may make one of these optional without changing this too. */
static const char *const needed_of[WIRE_TYPE_COUNT] = {
    [WIRE_HELLO] = "name",
    [WIRE_DETECTION] = "id sensor maker seen_us signature phase severity",
    [WIRE_EVIDENCE] = "detection_id pcap",
    [WIRE_ACK] = "ids",
    [WIRE_SENSOR_STATS] = "sensor at_us networks.network",
    [WIRE_SOURCE_STATS] =
        "sources sources.name sources.kind sources.refusals.why sources.refusals.count",
    [WIRE_FACTS] = "switch_name sequence facts.kind facts.seen_us",
    [WIRE_DESIRED] =
        "switch_name epoch generation add.id add.kind add.isolate ?add.isolate.mac ?add.isolate.ip "
        "add.hold_port add.hold_port.port add.block_pair ?add.block_pair.mac add.block_pair.server "
        "?add.block_pair.ip add.block_server add.block_server.server add.permit_set "
        "add.permit_set.name ?add.permit_set.permits.server ?add.permit_set.permits.port_high "
        "?add.permit_set.permits.name "
        "add.protect add.mirror add.mirror.kind add.mirror.carrier ?add.mirror.erspan_to "
        "add.warning add.warning.language add.warning.title add.warning.body remove.id",
    [WIRE_OBSERVED] =
        "switch_name rules.id rules.state held.id held.kind held.isolate ?held.isolate.mac "
        "?held.isolate.ip held.hold_port held.hold_port.port held.block_pair ?held.block_pair.mac "
        "held.block_pair.server ?held.block_pair.ip held.block_server held.block_server.server "
        "held.permit_set held.permit_set.name ?held.permit_set.permits.server "
        "?held.permit_set.permits.port_high ?held.permit_set.permits.name held.protect held.mirror "
        "held.mirror.kind held.mirror.carrier ?held.mirror.erspan_to held.warning "
        "held.warning.language held.warning.title held.warning.body",
    [WIRE_READ_BACK] = "switch_name",
    [WIRE_DEVICE] = "switch_name driver",
    [WIRE_EDGE_STATS] = "switch_name at_us counters.name counters.count",
    [WIRE_ASK] = "number op",
    [WIRE_ANSWER] = "number status",
    [WIRE_EVENT] = "sequence topic",
    [WIRE_NOTICE] =
        "message message.id message.state message.channel message.voice message.language "
        "message.made_at message.notices message.notices.id message.notices.kind "
        "message.notices.severity message.notices.at channel channel.name channel.kind "
        "?channel.host ?channel.from",
    [WIRE_NOTICE_RESULT] = "id",
    [WIRE_SECRET] = "number secrets secrets.channel",
    [WIRE_SECRETS] = "",
    [WIRE_LOGIN] = "number kind",
    [WIRE_LOGIN_RESULT] = "number kind outcome source role",
    [WIRE_PEERS] = "role peers.name",
    [WIRE_PEER] = "event",
    [WIRE_RENEW] = "role name",
    [WIRE_REQUEST] = "der",
    [WIRE_SIGN] = "role name serial key",
    [WIRE_CHECKPOINT] = "",
    [WIRE_CHECKPOINTS] = "switch_name request lines.line",
};

static void
test_golden_messages(void **state)
{
    (void)state;
    for (int i = 0; i < WIRE_TYPE_COUNT; i++) {
        const struct shape *shape = wire_shape((enum wire_type)i);
        cJSON *json = golden_read(golden_folder, wire_type_names[i]);
        enum wire_type type;
        assert_string_equal(shape->name, wire_type_names[i]);
        assert_true(wire_type_of(json, &type) && type == (enum wire_type)i);
        golden_is_filled(shape, json);
        golden_round_trip(shape, json, true);
        cJSON_Delete(json);
    }
}

static void
test_strange_members_are_refused(void **state)
{
    (void)state;
    for (int i = 0; i < WIRE_TYPE_COUNT; i++) {
        cJSON *json = golden_read(golden_folder, wire_type_names[i]);
        golden_is_strict(wire_shape((enum wire_type)i), json, true);
        cJSON_Delete(json);
    }
}

static void
test_needed_members(void **state)
{
    (void)state;
    for (int i = 0; i < WIRE_TYPE_COUNT; i++) {
        char needed[4096];
        cJSON *json = golden_read(golden_folder, wire_type_names[i]);
        golden_needed(wire_shape((enum wire_type)i), json, true, needed);
        assert_string_equal(needed, needed_of[i]);
        cJSON_Delete(json);
    }
}

/* The golden message as its struct; wire_fini and free by the caller. */
static void *
read_message(enum wire_type type)
{
    struct codec_error error;
    void *message = mem_new(1, wire_shape(type)->size);
    cJSON *json = golden_read(golden_folder, wire_type_names[type]);
    assert_int_equal(wire_decode(type, json, message, &error), 0);
    /* wire_encode puts the type in. */
    cJSON *written = wire_encode(type, message);
    assert_true(cJSON_Compare(json, written, true));
    cJSON_Delete(json);
    cJSON_Delete(written);
    return message;
}

static void
done(enum wire_type type, void *message)
{
    wire_fini(type, message);
    free(message);
}

static void
test_sensors_messages_land(void **state)
{
    (void)state;
    struct detection *detection = read_message(WIRE_DETECTION);
    assert_int_equal(detection->phase, PHASE_C2);
    assert_int_equal(detection->severity, SEVERITY_HIGH);
    assert_int_equal(detection->suspect, PARTY_SRC);
    assert_int_equal(detection->strength, STRENGTH_STRONG);
    assert_int_equal(detection->src.port, 40000);
    assert_int_equal(detection->dst.port, 443);
    assert_int_equal(detection->origin.port, 3);
    assert_int_equal(detection->peer_origin.session, 8);
    assert_string_equal(detection->techniques[1], "T1571");
    done(WIRE_DETECTION, detection);

    struct evidence *evidence = read_message(WIRE_EVIDENCE);
    assert_int_equal(evidence->size, 24);
    assert_memory_equal(evidence->pcap, "\xd4\xc3\xb2\xa1\x02\x00\x04", 7);
    done(WIRE_EVIDENCE, evidence);

    struct wire_ack *ack = read_message(WIRE_ACK);
    assert_int_equal(ack->id_count, 2);
    assert_string_equal(ack->ids[1], "d2");
    done(WIRE_ACK, ack);

    struct wire_sensor_stats *stats = read_message(WIRE_SENSOR_STATS);
    assert_int_equal(stats->indicators, 11);
    assert_int_equal(stats->mirror_count, 2);
    assert_int_equal(stats->mirrors[0].forward_only, 15);
    assert_int_equal(stats->networks[1].network.length, 64);
    done(WIRE_SENSOR_STATS, stats);

    struct wire_source_stats *sources = read_message(WIRE_SOURCE_STATS);
    assert_int_equal(sources->source_count, 2);
    assert_int_equal(sources->sources[0].refusals[0].count, 3);
    done(WIRE_SOURCE_STATS, sources);
}

static void
test_switches_messages_land(void **state)
{
    (void)state;
    struct wire_hello *hello = read_message(WIRE_HELLO);
    assert_string_equal(hello->name, "e1");
    assert_int_equal(hello->epoch, 3);
    assert_int_equal(hello->generation, 9);
    done(WIRE_HELLO, hello);

    struct wire_facts *facts = read_message(WIRE_FACTS);
    assert_int_equal(facts->fact_count, 5);
    assert_int_equal(facts->facts[0].role, PORT_UPLINK);
    assert_int_equal(facts->facts[2].source, BINDING_DHCP4);
    assert_int_equal(facts->facts[4].host_role, HOST_RESOLVER);
    done(WIRE_FACTS, facts);

    struct wire_observed *observed = read_message(WIRE_OBSERVED);
    assert_int_equal(observed->rules[0].state, RULE_VERIFIED);
    assert_int_equal(observed->rules[1].state, RULE_ABSENT);
    assert_true(observed->needs_snapshot && observed->request == 5);
    done(WIRE_OBSERVED, observed);

    struct wire_device *device = read_message(WIRE_DEVICE);
    assert_int_equal(device->skew_us, -1500);
    assert_int_equal(device->rule_room, 128);
    done(WIRE_DEVICE, device);

    struct wire_edge_stats *stats = read_message(WIRE_EDGE_STATS);
    assert_int_equal(stats->counter_count, 2);
    assert_int_equal(stats->counters[1].count, 7);
    assert_string_equal(stats->problems[1], "uplink MTU 1500 cuts copies");
    done(WIRE_EDGE_STATS, stats);

    struct wire_read_back *read_back = read_message(WIRE_READ_BACK);
    assert_int_equal(read_back->request, 5);
    done(WIRE_READ_BACK, read_back);
}

static void
test_rules_land(void **state)
{
    (void)state;
    struct wire_desired *desired = read_message(WIRE_DESIRED);
    const struct rule *rules = desired->add;
    assert_int_equal(desired->add_count, 10);
    assert_int_equal(desired->base, 8);
    assert_int_equal(rules[0].kind, RULE_ISOLATE);
    assert_int_equal(rules[0].expires_s, 600);
    assert_int_equal(rules[0].isolate.address_count, 2);
    assert_true(mac_is_none(&rules[1].isolate.mac));
    assert_int_equal(rules[2].hold_port.known_macs[0].b[5], 2);
    assert_int_equal(rules[4].pair.server.length, 48);
    assert_int_equal(rules[5].server.server.length, 120);
    assert_int_equal(rules[6].permit_set.resolver_count, 2);
    assert_int_equal(rules[6].permit_set.permits[0].port_high, 443);
    assert_string_equal(rules[6].permit_set.permits[1].name, "*.example.org");
    assert_int_equal(rules[7].protect.mac.b[5], 0xfe);
    assert_int_equal(rules[8].mirror->session, 1023);
    assert_int_equal(rules[8].mirror->filters[0].port_low, 53);
    assert_int_equal(rules[8].mirror->carrier, CARRIER_ERSPAN);
    assert_string_equal(rules[9].warning->language, "ja");
    assert_string_equal(desired->remove[0].id, "z");
    done(WIRE_DESIRED, desired);
}

static void
test_webs_messages_land(void **state)
{
    (void)state;
    struct wire_ask *ask = read_message(WIRE_ASK);
    assert_string_equal(ask->op, "endpoints.list");
    assert_non_null(cJSON_GetObjectItemCaseSensitive(ask->parameters, "q"));
    done(WIRE_ASK, ask);

    struct wire_answer *answer = read_message(WIRE_ANSWER);
    assert_int_equal(answer->status, 200);
    assert_int_equal(answer->byte_count, 4);
    assert_non_null(answer->body);
    done(WIRE_ANSWER, answer);

    struct wire_event *event = read_message(WIRE_EVENT);
    assert_int_equal(event->sequence, 8);
    assert_string_equal(event->topic, "containment");
    done(WIRE_EVENT, event);
}

static void
test_every_message_has_a_seed(void **state)
{
    (void)state;
    bool has_seed[WIRE_TYPE_COUNT] = {false};
    DIR *folder = opendir(seeds_folder);
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        char path[2048], *text;
        size_t size;
        enum wire_type type;
        struct codec_error error;
        if (entry->d_name[0] == '.') {
            continue;
        }
        snprintf(path, sizeof(path), "%s/%s", seeds_folder, entry->d_name);
        assert_int_equal(file_read(path, WIRE_FRAME_MAX, &text, &size), 0);
        cJSON *json = codec_parse(text, size);
        if (json && wire_type_of(json, &type)) {
            void *message = mem_new(1, wire_shape(type)->size);
            has_seed[type] |= wire_decode(type, json, message, &error) == 0;
            done(type, message);
        }
        cJSON_Delete(json);
        free(text);
    }
    closedir(folder);
    for (int i = 0; i < WIRE_TYPE_COUNT; i++) {
        if (!has_seed[i]) {
            fail_msg("no good seed for %s", wire_type_names[i]);
        }
    }
}

int
main(int count, char **words)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_messages),
        cmocka_unit_test(test_strange_members_are_refused),
        cmocka_unit_test(test_needed_members),
        cmocka_unit_test(test_sensors_messages_land),
        cmocka_unit_test(test_switches_messages_land),
        cmocka_unit_test(test_rules_land),
        cmocka_unit_test(test_webs_messages_land),
        cmocka_unit_test(test_every_message_has_a_seed),
    };
    if (count != 2) {
        fprintf(stderr, "usage: %s SOURCE-FOLDER\n", words[0]);
        return 2;
    }
    snprintf(golden_folder, sizeof(golden_folder), "%s/tests/golden/wire", words[1]);
    snprintf(seeds_folder, sizeof(seeds_folder), "%s/tests/fuzz/corpus/message", words[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
