#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "campus.h"
#include "wire/view_system.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "wire/desired_set.h"
#include "wire/message.h"

const char *const campus_policy =
    "defaults:\n"
    "  mode: observe\n"
    "networks:\n"
    "  - {name: auto, prefixes: [10.1.0.0/16], mode: auto, home: true}\n"
    "  - {name: asked, prefixes: [10.2.0.0/16], mode: approve, home: true}\n"
    "  - {name: watched, prefixes: [10.3.0.0/16], mode: observe, home: true}\n"
    "permit_sets:\n"
    "  - name: updates\n"
    "    allows_dhcp: true\n"
    "    permits:\n"
    "      - {server: 10.1.0.10, protocol: tcp, port: 443}\n"
    "protected:\n"
    "  - {name: gateway, addresses: [10.1.0.1], macs: [\"02:00:00:00:00:01\"]}\n"
    "budgets: {per_minute: 1000, per_hour: 4000, network_percent: 100}\n"
    "hold: {pending_s: 3600, then: revert}\n"
    "after_release: {grace_s: 0, watch_s: 0}\n"
    "policies:\n"
    "  - name: look closer\n"
    "    when: {phases: [discovery]}\n"
    "    then:\n"
    "      - {action: mirror, expires_s: 600}\n"
    "  - name: command and control\n"
    "    when: {phases: [c2], severity: medium, confidence: 40}\n"
    "    then:\n"
    "      - {action: isolate, permit_set: updates}\n";

enum delivery_kind { DELIVERY_DESIRED, DELIVERY_READ_BACK, DELIVERY_HELD, DELIVERY_SUM };

struct delivery {
    struct delivery *next;
    enum delivery_kind kind;
    int64_t due_us;
    uint64_t request;
    char sum_key[RULES_SUM_KEY_SIZE];
    struct wire_desired desired;
};

static struct campus_switch *
switch_named(struct campus *campus, const char *name)
{
    for (size_t i = 0; i < campus->switch_count; i++) {
        if (strcmp(campus->switches[i].device->config.name, name) == 0) {
            return &campus->switches[i];
        }
    }
    return NULL;
}

static void
delivery_put(struct campus_switch *sw, struct delivery *delivery)
{
    int64_t now_us = sw->campus->clock.boot_now_us;
    int64_t busy_us = sw->last ? sw->last->due_us : now_us; /* one at a time */
    delivery->due_us = (busy_us > now_us ? busy_us : now_us) + sw->latency_us;
    if (sw->last) {
        sw->last->next = delivery;
    } else {
        sw->first = delivery;
    }
    sw->last = delivery;
}

static bool
send_desired(void *context, const struct wire_desired *desired)
{
    struct campus_switch *sw = switch_named(context, desired->switch_name);
    sw->parts++;
    sw->snapshots += desired->base == 0 && desired->is_last;
    for (size_t i = 0; i < desired->add_count; i++) {
        sw->protects += desired->add[i].kind == RULE_PROTECT;
        for (size_t k = 0; k < desired->remove_count; k++) { /* switches add first */
            assert_string_not_equal(desired->add[i].id, desired->remove[k].id);
        }
    }
    if (!desired_collect(&sw->partial, desired)) {
        return true;
    }
    struct delivery *delivery = MEM_NEW(struct delivery);
    desired_copy(&delivery->desired, &sw->partial);
    delivery_put(sw, delivery);
    return true;
}

static bool
send_read_back(void *context, const struct wire_read_back *question)
{
    struct delivery *delivery = MEM_NEW(struct delivery);
    struct campus_switch *sw = switch_named(context, question->switch_name);
    delivery->kind = question->asks_held            ? DELIVERY_HELD
                     : question->sum_key[0] != '\0' ? DELIVERY_SUM
                                                    : DELIVERY_READ_BACK;
    delivery->request = question->request;
    memcpy(delivery->sum_key, question->sum_key, sizeof(delivery->sum_key));
    sw->sums += delivery->kind == DELIVERY_SUM;
    delivery_put(sw, delivery);
    return true;
}

