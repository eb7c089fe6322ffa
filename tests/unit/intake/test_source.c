/* Sources that others send to: UDP, TCP, TLS and Suricata's unix socket, over loopback; what they
 * count, and what they log. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/bufferevent_ssl.h>
#include <openssl/ssl.h>

#include "base/seal.h"
#include "bus/pki.h"

#define NO_CONTENT "nothing that we read in the message"
#define CEF_MESSAGE "<142>Mar 09 02:58:24 ddi-lab " CEF_CALLBACK

/* A port that nobody has, nor gets by chance until it is bound: below those that the kernel gives to
 * whoever connects somewhere. */
static int
port_find(int kind)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd, error;
    do {
        address.sin_port = htons((uint16_t)(10000 + arc4random_uniform(22000)));
        fd = socket(AF_INET, kind, 0);
        assert_true(fd >= 0);
        error = bind(fd, (struct sockaddr *)&address, sizeof(address));
        close(fd);
    } while (error);
    return ntohs(address.sin_port);
}

struct served {
    struct config_source config;
    struct source *source;
    int port;
};

static void
serve(struct bench *bench, enum source_kind kind, enum source_format format, struct served *served)
{
    *served = (struct served){.config = {.kind = kind, .format = format, .confidence = 70}};
    snprintf(served->config.name, sizeof(served->config.name), "test");
    if (kind == SOURCE_EVE_SOCKET) {
        snprintf(served->config.path, sizeof(served->config.path), "%s/eve.sock", bench->dir);
    } else {
        served->port = port_find(kind == SOURCE_SYSLOG_UDP ? SOCK_DGRAM : SOCK_STREAM);
        snprintf(served->config.listen, sizeof(served->config.listen), "127.0.0.1:%d",
                 served->port);
    }
    served->source = bench_source(bench, &served->config);
    assert_true(served->source->is_started);
    assert_string_equal(served->source->stats.state, "listening");
}

static int
dial(const struct served *served)
{
    struct sockaddr_in ip = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)served->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    snprintf(local.sun_path, sizeof(local.sun_path), "%.100s", served->config.path);
    bool is_local = served->config.kind == SOURCE_EVE_SOCKET;
    int kind = served->config.kind == SOURCE_SYSLOG_UDP ? SOCK_DGRAM : SOCK_STREAM;
    int fd = socket(is_local ? AF_UNIX : AF_INET, kind, 0);
    assert_int_equal(is_local ? connect(fd, (struct sockaddr *)&local, sizeof(local))
                              : connect(fd, (struct sockaddr *)&ip, sizeof(ip)),
                     0);
    return fd;
}

static void
say(int fd, const char *bytes, size_t size)
{
    assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), size);
}

static void
say_alert(int fd, unsigned number)
{
    char line[ALERT_SIZE];
    say(fd, line, alert_write(line, number));
}

/* ---- what is counted ---- */

static void
test_udp(void **state)
{
    struct bench *bench = *state;
    struct served served;
    serve(bench, SOURCE_SYSLOG_UDP, SOURCE_FORMAT_CEF, &served);
    const struct wire_source *stats = &served.source->stats;
    assert_string_equal(stats->name, "test");
    assert_string_equal(stats->kind, "syslog-udp");
    assert_true(stats->last_us == 0);
    int fd = dial(&served);
    say(fd, CEF_MESSAGE, strlen(CEF_MESSAGE));
    say(fd, CEF_MESSAGE "\r\n", strlen(CEF_MESSAGE) + 2); /* the same line: one detection */
    say(fd, "", 0);
    say(fd, "<1>sshd", 7);
    say(fd, "<1>CEF:0|a", 10);
    run_until(bench, stats->received == 5);
    assert_int_equal(stats->accepted, 1);
    assert_int_equal(stats->duplicates, 1);
    assert_int_equal(stats->refused, 3);
    assert_int_equal(stats->ignored, 0);
    assert_int_equal(bench_refused(served.source, NO_CONTENT), 2);
    assert_int_equal(bench_refused(served.source, "CEF header has fewer than 7 fields"), 1);
    assert_true(stats->last_us > 1700000000000000LL);
    assert_int_equal(deliveries_count(bench->deliveries), 1);
    close(fd);
    source_free(served.source);
}

