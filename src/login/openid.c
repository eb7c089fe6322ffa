#include "login/openid.h"

#include <curl/curl.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "login/jwt.h"

#define ANSWER_MAX (256 * 1024)
#define CA_MAX (1024 * 1024)
#define RANDOM_TEXT 48 /* 32 bytes as base64url */

struct flow {
    char state[RANDOM_TEXT], nonce[RANDOM_TEXT], verifier[RANDOM_TEXT];
    char browser[LOGIN_FLOW_SIZE]; /* whose it is */
    char peer[NAME_SIZE];          /* from where */
    int64_t begun_us;              /* boot clock; 0: free */
};

struct openid {
    const struct config_openid *config;
    const struct clock *clock;
    char secret[HOST_SIZE];
    char *ca; /* PEM; NULL: the system's */
    size_t ca_size;
    char authorization[URL_SIZE], token[URL_SIZE], jwks[URL_SIZE];
    bool is_known;
    int64_t known_us, keys_us; /* boot clock */
    cJSON *keys;
    struct flow flows[OPENID_FLOWS_MAX];
};

struct answer {
    char *text;
    size_t size;
};

void
openid_setup(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || sodium_init() < 0) {
        abort(); /* nothing may be let in */
    }
}

struct openid *
openid_new(const struct config_openid *config, const char *secret, const struct clock *clock,
           char why[TEXT_SIZE])
{
    struct openid *openid = MEM_NEW(struct openid);
    openid->config = config;
    openid->clock = clock;
    snprintf(openid->secret, sizeof(openid->secret), "%s", secret);
    int error = config->ca[0] ? file_read(config->ca, CA_MAX, &openid->ca, &openid->ca_size) : 0;
    if (error) {
        snprintf(why, TEXT_SIZE, "%.300s: %s", config->ca, strerror(-error));
        openid_free(openid);
        return NULL;
    }
    return openid;
}

void
openid_free(struct openid *openid)
{
    if (openid) {
        cJSON_Delete(openid->keys);
        free(openid->ca);
        sodium_memzero(openid, sizeof(*openid));
    }
    free(openid);
}

static void
away(struct wire_login_result *result, const char *what, const char *why)
{
    result->outcome = LOGIN_AWAY;
    snprintf(result->why, TEXT_SIZE, "%s: %.300s", what, why);
    utf8_make_plain(result->why, strlen(result->why));
}

static void
refused(struct wire_login_result *result, const char *why)
{
    result->outcome = LOGIN_REFUSED;
    snprintf(result->why, TEXT_SIZE, "%s", why);
}

/* ---- the provider ---- */

static size_t
on_body(char *from, size_t size, size_t count, void *context)
{
    struct answer *answer = context;
    if (answer->size + size * count > ANSWER_MAX) {
        return 0;
    }
    memcpy(answer->text + answer->size, from, size * count);
    answer->size += size * count;
    return size * count;
}

/* 'form' NULL: GET.  The JSON object of a 200; NULL: 'result' says why. */
static cJSON *
fetch(struct openid *openid, const char *url, const char *form, const char *user,
      struct wire_login_result *result)
{
    char error[CURL_ERROR_SIZE] = "", said[64];
    struct answer answer = {.text = mem_new(ANSWER_MAX + 1, 1)};
    struct curl_blob ca = {.data = openid->ca, .len = openid->ca_size, .flags = CURL_BLOB_NOCOPY};
    CURL *curl = curl_easy_init();
    if (!curl) {
        abort(); /* out of memory, as in base/mem.h */
    }
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)OPENID_CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)OPENID_PATIENCE_MS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    if (openid->ca) {
        curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &ca);
    }
    if (form) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, form);
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        curl_easy_setopt(curl, CURLOPT_USERPWD, user);
    }
    CURLcode code = curl_easy_perform(curl);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    cJSON *json = code == CURLE_OK && status == 200 ? codec_parse(answer.text, answer.size) : NULL;
    if (code != CURLE_OK) {
        away(result, "the OpenID provider cannot be asked",
             error[0] ? error : curl_easy_strerror(code));
    } else if (!cJSON_IsObject(json)) {
        snprintf(said, sizeof(said), "HTTP %ld%s", status, status == 200 ? ", but no JSON" : "");
        away(result, "the OpenID provider answered", said);
        cJSON_Delete(json);
        json = NULL;
    }
    sodium_memzero(answer.text, answer.size); /* it may hold tokens */
    free(answer.text);
    return json;
}

