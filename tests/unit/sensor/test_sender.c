/* Detections on their way: kept while cordond is away, over restarts, never without bound. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/id.h"
#include "bus/pki.h"
#include "bus/tls.h"
#include "sensor/sender.h"
#include "wire/ack.h"

#define STEPS_MAX 12000 /* of 5 ms */

struct fixture {
    char dir[64], spool[128], address[64], files[4][128];
    struct sensor_settings settings;
    struct event_base *base;
    struct sender *sender;
    struct tls_server *server;
    struct channel *channel;
    bool acknowledges;
    size_t got, evidence;
    char last[NAME_SIZE], name[NAME_SIZE]; /* id and sensor of the last detection */
};

static struct detection
detection_make(unsigned number)
{
    struct detection detection = {.seen_us = 1700000000000000LL + number,
                                  .first_us = 1700000000000000LL,
                                  .reported_us = 1700000000000001LL,
                                  .signature_id = 9100001,
                                  .phase = PHASE_C2,
                                  .severity = SEVERITY_HIGH,
                                  .protocol = 6,
                                  .count = 1};
    snprintf(detection.id, sizeof(detection.id), "d-%u", number);
    snprintf(detection.sensor, sizeof(detection.sensor), "s1");
    snprintf(detection.maker, sizeof(detection.maker), "cordon");
    snprintf(detection.signature, sizeof(detection.signature), "test");
    return detection;
}

static void
put(struct fixture *f, unsigned number, size_t pcap_size)
{
    static uint8_t pcap[EVIDENCE_SIZE_MAX];
    struct detection detection = detection_make(number);
    detection.has_evidence = pcap_size > 0;
    sender_put(f->sender, &detection, pcap_size ? pcap : NULL, pcap_size);
}

static void
sender_open(struct fixture *f)
{
    char why[256] = "";
    int result = sender_new(f->base, &f->settings, &f->sender, why);
    if (result) {
        fail_msg("%s", why);
    }
}

