#include "web/session.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#define SECRET_BYTES 32

struct open_session {
    TAILQ_ENTRY(open_session) link; /* longest unused first */
    struct session session;
};

struct sessions {
    const struct clock *clock;
    void (*on_end)(void *context, const struct session *session);
    void *context;
    TAILQ_HEAD(, open_session) all;
    size_t count;
    uint64_t last_number;
    char path[URL_SIZE + 32]; /* "": in memory only */
    bool is_changed;          /* what is in the file is not what is here */
    int64_t kept_us;
};

struct sessions *
sessions_new(const struct clock *clock,
             void (*on_end)(void *context, const struct session *session), void *context)
{
    struct sessions *sessions = MEM_NEW(struct sessions);
    sessions->clock = clock;
    sessions->on_end = on_end;
    sessions->context = context;
    TAILQ_INIT(&sessions->all);
    return sessions;
}

static bool
is_over(const struct session *session, int64_t now_us)
{
    return now_us - session->used_us > SESSION_IDLE_US ||
           now_us - session->opened_us > SESSION_LIFE_US;
}

/* ---- the file ---- */

#define LINE_SIZE 1400
#define KEEP_US (60 * 1000000ll)

static int
line_write(const struct sessions *sessions, const struct session *session, char line[LINE_SIZE])
{
    char hash[65], proof[2 * SESSION_PROOF_SIZE + 1], agent[2 * HOST_SIZE];
    int64_t since_boot = clock_wall_us(sessions->clock) - clock_boot_us(sessions->clock);
    sodium_bin2hex(hash, sizeof(hash), session->hash, sizeof(session->hash));
    sodium_bin2hex(proof, sizeof(proof), session->proof, sizeof(session->proof));
    sodium_bin2base64(agent, sizeof(agent), (const uint8_t *)session->agent, strlen(session->agent),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return snprintf(line, LINE_SIZE, "%llu %s %s %c%c %s %s %lld %lld %s %s -%s\n",
                    (unsigned long long)session->number, session->account,
                    account_role_names[session->role], session->must_change ? 'c' : '-',
                    session->must_enrol ? 'e' : '-', session->csrf, hash,
                    (long long)(since_boot + session->opened_us),
                    (long long)(since_boot + session->used_us), session->peer, proof, agent);
}

static void
keep(struct sessions *sessions)
{
    const struct open_session *open;
    sessions->is_changed = true;
    if (!sessions->path[0]) {
        return;
    }
    char *text = mem_new(sessions->count + 1, LINE_SIZE);
    size_t size = 0;
    TAILQ_FOREACH(open, &sessions->all, link)
    {
        size += (size_t)line_write(sessions, &open->session, text + size);
    }
    int error = file_write_atomic(sessions->path, text, size, 0600);
    if (error) {
        log_error("web", "sessions cannot be kept: the death of web would sign people out",
                  LOG_S("file", sessions->path), LOG_S("why", strerror(-error)));
    }
    sodium_memzero(text, size);
    free(text);
    sessions->is_changed = error != 0;
    sessions->kept_us = clock_boot_us(sessions->clock);
}

/* False: it is none, or from the future: then nobody knows how old it is. */
static bool
time_read(const struct sessions *sessions, const char *text, int64_t *boot_us)
{
    char *end = NULL;
    long long wall = strtoll(text, &end, 10);
    int64_t age_us = clock_wall_us(sessions->clock) - wall;
    *boot_us = clock_boot_us(sessions->clock) - age_us;
    return end > text && *end == '\0' && wall > 0 && age_us >= 0;
}

static bool
bytes_read(const char *hex, uint8_t *bytes, size_t size)
{
    size_t made = 0;
    return strlen(hex) == 2 * size &&
           sodium_hex2bin(bytes, size, hex, 2 * size, NULL, &made, NULL) == 0 && made == size;
}

static bool
line_read(const struct sessions *sessions, char *line, struct session *session)
{
    char *words[11] = {0}, *rest = NULL, *end = NULL;
    size_t count = 0, size = 0;
    for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if (count == COUNT_OF(words)) {
            return false;
        }
        words[count++] = word;
    }
    if (count != COUNT_OF(words) || !account_name_is_valid(words[1]) ||
        !account_role_parse(words[2], &session->role) || strlen(words[3]) != 2 ||
        strlen(words[4]) != 43 || !bytes_read(words[5], session->hash, sizeof(session->hash)) ||
        !bytes_read(words[9], session->proof, sizeof(session->proof)) ||
        !time_read(sessions, words[6], &session->opened_us) ||
        !time_read(sessions, words[7], &session->used_us)) {
        return false;
    }
    session->number = strtoull(words[0], &end, 10);
    session->must_change = words[3][0] == 'c';
    session->must_enrol = words[3][1] == 'e';
    snprintf(session->account, sizeof(session->account), "%s", words[1]);
    snprintf(session->csrf, sizeof(session->csrf), "%s", words[4]);
    snprintf(session->peer, sizeof(session->peer), "%s", words[8]);
    if (sodium_base642bin((uint8_t *)session->agent, sizeof(session->agent) - 1, words[10] + 1,
                          strlen(words[10] + 1), NULL, &size, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0) {
        size = 0;
    }
    session->agent[size] = '\0';
    return *end == '\0' && session->number > 0;
}

void
sessions_keep(struct sessions *sessions, const char *path)
{
    char *text = NULL, *rest = NULL;
    size_t size = 0;
    snprintf(sessions->path, sizeof(sessions->path), "%s", path);
    if (file_read(path, SESSIONS_MAX * LINE_SIZE, &text, &size) != 0) {
        return; /* nobody was signed in */
    }
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        struct open_session *open = MEM_NEW(struct open_session);
        if (sessions->count == SESSIONS_MAX || !line_read(sessions, line, &open->session) ||
            is_over(&open->session, clock_boot_us(sessions->clock))) {
            free(open);
            continue;
        }
        if (open->session.number > sessions->last_number) {
            sessions->last_number = open->session.number;
        }
        TAILQ_INSERT_TAIL(&sessions->all, open, link);
        sessions->count++;
    }
    sodium_memzero(text, size);
    free(text);
}

