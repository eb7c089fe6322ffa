/* What contained endpoints are told, and that it is put right: the responder over a datapath that
 * only remembers, rules and learnt addresses that the test sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include "edge/responder_link.h"
#include "frames.h"

#define CLIENT "02:00:00:00:00:11"
#define SINK "02:c0:4d:00:00:01"
#define OWNER "02:00:00:00:00:77"
#define BRIDGE 1
#define PORT 7
#define SENT_MAX 16384
#define TOLD_MAX 4096 /* as respond.c has it */

/* ---- the datapath ---- */

struct sent {
    int ifindex;
    uint16_t vlan;
    uint8_t head[64];
    size_t size;
};

struct datapath {
    struct frame frame; /* waits */
    bool waits;
    int line[2];
    struct sent *sent;
    size_t sent_count;
    size_t forwarded;
};

int
datapath_responder_fd(const struct datapath *datapath)
{
    return datapath->line[0];
}

bool
datapath_responder_read(struct datapath *datapath, struct responder_frame *frame)
{
    char byte;
    if (!datapath->waits) {
        return false;
    }
    datapath->waits = false;
    assert_int_equal(read(datapath->line[0], &byte, 1), 1);
    *frame = (struct responder_frame){
        .ifindex = PORT, .vlan = 10, .frame = datapath->frame.b, .size = datapath->frame.size};
    return true;
}

int
datapath_reply(struct datapath *datapath, int ifindex, uint16_t vlan, const uint8_t *frame,
               size_t size)
{
    assert_true(datapath->sent_count < SENT_MAX);
    struct sent *sent = &datapath->sent[datapath->sent_count++];
    *sent = (struct sent){.ifindex = ifindex, .vlan = vlan, .size = size};
    memcpy(sent->head, frame, size < sizeof(sent->head) ? size : sizeof(sent->head));
    return 0;
}

int
datapath_forward(struct datapath *datapath, int ifindex, uint16_t vlan, const uint8_t *frame,
                 size_t size)
{
    (void)ifindex, (void)vlan, (void)frame, (void)size;
    datapath->forwarded++;
    return 0;
}

int
datapath_learn_name(struct datapath *datapath, const char *permit_set, size_t index,
                    const struct ip *server, uint32_t ttl_s)
{
    (void)datapath, (void)permit_set, (void)index, (void)server, (void)ttl_s;
    return 0;
}

/* ---- what is desired, and what was learnt ---- */

static struct {
    struct rule rule;
    bool is_contained, is_suspended, knows_owner;
} world;

const struct rule *
desired_isolate_of(const struct desired *desired, const struct mac *mac, const struct ip *ip)
{
    (void)desired, (void)ip;
    return world.is_contained && mac_is_equal(mac, &world.rule.isolate.mac) ? &world.rule : NULL;
}

const struct rule *
desired_hold_of(const struct desired *desired, const char *port)
{
    (void)desired, (void)port;
    return NULL;
}

const struct permit_set *
desired_permits(const struct desired *desired, const char *name)
{
    (void)desired, (void)name;
    return NULL;
}

size_t
desired_warnings(const struct desired *desired, const struct rule_warning **warnings, size_t room)
{
    (void)desired, (void)warnings, (void)room;
    return 0;
}

bool
desired_is_suspended(const struct desired *desired)
{
    (void)desired;
    return world.is_suspended;
}

bool
learn_mac_of(const struct learn *learn, const struct ip *ip, struct mac *mac)
{
    (void)learn, (void)ip;
    *mac = mac_of_text(OWNER);
    return world.knows_owner;
}

const char *
learn_port_name(const struct learn *learn, int ifindex)
{
    (void)learn;
    return ifindex == PORT ? "p7" : NULL;
}

int
learn_bridge(const struct learn *learn)
{
    (void)learn;
    return BRIDGE;
}

struct mac
learn_bridge_mac(const struct learn *learn)
{
    (void)learn;
    return mac_of_text("02:00:00:00:00:99");
}