/* Sent again while it is on its way, and after it was stored: core gets it once. */
static void
test_a_line_that_comes_again(void **state)
{
    struct bench *bench = *state;
    struct served served;
    bench_core_comes(bench);
    serve(bench, SOURCE_SYSLOG_UDP, SOURCE_FORMAT_CEF, &served);
    const struct wire_source *stats = &served.source->stats;
    int fd = dial(&served);
    say(fd, CEF_MESSAGE, strlen(CEF_MESSAGE));
    run_until(bench, bench->got_count == 1);
    say(fd, CEF_MESSAGE, strlen(CEF_MESSAGE));
    run_until(bench, stats->received == 2);
    assert_int_equal(stats->duplicates, 1);
    assert_int_equal(deliveries_count(bench->deliveries), 1); /* not stored yet: still owed */
    bench_ack_all(bench);
    assert_int_equal(deliveries_count(bench->deliveries), 0);
    say(fd, CEF_MESSAGE, strlen(CEF_MESSAGE));
    say(fd, CEF_MESSAGE ".", strlen(CEF_MESSAGE) + 1); /* another one */
    run_until(bench, stats->received == 4 && bench->got_count == 2);
    assert_int_equal(stats->duplicates, 2);
    assert_int_equal(stats->accepted, 2);
    close(fd);
    source_free(served.source);
}

/* UDP senders cannot be told to wait: what finds no room is lost, and counted. */
static void
test_udp_without_room(void **state)
{
    struct bench *bench = *state;
    struct served served;
    bench_fill(bench);
    serve(bench, SOURCE_SYSLOG_UDP, SOURCE_FORMAT_CEF, &served);
    int fd = dial(&served);
    say(fd, CEF_MESSAGE, strlen(CEF_MESSAGE));
    run_until(bench, served.source->stats.received == 1);
    assert_int_equal(bench_refused(served.source, "queue full"), 1);
    assert_int_equal(served.source->stats.accepted, 0);
    close(fd);
    source_free(served.source);
}

static void
test_eve_socket(void **state)
{
    struct bench *bench = *state;
    struct served served;
    struct stat about;
    serve(bench, SOURCE_EVE_SOCKET, SOURCE_FORMAT_EVE, &served);
    const struct wire_source *stats = &served.source->stats;
    assert_int_equal(stat(served.config.path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0660);
    bench_core_comes(bench);
    int fd = dial(&served);
    static const char others[] = "\n{\"event_type\":\"flow\"}\nnonsense\r\n\n";
    say(fd, others, sizeof(others) - 1);
    say_alert(fd, 1);
    run_until(bench, bench->got_count == 1);
    assert_int_equal(bench->signatures[0], 1);
    assert_int_equal(stats->received, 3); /* empty lines are none */
    assert_int_equal(stats->ignored, 1);
    assert_int_equal(stats->refused, 1);
    assert_int_equal(stats->accepted, 1);
    close(fd);
    source_free(served.source);
}

/* The socket of an earlier run is replaced; a file that is no socket never. */
static void
test_eve_socket_left_over(void **state)
{
    struct bench *bench = *state;
    struct served served;
    struct config_source config = {.kind = SOURCE_EVE_SOCKET, .name = "file"};
    snprintf(config.path, sizeof(config.path), "%s/eve.sock", bench->dir);
    FILE *file = fopen(config.path, "w");
    fputs("keep me", file);
    fclose(file);
    struct source *source = bench_source(bench, &config);
    assert_false(source->is_started);
    assert_string_equal(source->stats.state, "failed");
    assert_non_null(strstr(source->stats.problem, "cannot listen at"));
    assert_int_equal(access(config.path, R_OK), 0);
    unlink(config.path);
    source_tick(source); /* it is tried again */
    assert_true(source->is_started);
    assert_string_equal(source->stats.state, "listening");
    assert_string_equal(source->stats.problem, "");
    int old = socket(AF_UNIX, SOCK_STREAM, 0);
    source_free(source);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", config.path);
    unlink(config.path);
    assert_int_equal(bind(old, (struct sockaddr *)&address, sizeof(address)), 0);
    close(old); /* nobody listens there any more, but the name is still taken */
    serve(bench, SOURCE_EVE_SOCKET, SOURCE_FORMAT_EVE, &served);
    source_free(served.source);
}

/* ---- lines in a stream ---- */

static void
test_line_in_pieces(void **state)
{
    struct bench *bench = *state;
    struct served served;
    char line[ALERT_SIZE];
    serve(bench, SOURCE_EVE_SOCKET, SOURCE_FORMAT_EVE, &served);
    int fd = dial(&served), other = dial(&served);
    size_t size = alert_write(line, 1);
    say(fd, line, 100);
    say_alert(other, 2);
    run_until(bench, served.source->stats.received == 1); /* the other's */
    say(fd, line + 100, 1);
    bench_turn(bench);
    say(fd, line + 101, size - 101 - 1);
    bench_turn(bench);
    assert_int_equal(served.source->stats.received, 1); /* only the line end is missing */
    say(fd, line + size - 1, 1);
    run_until(bench, served.source->stats.accepted == 2);
    assert_int_equal(served.source->stats.refused, 0);
    close(fd);
    close(other);
    source_free(served.source);
}

/* A sender that dies within a line: nothing is made of the half, but it is counted. */
static void
test_half_a_line_at_the_end(void **state)
{
    struct bench *bench = *state;
    static const enum source_kind kinds[] = {SOURCE_EVE_SOCKET, SOURCE_SYSLOG_TCP};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct served served;
        serve(bench, kinds[i], SOURCE_FORMAT_CEF, &served);
        int fd = dial(&served);
        say(fd, CEF_CALLBACK, 300); /* with an address: a whole line of it would be a detection */
        close(fd);
        run_until(bench, served.source->stats.received == 1);
        assert_int_equal(bench_refused(served.source, "last line without an end"), 1);
        assert_int_equal(served.source->stats.accepted, 0);
        source_free(served.source);
    }
}