static void
restart(struct fixture *f)
{
    sender_free(f->sender);
    sender_open(f);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char why[256] = "";
    assert_non_null(f);
    snprintf(f->dir, sizeof(f->dir), "/tmp/cordon-sender-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    assert_int_equal(pki_prepare(f->dir, NULL, "localhost,127.0.0.1", why), 0);
    assert_int_equal(pki_issue(f->dir, NULL, "sensor", "s1", f->dir, why), 0);
    snprintf(f->spool, sizeof(f->spool), "%s/spool.jsonl", f->dir);
    snprintf(f->address, sizeof(f->address), "127.0.0.1:%d", 20000 + (int)getpid() % 10000);
    snprintf(f->settings.name, sizeof(f->settings.name), "s1");
    snprintf(f->settings.server, sizeof(f->settings.server), "%s", f->address);
    snprintf(f->settings.ca, sizeof(f->settings.ca), "%s/ca.pem", f->dir);
    snprintf(f->settings.cert, sizeof(f->settings.cert), "%s/s1.pem", f->dir);
    snprintf(f->settings.key, sizeof(f->settings.key), "%s/s1.key", f->dir);
    snprintf(f->settings.spool_dir, sizeof(f->settings.spool_dir), "%s", f->dir);
    f->settings.spool_mib = 1;
    f->base = event_base_new();
    sender_open(f);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    sender_free(f->sender);
    if (f->channel) {
        channel_drop(f->channel);
    }
    event_base_loop(f->base, EVLOOP_NONBLOCK); /* the library frees its own things in there */
    tls_server_free(f->server);
    event_base_free(f->base);
    snprintf(command, sizeof(command), "rm -r '%s'", f->dir);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

/* ---- the other end ---- */

static void
on_message(void *context, struct channel *channel, enum wire_type type, const void *message)
{
    struct fixture *f = context;
    f->evidence += type == WIRE_EVIDENCE;
    if (type != WIRE_DETECTION) {
        return;
    }
    const struct detection *detection = message;
    f->got++;
    snprintf(f->last, sizeof(f->last), "%s", detection->id);
    snprintf(f->name, sizeof(f->name), "%s", detection->sensor);
    if (f->acknowledges) {
        struct wire_ack ack = {.id_count = 1};
        snprintf(ack.ids[0], NAME_SIZE, "%s", detection->id);
        channel_send(channel, WIRE_ACK, &ack);
    }
}

static void
on_close(void *context, struct channel *channel, const char *why)
{
    struct fixture *f = context;
    (void)why;
    f->channel = f->channel == channel ? NULL : f->channel;
}

static bool
on_peer(void *context, const char *name, struct channel_handler *handler, void **tag)
{
    (void)tag;
    assert_string_equal(name, "s1");
    *handler = (struct channel_handler){
        .on_message = on_message, .on_close = on_close, .context = context};
    return true;
}

static void
on_open(void *context, struct channel *channel)
{
    ((struct fixture *)context)->channel = channel;
}

static void
serve(struct fixture *f, bool acknowledges)
{
    char ca[128], cert[128], key[128], why[256] = "";
    snprintf(ca, sizeof(ca), "%s/ca.pem", f->dir);
    snprintf(cert, sizeof(cert), "%s/server.pem", f->dir);
    snprintf(key, sizeof(key), "%s/server.key", f->dir);
    const struct tls_files files = {.ca = ca, .cert = cert, .key = key};
    f->acknowledges = acknowledges;
    if (tls_server_new(f->base, f->address, &files, ROLE_INTAKE, ROLE_SENSOR, on_peer, on_open, f,
                       &f->server, why)) {
        fail_msg("%s", why);
    }
}

/* Runs the loop until '*value' is 'wanted'. */
static void
until(struct fixture *f, const size_t *value, size_t wanted)
{
    const struct timeval step = {.tv_usec = 5000};
    for (int i = 0; i < STEPS_MAX && *value != wanted; i++) {
        event_base_loopexit(f->base, &step);
        event_base_dispatch(f->base);
    }
    assert_int_equal(*value, wanted);
}

static void
until_waiting(struct fixture *f, size_t wanted)
{
    const struct timeval step = {.tv_usec = 5000};
    for (int i = 0; i < STEPS_MAX && sender_waiting(f->sender) != wanted; i++) {
        event_base_loopexit(f->base, &step);
        event_base_dispatch(f->base);
    }
    assert_int_equal(sender_waiting(f->sender), wanted);
}

static size_t
spool_size(const struct fixture *f)
{
    struct stat found;
    assert_int_equal(stat(f->spool, &found), 0);
    return (size_t)found.st_size;
}

/* ---- tests ---- */

/* Made while cordond is away; the sensor starts anew; then all of it arrives, once acknowledged it
 * is forgotten. */
static void
test_survives_restart(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 10; i++) {
        put(f, i, i % 2 ? 1000 : 0);
    }
    assert_int_equal(sender_waiting(f->sender), 10);
    restart(f);
    assert_int_equal(sender_waiting(f->sender), 10);
    serve(f, true);
    until(f, &f->got, 10);
    until_waiting(f, 0);
    assert_int_equal(f->evidence, 5);
    assert_string_equal(f->last, "d-9");
    assert_int_equal(spool_size(f), 0);
    restart(f);
    assert_int_equal(sender_waiting(f->sender), 0);
}

/* Who may report as himself only reports what he found under his former name as himself: it is
 * taken, and so is what waits behind it. */
static void
test_renamed(void **state)
{
    struct fixture *f = *state;
    put(f, 1, 1000);
    put(f, 2, 0);
    sender_free(f->sender);
    snprintf(f->settings.name, sizeof(f->settings.name), "ward-7");
    sender_open(f);
    assert_int_equal(sender_waiting(f->sender), 2);
    serve(f, false);
    until(f, &f->got, 2);
    assert_string_equal(f->last, "d-2");
    assert_string_equal(f->name, "ward-7");
    assert_int_equal(f->evidence, 1);
    restart(f); /* the file has the old name still */
    f->acknowledges = true;
    until(f, &f->got, 4);
    assert_string_equal(f->name, "ward-7");
    until_waiting(f, 0);
}

/* Without a folder it would lose what it found, and not live longer than its certificate. */
static void
test_needs_a_folder(void **state)
{
    struct fixture *f = *state;
    struct sender *sender = NULL;
    char why[256] = "";
    f->settings.spool_dir[0] = '\0';
    assert_int_equal(sender_new(f->base, &f->settings, &sender, why), -EINVAL);
    assert_non_null(strstr(why, "spool_dir is needed"));
    f->settings.server[0] = '\0'; /* one that reports to nobody needs none */
    assert_int_equal(sender_new(f->base, &f->settings, &sender, why), 0);
    sender_free(sender);
}

/* A line that nobody can read holds up none of the others. */
static void
test_unreadable(void **state)
{
    struct fixture *f = *state;
    static const char *const lines[] = {"no JSON\n", "{\"type\":\"nothing\"}\n",
                                        "{\"type\":\"detection\",\"id\":7}\n"};
    put(f, 1, 0);
    sender_free(f->sender);
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        FILE *spool = fopen(f->spool, "a");
        assert_non_null(spool);
        assert_true(fputs(lines[i], spool) >= 0);
        fclose(spool);
    }
    sender_open(f);
    put(f, 2, 0);
    restart(f);
    assert_int_equal(sender_waiting(f->sender), 2);
    serve(f, true);
    until(f, &f->got, 2);
    until_waiting(f, 0);
    assert_int_equal(spool_size(f), 0);
}

/* What was sent and not acknowledged is sent again by the next run. */
static void
test_unacknowledged(void **state)
{
    struct fixture *f = *state;
    serve(f, false);
    put(f, 1, 100);
    until(f, &f->got, 1);
    assert_int_equal(sender_waiting(f->sender), 1);
    restart(f);
    f->acknowledges = true;
    until(f, &f->got, 2);
    until_waiting(f, 0);
}

/* Cordond took it, had no room, and said nothing: after a while it is sent again on the same
 * connection. */
