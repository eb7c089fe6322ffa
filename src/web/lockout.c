#include "web/lockout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

struct lockout {
    unsigned free_failures;
    struct hmap by_key;
};

struct lockout *
lockout_new(unsigned free_failures)
{
    struct lockout *lockout = MEM_NEW(struct lockout);
    lockout->free_failures = free_failures;
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

static void
make_room(struct lockout *lockout)
{
    struct culprit *oldest = NULL;
    HMAP_FOR_EACH (culprit, struct culprit, node, &lockout->by_key) {
        if (!oldest || culprit->failed_us < oldest->failed_us) {
            oldest = culprit;
        }
    }
    culprit_forget(lockout, oldest);
}

void
lockout_failed(struct lockout *lockout, const char *key, int64_t now_us)
{
    struct culprit *culprit = culprit_find(lockout, key);
    if (!culprit) {
        if (lockout->by_key.count >= LOCKOUT_KEYS_MAX) {
            make_room(lockout);
        }
        culprit = MEM_NEW(struct culprit);
        snprintf(culprit->key, sizeof(culprit->key), "%s", key);
        hmap_insert(&lockout->by_key, &culprit->node, hash_text(culprit->key));
    } else if (now_us - culprit->failed_us > LOCKOUT_FORGET_US) {
        culprit->failures = 0;
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

size_t
lockout_count(const struct lockout *lockout)
{
    return lockout->by_key.count;
}