static int
question_ask(struct campus_switch *sw, const struct delivery *delivery,
             struct wire_observed *observed)
{
    const struct driver *driver = sw->device->driver;
    if (delivery->kind == DELIVERY_SUM) {
        int error = driver->sum(sw->device, delivery->sum_key, 10000, observed);
        if (sw->on_sum) {
            sw->on_sum(sw, observed);
        }
        return error;
    }
    return delivery->kind == DELIVERY_HELD ? driver->held(sw->device, 10000, observed)
                                           : driver->read_back(sw->device, 10000, observed);
}

static void
publish(void *context, const char *topic, const void *object)
{
    struct campus *campus = context;
    assert_non_null(object);
    campus->published++;
    campus->containments_told += strcmp(topic, "containment") == 0;
    campus->incidents_told += strcmp(topic, "incident") == 0;
    campus->containment_lists_told +=
        strcmp(topic, "changed") == 0 &&
        strcmp(((const struct view_changed *)object)->list, "containment") == 0;
    campus->incident_lists_told +=
        strcmp(topic, "changed") == 0 &&
        strcmp(((const struct view_changed *)object)->list, "incident") == 0;
}

static void
delivery_free(struct delivery *delivery)
{
    wire_fini(WIRE_DESIRED, &delivery->desired);
    free(delivery);
}

/* As the driver process does: what came of it goes up, whatever it was. */
static void
deliver(struct campus_switch *sw, struct delivery *delivery)
{
    struct wire_observed observed = {.generation = 0};
    const struct driver *driver = sw->device->driver;
    int error = delivery->kind == DELIVERY_DESIRED
                    ? driver->apply(sw->device, &delivery->desired, 10000, &observed)
                    : question_ask(sw, delivery, &observed);
    observed.request = delivery->request;
    snprintf(observed.switch_name, sizeof(observed.switch_name), "%s", sw->device->config.name);
    if (error && error != -28 && !observed.needs_snapshot && !observed.refused[0]) {
        snprintf(observed.refused, sizeof(observed.refused), "%s", strerror(-error));
    }
    if (!sw->is_deaf) {
        controller_observed(sw->campus->controller, &observed);
    }
    wire_fini(WIRE_OBSERVED, &observed);
}

static bool
deliver_due(struct campus *campus)
{
    bool any = false;
    for (size_t i = 0; i < campus->switch_count; i++) {
        struct campus_switch *sw = &campus->switches[i];
        while (sw->first && sw->first->due_us <= campus->clock.boot_now_us) {
            struct delivery *delivery = sw->first;
            sw->first = delivery->next;
            sw->last = sw->first ? sw->last : NULL;
            deliver(sw, delivery);
            delivery_free(delivery);
            any = true;
        }
    }
    return any;
}

static void
deliveries_drop(struct campus_switch *sw)
{
    while (sw->first) {
        struct delivery *delivery = sw->first;
        sw->first = delivery->next;
        delivery_free(delivery);
    }
    sw->last = NULL;
}

static bool
store_waits(struct campus *campus)
{
    struct store_stats stats;
    store_read_stats(campus->store, &stats);
    return stats.waiting > 0;
}

void
campus_settle(struct campus *campus)
{
    bool any = true;
    while (any) {
        any = false;
        while (store_waits(campus)) {
            event_base_loop(campus->base, EVLOOP_ONCE);
            any = true;
        }
        any = deliver_due(campus) || any;
    }
}

void
campus_pass(struct campus *campus, int64_t us)
{
    const int64_t tick_us = 250000;
    campus_settle(campus);
    while (us > 0) {
        int64_t step_us = us < tick_us ? us : tick_us;
        clock_fake_advance(&campus->clock, step_us);
        campus_settle(campus);
        controller_tick(campus->controller);
        campus_settle(campus);
        us -= step_us;
    }
}

static void
on_device(void *context, const struct wire_device *device)
{
    struct campus_switch *sw = context;
    struct wire_device told = *device;
    told.tells_sum = device->tells_sum && !sw->is_old;
    if (sw->campus->controller) {
        controller_device(sw->campus->controller, &told);
    }
}