static void
test_oversize_line(void **state)
{
    struct bench *bench = *state;
    struct served served;
    serve(bench, SOURCE_EVE_SOCKET, SOURCE_FORMAT_EVE, &served);
    int fd = dial(&served);
    size_t size = LINE_MAX_SIZE + 32 * 1024, sent = 0;
    char *line = calloc(1, size);
    memset(line, 'x', size);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    bench_deadline_start(bench);
    while (served.source->stats.refused == 0 && bench_wait(bench)) {
        ssize_t went = sent < size ? send(fd, line + sent, size - sent, MSG_NOSIGNAL) : 0;
        sent += went > 0 ? (size_t)went : 0;
    }
    assert_int_equal(served.source->stats.received, 1);
    assert_int_equal(bench_refused(served.source, "message too long or badly framed"), 1);
    char byte; /* the sender is sent away */
    ssize_t got;
    bench_deadline_start(bench);
    while ((got = recv(fd, &byte, 1, 0)) < 0 && errno == EAGAIN && bench_wait(bench)) {
    }
    assert_true(got <= 0 && errno != EAGAIN);
    int next = dial(&served); /* which does not hurt the next one */
    say_alert(next, 1);
    run_until(bench, served.source->stats.accepted == 1);
    free(line);
    close(fd);
    close(next);
    source_free(served.source);
}

static void
test_syslog_framings(void **state)
{
    struct bench *bench = *state;
    struct served served;
    serve(bench, SOURCE_SYSLOG_TCP, SOURCE_FORMAT_EVE, &served);
    bench_core_comes(bench);
    int fd = dial(&served);
    char alert[ALERT_SIZE], message[2 * ALERT_SIZE];
    size_t size = alert_write(alert, 1);
    int used = snprintf(message, sizeof(message), "%zu <1>h ids: %.*s", size + 9, (int)size,
                        alert); /* counted, with a line feed at the end */
    say(fd, message, (size_t)used);
    alert_write(alert, 2);
    used = snprintf(message, sizeof(message), "<142>Mar  9 02:58:24 h suricata[7]: %s", alert);
    say(fd, message, (size_t)used);
    run_until(bench, bench->got_count == 2);
    assert_int_equal(bench->signatures[0], 1);
    assert_int_equal(bench->signatures[1], 2);
    assert_int_equal(served.source->stats.received, 2);
    assert_int_equal(served.source->stats.refused, 0);
    close(fd);
    source_free(served.source);
}

