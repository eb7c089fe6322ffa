/* Mutual TLS over loopback: who gets in, who does not, and how often a client tries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/bufferevent_ssl.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/mem.h"
#include "bus/pki.h"
#include "bus/tls.h"
#include "folder.h"
#include "wire/hello.h"
#include "wire/read_back.h"

#define PATIENCE_S 20 /* of the whole test; only a failing one ever waits so long */
#define PATH_ROOM 160

static char folder[FOLDER_SIZE];

/* DIR/NAME.pem and so on below the test's folder. */
struct identity {
    char ca[PATH_ROOM], cert[PATH_ROOM], key[PATH_ROOM];
    struct tls_files files;
};

static void
identity_set(struct identity *identity, const char *ca, const char *dir, const char *name)
{
    snprintf(identity->ca, PATH_ROOM, "%s/%s/ca.pem", folder, ca);
    snprintf(identity->cert, PATH_ROOM, "%s/%s/%s.pem", folder, dir, name);
    snprintf(identity->key, PATH_ROOM, "%s/%s/%s.key", folder, dir, name);
    identity->files =
        (struct tls_files){.ca = identity->ca, .cert = identity->cert, .key = identity->key};
}

/* Ours in pki/ and out/, a stranger's in pki2/ and out2/. */
static int
group_setup(void **state)
{
    (void)state;
    char why[256], pki[PATH_ROOM], out[PATH_ROOM];
    signal(SIGPIPE, SIG_IGN);
    folder_make(folder);
    for (int i = 0; i < 2; i++) {
        snprintf(pki, sizeof(pki), "%s/pki%s", folder, i ? "2" : "");
        snprintf(out, sizeof(out), "%s/out%s", folder, i ? "2" : "");
        if (pki_prepare(pki, NULL, "", why) || pki_issue(pki, NULL, "edge", "e1", out, why) ||
            pki_issue(pki, NULL, "sensor", "s1", out, why)) {
            print_error("%s\n", why);
            return -1;
        }
    }
    return 0;
}

static int
group_teardown(void **state)
{
    (void)state;
    folder_remove(folder);
    return 0;
}

struct bench {
    struct event_base *base;
    struct event *deadline;
    bool is_late;
    char address[64];
    uint16_t port;
    struct tls_server *server;
    struct tls_client *client;
    /* the server's side */
    bool refuses;
    unsigned asked, opened, server_closes;
    char peer_name[NAME_SIZE], hello_name[NAME_SIZE], server_why[160];
    struct channel *server_channel;
    /* the client's side */
    unsigned client_opens, client_closes;
    uint64_t request;
    int64_t opened_us[8];
    struct channel *client_channel;
    /* a bare connection */
    bool is_refused, is_connected;
};

static void
on_deadline(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    ((struct bench *)argument)->is_late = true;
}

static void
bench_open(struct bench *bench)
{
    memset(bench, 0, sizeof(*bench));
    bench->base = event_base_new();
    bench->deadline = evtimer_new(bench->base, on_deadline, bench);
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    event_add(bench->deadline, &patience);
}

static void
bench_close(struct bench *bench)
{
    tls_client_free(bench->client);
    tls_server_free(bench->server);
    if (bench->server_channel) {
        channel_drop(bench->server_channel);
    }
    event_free(bench->deadline);
    event_base_free(bench->base);
}

#define RUN_UNTIL(bench, condition)                                                                \
    do {                                                                                           \
        while (!(condition) && !(bench)->is_late) {                                                \
            event_base_loop((bench)->base, EVLOOP_ONCE);                                           \
        }                                                                                          \
        assert_true(condition);                                                                    \
    } while (0)

static void
on_server_message(void *context, struct channel *channel, enum wire_type type, const void *message)
{
    struct bench *bench = context;
    assert_int_equal(type, WIRE_HELLO);
    snprintf(bench->hello_name, NAME_SIZE, "%s", ((const struct wire_hello *)message)->name);
    const struct wire_read_back ask = {.switch_name = "e1", .request = 7};
    assert_true(channel_send(channel, WIRE_READ_BACK, &ask));
}

static void
on_server_close(void *context, struct channel *channel, const char *why)
{
    struct bench *bench = context;
    assert_ptr_equal(channel, bench->server_channel);
    bench->server_channel = NULL;
    bench->server_closes++;
    snprintf(bench->server_why, sizeof(bench->server_why), "%s", why);
}