struct device *
campus_add(struct campus *campus, const struct device_config *config)
{
    struct campus_switch *sw = &campus->switches[campus->switch_count++];
    struct device_config instant = *config;
    instant.latency_ms = 0; /* it is the delivery that takes its time */
    *sw =
        (struct campus_switch){.campus = campus, .latency_us = (int64_t)config->latency_ms * 1000};
    const struct device_listener listener = {.on_device = on_device, .context = sw};
    assert_int_equal(driver_dummy.open(&instant, &listener, &sw->device), 0);
    dummy_set_clock(sw->device, &campus->clock.clock);
    return sw->device;
}

/* The last one is kept; the tests of notices look at it. */
static bool
send_notice(void *context, const struct wire_notice *notice)
{
    struct campus *campus = context;
    if (campus->is_notify_away) {
        return false;
    }
    free(campus->notice.message.notices);
    campus->notice = *notice;
    campus->notice.message.notices =
        mem_new(notice->message.notice_count + 1, sizeof(struct notice));
    memcpy(campus->notice.message.notices, notice->message.notices,
           notice->message.notice_count * sizeof(struct notice));
    campus->notice_count++;
    return true;
}

static bool
send_secret(void *context, const struct wire_secret_change *change)
{
    struct campus *campus = context;
    campus->secret = change->secrets[0];
    campus->secret_number = change->number;
    campus->secret_count = change->secret_count;
    return !campus->is_notify_away;
}

static bool
send_checkpoint(void *context, const struct wire_checkpoint *message)
{
    struct campus *campus = context;
    campus->checkpoint = *message;
    campus->checkpoint_count++;
    return true;
}

static void
controller_begin(struct campus *campus)
{
    char why[256] = "";
    campus->base = event_base_new();
    if (store_open(campus->path, campus->base, &campus->store, why)) {
        fail_msg("store: %s", why);
    }
    struct policy_error error = {.line = 0};
    const char *text = campus->policy_text ? campus->policy_text : campus_policy;
    if (policy_parse(text, strlen(text), &campus->policy, &error)) {
        fail_msg("policy: line %u: %s", error.line, error.text);
    }
    const struct controller_settings settings = {.mirrors = campus->mirrors,
                                                 .mirror_count = campus->mirror_count,
                                                 .boot_id = campus->boot_id,
                                                 .is_clock_free = campus->is_clock_free,
                                                 .protected = campus->protected,
                                                 .protected_count = campus->protected_count};
    const struct controller_ports ports = {.send_desired = send_desired,
                                           .send_read_back = send_read_back,
                                           .publish = publish,
                                           .send_notice = send_notice,
                                           .send_secret = send_secret,
                                           .send_checkpoint = send_checkpoint,
                                           .context = campus};
    campus->controller =
        controller_new(&settings, &campus->clock.clock, campus->store, campus->policy, &ports);
    assert_int_equal(controller_load(campus->controller), 0);
    controller_start(campus->controller);
    controller_notify_joined(campus->controller);
    for (size_t i = 0; i < campus->switch_count; i++) {
        if (i + 1 != campus->away) {
            dummy_set_connected(campus->switches[i].device, true);
        }
    }
    campus_settle(campus);
}

static void
controller_end(struct campus *campus)
{
    for (size_t i = 0; i < campus->switch_count; i++) {
        deliveries_drop(&campus->switches[i]);
    }
    store_close(campus->store);
    controller_free(campus->controller);
    campus->controller = NULL;
    policy_unref(campus->policy);
    event_base_free(campus->base);
}

void
campus_open(struct campus *campus)
{
    *campus = (struct campus){.published = 0};
    clock_fake_init(&campus->clock, INT64_C(1700000000000000));
    snprintf(campus->dir, sizeof(campus->dir), "/tmp/cordon-controller-XXXXXX");
    assert_non_null(mkdtemp(campus->dir));
    snprintf(campus->path, sizeof(campus->path), "%s/cordon.db", campus->dir);
    campus_add(campus, &(struct device_config){.name = "e1", .driver = "dummy"});
    campus_add(campus, &(struct device_config){.name = "e2", .driver = "dummy"});
    controller_begin(campus);
    campus_ports(campus, "e1", 4);
    campus_ports(campus, "e2", 4);
}

