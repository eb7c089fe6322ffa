#include "web/factor.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/seal.h"
#include "web/account.h"

#define PATH_ROOM 512
#define LINE_SIZE 1024
#define FILE_MAX (ACCOUNTS_MAX * LINE_SIZE)
#define KEY_SIZE 32

struct factors {
    char path[PATH_ROOM], lock[PATH_ROOM];
    struct seal *seal;     /* owned */
    uint8_t key[KEY_SIZE]; /* of factors_mac */
    struct factor *items;  /* owned */
    size_t count;
    struct timespec changed;
    ino_t inode;
    off_t size;
    bool is_loaded;
    bool is_bad; /* the file, as it was loaded */
};

/* ---- lines ---- */

static bool
hex_parse(const char *hex, uint8_t *bytes, size_t size)
{
    size_t made = 0;
    return strlen(hex) == 2 * size &&
           sodium_hex2bin(bytes, size, hex, 2 * size, NULL, &made, NULL) == 0 && made == size;
}

/* "HEX,HEX" or "-"; modified in place. */
static bool
hashes_parse(char *text, struct factor *factor)
{
    char *rest = NULL;
    if (strcmp(text, "-") == 0) {
        return true;
    }
    for (char *hex = strtok_r(text, ",", &rest); hex; hex = strtok_r(NULL, ",", &rest)) {
        if (factor->recovery_count == RECOVERY_CODES ||
            !hex_parse(hex, factor->recovery[factor->recovery_count++], 32)) {
            return false;
        }
    }
    return factor->recovery_count > 0;
}

const char *
factor_line_parse(char *line, struct factor *factor)
{
    char *words[4] = {0}, *rest = NULL, *end = NULL;
    size_t count = 0;
    for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if (count == COUNT_OF(words)) {
            return "needs exactly NAME SECRET STEP HASHES";
        }
        words[count++] = word;
    }
    *factor = (struct factor){.step = 0};
    if (count != COUNT_OF(words)) {
        return "needs exactly NAME SECRET STEP HASHES";
    }
    if (!account_name_is_valid(words[0])) {
        return "the name may hold letters, digits, '.', '_' and '-' only";
    }
    snprintf(factor->name, sizeof(factor->name), "%s", words[0]);
    if (!hex_parse(words[1], factor->secret, TOTP_SECRET_SIZE)) {
        return "the secret must be 40 hex digits";
    }
    errno = 0;
    factor->step = strtoull(words[2], &end, 10);
    if (words[2][0] < '0' || words[2][0] > '9' || *end || errno) {
        return "the step must be a number";
    }
    return hashes_parse(words[3], factor) ? NULL : "the hashes must be 64 hex digits each";
}

static size_t
line_write(const struct factor *factor, char line[LINE_SIZE])
{
    char hex[65];
    sodium_bin2hex(hex, sizeof(hex), factor->secret, TOTP_SECRET_SIZE);
    int used = snprintf(line, LINE_SIZE, "%s %s %llu ", factor->name, hex,
                        (unsigned long long)factor->step);
    for (size_t i = 0; i < factor->recovery_count; i++) {
        sodium_bin2hex(hex, sizeof(hex), factor->recovery[i], 32);
        used += snprintf(line + used, LINE_SIZE - (size_t)used, "%s%s", i ? "," : "", hex);
    }
    used +=
        snprintf(line + used, LINE_SIZE - (size_t)used, "%s\n", factor->recovery_count ? "" : "-");
    return (size_t)used;
}

/* ---- the file ---- */

static void
forget(struct factors *factors)
{
    if (factors->items) {
        sodium_memzero(factors->items, factors->count * sizeof(*factors->items));
    }
    free(factors->items);
    factors->items = NULL;
    factors->count = 0;
}

static const char *
text_parse(struct factors *factors, char *text)
{
    char *rest = NULL;
    const char *problem = NULL;
    char *line = strtok_r(text, "\n", &rest);
    if (!line || strncmp(line, "key ", 4) != 0 || !hex_parse(line + 4, factors->key, KEY_SIZE)) {
        return "the first line must be the key";
    }
    while (!problem && (line = strtok_r(NULL, "\n", &rest))) {
        problem = factors->count == ACCOUNTS_MAX
                      ? "too many"
                      : factor_line_parse(line, &factors->items[factors->count++]);
    }
    return problem;
}

static int
text_read(struct factors *factors, char *text)
{
    forget(factors);
    factors->items = mem_new(ACCOUNTS_MAX, sizeof(struct factor));
    const char *problem = text_parse(factors, text);
    if (problem) {
        log_error("web", "second factors cannot be read", LOG_S("file", factors->path),
                  LOG_S("why", problem));
    }
    return problem ? -EBADMSG : 0;
}

