#include "web/lockout.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/hmap.h"
#include "base/log.h"
#include "base/mem.h"
#include "model/text.h"

#define DOUBLINGS_MAX 20
#define HASH_BYTES 16
#define LINE_SIZE 80 /* "WALL_US FAILURES ID\n" */
#define LINES_MOST (4 * LOCKOUT_KEYS_MAX)
#define PATH_ROOM (URL_SIZE + 32)

struct culprit {
    struct hmap_node node;
    uint8_t id[HASH_BYTES]; /* of the key */
    unsigned failures;
    int64_t failed_us; /* last */
};

/* One that is under way: as many as there are requests, which are bounded. */
struct attempt {
    LIST_ENTRY(attempt) link;
    char key[HOST_SIZE];
};

struct lockout {
    unsigned free_failures, tries;
    struct hmap by_key;
    LIST_HEAD(, attempt) attempts;
    /* The file; "": none. */
    char path[PATH_ROOM];
    const struct clock *clock;
    int fd;
    size_t lines;
};

struct lockout *
lockout_new(unsigned free_failures, unsigned tries)
{
    struct lockout *lockout = MEM_NEW(struct lockout);
    lockout->free_failures = free_failures;
    lockout->tries = tries;
    LIST_INIT(&lockout->attempts);
    hmap_init(&lockout->by_key);
    lockout->fd = -1;
    return lockout;
}

static void
culprit_forget(struct lockout *lockout, struct culprit *culprit)
{
    hmap_remove(&lockout->by_key, &culprit->node);
    free(culprit);
}

void
lockout_free(struct lockout *lockout)
{
    struct hmap_node *node;
    while (lockout && (node = hmap_first(&lockout->by_key))) {
        culprit_forget(lockout, CONTAINER_OF(node, struct culprit, node));
    }
    while (lockout && !LIST_EMPTY(&lockout->attempts)) {
        struct attempt *attempt = LIST_FIRST(&lockout->attempts);
        LIST_REMOVE(attempt, link);
        free(attempt);
    }
    if (lockout) {
        hmap_fini(&lockout->by_key);
        if (lockout->fd >= 0) {
            close(lockout->fd);
        }
        free(lockout);
    }
}

static void
hash_make(const char *key, uint8_t id[HASH_BYTES])
{
    (void)crypto_generichash(id, HASH_BYTES, (const unsigned char *)key, strlen(key), NULL, 0);
}

static struct culprit *
culprit_by_id(const struct lockout *lockout, const uint8_t id[HASH_BYTES])
{
    HMAP_FOR_EACH_HASH (culprit, struct culprit, node, hash_bytes(id, HASH_BYTES),
                        &lockout->by_key) {
        if (memcmp(culprit->id, id, HASH_BYTES) == 0) {
            return culprit;
        }
    }
    return NULL;
}

static struct culprit *
culprit_find(const struct lockout *lockout, const char *key)
{
    uint8_t id[HASH_BYTES];
    hash_make(key, id);
    return culprit_by_id(lockout, id);
}

static struct culprit *
culprit_new(struct lockout *lockout, const uint8_t id[HASH_BYTES])
{
    struct culprit *culprit = MEM_NEW(struct culprit);
    memcpy(culprit->id, id, HASH_BYTES);
    hmap_insert(&lockout->by_key, &culprit->node, hash_bytes(id, HASH_BYTES));
    return culprit;
}

static int64_t
penalty_us(const struct lockout *lockout, const struct culprit *culprit)
{
    if (culprit->failures < lockout->free_failures) {
        return 0;
    }
    unsigned doublings = culprit->failures - lockout->free_failures;
    int64_t wait = LOCKOUT_FIRST_US << (doublings < DOUBLINGS_MAX ? doublings : DOUBLINGS_MAX);
    return wait < LOCKOUT_MOST_US ? wait : LOCKOUT_MOST_US;
}

int64_t
lockout_wait_us(const struct lockout *lockout, const char *key, int64_t now_us)
{
    const struct culprit *culprit = culprit_find(lockout, key);
    int64_t left = culprit ? culprit->failed_us + penalty_us(lockout, culprit) - now_us : 0;
    return left > 0 ? left : 0;
}

/* What counts of its failures still: of a building where somebody mistypes now and then, few. */
static unsigned
failures_of(const struct culprit *culprit, int64_t now_us)
{
    int64_t silent_us = now_us - culprit->failed_us;
    return silent_us > LOCKOUT_FORGET_US
               ? 0
               : culprit->failures >> (unsigned)(silent_us / LOCKOUT_HALVE_US);
}

/* Gives what the one that went had failed. */
static unsigned
make_room(struct lockout *lockout, int64_t now_us)
{
    struct culprit *least = NULL;
    unsigned fewest = 0;
    HMAP_FOR_EACH (culprit, struct culprit, node, &lockout->by_key) {
        unsigned failures = failures_of(culprit, now_us);
        if (!least || failures < fewest ||
            (failures == fewest && culprit->failed_us < least->failed_us)) {
            least = culprit;
            fewest = failures;
        }
    }
    culprit_forget(lockout, least);
    return fewest;
}

/* ---- the file ---- */

/* What failed how often, and when by the wall clock: the boot clock may be another one's. */
static size_t
line_format(const struct lockout *lockout, const struct culprit *culprit, char line[LINE_SIZE])
{
    char id[2 * HASH_BYTES + 1];
    int64_t ago_us = clock_boot_us(lockout->clock) - culprit->failed_us;
    sodium_bin2hex(id, sizeof(id), culprit->id, HASH_BYTES);
    return (size_t)snprintf(line, LINE_SIZE, "%" PRId64 " %u %s\n",
                            clock_wall_us(lockout->clock) - ago_us, culprit->failures, id);
}