/* ---- the bench ---- */

struct bench {
    char dir[40];
    struct event_base *base;
    struct datapath datapath;
    struct edge_settings settings;
    struct responder_link *respond;
};

static void
begin(struct bench *bench)
{
    bench->base = event_base_new();
    bench->respond = responder_link_new(bench->base, &bench->datapath, &bench->settings);
    responder_link_join(bench->respond, NULL, NULL);
}

static void
end(struct bench *bench)
{
    responder_link_free(bench->respond);
    event_base_free(bench->base);
}

static int
setup(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    snprintf(bench->dir, sizeof(bench->dir), "/tmp/cordon-respond-XXXXXX");
    assert_non_null(mkdtemp(bench->dir));
    snprintf(bench->settings.run_dir, sizeof(bench->settings.run_dir), "%s", bench->dir);
    bench->settings.warning_address = ip_of_text("192.0.2.80");
    bench->datapath.sent = calloc(SENT_MAX, sizeof(struct sent));
    assert_int_equal(pipe(bench->datapath.line), 0);
    memset(&world, 0, sizeof(world));
    world.is_contained = world.knows_owner = true;
    world.rule.kind = RULE_ISOLATE;
    world.rule.isolate.mac = mac_of_text(CLIENT);
    begin(bench);
    *state = bench;
    return 0;
}

static int
teardown(void **state)
{
    struct bench *bench = *state;
    char path[64];
    end(bench);
    close(bench->datapath.line[0]);
    close(bench->datapath.line[1]);
    free(bench->datapath.sent);
    snprintf(path, sizeof(path), "%s/told", bench->dir);
    unlink(path);
    rmdir(bench->dir);
    free(bench);
    return 0;
}

/* The client asks who has 'address'; the loop turns once. */
static void
asks(struct bench *bench, const char *address)
{
    const struct hosts hosts = {CLIENT, "ff:ff:ff:ff:ff:ff", "192.0.2.1", address};
    bench->datapath.frame.size = 0;
    frame_arp(&bench->datapath.frame, &hosts, 1);
    bench->datapath.waits = true;
    assert_int_equal(write(bench->datapath.line[1], "x", 1), 1);
    event_base_loop(bench->base, EVLOOP_NONBLOCK);
    assert_false(bench->datapath.waits);
}

static const struct sent *
last(const struct bench *bench)
{
    assert_true(bench->datapath.sent_count > 0);
    return &bench->datapath.sent[bench->datapath.sent_count - 1];
}

/* The last frame says to the client, on its port, that 'address' is at 'mac'. */
static void
assert_told(const struct bench *bench, const char *address, const char *mac)
{
    const struct sent *sent = last(bench);
    struct mac client = mac_of_text(CLIENT), said = mac_of_text(mac);
    struct ip ip = ip_of_text(address);
    assert_int_equal(sent->ifindex, PORT);
    assert_int_equal(sent->vlan, 10);
    assert_memory_equal(sent->head, client.b, 6);
    assert_memory_equal(sent->head + 22, said.b, 6);
    assert_memory_equal(sent->head + 28, ip.b + 12, 4);
}

/* ---- tests ---- */

static void
what_was_told_is_put_right_at_the_release_once(void **state)
{
    struct bench *bench = *state;
    asks(bench, "192.0.2.77");
    assert_told(bench, "192.0.2.77", SINK);
    world.is_contained = false;
    responder_link_release(bench->respond, &world.rule);
    assert_int_equal(bench->datapath.sent_count, 2);
    assert_told(bench, "192.0.2.77", OWNER);
    responder_link_release(bench->respond, &world.rule);
    responder_link_correct_all(bench->respond);
    assert_int_equal(bench->datapath.sent_count, 2);
}

