#include "web/enrol.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bus/csr.h"
#include "cordond/config.h"
#include "model/certificate.h"
#include "web/lockout.h"
#include "web/peer.h"
#include "web/reply.h"
#include "wire/said.h"
#include "wire/view_certificate.h"
#include "wire/view_system.h"

#define SECOND_US INT64_C(1000000)

struct enrol {
    const struct clock *clock;
    const struct config *config;
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
enrol_new(const struct clock *clock, struct asker *asker, const struct config *config)
{
    struct enrol *enrol = MEM_NEW(struct enrol);
    *enrol = (struct enrol){.clock = clock,
                            .config = config,
                            .asker = asker,
                            .by_peer = lockout_new(ENROL_FREE_FAILURES, ENROL_FREE_FAILURES)};
    if (config) {
        char kept[URL_SIZE + 32];
        snprintf(kept, sizeof(kept), "%s/web/" LOCKOUT_FILE "enrolments", config->state_dir);
        lockout_keep(enrol->by_peer, kept, clock);
    }
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

static void
key_of(const struct enrol *enrol, struct evhttp_request *request, char key[NAME_SIZE])
{
    char peer[IP_TEXT_SIZE];
    peer_of(enrol->config, request, peer);
    peer_key(peer, key);
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
    key_of(enrol, request, key);
    int64_t wait_us = lockout_wait_us(enrol->by_peer, key, now_us);
    if (wait_us > 0) {
        refuse_for(request, wait_us, "too many failed attempts");
        return false;
    }
    if (!lockout_begin(enrol->by_peer, key, now_us)) {
        refuse_for(request, SECOND_US, "too many attempts from there at once");
        return false;
    }
    return true;
}

void
enrol_failed(struct enrol *enrol, struct evhttp_request *request)
{
    char key[NAME_SIZE];
    key_of(enrol, request, key);
    enrol->failures++;
    lockout_failed(enrol->by_peer, key, clock_boot_us(enrol->clock));
    lockout_end(enrol->by_peer, key);
}

/* What is no good never comes so far: it costs nobody else's place. */
static bool
take_place(struct enrol *enrol)
{
    int64_t now_us = clock_boot_us(enrol->clock);
    if (now_us - enrol->second_us >= SECOND_US) {
        enrol->second_us = now_us;
        enrol->asked = 0;
    }
    if (enrol->asked >= ENROL_PER_S) {
        return false;
    }
    enrol->asked++;
    return true;
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
    lockout_end(enrolling->enrol->by_peer, enrolling->key);
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
    char peer[IP_TEXT_SIZE];
    struct op_redeem redeem = {.key_size = sizeof(csr->key)};
    struct enrolling *enrolling = MEM_NEW(struct enrolling);
    *enrolling = (struct enrolling){.enrol = enrol, .request = request};
    key_of(enrol, request, enrolling->key);
    peer_of(enrol->config, request, peer);
    crypto_hash_sha256(hash, (const unsigned char *)token, strlen(token));
    sodium_bin2hex(redeem.hash, sizeof(redeem.hash), hash, sizeof(hash));
    memcpy(redeem.role, csr->role, sizeof(redeem.role));
    memcpy(redeem.name, csr->name, sizeof(redeem.name));
    snprintf(redeem.from, sizeof(redeem.from), "%s", peer);
    redeem.key = mem_new(sizeof(csr->key), 1);
    memcpy(redeem.key, csr->key, sizeof(csr->key));
    cJSON *parameters = codec_encode(op_table[OP_ENROLMENT_REDEEM].parameters, &redeem);
    free(redeem.key);
    asker_ask(enrol->asker, "device", ACCOUNT_VIEWER, OP_ENROLMENT_REDEEM, parameters, on_answer,
              enrolling);
}

/* As core makes them; whether it is one, only core knows. */
static bool
has_form(const char *token)
{
    static const char base64url[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t mark = sizeof(DEVICE_TOKEN_MARK) - 1;
    return strncmp(token, DEVICE_TOKEN_MARK, mark) == 0 &&
           strlen(token) == mark + DEVICE_TOKEN_DIGITS &&
           strspn(token + mark, base64url) == DEVICE_TOKEN_DIGITS;
}

/* 0, or the status to refuse with and 'why', about 'where'. */
static unsigned
request_check(const struct op_enrol_request *asked, struct csr *csr, char why[256],
              const char **where)
{
    *where = "request";
    if (csr_parse(asked->request, asked->request_size, csr, why)) {
        *where = has_form(asked->token) ? NULL : "token";
        snprintf(why, 256, "this enrolment token is not known");
        return *where ? 403 : 0;
    }
    return 422;
}

void
enrol_serve(struct enrol *enrol, struct evhttp_request *request, const cJSON *body)
{
    struct op_enrol_request asked;
    struct codec_error error;
    struct csr csr;
    char why[256];
    const char *where;
    if (codec_decode(&op_enrol_request_shape, body, &asked, &error) != 0) {
        enrol_failed(enrol, request);
        reply_problem(request, 422, error.why, error.path,
                      "GET " API_PREFIX "/openapi.json says what is accepted");
        return;
    }
    unsigned status = request_check(&asked, &csr, why, &where);
    if (status == 0 && !csr_prove(&csr)) {
        status = 422;
        where = "request";
        snprintf(why, sizeof(why), "it is not signed with the key in it");
    }
    if (status != 0) {
        enrol_failed(enrol, request);
        reply_problem(request, status, why, where,
                      status == 422 ? "cordon-edge and cordon-sensor make good ones" : NULL);
    } else if (!take_place(enrol)) {
        char key[NAME_SIZE];
        key_of(enrol, request, key);
        lockout_end(enrol->by_peer, key);
        refuse_for(request, SECOND_US, "too many devices enrol at once");
    } else {
        ask(enrol, request, asked.token, &csr);
    }
    sodium_memzero(asked.token, sizeof(asked.token));
    codec_fini(&op_enrol_request_shape, &asked);
}