static int
file_save(struct factors *factors)
{
    size_t room = (factors->count + 1) * LINE_SIZE;
    char *text = mem_new(1, room), hex[2 * KEY_SIZE + 1];
    sodium_bin2hex(hex, sizeof(hex), factors->key, KEY_SIZE);
    size_t size = (size_t)snprintf(text, LINE_SIZE, "key %s\n", hex);
    for (size_t i = 0; i < factors->count; i++) {
        size += line_write(&factors->items[i], text + size);
    }
    int error = seal_write(factors->seal, factors->path, text, size);
    sodium_memzero(text, room);
    free(text);
    factors->is_loaded = false;
    return error;
}

static int
file_load(struct factors *factors)
{
    struct stat now;
    char *text = NULL;
    size_t size = 0;
    if (stat(factors->path, &now) != 0) {
        now = (struct stat){0};
    }
    if (factors->is_loaded && now.st_ino == factors->inode && now.st_size == factors->size &&
        now.st_mtim.tv_sec == factors->changed.tv_sec &&
        now.st_mtim.tv_nsec == factors->changed.tv_nsec) {
        return factors->is_bad ? -EBADMSG : 0;
    }
    int error = seal_read(factors->seal, factors->path, FILE_MAX, &text, &size);
    if (error == -ENOENT) {
        forget(factors);
        factors->items = mem_new(ACCOUNTS_MAX, sizeof(struct factor));
        randombytes_buf(factors->key, sizeof(factors->key));
        return file_save(factors);
    }
    if (!error) {
        error = memchr(text, '\0', size) ? -EBADMSG : text_read(factors, text);
    } else {
        log_error("web", "second factors cannot be opened: nobody signs in until they can",
                  LOG_S("file", factors->path), LOG_S("why", strerror(-error)));
    }
    seal_bytes_free(text);
    factors->is_loaded = true;
    factors->is_bad = error != 0;
    factors->inode = now.st_ino;
    factors->size = now.st_size;
    factors->changed = now.st_mtim;
    return error;
}

static struct factor *
find(const struct factors *factors, const char *name)
{
    for (size_t i = 0; i < factors->count; i++) {
        if (strcmp(factors->items[i].name, name) == 0) {
            return &factors->items[i];
        }
    }
    return NULL;
}

/* Calls 'change' with the lock held and the newest text read, and writes what it left. */
static int
change(struct factors *factors, const char *name,
       int (*apply)(struct factors *factors, const char *name, void *context), void *context,
       char why[256])
{
    int fd = file_lock_wait(factors->lock);
    int error = fd < 0 ? fd : file_load(factors);
    error = error ? error : apply(factors, name, context);
    error = error ? error : file_save(factors);
    if (error) {
        factors->is_loaded = false; /* what was changed here only is forgotten */
    }
    if (fd >= 0) {
        close(fd);
    }
    if (error == -ENOENT) {
        snprintf(why, 256, "'%s' has no second factor", name);
    } else if (error) {
        snprintf(why, 256, "%.200s: %s", factors->path, strerror(-error));
    }
    return error;
}

/* ---- recovery codes ---- */

static void
recovery_make(char code[RECOVERY_CODE_SIZE], uint8_t hash[32])
{
    static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789"; /* 32 */
    _Static_assert(sizeof(letters) == 33, "five bits each");
    for (size_t i = 0; i + 1 < RECOVERY_CODE_SIZE; i++) {
        code[i] = i % 5 == 4 ? '-' : letters[randombytes_uniform(32)];
    }
    code[RECOVERY_CODE_SIZE - 1] = '\0';
    SHA256((const uint8_t *)code, RECOVERY_CODE_SIZE - 1, hash);
}

static void
recovery_make_all(struct factor *factor, char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE])
{
    factor->recovery_count = RECOVERY_CODES;
    for (size_t i = 0; i < RECOVERY_CODES; i++) {
        recovery_make(codes[i], factor->recovery[i]);
    }
}

/* Takes the code out; false: it is none. */
static bool
recovery_use(struct factor *factor, const char *code)
{
    uint8_t hash[32];
    size_t found = RECOVERY_CODES;
    SHA256((const uint8_t *)code, strlen(code), hash);
    for (size_t i = 0; i < factor->recovery_count; i++) {
        if (CRYPTO_memcmp(hash, factor->recovery[i], sizeof(hash)) == 0) {
            found = i;
        }
    }
    if (found == RECOVERY_CODES) {
        return false;
    }
    factor->recovery_count--;
    memcpy(factor->recovery[found], factor->recovery[factor->recovery_count], 32);
    return true;
}

/* ---- what others call ---- */