static bool
on_peer(void *context, const char *peer_name, struct channel_handler *handler, void **tag)
{
    struct bench *bench = context;
    bench->asked++;
    snprintf(bench->peer_name, NAME_SIZE, "%s", peer_name);
    *handler = (struct channel_handler){
        .on_message = on_server_message, .on_close = on_server_close, .context = bench};
    *tag = bench;
    return !bench->refuses;
}

static void
on_server_open(void *context, struct channel *channel)
{
    struct bench *bench = context;
    bench->opened++;
    bench->server_channel = channel;
    assert_ptr_equal(channel_tag(channel), bench);
}

/* An address on loopback where nobody listens. */
static void
address_choose(struct bench *bench)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(any);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &size), 0);
    close(fd);
    bench->port = ntohs(any.sin_port);
    snprintf(bench->address, sizeof(bench->address), "127.0.0.1:%u", bench->port);
}

static void
server_start(struct bench *bench, const char *dir, const char *name)
{
    struct identity identity;
    char why[256];
    int result = -EADDRINUSE;
    identity_set(&identity, "pki", dir, name);
    for (int i = 0; i < 20 && result == -EADDRINUSE; i++) {
        address_choose(bench); /* another program may take it in between: then the next */
        result = tls_server_new(bench->base, bench->address, &identity.files, ROLE_DRIVER,
                                ROLE_EDGE, on_peer, on_server_open, bench, &bench->server, why);
    }
    if (result) {
        fail_msg("%s", why);
    }
}

static void
on_client_message(void *context, struct channel *channel, enum wire_type type, const void *message)
{
    struct bench *bench = context;
    (void)channel;
    assert_int_equal(type, WIRE_READ_BACK);
    bench->request = ((const struct wire_read_back *)message)->request;
}

static void
on_client_close(void *context, struct channel *channel, const char *why)
{
    struct bench *bench = context;
    (void)why;
    assert_ptr_equal(channel, bench->client_channel);
    bench->client_channel = NULL;
    bench->client_closes++;
}

static void
on_client_open(void *context, struct channel *channel)
{
    struct bench *bench = context;
    const struct wire_hello hello = {.name = "e1"};
    if (bench->client_opens < COUNT_OF(bench->opened_us)) {
        bench->opened_us[bench->client_opens] = clock_boot_us(clock_system());
    }
    bench->client_opens++;
    bench->client_channel = channel;
    assert_true(channel_send(channel, WIRE_HELLO, &hello));
}

static void
client_start(struct bench *bench, const char *ca, const char *dir, const char *name)
{
    struct identity identity;
    char why[256];
    const struct channel_handler handler = {
        .on_message = on_client_message, .on_close = on_client_close, .context = bench};
    identity_set(&identity, ca, dir, name);
    if (tls_client_new(bench->base, bench->address, &identity.files, ROLE_EDGE, ROLE_DRIVER,
                       &handler, on_client_open, bench, &bench->client, why)) {
        fail_msg("%s", why);
    }
}

static void
test_both_ends_are_proven(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    server_start(&bench, "pki", "server");
    client_start(&bench, "out", "out", "e1");
    RUN_UNTIL(&bench, bench.request == 7);
    assert_string_equal(bench.peer_name, "e1"); /* from the certificate */
    assert_string_equal(bench.hello_name, "e1");
    assert_string_equal(channel_peer_name(bench.server_channel), "e1");
    assert_string_equal(channel_peer_name(bench.client_channel), "cordond");
    assert_int_equal(bench.opened, 1);
    bench_close(&bench);
}

static void
test_a_client_comes_again(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    server_start(&bench, "pki", "server");
    client_start(&bench, "out", "out", "e1");
    for (unsigned i = 1; i <= 8; i++) {
        bench.request = 0;
        RUN_UNTIL(&bench, bench.request == 7);
        assert_int_equal(bench.client_opens, i);
        channel_close(bench.server_channel, "for a test");
        RUN_UNTIL(&bench, bench.client_closes == i && bench.server_closes == i);
    }
    /* It was well each time: the wait stays the shortest.  Else each of these had 1.6 s at least; a
     * busy machine may add to one of them. */
    int64_t least_us = INT64_MAX;
    for (unsigned i = 5; i < 8; i++) {
        int64_t us = bench.opened_us[i] - bench.opened_us[i - 1];
        least_us = us < least_us ? us : least_us;
    }
    assert_true(least_us < 1500000);
    bench_close(&bench);
}