/* An address of the provider's; only over TLS. */
static bool
url_take(const cJSON *json, const char *name, char url[URL_SIZE])
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    if (!cJSON_IsString(item) || strncmp(item->valuestring, "https://", 8) != 0 ||
        strlen(item->valuestring) >= URL_SIZE || strpbrk(item->valuestring, " \"<>#")) {
        return false;
    }
    snprintf(url, URL_SIZE, "%s", item->valuestring);
    return true;
}

static bool
keys_fetch(struct openid *openid, struct wire_login_result *result)
{
    cJSON *keys = fetch(openid, openid->jwks, NULL, NULL, result);
    if (!keys) {
        return false;
    }
    cJSON_Delete(openid->keys);
    openid->keys = keys;
    openid->keys_us = clock_boot_us(openid->clock);
    return true;
}

/* OpenID Connect Discovery 1.0.  What is known stays for an hour. */
static bool
know(struct openid *openid, struct wire_login_result *result)
{
    char url[URL_SIZE + 64];
    const char *issuer = openid->config->issuer;
    size_t length = strlen(issuer);
    int64_t now = clock_boot_us(openid->clock);
    if (openid->is_known && now - openid->known_us < OPENID_KEEP_US) {
        return true;
    }
    openid->is_known = false;
    snprintf(url, sizeof(url), "%.*s/.well-known/openid-configuration",
             (int)(length - (issuer[length - 1] == '/')), issuer);
    cJSON *json = fetch(openid, url, NULL, NULL, result);
    if (!json) {
        return false;
    }
    const cJSON *own = cJSON_GetObjectItemCaseSensitive(json, "issuer");
    bool is_good = cJSON_IsString(own) && strcmp(own->valuestring, issuer) == 0 &&
                   url_take(json, "authorization_endpoint", openid->authorization) &&
                   url_take(json, "token_endpoint", openid->token) &&
                   url_take(json, "jwks_uri", openid->jwks);
    cJSON_Delete(json);
    if (!is_good) {
        away(result, "the OpenID provider", "is another issuer, or has endpoints without TLS");
        return false;
    }
    if (!keys_fetch(openid, result)) {
        return false;
    }
    openid->is_known = true;
    openid->known_us = now;
    return true;
}

/* ---- the way there ---- */

static void
random_text(char text[RANDOM_TEXT])
{
    uint8_t bytes[32];
    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2base64(text, RANDOM_TEXT, bytes, sizeof(bytes),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof(bytes));
}

/* How many of that peer are on their way, and the oldest of them; NULL: none. */
static size_t
flows_of(struct openid *openid, const char *peer, struct flow **oldest)
{
    size_t count = 0;
    *oldest = NULL;
    for (size_t i = 0; i < OPENID_FLOWS_MAX; i++) {
        struct flow *flow = &openid->flows[i];
        if (flow->begun_us == 0 || strcmp(flow->peer, peer) != 0) {
            continue;
        }
        count++;
        if (!*oldest || flow->begun_us < (*oldest)->begun_us) {
            *oldest = flow;
        }
    }
    return count;
}

/* Nobody's, or over; NULL: all are on their way. */
static struct flow *
flow_free(struct openid *openid, int64_t now_us)
{
    for (size_t i = 0; i < OPENID_FLOWS_MAX; i++) {
        struct flow *flow = &openid->flows[i];
        if (flow->begun_us == 0 || now_us - flow->begun_us > OPENID_FLOW_US) {
            return flow;
        }
    }
    return NULL;
}

static struct flow *
flow_room(struct openid *openid, const char *peer, int64_t now_us)
{
    struct flow *oldest, *room = flow_free(openid, now_us);
    size_t most = flows_of(openid, peer, &oldest);
    for (size_t i = 0; !room && i < OPENID_FLOWS_MAX; i++) {
        struct flow *one;
        size_t count = flows_of(openid, openid->flows[i].peer, &one);
        bool is_older = count == most && (!oldest || one->begun_us < oldest->begun_us);
        if (count > most || is_older) {
            most = count;
            oldest = one;
        }
    }
    return room ? room : oldest;
}