static void
test_sent_again_by_time(void **state)
{
    struct fixture *f = *state;
    const int64_t second = 1000000;
    serve(f, false);
    put(f, 1, 100);
    put(f, 2, 0);
    until(f, &f->got, 2);
    sender_tick(f->sender, second);
    sender_tick(f->sender, 10 * second);
    f->acknowledges = true;
    put(f, 3, 0);
    until_waiting(f, 2);
    assert_int_equal(f->got, 3);
    sender_tick(f->sender, 12 * second);
    until_waiting(f, 0);
    assert_int_equal(f->got, 5);
}

/* Over the limit the newest are counted as lost; the file stays bounded, too. */
static void
test_bounded(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 100; i++) {
        put(f, i, 60000);
    }
    size_t kept = sender_waiting(f->sender);
    assert_true(kept > 5 && kept < 30);
    assert_int_equal(sender_lost(f->sender), 100 - kept);
    assert_true(spool_size(f) < 2 * 1024 * 1024);
    serve(f, true);
    until(f, &f->got, kept); /* the oldest, in order */
    until_waiting(f, 0);
    put(f, 1000, 0); /* and there is room again */
    until(f, &f->got, kept + 1);
    assert_string_equal(f->last, "d-1000");
}

static void
test_count_bounded(void **state)
{
    struct fixture *f = *state;
    f->settings.spool_mib = 64;
    restart(f);
    for (unsigned i = 0; i < SENDER_DETECTIONS_MAX + 5; i++) {
        put(f, i, 0);
    }
    assert_int_equal(sender_waiting(f->sender), SENDER_DETECTIONS_MAX);
    assert_int_equal(sender_lost(f->sender), 5);
}

/* A crash in the middle of a line: that one is lost, neither those before nor those after it. */
static void
test_cut_line(void **state)
{
    struct fixture *f = *state;
    put(f, 1, 0);
    put(f, 2, 0);
    size_t size = spool_size(f);
    sender_free(f->sender);
    assert_int_equal(truncate(f->spool, (off_t)size - 10), 0);
    sender_open(f);
    assert_int_equal(sender_waiting(f->sender), 1);
    put(f, 3, 0);
    restart(f);
    assert_int_equal(sender_waiting(f->sender), 2);
    serve(f, true);
    until(f, &f->got, 2);
    assert_string_equal(f->last, "d-3");
}

/* Lines that somebody spoilt are left out. */
static void
test_spoilt_lines(void **state)
{
    struct fixture *f = *state;
    char *text;
    size_t size;
    put(f, 1, 50);
    sender_free(f->sender);
    assert_int_equal(file_read(f->spool, 100000, &text, &size), 0);
    FILE *file = fopen(f->spool, "a");
    assert_non_null(file);
    fputs("nonsense\n{\"type\":\"detection\"}\n{}\n[1,2]\n", file);
    fputs(strchr(text, '\n') + 1, file); /* evidence of a detection that is not before it */
    assert_int_equal(fclose(file), 0);
    free(text);
    sender_open(f);
    assert_int_equal(sender_waiting(f->sender), 1);
    serve(f, true);
    until(f, &f->got, 1);
    until_waiting(f, 0);
    assert_int_equal(f->evidence, 1);
}

/* Evidence whose own detection is spoilt is not taken for another's. */
static void
test_lost_owner(void **state)
{
    struct fixture *f = *state;
    char *text;
    size_t size;
    put(f, 1, 0);
    size_t first = spool_size(f);
    put(f, 2, 50);
    sender_free(f->sender);
    assert_int_equal(file_read(f->spool, 100000, &text, &size), 0);
    text[first] = '!';
    assert_int_equal(file_write_atomic(f->spool, text, size, 0600), 0);
    free(text);
    sender_open(f);
    assert_int_equal(sender_waiting(f->sender), 1);
    serve(f, true);
    until(f, &f->got, 1);
    until_waiting(f, 0);
    assert_int_equal(f->evidence, 0);
}

/* When most of the file is old, the rest is written anew: a sensor that always has something on its
 * way does not fill its disk. */
static void
test_compacts(void **state)
{
    struct fixture *f = *state;
    serve(f, false);
    put(f, 0, 0);
    until(f, &f->got, 1); /* never acknowledged */
    f->acknowledges = true;
    for (unsigned i = 1; i <= 100; i++) {
        put(f, i, 30000);
        until_waiting(f, 1);
        assert_true(spool_size(f) < 1024 * 1024);
    }
    assert_int_equal(sender_lost(f->sender), 0);
    restart(f); /* with it some that are stored: cordond knows them by their ids */
    assert_in_range(sender_waiting(f->sender), 1, 15);
    until_waiting(f, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_survives_restart), TEST(test_renamed),        TEST(test_unreadable),
        TEST(test_needs_a_folder),   TEST(test_unacknowledged), TEST(test_bounded),
        TEST(test_count_bounded),    TEST(test_cut_line),       TEST(test_spoilt_lines),
        TEST(test_compacts),         TEST(test_lost_owner),     TEST(test_sent_again_by_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