/* The last line of a key counts.  A clock that was set back makes nothing younger than now. */
static void
line_read(struct lockout *lockout, const char *line)
{
    uint8_t id[HASH_BYTES];
    char hex[2 * HASH_BYTES + 1] = "";
    int64_t at_us = 0, now_us = clock_boot_us(lockout->clock);
    unsigned failures = 0;
    if (sscanf(line, "%" SCNd64 " %u %32s", &at_us, &failures, hex) != 3 ||
        strlen(hex) != 2 * HASH_BYTES || /* torn */
        sodium_hex2bin(id, HASH_BYTES, hex, strlen(hex), NULL, NULL, NULL) != 0) {
        return;
    }
    int64_t ago_us = clock_wall_us(lockout->clock) - at_us;
    struct culprit *culprit = culprit_by_id(lockout, id);
    if (failures == 0 || ago_us > LOCKOUT_FORGET_US) {
        if (culprit) {
            culprit_forget(lockout, culprit);
        }
        return;
    }
    if (!culprit && lockout->by_key.count >= LOCKOUT_KEYS_MAX) {
        (void)make_room(lockout, now_us);
    }
    culprit = culprit ? culprit : culprit_new(lockout, id);
    culprit->failures = failures;
    culprit->failed_us = now_us - (ago_us > 0 ? ago_us : 0);
}

/* Anew, with what counts still. */
static void
file_begin(struct lockout *lockout)
{
    char *text = mem_new(lockout->by_key.count + 1, LINE_SIZE);
    size_t size = 0;
    HMAP_FOR_EACH (culprit, struct culprit, node, &lockout->by_key) {
        size += line_format(lockout, culprit, text + size);
    }
    if (lockout->fd >= 0) {
        close(lockout->fd);
    }
    lockout->lines = lockout->by_key.count;
    int error = file_write_atomic(lockout->path, text, size, 0600);
    lockout->fd = error ? -1 : open(lockout->path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    free(text);
    if (lockout->fd < 0) {
        log_warn("web", "failed sign-ins are not kept over a restart", LOG_S("file", lockout->path),
                 LOG_S("why", strerror(error ? -error : errno)));
    }
}

void
lockout_keep(struct lockout *lockout, const char *path, const struct clock *clock)
{
    char *text = NULL, *rest = NULL;
    size_t size = 0;
    snprintf(lockout->path, sizeof(lockout->path), "%s", path);
    lockout->clock = clock;
    if (file_read(path, (LINES_MOST + 1) * LINE_SIZE, &text, &size) == 0) {
        for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
            line_read(lockout, line);
        }
    }
    free(text);
    file_begin(lockout);
}

/* A disk that is full or broken keeps nobody from signing in. */
static void
file_note(struct lockout *lockout, const struct culprit *culprit)
{
    char line[LINE_SIZE];
    if (lockout->fd < 0) {
        return;
    }
    if (++lockout->lines > LINES_MOST) {
        file_begin(lockout);
        return;
    }
    size_t size = line_format(lockout, culprit, line);
    if (write(lockout->fd, line, size) != (ssize_t)size) {
        lockout->lines = LINES_MOST; /* tried anew with the next one */
    }
}

/* ---- */

void
lockout_failed(struct lockout *lockout, const char *key, int64_t now_us)
{
    struct culprit *culprit = culprit_find(lockout, key);
    if (!culprit) {
        uint8_t id[HASH_BYTES];
        unsigned taken_over =
            lockout->by_key.count >= LOCKOUT_KEYS_MAX ? make_room(lockout, now_us) : 0;
        hash_make(key, id);
        culprit = culprit_new(lockout, id);
        culprit->failures =
            taken_over < lockout->free_failures ? taken_over : lockout->free_failures - 1;
    } else {
        culprit->failures = failures_of(culprit, now_us);
    }
    culprit->failures++;
    culprit->failed_us = now_us;
    file_note(lockout, culprit);
}

void
lockout_succeeded(struct lockout *lockout, const char *key)
{
    struct culprit *culprit = culprit_find(lockout, key);
    if (culprit) {
        culprit->failures = 0;
        file_note(lockout, culprit);
        culprit_forget(lockout, culprit);
    }
}

bool
lockout_begin(struct lockout *lockout, const char *key, int64_t now_us)
{
    const struct culprit *culprit = culprit_find(lockout, key);
    unsigned failures = culprit ? failures_of(culprit, now_us) : 0, under_way = 0;
    struct attempt *attempt;
    LIST_FOREACH(attempt, &lockout->attempts, link)
    {
        under_way += strcmp(attempt->key, key) == 0;
    }
    if (under_way > 0 &&
        (under_way >= lockout->tries || failures + under_way >= lockout->free_failures)) {
        return false;
    }
    attempt = MEM_NEW(struct attempt);
    snprintf(attempt->key, sizeof(attempt->key), "%s", key);
    LIST_INSERT_HEAD(&lockout->attempts, attempt, link);
    return true;
}

void
lockout_end(struct lockout *lockout, const char *key)
{
    struct attempt *attempt;
    LIST_FOREACH(attempt, &lockout->attempts, link)
    {
        if (strcmp(attempt->key, key) == 0) {
            LIST_REMOVE(attempt, link);
            free(attempt);
            return;
        }
    }
}

size_t
lockout_count(const struct lockout *lockout)
{
    return lockout->by_key.count;
}