static void
a_question_that_waited_while_it_was_released_is_answered_with_the_truth(void **state)
{
    struct bench *bench = *state;
    world.is_contained = false;
    asks(bench, "192.0.2.77");
    assert_int_equal(bench->datapath.sent_count, 1);
    assert_told(bench, "192.0.2.77", OWNER);
}

static void
while_all_is_suspended_nobody_is_told_the_sink(void **state)
{
    struct bench *bench = *state;
    asks(bench, "192.0.2.77");
    world.is_suspended = true;
    responder_link_correct_all(bench->respond);
    assert_told(bench, "192.0.2.77", OWNER);
    asks(bench, "192.0.2.78");
    assert_told(bench, "192.0.2.78", OWNER);
}

static void
an_owner_that_is_not_known_is_asked_again_until_it_is(void **state)
{
    struct bench *bench = *state;
    static const struct ip nobody = {{0}};
    asks(bench, "192.0.2.77");
    world.is_contained = world.knows_owner = false;
    responder_link_release(bench->respond, &world.rule);
    while (bench->datapath.sent_count < 4) { /* the turns 0, 1 and 2 */
        event_base_loop(bench->base, EVLOOP_ONCE);
    }
    for (size_t i = 1; i < 4; i++) {
        const struct sent *sent = &bench->datapath.sent[i];
        assert_int_equal(sent->ifindex, BRIDGE);
        assert_int_equal(sent->head[0], 0xff);
        assert_memory_equal(sent->head + 28, nobody.b, 4); /* in nobody's name */
    }
    world.knows_owner = true;
    responder_link_learnt(bench->respond);
    assert_int_equal(bench->datapath.sent_count, 5);
    assert_told(bench, "192.0.2.77", OWNER);
    event_base_loop(bench->base, EVLOOP_ONCE); /* nothing is due: nobody is asked any more */
    event_base_loop(bench->base, EVLOOP_NONBLOCK);
    assert_int_equal(bench->datapath.sent_count, 5);
}

static void
an_earlier_run_is_put_right_by_the_next_one(void **state)
{
    struct bench *bench = *state;
    char path[64];
    struct stat found;
    asks(bench, "192.0.2.77");
    end(bench);
    snprintf(path, sizeof(path), "%s/told", bench->dir);
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0600);
    begin(bench);
    world.is_contained = false;
    responder_link_release(bench->respond, &world.rule);
    assert_told(bench, "192.0.2.77", OWNER);
}

/* It may ask for the whole of an address space: the newest are remembered, and nothing else. */
static void
whoever_asks_for_everything_fills_nothing(void **state)
{
    struct bench *bench = *state;
    char address[20];
    for (int i = 0; i < TOLD_MAX + 10; i++) {
        snprintf(address, sizeof(address), "10.0.%d.%d", i / 250, i % 250 + 1);
        asks(bench, address);
    }
    size_t before = bench->datapath.sent_count;
    world.is_contained = false;
    responder_link_release(bench->respond, &world.rule);
    assert_int_equal(bench->datapath.sent_count - before, TOLD_MAX);
    asks(bench, "10.0.0.1"); /* and it goes on */
    assert_told(bench, "10.0.0.1", OWNER);
}

static void
others_keep_what_they_were_told(void **state)
{
    struct bench *bench = *state;
    struct rule other = world.rule;
    other.isolate.mac = mac_of_text("02:00:00:00:00:12");
    asks(bench, "192.0.2.77");
    responder_link_release(bench->respond, &other);
    assert_int_equal(bench->datapath.sent_count, 1);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(what_was_told_is_put_right_at_the_release_once),
        EACH(a_question_that_waited_while_it_was_released_is_answered_with_the_truth),
        EACH(while_all_is_suspended_nobody_is_told_the_sink),
        EACH(an_owner_that_is_not_known_is_asked_again_until_it_is),
        EACH(an_earlier_run_is_put_right_by_the_next_one),
        EACH(whoever_asks_for_everything_fills_nothing),
        EACH(others_keep_what_they_were_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