/* The server lets none of these in: not asked, or asked and no; the client sees it close. */
static void
assert_client_refused(const char *dir, const char *name, unsigned asked)
{
    struct bench bench;
    bench_open(&bench);
    bench.refuses = asked > 0;
    server_start(&bench, "pki", "server");
    client_start(&bench, "pki", dir, name);
    RUN_UNTIL(&bench, bench.client_closes == 1);
    assert_int_equal(bench.asked, asked);
    assert_int_equal(bench.opened, 0);
    assert_string_equal(bench.hello_name, "");
    assert_int_equal(bench.request, 0);
    bench_close(&bench);
}

static void
test_clients_of_another_authority_are_refused(void **state)
{
    (void)state;
    assert_client_refused("out2", "e1", 0);
}

static void
test_clients_of_another_role_are_refused(void **state)
{
    (void)state;
    assert_client_refused("out", "s1", 0);
    assert_client_refused("pki", "server", 0);
    assert_client_refused("pki", "ca", 0);
}

static void
test_clients_that_nobody_knows_are_refused(void **state)
{
    (void)state;
    assert_client_refused("out", "e1", 1);
}

/* A client whose connections are always closed asks less and less often. */
static void
test_a_refused_client_waits_longer_each_time(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    server_start(&bench, "pki", "server");
    client_start(&bench, "out", "out", "s1");
    RUN_UNTIL(&bench, bench.client_opens == 4);
    int64_t first = bench.opened_us[1] - bench.opened_us[0];
    int64_t third = bench.opened_us[3] - bench.opened_us[2];
    /* 0.1 s, 0.2 s, 0.4 s; counted from when the loop began its turn, which is earlier on a busy
     * machine */
    assert_true(first >= 50000);
    assert_true(third >= 300000);
    assert_int_equal(bench.opened, 0);
    bench_close(&bench);
}

/* A switch with its good certificate cannot play the server. */
static void
test_a_server_of_another_role_is_refused(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    server_start(&bench, "out", "e1");
    client_start(&bench, "out", "out", "e1");
    RUN_UNTIL(&bench, bench.server_closes == 2);
    assert_int_equal(bench.client_opens, 0);
    assert_string_equal(bench.hello_name, "");
    bench_close(&bench);
}

/* ---- bare connections ---- */

static void
on_bare(struct bufferevent *bev, short what, void *argument)
{
    (void)bev;
    struct bench *bench = argument;
    if (what & BEV_EVENT_CONNECTED) {
        bench->is_connected = true;
    } else {
        bench->is_refused = true;
    }
}

static SSL_CTX *
bare_context(bool is_server, const char *dir, const char *name)
{
    struct identity identity;
    SSL_CTX *context = SSL_CTX_new(is_server ? TLS_server_method() : TLS_client_method());
    assert_non_null(context);
    if (name) {
        identity_set(&identity, "pki", dir, name);
        assert_int_equal(SSL_CTX_use_certificate_chain_file(context, identity.cert), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(context, identity.key, SSL_FILETYPE_PEM), 1);
    }
    return context;
}

