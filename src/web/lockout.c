#include "web/lockout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/hash.h"
#include "base/hmap.h"
#include "base/mem.h"
#include "model/text.h"

#define DOUBLINGS_MAX 20

struct culprit {
    struct hmap_node node;
    char key[HOST_SIZE];
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
};

struct lockout *
lockout_new(unsigned free_failures, unsigned tries)
{
    struct lockout *lockout = MEM_NEW(struct lockout);
    lockout->free_failures = free_failures;
    lockout->tries = tries;
    LIST_INIT(&lockout->attempts);
    hmap_init(&lockout->by_key);
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
        free(lockout);
    }
}

static struct culprit *
culprit_find(const struct lockout *lockout, const char *key)
{
    HMAP_FOR_EACH_HASH (culprit, struct culprit, node, hash_text(key), &lockout->by_key) {
        if (strcmp(culprit->key, key) == 0) {
            return culprit;
        }
    }
    return NULL;
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

void
lockout_failed(struct lockout *lockout, const char *key, int64_t now_us)
{
    struct culprit *culprit = culprit_find(lockout, key);
    if (!culprit) {
        unsigned taken_over =
            lockout->by_key.count >= LOCKOUT_KEYS_MAX ? make_room(lockout, now_us) : 0;
        culprit = MEM_NEW(struct culprit);
        culprit->failures =
            taken_over < lockout->free_failures ? taken_over : lockout->free_failures - 1;
        snprintf(culprit->key, sizeof(culprit->key), "%s", key);
        hmap_insert(&lockout->by_key, &culprit->node, hash_text(culprit->key));
    } else {
        culprit->failures = failures_of(culprit, now_us);
    }
    culprit->failures++;
    culprit->failed_us = now_us;
}

void
lockout_succeeded(struct lockout *lockout, const char *key)
{
    struct culprit *culprit = culprit_find(lockout, key);
    if (culprit) {
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