/* No room: the sender waits, nothing is counted or lost, even when it has gone by then. */
static void
test_stream_waits_for_room(void **state)
{
    struct bench *bench = *state;
    struct served served;
    serve(bench, SOURCE_EVE_SOCKET, SOURCE_FORMAT_EVE, &served);
    /* about the places that all share */
    deliveries_keep(bench->deliveries, -(int)served.source->own_places);
    served.source->own_places = 0;
    bench_core_comes(bench);
    bench_fill(bench);
    run_until(bench, bench->got_count == DELIVERIES_MAX);
    int fd = dial(&served), stays = dial(&served);
    for (unsigned i = 1; i <= 3; i++) {
        say_alert(fd, i);
    }
    close(fd);
    run_until(bench, served.source->is_paused);
    say_alert(stays, 4);
    bench_turn(bench);
    source_resume(served.source); /* still no room */
    assert_int_equal(served.source->stats.received, 0);
    for (unsigned i = 0; i < DELIVERIES_OURS; i++) {
        deliveries_ack(bench->deliveries, bench->got[i]);
    }
    source_resume(served.source); /* what room there is now is our sensors' */
    assert_int_equal(served.source->stats.received, 0);
    deliveries_ack(bench->deliveries, bench->got[DELIVERIES_OURS]);
    source_resume(served.source);
    run_until(bench, served.source->stats.accepted == 1);
    assert_true(served.source->is_paused);
    bench_ack_all(bench);
    source_resume(served.source);
    run_until(bench, served.source->stats.accepted == 4);
    say_alert(stays, 5); /* it is read on, not only what was there */
    run_until(bench, served.source->stats.accepted == 5);
    assert_int_equal(served.source->stats.received, 5);
    assert_int_equal(served.source->stats.refused, 0);
    close(stays);
    source_free(served.source);
}

/* One source alone does not take the room of all, however much it sends. */
static void
test_one_source_leaves_room(void **state)
{
    struct bench *bench = *state;
    struct served served;
    serve(bench, SOURCE_SYSLOG_UDP, SOURCE_FORMAT_EVE, &served);
    const struct wire_source *stats = &served.source->stats;
    int fd = dial(&served);
    for (unsigned i = 1; i <= SOURCE_OUTSTANDING_UDP + 3; i++) {
        say_alert(fd, i);
        run_until(bench, stats->received == i);
    }
    assert_int_equal(stats->accepted, SOURCE_OUTSTANDING_UDP);
    assert_int_equal(bench_refused(served.source, "queue full"), 3);
    bench_core_comes(bench);
    run_until(bench, bench->got_count == SOURCE_OUTSTANDING_UDP);
    bench_ack_all(bench);
    say_alert(fd, 1000);
    run_until(bench, stats->accepted == SOURCE_OUTSTANDING_UDP + 1);
    close(fd);
    source_free(served.source);
}

/* Streams that send without end fill what all share; who is heard seldom has places of its own all
 * the same, and so have our sensors. */
static void
test_full_sources_leave_room_for_each_other(void **state)
{
    enum { FLOODS = 3 };
    struct bench *bench = *state;
    struct served floods[FLOODS], rare;
    int fds[FLOODS];
    unsigned number = 0;
    serve(bench, SOURCE_SYSLOG_UDP, SOURCE_FORMAT_EVE, &rare);
    for (size_t i = 0; i < FLOODS; i++) {
        serve(bench, SOURCE_SYSLOG_TCP, SOURCE_FORMAT_EVE, &floods[i]);
    }
    for (size_t i = 0; i < FLOODS; i++) {
        fds[i] = dial(&floods[i]);
        fcntl(fds[i], F_SETFL, O_NONBLOCK);
        while (!floods[i].source->is_paused) {
            char line[ALERT_SIZE];
            size_t size = alert_write(line, ++number);
            ssize_t sent = send(fds[i], line, size, MSG_NOSIGNAL);
            assert_true(sent < 0 || sent == (ssize_t)size);
            event_base_loop(bench->base, EVLOOP_NONBLOCK);
        }
    }
    assert_true(deliveries_is_full_for_others(bench->deliveries));
    assert_int_equal(floods[0].source->outstanding, SOURCE_OUTSTANDING_MAX);
    assert_true(floods[2].source->outstanding >= SOURCE_OUTSTANDING_OWN);
    int fd = dial(&rare);
    for (unsigned i = 1; i <= SOURCE_OUTSTANDING_OWN; i++) {
        say_alert(fd, 900000 + i);
        run_until(bench, rare.source->stats.received == i);
    }
    assert_int_equal(rare.source->stats.accepted, SOURCE_OUTSTANDING_OWN);
    assert_int_equal(bench_refused(rare.source, "queue full"), 0);
    assert_false(deliveries_is_full(bench->deliveries));
    assert_true(deliveries_count(bench->deliveries) + DELIVERIES_OURS <= DELIVERIES_MAX);
    close(fd);
    source_free(rare.source);
    for (size_t i = 0; i < FLOODS; i++) {
        close(fds[i]);
        source_free(floods[i].source);
    }
    /* What was kept for them is kept no more. */
    bench_fill(bench);
    assert_int_equal(deliveries_count(bench->deliveries), DELIVERIES_MAX);
}