static void
assert_bare_refused(SSL_CTX *context)
{
    struct bench bench;
    bench_open(&bench);
    server_start(&bench, "pki", "server");
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(bench.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct bufferevent *bev = bufferevent_openssl_socket_new(
        bench.base, -1, SSL_new(context), BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(bev, NULL, NULL, on_bare, &bench);
    bufferevent_enable(bev, EV_READ | EV_WRITE);
    assert_int_equal(bufferevent_socket_connect(bev, (struct sockaddr *)&to, sizeof(to)), 0);
    RUN_UNTIL(&bench, bench.is_refused);
    assert_int_equal(bench.asked, 0);
    bufferevent_free(bev);
    bench_close(&bench);
    SSL_CTX_free(context);
}

static void
test_clients_without_a_certificate_are_refused(void **state)
{
    (void)state;
    assert_bare_refused(bare_context(false, NULL, NULL));
}

static void
test_older_tls_is_refused(void **state)
{
    (void)state;
    SSL_CTX *context = bare_context(false, "out", "e1"); /* a good certificate */
    assert_int_equal(SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION), 1);
    assert_bare_refused(context);
}

static void
test_bytes_that_are_no_tls_are_refused(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    server_start(&bench, "pki", "server");
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(bench.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct bufferevent *bev = bufferevent_socket_new(bench.base, -1, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(bev, NULL, NULL, on_bare, &bench);
    bufferevent_enable(bev, EV_READ | EV_WRITE);
    assert_int_equal(bufferevent_socket_connect(bev, (struct sockaddr *)&to, sizeof(to)), 0);
    bufferevent_write(bev, "GET / HTTP/1.1\r\n\r\n", 18);
    RUN_UNTIL(&bench, bench.is_refused);
    assert_int_equal(bench.asked, 0);
    bufferevent_free(bev);
    bench_close(&bench);
}

/* A listener that is taken away leaves nobody behind who was just shaking hands. */
static void
test_a_server_ends_with_strangers_at_the_door(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    server_start(&bench, "pki", "server");
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(bench.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct bufferevent *bevs[2];
    for (size_t i = 0; i < COUNT_OF(bevs); i++) {
        bevs[i] = bufferevent_socket_new(bench.base, -1, BEV_OPT_CLOSE_ON_FREE);
        bufferevent_setcb(bevs[i], NULL, NULL, on_bare, &bench);
        bufferevent_enable(bevs[i], EV_READ | EV_WRITE);
        bench.is_connected = false;
        assert_int_equal(bufferevent_socket_connect(bevs[i], (struct sockaddr *)&to, sizeof(to)),
                         0);
        RUN_UNTIL(&bench, bench.is_connected);
        event_base_loop(bench.base, EVLOOP_NONBLOCK); /* and accepted */
    }
    tls_server_free(bench.server);
    bench.server = NULL;
    RUN_UNTIL(&bench, bench.is_refused); /* the door is closed at once */
    bufferevent_free(bevs[0]);
    bufferevent_free(bevs[1]);
    event_base_loop(bench.base, EVLOOP_NONBLOCK);
    bench_close(&bench);
}

/* More silent connections than may be shaking hands: one of ours comes in all the same, at once. */
static void
test_silent_strangers_keep_nobody_out(void **state)
{
    (void)state;
    struct bench bench;
    int silent[TLS_HANDSHAKES_MAX + 20];
    bench_open(&bench);
    server_start(&bench, "pki", "server");
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(bench.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (size_t i = 0; i < COUNT_OF(silent); i++) {
        silent[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(silent[i], (struct sockaddr *)&to, sizeof(to)), 0);
        event_base_loop(bench.base, EVLOOP_NONBLOCK);
    }
    char byte;
    ssize_t got;
    for (int i = 0; (got = recv(silent[0], &byte, 1, MSG_DONTWAIT)) < 0 && i < 5000; i++) {
        event_base_loop(bench.base, EVLOOP_NONBLOCK);
        usleep(1000);
    }
    assert_int_equal(got, 0); /* the oldest was sent away */
    assert_int_equal(recv(silent[COUNT_OF(silent) - 1], &byte, 1, MSG_DONTWAIT), -1);
    client_start(&bench, "out", "out", "e1");
    RUN_UNTIL(&bench, bench.request == 7);
    for (size_t i = 0; i < COUNT_OF(silent); i++) {
        close(silent[i]);
    }
    bench_close(&bench);
}

/* ---- a server that is not ours ---- */

struct impostor {
    struct bench *bench;
    SSL_CTX *context;
    struct bufferevent *bev;
    unsigned failed;
};

static void
on_impostor_event(struct bufferevent *bev, short what, void *argument)
{
    struct impostor *impostor = argument;
    assert_false(what & BEV_EVENT_CONNECTED);
    impostor->failed++;
    bufferevent_free(bev);
    impostor->bev = NULL;
}

static void
on_impostor_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
                   int size, void *argument)
{
    (void)listener;
    (void)from;
    (void)size;
    struct impostor *impostor = argument;
    impostor->bev =
        bufferevent_openssl_socket_new(impostor->bench->base, fd, SSL_new(impostor->context),
                                       BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(impostor->bev, NULL, NULL, on_impostor_event, impostor);
    bufferevent_enable(impostor->bev, EV_READ | EV_WRITE);
}

static void
test_a_server_of_another_authority_is_refused(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench);
    struct impostor impostor = {.bench = &bench, .context = bare_context(true, "pki2", "server")};
    struct identity identity;
    identity_set(&identity, "pki", "pki", "server");
    SSL_CTX_load_verify_locations(impostor.context, identity.ca, NULL);
    SSL_CTX_set_verify(impostor.context, SSL_VERIFY_PEER, NULL); /* it would like ours */
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(any);
    struct evconnlistener *listener =
        evconnlistener_new_bind(bench.base, on_impostor_accept, &impostor, LEV_OPT_CLOSE_ON_FREE,
                                -1, (struct sockaddr *)&any, sizeof(any));
    assert_non_null(listener);
    getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&any, &size);
    snprintf(bench.address, sizeof(bench.address), "127.0.0.1:%u", ntohs(any.sin_port));
    client_start(&bench, "out", "out", "e1");
    RUN_UNTIL(&bench, impostor.failed == 2); /* and it tries again */
    assert_int_equal(bench.client_opens, 0);
    evconnlistener_free(listener);
    if (impostor.bev) {
        bufferevent_free(impostor.bev);
    }
    SSL_CTX_free(impostor.context);
    bench_close(&bench);
}

/* ---- what is wrong before anybody connects ---- */

static void
assert_settings_refused(const char *address, const struct identity *identity, const char *what)
{
    struct bench bench;
    char why[256] = "";
    const struct channel_handler handler = {.on_message = on_client_message,
                                            .on_close = on_client_close};
    bench_open(&bench);
    assert_true(tls_server_new(bench.base, address, &identity->files, ROLE_DRIVER, ROLE_EDGE,
                               on_peer, on_server_open, &bench, &bench.server, why) < 0);
    assert_null(bench.server);
    if (!strstr(why, what)) {
        fail_msg("%s", why);
    }
    why[0] = '\0';
    assert_true(tls_client_new(bench.base, address, &identity->files, ROLE_EDGE, ROLE_DRIVER,
                               &handler, on_client_open, &bench, &bench.client, why) < 0);
    assert_non_null(strstr(why, what));
    assert_null(bench.client);
    bench_close(&bench);
}

static void
test_wrong_settings_are_told(void **state)
{
    (void)state;
    struct identity identity;
    identity_set(&identity, "pki", "pki", "server");
    assert_settings_refused("nowhere", &identity, "is no address with port");
    assert_settings_refused("", &identity, "is no address with port");
    identity_set(&identity, "pki", "pki", "absent");
    assert_settings_refused("127.0.0.1:1", &identity, "absent.pem");
    identity_set(&identity, "absent", "pki", "server");
    assert_settings_refused("127.0.0.1:1", &identity, "absent/ca.pem");
    identity_set(&identity, "pki", "pki", "server");
    snprintf(identity.key, sizeof(identity.key), "%s/pki/ca.key", folder);
    assert_settings_refused("127.0.0.1:1", &identity, "key");
}

static void
test_an_address_in_use_is_told(void **state)
{
    (void)state;
    struct bench bench;
    struct identity identity;
    struct tls_server *second = NULL;
    char why[256] = "";
    bench_open(&bench);
    server_start(&bench, "pki", "server");
    identity_set(&identity, "pki", "pki", "server");
    assert_int_equal(tls_server_new(bench.base, bench.address, &identity.files, ROLE_DRIVER,
                                    ROLE_EDGE, on_peer, on_server_open, &bench, &second, why),
                     -EADDRINUSE);
    assert_non_null(strstr(why, bench.address));
    assert_null(second);
    bench_close(&bench);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ends_are_proven),
        cmocka_unit_test(test_a_client_comes_again),
        cmocka_unit_test(test_clients_of_another_authority_are_refused),
        cmocka_unit_test(test_clients_of_another_role_are_refused),
        cmocka_unit_test(test_clients_that_nobody_knows_are_refused),
        cmocka_unit_test(test_a_refused_client_waits_longer_each_time),
        cmocka_unit_test(test_a_server_of_another_role_is_refused),
        cmocka_unit_test(test_clients_without_a_certificate_are_refused),
        cmocka_unit_test(test_older_tls_is_refused),
        cmocka_unit_test(test_bytes_that_are_no_tls_are_refused),
        cmocka_unit_test(test_a_server_ends_with_strangers_at_the_door),
        cmocka_unit_test(test_silent_strangers_keep_nobody_out),
        cmocka_unit_test(test_a_server_of_another_authority_is_refused),
        cmocka_unit_test(test_wrong_settings_are_told),
        cmocka_unit_test(test_an_address_in_use_is_told),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