struct campus *
campus_new(void)
{
    struct campus *campus = calloc(1, sizeof(*campus));
    assert_non_null(campus);
    campus_open(campus);
    return campus;
}

int
campus_teardown(void **state)
{
    campus_close(*state);
    free(*state);
    return 0;
}

void
campus_remove_last(struct campus *campus)
{
    struct campus_switch *sw = &campus->switches[--campus->switch_count];
    driver_dummy.close(sw->device);
    wire_fini(WIRE_DESIRED, &sw->partial);
    deliveries_drop(sw);
}

void
campus_close(struct campus *campus)
{
    controller_end(campus);
    free(campus->notice.message.notices);
    while (campus->switch_count > 0) {
        campus_remove_last(campus);
    }
    char command[128]; /* with what the store keeps beside its database */
    snprintf(command, sizeof(command), "rm -rf %s", campus->dir);
    assert_int_equal(system(command), 0);
}

void
campus_stop(struct campus *campus)
{
    controller_end(campus);
}

void
campus_start_without(struct campus *campus, size_t index)
{
    campus->away = index + 1;
    controller_begin(campus);
    for (size_t i = 0; i < campus->switch_count; i++) { /* an edge that connects tells its ports */
        if (i != index) {
            campus_ports(campus, campus->switches[i].device->config.name, 4);
        }
    }
}

void
campus_start(struct campus *campus)
{
    campus_start_without(campus, SIZE_MAX - 1);
}

void
campus_restart(struct campus *campus)
{
    campus_stop(campus);
    campus_start(campus);
}

void
campus_facts(struct campus *campus, const char *on, struct fact *told, size_t count)
{
    struct wire_facts facts = {
        .sequence = ++campus->fact_sequence, .is_last = true, .facts = told, .fact_count = count};
    facts.wall_us = campus->edges_wall_us;
    snprintf(facts.switch_name, sizeof(facts.switch_name), "%s", on);
    for (size_t i = 0; i < count; i++) {
        told[i].seen_us = told[i].seen_us ? told[i].seen_us : campus->clock.wall_now_us;
    }
    controller_facts(campus->controller, &facts);
    campus_settle(campus);
}

void
campus_fact(struct campus *campus, const char *on, const struct fact *fact)
{
    struct fact one = *fact;
    campus_facts(campus, on, &one, 1);
}

void
campus_ports(struct campus *campus, const char *on, size_t count)
{
    for (size_t i = 1; i <= count; i++) {
        struct fact fact = {
            .kind = FACT_PORT, .port_number = (uint32_t)i, .role = PORT_ACCESS, .is_up = true};
        snprintf(fact.port, sizeof(fact.port), "p%zu", i);
        campus_fact(campus, on, &fact);
    }
    struct fact uplink = {
        .kind = FACT_PORT, .port = "ul", .port_number = 99, .role = PORT_UPLINK, .is_up = true};
    campus_fact(campus, on, &uplink);
}

void
campus_two_clients(struct campus *campus)
{
    campus_client(campus, "e1", "p2", 2, "10.1.0.2", "c2");
    campus_client(campus, "e1", "p3", 3, "10.1.0.3", "c3");
}

struct mac
campus_mac(uint8_t last)
{
    return (struct mac){{2, 0, 0, 0, 0, last}};
}

struct ip
campus_ip(const char *text)
{
    struct ip ip;
    assert_true(ip_parse(text, &ip));
    return ip;
}

void
campus_client(struct campus *campus, const char *on, const char *port, uint8_t mac, const char *ip,
              const char *client)
{
    struct fact fact = {.kind = FACT_MAC, .mac = campus_mac(mac)};
    snprintf(fact.port, sizeof(fact.port), "%s", port);
    campus_fact(campus, on, &fact);
    if (!client) {
        fact.kind = FACT_BINDING;
        fact.ip = campus_ip(ip);
        campus_fact(campus, on, &fact);
        return;
    }
    /* Its request on its own port, the server's answer from the uplink. */
    fact.kind = FACT_LEASE;
    fact.source = BINDING_DHCP4;
    snprintf(fact.client_id, sizeof(fact.client_id), "%s", client);
    campus_fact(campus, on, &fact);
    fact.ip = campus_ip(ip);
    fact.lease_s = 7200;
    snprintf(fact.port, sizeof(fact.port), "ul");
    campus_fact(campus, on, &fact);
}