/* ---- */

static void
end(struct sessions *sessions, struct open_session *open)
{
    sessions->is_changed = true;
    TAILQ_REMOVE(&sessions->all, open, link);
    sessions->count--;
    if (sessions->on_end) {
        sessions->on_end(sessions->context, &open->session);
    }
    sodium_memzero(open, sizeof(*open));
    free(open);
}

void
sessions_free(struct sessions *sessions)
{
    if (sessions && sessions->is_changed) {
        keep(sessions); /* they live on in the file */
    }
    while (sessions && !TAILQ_EMPTY(&sessions->all)) {
        end(sessions, TAILQ_FIRST(&sessions->all));
    }
    free(sessions);
}

bool
secret_make(char text[SESSION_TEXT_SIZE])
{
    uint8_t bytes[SECRET_BYTES];
    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2base64(text, SESSION_TEXT_SIZE, bytes, sizeof(bytes),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(bytes, sizeof(bytes));
    return true;
}

static void
text_hash(const char *text, uint8_t hash[32])
{
    SHA256((const unsigned char *)text, strlen(text), hash);
}

static struct open_session *
oldest_of(const struct sessions *sessions, const char *account)
{
    struct open_session *open;
    TAILQ_FOREACH(open, &sessions->all, link)
    {
        if (!account || strcmp(open->session.account, account) == 0) {
            return open;
        }
    }
    return NULL;
}

/* Somebody else's text: printable ASCII of it. */
static void
agent_copy(char to[HOST_SIZE], const char *agent)
{
    size_t used = 0;
    for (; agent && *agent && used + 1 < HOST_SIZE; agent++) {
        to[used++] = *agent >= 0x20 && *agent < 0x7f ? *agent : '?';
    }
    to[used] = '\0';
}

const struct session *
sessions_open(struct sessions *sessions, const struct account *account,
              const struct session_origin *origin, char text[SESSION_TEXT_SIZE])
{
    struct open_session *open = MEM_NEW(struct open_session);
    int64_t now = clock_boot_us(sessions->clock);
    if (!secret_make(text) || !secret_make(open->session.csrf)) {
        free(open);
        return NULL;
    }
    if (sessions_count_of(sessions, account->name) >= SESSIONS_PER_ACCOUNT) {
        end(sessions, oldest_of(sessions, account->name));
    } else if (sessions->count >= SESSIONS_MAX) {
        end(sessions, oldest_of(sessions, NULL));
    }
    open->session.number = ++sessions->last_number;
    snprintf(open->session.account, sizeof(open->session.account), "%s", account->name);
    open->session.role = account->role;
    open->session.must_change = account->must_change;
    open->session.must_enrol = origin->must_enrol;
    memcpy(open->session.proof, origin->proof, sizeof(origin->proof));
    snprintf(open->session.peer, sizeof(open->session.peer), "%s", origin->peer);
    agent_copy(open->session.agent, origin->agent);
    open->session.opened_us = open->session.used_us = now;
    text_hash(text, open->session.hash);
    TAILQ_INSERT_TAIL(&sessions->all, open, link);
    sessions->count++;
    keep(sessions);
    return &open->session;
}

const struct session *
sessions_find(struct sessions *sessions, const char *text)
{
    uint8_t hash[32];
    struct open_session *open, *found = NULL;
    int64_t now = clock_boot_us(sessions->clock);
    text_hash(text, hash);
    TAILQ_FOREACH(open, &sessions->all, link)
    {
        if (CRYPTO_memcmp(hash, open->session.hash, sizeof(hash)) == 0) {
            found = open;
        }
    }
    if (!found) {
        return NULL;
    }
    if (is_over(&found->session, now)) {
        end(sessions, found);
        return NULL;
    }
    sessions->is_changed = true;
    found->session.used_us = now;
    TAILQ_REMOVE(&sessions->all, found, link);
    TAILQ_INSERT_TAIL(&sessions->all, found, link);
    return &found->session;
}

void
sessions_end(struct sessions *sessions, const struct session *session)
{
    struct open_session *open;
    TAILQ_FOREACH(open, &sessions->all, link)
    {
        if (&open->session == session) {
            end(sessions, open);
            keep(sessions);
            return;
        }
    }
}

void
sessions_end_of(struct sessions *sessions, const char *account, uint64_t but)
{
    struct open_session *open = TAILQ_FIRST(&sessions->all);
    while (open) {
        struct open_session *next = TAILQ_NEXT(open, link);
        if (strcmp(open->session.account, account) == 0 && open->session.number != but) {
            end(sessions, open);
        }
        open = next;
    }
    keep(sessions);
}

const struct session *
sessions_next_of(const struct sessions *sessions, const char *account,
                 const struct session *session)
{
    const struct open_session *open;
    bool is_behind = session == NULL;
    TAILQ_FOREACH(open, &sessions->all, link)
    {
        if (is_behind && strcmp(open->session.account, account) == 0) {
            return &open->session;
        }
        is_behind = is_behind || &open->session == session;
    }
    return NULL;
}

void
sessions_set_pending(struct sessions *sessions, const struct session *session,
                     const uint8_t *secret)
{
    struct open_session *open;
    TAILQ_FOREACH(open, &sessions->all, link)
    {
        if (&open->session == session) {
            open->session.has_pending = secret != NULL;
            open->session.must_enrol = open->session.must_enrol && secret;
            sodium_memzero(open->session.pending, TOTP_SECRET_SIZE);
            if (secret) {
                memcpy(open->session.pending, secret, TOTP_SECRET_SIZE);
            }
        }
    }
    sessions->is_changed = true;
}

void
sessions_set_proof(struct sessions *sessions, const struct session *session,
                   const uint8_t proof[SESSION_PROOF_SIZE])
{
    struct open_session *open;
    TAILQ_FOREACH(open, &sessions->all, link)
    {
        if (&open->session == session) {
            memcpy(open->session.proof, proof, SESSION_PROOF_SIZE);
        }
    }
    keep(sessions);
}

void
sessions_check(struct sessions *sessions,
               bool (*is_good)(void *context, const struct session *session), void *context)
{
    struct open_session *open = TAILQ_FIRST(&sessions->all);
    bool has_ended = false;
    while (open) {
        struct open_session *next = TAILQ_NEXT(open, link);
        if (!is_good(context, &open->session)) {
            end(sessions, open);
            has_ended = true;
        }
        open = next;
    }
    if (has_ended) {
        keep(sessions);
    }
}

size_t
sessions_count_of(const struct sessions *sessions, const char *account)
{
    const struct open_session *open;
    size_t count = 0;
    TAILQ_FOREACH(open, &sessions->all, link)
    {
        count += strcmp(open->session.account, account) == 0;
    }
    return count;
}

void
sessions_tick(struct sessions *sessions)
{
    int64_t now = clock_boot_us(sessions->clock);
    struct open_session *open = TAILQ_FIRST(&sessions->all);
    while (open) {
        struct open_session *next = TAILQ_NEXT(open, link);
        if (is_over(&open->session, now)) {
            end(sessions, open);
        }
        open = next;
    }
    if (sessions->is_changed && now - sessions->kept_us > KEEP_US) {
        keep(sessions);
    }
}

int64_t
sessions_expire_us(const struct sessions *sessions, const struct session *session)
{
    int64_t left = session->opened_us + SESSION_LIFE_US - clock_boot_us(sessions->clock);
    return clock_wall_us(sessions->clock) + left;
}

/* One "name=value" of the list. */
static bool
pair_take(const char *pair, size_t size, const char *name, char value[SESSION_TEXT_SIZE])
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t name_size = strlen(name);
    if (size <= name_size || strncmp(pair, name, name_size) != 0 || pair[name_size] != '=') {
        return false;
    }
    const char *text = pair + name_size + 1;
    size_t length = size - name_size - 1;
    value[0] = '\0';
    if (length > 0 && length < SESSION_TEXT_SIZE && strspn(text, allowed) >= length) {
        memcpy(value, text, length);
        value[length] = '\0';
    }
    return true;
}

bool
cookie_find(const char *header, const char *name, char value[SESSION_TEXT_SIZE])
{
    unsigned found = 0;
    value[0] = '\0';
    while (header && *header) {
        header += strspn(header, " \t;");
        size_t size = strcspn(header, ";");
        size_t used = size;
        while (used > 0 && (header[used - 1] == ' ' || header[used - 1] == '\t')) {
            used--;
        }
        found += pair_take(header, used, name, value);
        header += size;
    }
    return found == 1 && value[0] != '\0';
}
