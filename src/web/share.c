#include "web/share.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/hmap.h"
#include "base/mem.h"
#include "model/text.h"

#define WHOLE 1000000 /* a request, in the bucket's unit: per_s of them come each microsecond */

struct bucket {
    struct hmap_node node;
    char key[HOST_SIZE];
    int64_t left; /* of WHOLE each */
    int64_t at_us;
};

struct shares {
    struct hmap by_key;
};

struct shares *
shares_new(void)
{
    struct shares *shares = MEM_NEW(struct shares);
    hmap_init(&shares->by_key);
    return shares;
}

static void
bucket_forget(struct shares *shares, struct bucket *bucket)
{
    hmap_remove(&shares->by_key, &bucket->node);
    free(bucket);
}

void
shares_free(struct shares *shares)
{
    struct hmap_node *node;
    while (shares && (node = hmap_first(&shares->by_key))) {
        bucket_forget(shares, CONTAINER_OF(node, struct bucket, node));
    }
    if (shares) {
        hmap_fini(&shares->by_key);
    }
    free(shares);
}

static struct bucket *
bucket_find(const struct shares *shares, const char *key)
{
    HMAP_FOR_EACH_HASH (bucket, struct bucket, node, hash_text(key), &shares->by_key) {
        if (strcmp(bucket->key, key) == 0) {
            return bucket;
        }
    }
    return NULL;
}

static void
refill(struct bucket *bucket, uint32_t per_s, int64_t now_us)
{
    int64_t most = (int64_t)per_s * SHARE_BURST * WHOLE;
    int64_t passed_us = now_us - bucket->at_us;
    bool is_full = passed_us > SHARE_BURST * 1000000ll;
    bucket->left = is_full ? most : bucket->left + passed_us * per_s;
    bucket->left = bucket->left < most ? bucket->left : most;
    bucket->at_us = now_us;
}

static void
make_room(struct shares *shares)
{
    struct bucket *oldest = NULL;
    HMAP_FOR_EACH (bucket, struct bucket, node, &shares->by_key) {
        if (!oldest || bucket->at_us < oldest->at_us) {
            oldest = bucket;
        }
    }
    bucket_forget(shares, oldest);
}

int64_t
share_take(struct shares *shares, const char *key, uint32_t per_s, int64_t now_us)
{
    struct bucket *bucket = bucket_find(shares, key);
    if (!bucket) {
        if (shares->by_key.count >= SHARE_KEYS_MAX) {
            make_room(shares);
        }
        bucket = MEM_NEW(struct bucket);
        snprintf(bucket->key, sizeof(bucket->key), "%s", key);
        bucket->left = (int64_t)per_s * SHARE_BURST * WHOLE;
        bucket->at_us = now_us;
        hmap_insert(&shares->by_key, &bucket->node, hash_text(bucket->key));
    }
    refill(bucket, per_s, now_us);
    if (bucket->left < WHOLE) {
        return (WHOLE - bucket->left) / per_s + 1;
    }
    bucket->left -= WHOLE;
    return 0;
}

size_t
shares_count(const struct shares *shares)
{
    return shares->by_key.count;
}
