/* Certificates of devices over a real store and a real authority, with a clock that is set: when
 * they are renewed, when people are told, who is let in, and that a restart changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "bus/csr.h"
#include "bus/issued.h"
#include "controller/certificates/certificates.h"

#define DAY_US (INT64_C(86400) * 1000000)
#define BEGIN_US INT64_C(1790000000000000)

struct fixture {
    char dir[64], pki[80], db[96];
    struct clock_fake clock;
    struct event_base *base;
    struct store *store;
    struct pki_ca *ca;
    struct certificates *certificates;
    int issued_fd;
    unsigned told, asked, issued;
    char detail[TEXT_SIZE];
    struct wire_peers last;    /* of edges; without its list */
    struct peer_rule rules[8]; /* of edges, as last sent */
    /* of the last answer */
    bool is_answered;
    enum certificates_result result;
    char serial[SERIAL_SIZE];
    char token[DEVICE_TOKEN_SIZE];
};

static bool
take_peers(void *context, const struct wire_peers *part)
{
    struct fixture *f = context;
    assert_true(part->is_first && part->is_last && part->peer_count <= COUNT_OF(f->rules));
    f->last = *part;
    memset(f->rules, 0, sizeof(f->rules));
    memcpy(f->rules, part->peers, part->peer_count * sizeof(f->rules[0]));
    return true;
}

static void
on_peers(void *context, enum device_role role)
{
    struct fixture *f = context;
    if (role == DEVICE_EDGE && f->certificates) {
        certificates_peers(f->certificates, role, take_peers, f);
    }
}

static bool
send_renew(void *context, const struct wire_renew *renew)
{
    struct fixture *f = context;
    f->asked += renew->der_size == 0;
    f->issued += renew->der_size > 0;
    return true;
}

static void
tell(void *context, enum severity severity, const char *object, const char *detail)
{
    struct fixture *f = context;
    (void)severity;
    assert_string_equal(object, "sw1");
    snprintf(f->detail, sizeof(f->detail), "%s", detail);
    f->told++;
}

static void
on_change(void *context)
{
    (void)context;
}

static void
begin(struct fixture *f)
{
    char why[256] = "";
    f->base = event_base_new();
    f->ca = pki_ca_open(f->pki, NULL, why);
    assert_non_null(f->ca);
    f->issued_fd = issued_open(f->pki, why);
    assert_true(f->issued_fd >= 0);
    if (store_open(f->db, f->base, &f->store, why)) {
        fail_msg("%s", why);
    }
    const struct certificates_settings settings = {.store = f->store,
                                                   .clock = &f->clock.clock,
                                                   .ca = f->ca,
                                                   .issued_fd = f->issued_fd,
                                                   .on_peers = on_peers,
                                                   .send_renew = send_renew,
                                                   .tell = tell,
                                                   .on_change = on_change,
                                                   .context = f};
    assert_int_equal(certificates_open(&settings, &f->certificates), 0);
}