/* Strangers that hold connections open and say nothing keep nobody else out. */
static void
test_silent_connections_make_room(void **state)
{
    struct bench *bench = *state;
    struct served served;
    int silent[STREAM_CONNECTIONS_MAX];
    serve(bench, SOURCE_SYSLOG_TCP, SOURCE_FORMAT_EVE, &served);
    int fd = dial(&served);
    say_alert(fd, 1);
    say(fd, "\n", 1);
    run_until(bench, served.source->stats.accepted == 1);
    for (unsigned i = 0; i < STREAM_CONNECTIONS_MAX; i++) {
        silent[i] = dial(&served);
        bench_turn(bench);
        if (i % 50 == 0) { /* one that is used stays */
            say_alert(fd, 2 + i);
            run_until(bench, served.source->stats.accepted == 2 + i / 50);
        }
    }
    int late = dial(&served);
    bench_turn(bench);
    say_alert(late, 9000);
    say_alert(fd, 9001);
    unsigned accepted = 2 + (STREAM_CONNECTIONS_MAX - 1) / 50;
    run_until(bench, served.source->stats.accepted == accepted + 2);
    for (unsigned i = 0; i < STREAM_CONNECTIONS_MAX; i++) {
        close(silent[i]);
    }
    close(fd);
    close(late);
    source_free(served.source);
}

/* ---- TLS ---- */

static void
pki_make(const struct bench *bench, struct served *served)
{
    char pki[128], key[128], why[256];
    snprintf(pki, sizeof(pki), "%s/pki", bench->dir);
    snprintf(key, sizeof(key), "%s/secret.key", bench->dir);
    assert_int_equal(seal_prepare(key, why), 0);
    assert_int_equal(pki_prepare(pki, key, "", why), 0);
    assert_int_equal(pki_issue(pki, key, "sensor", "relay", bench->dir, why), 0);
    *served = (struct served){.port = port_find(SOCK_STREAM)};
    served->config = (struct config_source){
        .name = "test", .kind = SOURCE_SYSLOG_TLS, .format = SOURCE_FORMAT_CEF, .confidence = 70};
    snprintf(served->config.listen, sizeof(served->config.listen), "127.0.0.1:%d", served->port);
    snprintf(served->config.ca, sizeof(served->config.ca), "%s/pki/ca.pem", bench->dir);
}

static void
on_client_event(struct bufferevent *bev, short what, void *argument)
{
    (void)bev;
    bool *is_over = argument;
    *is_over = *is_over || (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR));
}

static struct bufferevent *
tls_dial(struct bench *bench, struct served *served, SSL_CTX *tls, bool *is_over)
{
    struct bufferevent *bev = bufferevent_openssl_socket_new(
        bench->base, dial(served), SSL_new(tls), BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
    evutil_make_socket_nonblocking(bufferevent_getfd(bev));
    bufferevent_setcb(bev, NULL, NULL, on_client_event, is_over);
    bufferevent_enable(bev, EV_READ | EV_WRITE);
    bufferevent_write(bev, CEF_MESSAGE "\n", strlen(CEF_MESSAGE) + 1);
    return bev;
}

/* With "ca", who shows no certificate of that authority says nothing. */
static void
test_syslog_tls(void **state)
{
    struct bench *bench = *state;
    struct served served;
    char path[128];
    bool is_over = false;
    pki_make(bench, &served);
    served.source = bench_source(bench, &served.config);
    assert_true(served.source->is_started);
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    struct bufferevent *stranger = tls_dial(bench, &served, tls, &is_over);
    run_until(bench, is_over);
    bench_turn(bench);
    assert_int_equal(served.source->stats.received, 0);
    bufferevent_free(stranger);

    snprintf(path, sizeof(path), "%s/relay.pem", bench->dir);
    assert_int_equal(SSL_CTX_use_certificate_chain_file(tls, path), 1);
    snprintf(path, sizeof(path), "%s/relay.key", bench->dir);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(tls, path, SSL_FILETYPE_PEM), 1);
    is_over = false;
    struct bufferevent *relay = tls_dial(bench, &served, tls, &is_over);
    run_until(bench, served.source->stats.accepted == 1);
    assert_false(is_over);
    bufferevent_free(relay);
    SSL_CTX_free(tls);
    source_free(served.source);
}