struct factors *
factors_open(const char *state_dir, struct seal *seal)
{
    struct factors *factors = MEM_NEW(struct factors);
    factors->seal = seal;
    snprintf(factors->path, sizeof(factors->path), "%s/web/factors.sealed", state_dir);
    snprintf(factors->lock, sizeof(factors->lock), "%s/web/factors.lock", state_dir);
    return factors;
}

void
factors_free(struct factors *factors)
{
    if (factors) {
        forget(factors);
        seal_free(factors->seal);
        sodium_memzero(factors, sizeof(*factors));
    }
    free(factors);
}

bool
factors_are_readable(struct factors *factors)
{
    return file_load(factors) == 0;
}

bool
factors_have(struct factors *factors, const char *name)
{
    (void)file_load(factors);
    return find(factors, name) != NULL;
}

void
factors_digest(struct factors *factors, const char *name, uint8_t digest[32])
{
    (void)file_load(factors);
    const struct factor *factor = find(factors, name);
    memset(digest, 0, 32);
    if (factor) {
        SHA256(factor->secret, sizeof(factor->secret), digest);
    }
}

size_t
factors_recovery_left(struct factors *factors, const char *name)
{
    (void)file_load(factors);
    const struct factor *factor = find(factors, name);
    return factor ? factor->recovery_count : 0;
}

struct attempt {
    const char *code;
    int64_t wall_us;
    enum factor_answer answer;
};

static int
attempt_apply(struct factors *factors, const char *name, void *context)
{
    struct attempt *attempt = context;
    struct factor *factor = find(factors, name);
    if (!factor) {
        return -ENOENT;
    }
    if (totp_check(factor->secret, attempt->code, attempt->wall_us, factor->step, &factor->step)) {
        attempt->answer = FACTOR_CODE;
    } else if (recovery_use(factor, attempt->code)) {
        attempt->answer = FACTOR_RECOVERY;
    }
    return attempt->answer == FACTOR_WRONG ? -EKEYREJECTED : 0;
}

enum factor_answer
factors_check(struct factors *factors, const char *name, const char *code, int64_t wall_us)
{
    struct attempt attempt = {.code = code, .wall_us = wall_us, .answer = FACTOR_WRONG};
    char why[256];
    int error = change(factors, name, attempt_apply, &attempt, why);
    if (error && attempt.answer != FACTOR_WRONG) {
        log_error("web", "a second factor was right, but cannot be kept as used: not granted",
                  LOG_S("why", why));
        return FACTOR_UNKEPT;
    }
    return error ? FACTOR_WRONG : attempt.answer;
}

struct setting {
    const uint8_t *secret; /* NULL: only new recovery codes */
    uint64_t step;
    char (*codes)[RECOVERY_CODE_SIZE];
};

static int
setting_apply(struct factors *factors, const char *name, void *context)
{
    struct setting *setting = context;
    struct factor *factor = find(factors, name);
    if (!factor && (!setting->secret || factors->count == ACCOUNTS_MAX)) {
        return setting->secret ? -E2BIG : -ENOENT;
    }
    if (!factor) {
        factor = &factors->items[factors->count++];
        *factor = (struct factor){.step = 0};
        snprintf(factor->name, sizeof(factor->name), "%s", name);
    }
    if (setting->secret) {
        memcpy(factor->secret, setting->secret, TOTP_SECRET_SIZE);
        factor->step = setting->step;
    }
    recovery_make_all(factor, setting->codes);
    return 0;
}

int
factors_set(struct factors *factors, const char *name, const uint8_t secret[TOTP_SECRET_SIZE],
            uint64_t step, char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE], char why[256])
{
    struct setting setting = {.secret = secret, .step = step, .codes = codes};
    return change(factors, name, setting_apply, &setting, why);
}

int
factors_recover(struct factors *factors, const char *name,
                char codes[RECOVERY_CODES][RECOVERY_CODE_SIZE], char why[256])
{
    struct setting setting = {.codes = codes};
    return change(factors, name, setting_apply, &setting, why);
}

static int
remove_apply(struct factors *factors, const char *name, void *context)
{
    struct factor *factor = find(factors, name);
    (void)context;
    if (!factor) {
        return -ENOENT;
    }
    *factor = factors->items[--factors->count];
    sodium_memzero(&factors->items[factors->count], sizeof(*factor));
    return 0;
}

int
factors_remove(struct factors *factors, const char *name, char why[256])
{
    return change(factors, name, remove_apply, NULL, why);
}

bool
factors_mac(struct factors *factors, const char *text, uint8_t mac[32])
{
    _Static_assert(crypto_auth_BYTES == 32 && crypto_auth_KEYBYTES == KEY_SIZE, "sizes of a MAC");
    if (file_load(factors) != 0) {
        return false;
    }
    crypto_auth(mac, (const uint8_t *)text, strlen(text), factors->key);
    return true;
}
