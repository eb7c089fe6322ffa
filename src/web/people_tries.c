/* Who failed must wait: failures are counted under the name, the browser and the address that they
 * came from. */
#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "web/people_state.h"

/* "NONCE" and its MAC for 'account', both base64url: shows that it signed in here before. */
#define NONCE_BYTES 12
#define NONCE_TEXT 16
#define MAC_BYTES 16

static bool
device_mac(const struct people *people, const char *account, const char *nonce, char text[32])
{
    char about[NAME_SIZE + NONCE_TEXT + 16];
    uint8_t mac[32];
    snprintf(about, sizeof(about), "device %.16s %s", nonce, account);
    if (!factors_mac(people->factors, about, mac)) {
        return false;
    }
    sodium_bin2base64(text, 32, mac, MAC_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return true;
}

void
people_device_give(struct serving *serving, const char *account)
{
    uint8_t nonce[NONCE_BYTES];
    char text[32], mac[32], cookie[256];
    randombytes_buf(nonce, sizeof(nonce));
    sodium_bin2base64(text, sizeof(text), nonce, sizeof(nonce),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    if (!device_mac(serving->people, account, text, mac)) {
        return;
    }
    snprintf(cookie, sizeof(cookie),
             DEVICE_COOKIE "=%s%s; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=31536000",
             text, mac);
    evhttp_add_header(evhttp_request_get_output_headers(serving->request), "Set-Cookie", cookie);
}

/* The key under which failures count: this browser's own where 'name' signed in from it before, so
 * that whoever guesses from elsewhere, however many they are, does not keep that person out. */
static bool
device_find(const struct serving *serving, char key[HOST_SIZE])
{
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(serving->request);
    char value[SESSION_TEXT_SIZE], mac[32];
    if (!cookie_find(evhttp_find_header(headers, "Cookie"), DEVICE_COOKIE, value) ||
        strlen(value) <= NONCE_TEXT) {
        return false;
    }
    if (!device_mac(serving->people, serving->name, value, mac) ||
        strlen(value) != NONCE_TEXT + strlen(mac) ||
        sodium_memcmp(value + NONCE_TEXT, mac, strlen(mac)) != 0) {
        return false;
    }
    snprintf(key, HOST_SIZE, "%s %.*s", serving->name, NONCE_TEXT, value);
    return true;
}

/* Under what failures count.  Directories do not look at case: each way to write a name would be so
 * many more guesses. */
void
people_failures_key(const struct serving *serving, char key[HOST_SIZE])
{
    if (device_find(serving, key)) {
        return;
    }
    size_t used = 0;
    for (; serving->name[used]; used++) {
        key[used] = (char)tolower((unsigned char)serving->name[used]);
    }
    key[used] = '\0';
}

static void
refuse_for(struct serving *serving, int64_t wait_us, const char *detail)
{
    char seconds[24];
    snprintf(seconds, sizeof(seconds), "%lld", (long long)(wait_us + 999999) / 1000000);
    evhttp_add_header(evhttp_request_get_output_headers(serving->request), "Retry-After", seconds);
    people_refuse(serving, 429, detail, NULL, "wait as long as Retry-After says");
}

/* False: as many as may be are under way already.  Ends with 'serving'. */
static bool
try_begin(struct serving *serving, const char *key, const char *peer, int64_t now)
{
    struct people *people = serving->people;
    if (key[0]) {
        if (!lockout_begin(people->by_account, key, now)) {
            return false;
        }
        snprintf(serving->tried_key, sizeof(serving->tried_key), "%s", key);
    }
    if (peer[0]) {
        if (!lockout_begin(people->by_peer, peer, now)) {
            return false;
        }
        snprintf(serving->tried_peer, sizeof(serving->tried_peer), "%s", peer);
    }
    return true;
}

bool
people_must_wait(struct serving *serving)
{
    struct people *people = serving->people;
    int64_t now = clock_boot_us(people->settings.clock);
    char key[HOST_SIZE], device[HOST_SIZE], peer[NAME_SIZE] = "";
    people_failures_key(serving, key);
    if (!device_find(serving, device)) {
        peer_key(serving->peer, peer);
    }
    int64_t wait = lockout_wait_us(people->by_account, key, now);
    int64_t also = peer[0] ? lockout_wait_us(people->by_peer, peer, now) : 0;
    wait = also > wait ? also : wait;
    if (wait > 0) {
        refuse_for(serving, wait, "too many failed attempts");
        return true;
    }
    if (!try_begin(serving, key, peer, now)) {
        refuse_for(serving, 1000000,
                   "another sign-in of that name, or from there, is being looked at");
        return true;
    }
    return false;
}

#define LOCKOUT_TOLD_US (60 * 1000000ll) /* locked out for so long: people are told */

void
people_fail(struct serving *serving, const char *action, const char *detail, const char *where)
{
    struct people *people = serving->people;
    int64_t now = clock_boot_us(people->settings.clock);
    uint64_t swallowed = 0;
    const char *peer = serving->peer;
    char key[HOST_SIZE], network[NAME_SIZE], object[TEXT_SIZE];
    people_failures_key(serving, key);
    if (key[0]) { /* nobody's are the address's alone */
        lockout_failed(people->by_account, key, now);
    }
    peer_key(peer, network);
    lockout_failed(people->by_peer, network, now);
    snprintf(object, sizeof(object), "%.55s from %.64s", key[0] ? serving->name : "somebody", peer);
    if (log_limit_pass(&people->failure_limit, now, &swallowed)) {
        log_warn("web", "wrong name, password or code", LOG_S("account", serving->name),
                 LOG_S("peer", peer), LOG_I("swallowed", swallowed));
        people_record_aside(people, "nobody", ACCOUNT_VIEWER, action, object);
    }
    /* Each try after this one waits as long: they are few. */
    if (lockout_wait_us(people->by_account, key, now) >= LOCKOUT_TOLD_US) {
        people_record_aside(people, "nobody", ACCOUNT_VIEWER, "session.locked", object);
    }
    /* Whoever is signed in stays so: what was wrong is what was asked for once more. */
    bool is_signed_in = serving->caller.session_number && serving->op != OP_SESSION_PASSWORD;
    people_refuse(serving, is_signed_in ? 422 : 401, detail, where, NULL);
}

void
people_fail_password(struct serving *serving, const char *action)
{
    people_fail(serving, action, "account name or password is wrong", NULL);
}