static struct flow *
flow_new(struct openid *openid, const char *browser, const char *peer)
{
    int64_t now_us = clock_boot_us(openid->clock);
    struct flow *flow = flow_room(openid, peer, now_us);
    *flow = (struct flow){.begun_us = now_us + 1};
    snprintf(flow->peer, sizeof(flow->peer), "%s", peer);
    random_text(flow->state);
    random_text(flow->nonce);
    random_text(flow->verifier);
    snprintf(flow->browser, sizeof(flow->browser), "%s", browser);
    return flow;
}

/* "&name=value", percent-encoded; a first '&' becomes 'first'. */
static void
parameter_add(char *to, size_t room, char first, const char *name, const char *value)
{
    size_t used = strlen(to);
    char *escaped = curl_easy_escape(NULL, value, 0);
    snprintf(to + used, room - used, "%c%s=%s", first, name, escaped ? escaped : "");
    curl_free(escaped);
}

void
openid_begin(struct openid *openid, const char *browser, const char *peer,
             struct wire_login_result *result)
{
    const struct config_openid *config = openid->config;
    uint8_t hash[SHA256_DIGEST_LENGTH];
    char challenge[RANDOM_TEXT];
    result->source = ACCOUNT_OPENID;
    if (!know(openid, result)) {
        return;
    }
    const struct flow *flow = flow_new(openid, browser, peer);
    SHA256((const uint8_t *)flow->verifier, strlen(flow->verifier), hash);
    sodium_bin2base64(challenge, sizeof(challenge), hash, sizeof(hash),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *url = mem_new(LOGIN_LINK_MAX, 1);
    snprintf(url, LOGIN_LINK_MAX, "%s", openid->authorization);
    parameter_add(url, LOGIN_LINK_MAX, strchr(url, '?') ? '&' : '?', "response_type", "code");
    parameter_add(url, LOGIN_LINK_MAX, '&', "client_id", config->client_id);
    parameter_add(url, LOGIN_LINK_MAX, '&', "redirect_uri", config->redirect_url);
    parameter_add(url, LOGIN_LINK_MAX, '&', "scope", config->scopes);
    parameter_add(url, LOGIN_LINK_MAX, '&', "state", flow->state);
    parameter_add(url, LOGIN_LINK_MAX, '&', "nonce", flow->nonce);
    parameter_add(url, LOGIN_LINK_MAX, '&', "code_challenge", challenge);
    parameter_add(url, LOGIN_LINK_MAX, '&', "code_challenge_method", "S256");
    result->url = url;
    result->outcome = LOGIN_BEGUN;
}

/* ---- and back ---- */

/* Taken out: it counts once.  False: nobody of ours went there from this browser. */
static bool
flow_take(struct openid *openid, const char *state, const char *browser, struct flow *taken)
{
    int64_t now = clock_boot_us(openid->clock);
    for (size_t i = 0; i < OPENID_FLOWS_MAX; i++) {
        struct flow *flow = &openid->flows[i];
        if (flow->begun_us == 0 || strlen(state) != strlen(flow->state) ||
            CRYPTO_memcmp(state, flow->state, strlen(state)) != 0 ||
            strcmp(flow->browser, browser) != 0) {
            continue;
        }
        *taken = *flow;
        sodium_memzero(flow, sizeof(*flow));
        return now - taken->begun_us <= OPENID_FLOW_US;
    }
    return false;
}

/* The ID token for 'code'; NULL: 'result' says why. */
static char *
exchange(struct openid *openid, const struct flow *flow, const char *code,
         struct wire_login_result *result)
{
    const struct config_openid *config = openid->config;
    char form[8 * URL_SIZE] = "", user[4 * HOST_SIZE * 2] = "";
    char *id = curl_easy_escape(NULL, config->client_id, 0);
    char *secret = curl_easy_escape(NULL, openid->secret, 0);
    snprintf(form, sizeof(form), "grant_type=authorization_code");
    parameter_add(form, sizeof(form), '&', "code", code);
    parameter_add(form, sizeof(form), '&', "redirect_uri", config->redirect_url);
    parameter_add(form, sizeof(form), '&', "code_verifier", flow->verifier);
    snprintf(user, sizeof(user), "%s:%s", id ? id : "", secret ? secret : ""); /* RFC 6749, 2.3.1 */
    curl_free(id);
    if (secret) {
        sodium_memzero(secret, strlen(secret));
    }
    curl_free(secret);
    cJSON *json = fetch(openid, openid->token, form, user, result);
    sodium_memzero(user, sizeof(user));
    sodium_memzero(form, sizeof(form));
    const cJSON *token = cJSON_GetObjectItemCaseSensitive(json, "id_token");
    char *copy = cJSON_IsString(token) ? strdup(token->valuestring) : NULL;
    if (json && !copy) {
        refused(result, "the provider gave no ID token");
    } else if (!json && strstr(result->why, "HTTP 4")) {
        result->outcome = LOGIN_REFUSED; /* used before, forged, or too old */
    }
    cJSON_Delete(json);
    return copy;
}

/* A key that is not known yet may be a new one. */
static int
token_check(struct openid *openid, const char *token, const struct flow *flow, cJSON **claims,
            struct wire_login_result *result)
{
    const struct jwt_expected expected = {.issuer = openid->config->issuer,
                                          .audience = openid->config->client_id,
                                          .nonce = flow->nonce,
                                          .now_s = clock_wall_us(openid->clock) / 1000000};
    int error = jwt_check(token, openid->keys, &expected, claims, result->why);
    if (error == -ENOKEY && clock_boot_us(openid->clock) - openid->keys_us > OPENID_FRESH_US &&
        keys_fetch(openid, result)) {
        error = jwt_check(token, openid->keys, &expected, claims, result->why);
    }
    return error;
}

/* "realm_access.roles" goes into objects; a name that stands there with its dots counts first. */
static const cJSON *
claim_at(const cJSON *claims, const char *path)
{
    const cJSON *whole = cJSON_GetObjectItemCaseSensitive(claims, path);
    char name[NAME_SIZE];
    while (!whole && claims && *path) {
        size_t size = strcspn(path, ".");
        snprintf(name, sizeof(name), "%.*s", (int)size, path);
        claims = cJSON_GetObjectItemCaseSensitive(claims, name);
        path += size + (path[size] == '.');
    }
    return whole ? whole : claims;
}

static bool
holds(const cJSON *claim, const char *group)
{
    const cJSON *each;
    if (cJSON_IsString(claim)) {
        return strcmp(claim->valuestring, group) == 0;
    }
    if (cJSON_IsArray(claim)) {
        cJSON_ArrayForEach(each, claim)
        {
            if (cJSON_IsString(each) && strcmp(each->valuestring, group) == 0) {
                return true;
            }
        }
    }
    return false;
}

bool
openid_role_of(const struct config_openid *config, const cJSON *claims, int *role)
{
    const cJSON *claim = claim_at(claims, config->role_claim);
    for (size_t i = 0; i < config->role_count; i++) {
        if (holds(claim, config->roles[i].group)) {
            *role = config->roles[i].role;
            return true;
        }
    }
    return false;
}

static void
person_put(const struct openid *openid, const cJSON *claims, struct wire_login_result *result)
{
    const cJSON *name = claim_at(claims, openid->config->name_claim);
    const cJSON *subject = cJSON_GetObjectItemCaseSensitive(claims, "sub");
    snprintf(result->subject, sizeof(result->subject), "%s", subject->valuestring);
    if (!cJSON_IsString(name) || strlen(name->valuestring) >= sizeof(result->name)) {
        refused(result, "the ID token has no name, or too long a one");
    } else if (!openid_role_of(openid->config, claims, &result->role)) {
        result->outcome = LOGIN_UNMAPPED;
        snprintf(result->why, TEXT_SIZE, "none of the groups has a role");
    } else {
        snprintf(result->name, sizeof(result->name), "%s", name->valuestring);
        result->outcome = LOGIN_GRANTED;
    }
}

void
openid_finish(struct openid *openid, const char *browser, const char *state, const char *code,
              struct wire_login_result *result)
{
    struct flow flow;
    cJSON *claims = NULL;
    result->source = ACCOUNT_OPENID;
    if (!flow_take(openid, state, browser, &flow)) {
        refused(result, "no sign-in of this browser waits for that answer");
        return;
    }
    char *token = know(openid, result) ? exchange(openid, &flow, code, result) : NULL;
    if (token && token_check(openid, token, &flow, &claims, result) == 0) {
        person_put(openid, claims, result);
    } else if (token && result->outcome != LOGIN_AWAY) {
        result->outcome = LOGIN_REFUSED;
    }
    if (token) {
        sodium_memzero(token, strlen(token));
    }
    free(token);
    cJSON_Delete(claims);
    sodium_memzero(&flow, sizeof(flow));
}