static void
test_tls_without_certificate(void **state)
{
    struct bench *bench = *state;
    struct config_source config = {.kind = SOURCE_SYSLOG_TLS, .listen = "127.0.0.1:1"};
    snprintf(config.name, sizeof(config.name), "test");
    struct source *source = bench_source(bench, &config);
    assert_false(source->is_started);
    assert_string_equal(source->stats.state, "failed");
    assert_non_null(strstr(source->stats.problem, "cannot use certificate"));
    source_free(source);
}

/* ---- refusals ---- */

static void
test_refusals_are_bounded(void **state)
{
    struct bench *bench = *state;
    struct served served;
    serve(bench, SOURCE_SYSLOG_UDP, SOURCE_FORMAT_CEF, &served);
    for (int i = 0; i < 40; i++) {
        char why[NAME_SIZE];
        snprintf(why, sizeof(why), "reason %d", i);
        source_refuse(served.source, why, "x", 1);
    }
    source_refuse(served.source, "reason 3", "x", 1);
    assert_int_equal(served.source->stats.refused, 41);
    assert_int_equal(served.source->stats.refusal_count, REFUSALS_MAX);
    assert_int_equal(bench_refused(served.source, "reason 3"), 2);
    uint64_t all = 0;
    for (size_t i = 0; i < served.source->stats.refusal_count; i++) {
        all += served.source->stats.refusals[i].count;
    }
    assert_int_equal(all, 41);
    assert_int_equal(bench_refused(served.source, "other reasons"), 40 - REFUSALS_MAX + 1);
    source_free(served.source);
}

/* Malformed input is logged with its first bytes, made harmless, and only a few times. */
static void
test_log_is_limited(void **state)
{
    struct bench *bench = *state;
    struct served served;
    char path[128], text[16384];
    serve(bench, SOURCE_SYSLOG_UDP, SOURCE_FORMAT_EVE, &served);
    snprintf(path, sizeof(path), "%s/log", bench->dir);
    fflush(stderr);
    int was = dup(STDERR_FILENO);
    int log = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    dup2(log, STDERR_FILENO);
    for (int i = 0; i < 200; i++) {
        source_line(served.source, "<1>bad \x1b[2J\n", 11, 0);
    }
    dup2(was, STDERR_FILENO);
    close(was);
    ssize_t size = pread(log, text, sizeof(text) - 1, 0);
    close(log);
    assert_true(size > 0);
    text[size] = '\0';
    unsigned lines = 0;
    for (const char *at = strstr(text, "line refused"); at; at = strstr(at + 1, "line refused")) {
        lines++;
    }
    assert_int_equal(served.source->stats.refused, 200);
    assert_int_equal(lines, 5);
    assert_non_null(strstr(text, "first_bytes=\"<1>bad .[2J"));
    assert_non_null(strstr(text, NO_CONTENT));
    assert_null(strchr(text, 0x1b));
    source_free(served.source);
}

#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(test_a_line_that_comes_again),
        BENCH_TEST(test_udp),
        BENCH_TEST(test_udp_without_room),
        BENCH_TEST(test_eve_socket),
        BENCH_TEST(test_eve_socket_left_over),
        BENCH_TEST(test_line_in_pieces),
        BENCH_TEST(test_half_a_line_at_the_end),
        BENCH_TEST(test_oversize_line),
        BENCH_TEST(test_syslog_framings),
        BENCH_TEST(test_stream_waits_for_room),
        BENCH_TEST(test_one_source_leaves_room),
        BENCH_TEST(test_full_sources_leave_room_for_each_other),
        BENCH_TEST(test_silent_connections_make_room),
        BENCH_TEST(test_syslog_tls),
        BENCH_TEST(test_tls_without_certificate),
        BENCH_TEST(test_refusals_are_bounded),
        BENCH_TEST(test_log_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
