#include "web/enrol.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bus/csr.h"
#include "model/certificate.h"
#include "web/lockout.h"
#include "web/reply.h"
#include "wire/said.h"
#include "wire/view_certificate.h"
#include "wire/view_system.h"

#define V4_MAPPED "::ffff:"
#define SECOND_US INT64_C(1000000)

struct enrol {
    const struct clock *clock;
    struct asker *asker;
    struct lockout *by_peer;
    int64_t second_us; /* boot: begin of the second that 'asked' counts in */
    unsigned asked;
    uint64_t failures;
};

struct enrolling {
    struct enrol *enrol;
    struct evhttp_request *request;
    char key[NAME_SIZE]; /* of the lockout */
};

struct enrol *
enrol_new(const struct clock *clock, struct asker *asker)
{
    struct enrol *enrol = MEM_NEW(struct enrol);
    *enrol =
        (struct enrol){.clock = clock, .asker = asker, .by_peer = lockout_new(ENROL_FREE_FAILURES)};
    return enrol;
}

void
enrol_free(struct enrol *enrol)
{
    if (enrol) {
        lockout_free(enrol->by_peer);
        free(enrol);
    }
}

uint64_t
enrol_failures(const struct enrol *enrol)
{
    return enrol->failures;
}

static const char *
peer_of(struct evhttp_request *request)
{
    char *peer = NULL;
    uint16_t port = 0;
    evhttp_connection_get_peer(evhttp_request_get_connection(request), &peer, &port);
    bool is_mapped = peer && strncmp(peer, V4_MAPPED, sizeof(V4_MAPPED) - 1) == 0;
    return is_mapped ? peer + sizeof(V4_MAPPED) - 1 : peer ? peer : "?";
}

/* One machine has as many IPv6 addresses as it likes: its network counts. */
static void
key_of(struct evhttp_request *request, char key[NAME_SIZE])
{
    const char *peer = peer_of(request);
    struct in6_addr address;
    if (inet_pton(AF_INET6, peer, &address) == 1) {
        memset(address.s6_addr + 8, 0, 8);
        char text[INET6_ADDRSTRLEN];
        snprintf(key, NAME_SIZE, "%s/64", inet_ntop(AF_INET6, &address, text, sizeof(text)));
    } else {
        snprintf(key, NAME_SIZE, "%.60s", peer);
    }
}

static void
refuse_for(struct evhttp_request *request, int64_t wait_us, const char *detail)
{
    char seconds[24];
    snprintf(seconds, sizeof(seconds), "%lld", (long long)(wait_us + SECOND_US - 1) / SECOND_US);
    evhttp_add_header(evhttp_request_get_output_headers(request), "Retry-After", seconds);
    reply_problem(request, 429, detail, NULL, "wait as long as Retry-After says");
}

bool
enrol_may(struct enrol *enrol, struct evhttp_request *request)
{
    char key[NAME_SIZE];
    int64_t now_us = clock_boot_us(enrol->clock);
    key_of(request, key);
    int64_t wait_us = lockout_wait_us(enrol->by_peer, key, now_us);
    if (wait_us > 0) {
        refuse_for(request, wait_us, "too many failed attempts");
        return false;
    }
    if (now_us - enrol->second_us >= SECOND_US) {
        enrol->second_us = now_us;
        enrol->asked = 0;
    }
    if (enrol->asked >= ENROL_PER_S) {
        refuse_for(request, SECOND_US, "too many devices enrol at once");
        return false;
    }
    enrol->asked++;
    return true;
}

static void
failed(struct enrol *enrol, struct evhttp_request *request)
{
    char key[NAME_SIZE];
    key_of(request, key);
    enrol->failures++;
    lockout_failed(enrol->by_peer, key, clock_boot_us(enrol->clock));
}

static void
on_answer(void *context, const struct wire_answer *answer)
{
    struct enrolling *enrolling = context;
    if (answer->status == 200) {
        lockout_succeeded(enrolling->enrol->by_peer, enrolling->key);
    } else if (answer->status == 403) {
        enrolling->enrol->failures++;
        lockout_failed(enrolling->enrol->by_peer, enrolling->key,
                       clock_boot_us(enrolling->enrol->clock));
    }
    if (answer->status >= 400) {
        said_add(&view_problem_shape, answer->body);
    }
    if (answer->body) {
        reply_json(enrolling->request, answer->status, answer->body);
    } else {
        reply_problem(enrolling->request, 500, "core answered without a body", NULL,
                      "look into the log of cordond");
    }
    free(enrolling);
}

static void
ask(struct enrol *enrol, struct evhttp_request *request, const char *token, const struct csr *csr)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    struct op_redeem redeem = {.key_size = sizeof(csr->key)};
    struct enrolling *enrolling = MEM_NEW(struct enrolling);
    *enrolling = (struct enrolling){.enrol = enrol, .request = request};
    key_of(request, enrolling->key);
    crypto_hash_sha256(hash, (const unsigned char *)token, strlen(token));
    sodium_bin2hex(redeem.hash, sizeof(redeem.hash), hash, sizeof(hash));
    memcpy(redeem.role, csr->role, sizeof(redeem.role));
    memcpy(redeem.name, csr->name, sizeof(redeem.name));
    snprintf(redeem.from, sizeof(redeem.from), "%.60s", peer_of(request));
    redeem.key = mem_new(sizeof(csr->key), 1);
    memcpy(redeem.key, csr->key, sizeof(csr->key));
    cJSON *parameters = codec_encode(op_table[OP_ENROLMENT_REDEEM].parameters, &redeem);
    free(redeem.key);
    asker_ask(enrol->asker, "device", ACCOUNT_VIEWER, OP_ENROLMENT_REDEEM, parameters, on_answer,
              enrolling);
}

void
enrol_serve(struct enrol *enrol, struct evhttp_request *request, const cJSON *body)
{
    struct op_enrol_request asked;
    struct codec_error error;
    struct csr csr;
    char why[256];
    if (codec_decode(&op_enrol_request_shape, body, &asked, &error) != 0) {
        failed(enrol, request);
        reply_problem(request, 422, error.why, error.path,
                      "GET " API_PREFIX "/openapi.json says what is accepted");
        return;
    }
    bool is_good = csr_parse(asked.request, asked.request_size, &csr, why);
    if (is_good && !csr_prove(&csr)) {
        is_good = false;
        snprintf(why, sizeof(why), "it is not signed with the key in it");
    }
    if (is_good) {
        ask(enrol, request, asked.token, &csr);
    } else {
        failed(enrol, request);
        reply_problem(request, 422, why, "request", "cordon-edge and cordon-sensor make good ones");
    }
    sodium_memzero(asked.token, sizeof(asked.token));
    codec_fini(&op_enrol_request_shape, &asked);
}