static void
end(struct fixture *f)
{
    store_close(f->store);
    certificates_free(f->certificates);
    f->certificates = NULL;
    pki_ca_free(f->ca);
    close(f->issued_fd);
    event_base_free(f->base);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char why[256];
    assert_non_null(f);
    snprintf(f->dir, sizeof(f->dir), "/tmp/cordon-certificates-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->pki, sizeof(f->pki), "%s/pki", f->dir);
    snprintf(f->db, sizeof(f->db), "%s/cordon.db", f->dir);
    assert_int_equal(pki_prepare(f->pki, NULL, "", why), 0);
    clock_fake_init(&f->clock, BEGIN_US);
    begin(f);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    end(f);
    snprintf(command, sizeof(command), "rm -rf %s", f->dir);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static void
on_done(void *context, enum certificates_result result, const char *why, const void *object)
{
    struct fixture *f = context;
    (void)why, (void)object;
    f->is_answered = true;
    f->result = result;
}

static void
on_offered(void *context, enum certificates_result result, const char *why, const void *object)
{
    const struct certificates_token *token = object;
    on_done(context, result, why, object);
    snprintf(((struct fixture *)context)->token, DEVICE_TOKEN_SIZE, "%s", token ? token->text : "");
}

static void
on_redeemed(void *context, enum certificates_result result, const char *why, const void *object)
{
    const struct enrolment *enrolment = object;
    on_done(context, result, why, object);
    snprintf(((struct fixture *)context)->serial, SERIAL_SIZE, "%s",
             enrolment ? enrolment->serial : "");
}

static enum certificates_result
answer(struct fixture *f)
{
    while (!f->is_answered) {
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    f->is_answered = false;
    return f->result;
}

/* What was submitted is on disk, and its 'done' has run. */
static void
settle(struct fixture *f)
{
    struct store_stats stats;
    do {
        event_base_loop(f->base, EVLOOP_NONBLOCK);
        store_read_stats(f->store, &stats);
    } while (stats.waiting > 0);
    event_base_loop(f->base, EVLOOP_NONBLOCK);
}

static void
key_make(uint8_t key[PUBLIC_KEY_SIZE])
{
    EVP_PKEY *made = EVP_EC_gen("P-256");
    struct csr csr;
    uint8_t *der;
    size_t size;
    char why[256];
    assert_int_equal(csr_make(made, "edge", "sw1", &der, &size), 0);
    assert_true(csr_parse(der, size, &csr, why));
    memcpy(key, csr.key, PUBLIC_KEY_SIZE);
    free(der);
    EVP_PKEY_free(made);
}

/* sw1 has a certificate; its serial number is in 'serial'. */
static void
enrol(struct fixture *f)
{
    const struct certificates_offer offer = {.name = "sw1", .account = "token:admin"};
    struct certificates_redeem redeem = {.role = "edge", .name = "sw1", .from = "192.0.2.1"};
    unsigned char hash[32];
    unsigned size;
    certificates_offer(f->certificates, &offer, on_offered, f);
    assert_int_equal(answer(f), CERTIFICATES_DONE);
    assert_int_equal(EVP_Digest(f->token, strlen(f->token), hash, &size, EVP_sha256(), NULL), 1);
    for (size_t i = 0; i < sizeof(hash); i++) {
        snprintf(redeem.hash + 2 * i, 3, "%02x", hash[i]);
    }
    key_make(redeem.key);
    certificates_redeem(f->certificates, &redeem, on_redeemed, f);
    assert_int_equal(answer(f), CERTIFICATES_DONE);
}

static const struct certificate *
find(struct fixture *f, const char *serial, struct certificate *shown)
{
    for (size_t i = 0; certificates_at(f->certificates, i, shown); i++) {
        if (strcmp(shown->serial, serial) == 0) {
            return shown;
        }
    }
    fail_msg("there is no %s", serial);
    return NULL;
}

static enum certificate_state
state_of(struct fixture *f, const char *serial)
{
    struct certificate shown;
    return find(f, serial, &shown)->state;
}

static void
comes(struct fixture *f, const char *serial)
{
    struct wire_peer peer = {.event = PEER_CAME, .role = "edge", .name = "sw1"};
    snprintf(peer.serial, sizeof(peer.serial), "%s", serial);
    peer.issued_us = f->clock.wall_now_us;
    peer.expires_us = peer.issued_us + 825 * DAY_US;
    certificates_peer(f->certificates, DEVICE_EDGE, &peer);
    settle(f);
}

static void
pass(struct fixture *f, int64_t us)
{
    clock_fake_advance(&f->clock, us);
    certificates_tick(f->certificates);
    settle(f);
}

static bool
is_let_in(struct fixture *f, const char *serial)
{
    on_peers(f, DEVICE_EDGE);
    for (size_t i = 0; i < f->rules[0].serial_count; i++) {
        if (strcmp(f->rules[0].serials[i], serial) == 0) {
            return true;
        }
    }
    return false;
}

static void
newest(struct fixture *f, char serial[SERIAL_SIZE])
{
    struct certificate shown;
    for (size_t i = 0; certificates_at(f->certificates, i, &shown); i++) {
        memcpy(serial, shown.serial, SERIAL_SIZE);
    }
}

static void
asks(struct fixture *f, const char *serial)
{
    uint8_t key[PUBLIC_KEY_SIZE];
    struct wire_sign sign = {.name = "sw1", .key = key, .key_size = sizeof(key)};
    snprintf(sign.serial, sizeof(sign.serial), "%s", serial);
    key_make(key);
    certificates_sign(f->certificates, &sign);
    settle(f);
}

static void
renewed_with_a_third_left_and_the_old_one_holds_until_the_new_is_used(void **state)
{
    struct fixture *f = *state;
    char first[SERIAL_SIZE], second[SERIAL_SIZE];
    enrol(f);
    memcpy(first, f->serial, sizeof(first));
    comes(f, first);
    pass(f, 59 * DAY_US);
    assert_int_equal(f->asked, 0);
    asks(f, first); /* by itself: refused */
    assert_int_equal(f->issued, 0);
    assert_int_equal(certificates_refused_count(f->certificates, REFUSAL_RENEWAL), 1);
    pass(f, 2 * DAY_US);
    assert_int_equal(f->asked, 1);
    asks(f, first);
    assert_int_equal(f->issued, 1);
    newest(f, second);
    assert_string_not_equal(first, second);
    assert_int_equal(state_of(f, first), CERTIFICATE_VALID); /* the answer may have been lost */
    assert_int_equal(state_of(f, second), CERTIFICATE_WAITING);
    assert_true(is_let_in(f, first) && is_let_in(f, second));
    end(f); /* and that is on disk */
    begin(f);
    assert_true(is_let_in(f, first) && is_let_in(f, second));
    comes(f, second);
    assert_int_equal(state_of(f, first), CERTIFICATE_REPLACED);
    assert_int_equal(state_of(f, second), CERTIFICATE_VALID);
    assert_true(!is_let_in(f, first) && is_let_in(f, second));
    assert_int_equal(f->told, 0);
}

static void
one_renewal_for_each_time_that_we_ask(void **state)
{
    struct fixture *f = *state;
    enrol(f);
    comes(f, f->serial);
    pass(f, 61 * DAY_US);
    asks(f, f->serial);
    asks(f, f->serial);
    assert_int_equal(f->issued, 1);
    pass(f, 61 * INT64_C(1000000)); /* nothing came of it: it is asked again */
    assert_int_equal(f->asked, 2);
    asks(f, f->serial);
    assert_int_equal(f->issued, 2);
    struct certificate shown;
    size_t live = 0;
    for (size_t i = 0; certificates_at(f->certificates, i, &shown); i++) {
        live += shown.state == CERTIFICATE_VALID || shown.state == CERTIFICATE_WAITING;
    }
    assert_int_equal(live, 2); /* the first that nobody used is replaced */
}

static void
people_are_told_once_before_the_end(void **state)
{
    struct fixture *f = *state;
    struct certificate shown;
    enrol(f);
    pass(f, 71 * DAY_US);
    assert_int_equal(f->told, 0);
    pass(f, 2 * DAY_US);
    assert_int_equal(f->told, 1);
    assert_non_null(strstr(f->detail, "enrol it again"));
    pass(f, 20 * DAY_US);
    assert_int_equal(f->told, 1);
    assert_int_equal(find(f, f->serial, &shown)->state, CERTIFICATE_EXPIRED);
    assert_true(certificates_is_expiring(f->certificates, &shown));
}

/* An hour either way changes nothing; after the grace it is out, and in again with the clock. */
static void
a_clock_that_jumps(void **state)
{
    struct fixture *f = *state;
    enrol(f);
    comes(f, f->serial);
    f->clock.wall_now_us = BEGIN_US + 90 * DAY_US + INT64_C(3600) * 1000000;
    pass(f, 1000000);
    assert_true(is_let_in(f, f->serial));
    assert_int_equal(f->asked, 1); /* and it can be renewed */
    f->clock.wall_now_us = BEGIN_US + 90 * DAY_US + INT64_C(3 * 3600) * 1000000;
    pass(f, 1000000);
    assert_false(is_let_in(f, f->serial));
    f->clock.wall_now_us = BEGIN_US - INT64_C(3600) * 1000000;
    pass(f, 1000000);
    assert_true(is_let_in(f, f->serial));
}

static void
revoked_is_revoked_also_after_a_restart_and_for_what_was_made_before(void **state)
{
    struct fixture *f = *state;
    enrol(f);
    comes(f, f->serial);
    pass(f, DAY_US);
    certificates_revoke(f->certificates, "sw1", "token:admin", "stolen", on_done, f);
    assert_int_equal(answer(f), CERTIFICATES_DONE);
    assert_false(is_let_in(f, f->serial));
    /* nor one that 'pki issue' made before that moment */
    assert_int_equal(f->rules[0].since_us, f->clock.wall_now_us);
    end(f);
    begin(f);
    assert_false(is_let_in(f, f->serial));
    assert_int_equal(state_of(f, f->serial), CERTIFICATE_REVOKED);
    comes(f, f->serial); /* by an older list: it changes nothing */
    assert_int_equal(state_of(f, f->serial), CERTIFICATE_REVOKED);
    certificates_revoke(f->certificates, f->serial, "token:admin", "again", on_done, f);
    assert_int_equal(answer(f), CERTIFICATES_REFUSED);
}

static void
an_offline_one_is_known_from_its_first_use(void **state)
{
    struct fixture *f = *state;
    struct certificate shown;
    comes(f, "0123456789abcdef0123456789abcdef");
    assert_int_equal(find(f, "0123456789abcdef0123456789abcdef", &shown)->origin, ORIGIN_OFFLINE);
    assert_int_equal(shown.state, CERTIFICATE_VALID);
    pass(f, DAY_US);
    enrol(f);
    assert_int_equal(state_of(f, "0123456789abcdef0123456789abcdef"), CERTIFICATE_REPLACED);
    assert_true(!is_let_in(f, "0123456789abcdef0123456789abcdef") && is_let_in(f, f->serial));
}

/* As 'cordond pki issue' writes it, at any time. */
static void
issued_offline(struct fixture *f, const char *serial, const char *name, const char *end)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/issued", f->pki);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    fprintf(file, "%s edge %s sha256:%064d %lld %lld%s", serial, name, 7,
            (long long)f->clock.wall_now_us, (long long)(f->clock.wall_now_us + 825 * DAY_US), end);
    assert_int_equal(fclose(file), 0);
}

#define FIRST "00000000000000000000000000000001"
#define SECOND "00000000000000000000000000000002"
#define THIRD "00000000000000000000000000000003"

static void
an_offline_one_is_known_and_revoked_before_anybody_uses_it(void **state)
{
    struct fixture *f = *state;
    struct certificate shown;
    issued_offline(f, FIRST, "sw1", "\n");
    issued_offline(f, "none", "sw1", "\n");
    issued_offline(f, SECOND, "sw2", ""); /* not whole yet */
    pass(f, DAY_US);
    assert_int_equal(find(f, FIRST, &shown)->origin, ORIGIN_OFFLINE);
    assert_int_equal(shown.state, CERTIFICATE_WAITING);
    assert_string_equal(shown.name, "sw1");
    assert_true(is_let_in(f, FIRST));
    assert_null(certificates_at(f->certificates, 1, &shown));
    issued_offline(f, "\n" THIRD, "sw1", "\n");
    pass(f, DAY_US);
    assert_int_equal(state_of(f, SECOND), CERTIFICATE_WAITING);
    /* another one for that name: the first was for nothing */
    assert_int_equal(state_of(f, FIRST), CERTIFICATE_REPLACED);
    assert_false(is_let_in(f, FIRST));
    assert_true(is_let_in(f, THIRD));
    certificates_revoke(f->certificates, THIRD, "token:admin", "it was copied", on_done, f);
    assert_int_equal(answer(f), CERTIFICATES_DONE);
    certificates_revoke(f->certificates, "sw2", "token:admin", "by its name", on_done, f);
    assert_int_equal(answer(f), CERTIFICATES_DONE);
    for (int i = 0; i < 2; i++) { /* a restart reads the register again, and changes nothing */
        assert_int_equal(state_of(f, FIRST), CERTIFICATE_REPLACED);
        assert_int_equal(state_of(f, SECOND), CERTIFICATE_REVOKED);
        assert_int_equal(state_of(f, THIRD), CERTIFICATE_REVOKED);
        comes(f, THIRD);
        assert_int_equal(state_of(f, THIRD), CERTIFICATE_REVOKED);
        assert_false(is_let_in(f, THIRD));
        end(f);
        begin(f);
        pass(f, DAY_US);
        certificates_peers(f->certificates, DEVICE_EDGE, take_peers, f);
    }
    assert_int_equal(store_audit_rows(f->store), 0);
}

static void
an_offline_one_that_nobody_uses_takes_no_place(void **state)
{
    struct fixture *f = *state;
    enrol(f);
    comes(f, f->serial);
    pass(f, DAY_US);
    issued_offline(f, FIRST, "sw1", "\n");
    pass(f, DAY_US);
    assert_int_equal(state_of(f, f->serial), CERTIFICATE_VALID);
    assert_true(is_let_in(f, f->serial) && is_let_in(f, FIRST));
    struct wire_peer gone = {.event = PEER_WENT, .role = "edge", .name = "sw1"};
    memcpy(gone.serial, f->serial, sizeof(gone.serial));
    certificates_peer(f->certificates, DEVICE_EDGE, &gone);
    pass(f, 80 * DAY_US); /* people hear of the end of the one in use all the same */
    assert_int_equal(f->told, 1);
    comes(f, FIRST);
    assert_int_equal(state_of(f, FIRST), CERTIFICATE_VALID);
    assert_int_equal(state_of(f, f->serial), CERTIFICATE_REPLACED);
}

/* However many are refused, from however many places: the list, the audit and memory stay small. */
static void
refusals_are_bounded(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 5000; i++) {
        struct wire_peer peer = {.event = PEER_REFUSED, .why = REFUSAL_UNKNOWN, .count = 2};
        snprintf(peer.from, sizeof(peer.from), "192.0.2.%u", i % 200);
        certificates_peer(f->certificates, DEVICE_EDGE, &peer);
    }
    settle(f);
    assert_int_equal(certificates_refused_count(f->certificates, REFUSAL_UNKNOWN), 10000);
    assert_non_null(certificates_refused_at(f->certificates, REFUSED_PEERS_MAX - 1));
    assert_null(certificates_refused_at(f->certificates, REFUSED_PEERS_MAX));
    assert_true(store_audit_rows(f->store) <= 50);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(renewed_with_a_third_left_and_the_old_one_holds_until_the_new_is_used),
        TEST(one_renewal_for_each_time_that_we_ask),
        TEST(people_are_told_once_before_the_end),
        TEST(a_clock_that_jumps),
        TEST(revoked_is_revoked_also_after_a_restart_and_for_what_was_made_before),
        TEST(an_offline_one_is_known_from_its_first_use),
        TEST(an_offline_one_is_known_and_revoked_before_anybody_uses_it),
        TEST(an_offline_one_that_nobody_uses_takes_no_place),
        TEST(refusals_are_bounded),
    };
    log_setup("test", LOG_TEXT, LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