const struct endpoint *
campus_endpoint(struct campus *campus, uint8_t mac)
{
    struct mac full = campus_mac(mac);
    return topology_by_mac(controller_topology(campus->controller), &full);
}

static void
on_stored(void *context, const char *detection_id, int error)
{
    (void)detection_id;
    *(int *)context += error ? 100 : 1;
}

bool
campus_detect(struct campus *campus, const char *id, const char *ip, enum strength strength)
{
    return campus_detect_to(campus, id, ip, "198.51.100.9", strength);
}

bool
campus_detect_to(struct campus *campus, const char *id, const char *ip, const char *server,
                 enum strength strength)
{
    struct detection detection = {.seen_us = campus->clock.wall_now_us,
                                  .first_us = campus->clock.wall_now_us,
                                  .reported_us = campus->clock.wall_now_us,
                                  .phase = PHASE_C2,
                                  .severity = SEVERITY_HIGH,
                                  .confidence = 90,
                                  .protocol = 6,
                                  .handshake = true,
                                  .strength = strength,
                                  .suspect = PARTY_SRC};
    snprintf(detection.id, sizeof(detection.id), "%s", id);
    snprintf(detection.sensor, sizeof(detection.sensor), "ids");
    snprintf(detection.maker, sizeof(detection.maker), "suricata");
    snprintf(detection.signature, sizeof(detection.signature), "C&C contact");
    detection.src.ip = campus_ip(ip);
    detection.dst.ip = campus_ip(server);
    detection.src.port = 50000;
    detection.dst.port = 443;
    int stored = 0;
    controller_detection(campus->controller, &detection, on_stored, &stored);
    campus_settle(campus);
    return stored == 1;
}

const struct containment *
campus_newest(struct campus *campus)
{
    size_t count = controller_containment_count(campus->controller);
    return count ? controller_containment_at(campus->controller, count - 1) : NULL;
}

bool
campus_has_mark(const struct containment *c, const char *step)
{
    for (size_t i = 0; i < c->mark_count; i++) {
        if (strcmp(c->marks[i].step, step) == 0) {
            return true;
        }
    }
    return false;
}

void
campus_answer(void *context, enum wish_result result, const char *why, const struct containment *c)
{
    struct wish_answer *answer = context;
    answer->calls++;
    answer->result = result;
    snprintf(answer->why, sizeof(answer->why), "%s", why);
    snprintf(answer->id, sizeof(answer->id), "%s", c ? c->id : "");
}

void
campus_isolate(struct campus *campus, uint8_t mac, char id[ID_SIZE])
{
    struct wish_answer answer = {.calls = 0};
    const struct wish wish = {.action = ACTION_ISOLATE,
                              .mac = campus_mac(mac),
                              .account = "operator:ann",
                              .reason = "asked"};
    controller_wish(campus->controller, &wish, campus_answer, &answer);
    campus_settle(campus);
    assert_int_equal(answer.result, WISH_DONE);
    snprintf(id, ID_SIZE, "%s", answer.id);
}

int64_t
campus_number(const struct campus *campus, const char *sql, const char *bound)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    assert_int_equal(sqlite3_open_v2(campus->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    }
    if (bound) {
        assert_int_equal(sqlite3_bind_text(row, 1, bound, -1, SQLITE_STATIC), SQLITE_OK);
    }
    int64_t number = sqlite3_step(row) == SQLITE_ROW ? sqlite3_column_int64(row, 0) : -1;
    sqlite3_finalize(row);
    sqlite3_close(db);
    return number;
}

void
campus_tamper(const struct campus *campus, const char *sql)
{
    sqlite3 *db = NULL;
    char *why = NULL;
    assert_int_equal(sqlite3_open(campus->path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) {
        fail_msg("%s: %s", sql, why);
    }
    sqlite3_close(db);
}
