/* The store thread and its two queues: changes go in, their outcomes come back to the loop.  What
 * was queued while a commit ran goes into the next one together. */
#include "store/store.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "store/audit_reader.h"
#include "store/change.h"
#include "store/reader.h"
#include "store/rescue.h"
#include "store/seen.h"
#include "store/shapes.h"
#include "store/sweep.h"
#include "store/writer.h"

#define WAITING_MAX 8192 /* changes; beyond, submitting is refused: back-pressure to the sender */
#define BATCH_MAX 512
#define REST_MS 250
#define RESTS_SHED 4 /* in a row, with nothing to do: then pages of the database leave memory ...  \
                      */
#define SHED_MANY 1000 /* ... and, after so many changes, ours too: looking for it takes a while   \
                        */
#define MANY 64        /* in one commit: there is a flood */
#define GATHER_US 1000
#define GATHERS_MOST 4

struct store {
    struct writer *writer; /* the store thread's, once it runs */
    struct reader reader;  /* the loop's */
    struct seen *seen;     /* likewise */
    struct audit_reader *audit_reader;
    struct queue *in;         /* loop -> store thread */
    struct queue *out;        /* store thread -> loop; never full: as long as WAITING_MAX */
    struct store_change stop; /* queued last */
    struct event *event_out;
    struct event *event_refused;
    struct store_change **refused; /* told from the loop, never from inside store_submit */
    size_t refused_count, refused_room;
    pthread_t thread;
    bool is_running;
    size_t waiting;
    int failing; /* of the last change */
    uint64_t count_refused, count_failed, count_changes, count_audit;
    atomic_uint_fast64_t commits;
    atomic_int_fast64_t slowest_us;
    atomic_int_fast64_t recent_us, recent_since_us; /* likewise, of this minute */
    atomic_int_fast64_t before_us;                  /* of the minute before */
    char path[URL_SIZE];
    struct rescue rescue;
    int lock; /* -1: not held */
};

struct reader *
store_reader(struct store *store)
{
    return &store->reader;
}

const struct seen *
store_seen(const struct store *store)
{
    return store->seen;
}

static void
change_finish(struct store *store, struct store_change *change)
{
    store->count_failed += change->error != 0;
    store->failing = change->error;
    for (size_t i = 0; !change->error && i < change->count; i++) {
        store->count_audit += change->rows[i].kind == ROW_AUDIT;
    }
    if (change->done) {
        change->done(change->context, change->error);
    }
    store_change_free(change);
}

static void
out_drain(struct store *store)
{
    struct store_change *change = NULL;
    while ((change = queue_take(store->out)) != NULL) {
        store->waiting--;
        change_finish(store, change);
    }
}

static void
on_out(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    out_drain(context);
}

static void
on_refused(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct store *store = context;
    size_t count = store->refused_count;
    struct store_change **refused = store->refused;
    store->refused = NULL;
    store->refused_count = store->refused_room = 0;
    for (size_t i = 0; i < count; i++) {
        change_finish(store, refused[i]);
    }
    free(refused);
}

/* Up to BATCH_MAX changes that wait, the first of which is 'first'.  False: the last was reached.
 */
static bool
batch_take(struct store *store, struct store_change *first, struct store_change **batch,
           size_t *count)
{
    struct store_change *change = first;
    *count = 0;
    while (change && change != &store->stop) {
        batch[(*count)++] = change;
        change = *count < BATCH_MAX ? queue_take(store->in) : NULL;
    }
    return change != &store->stop;
}

static void
tip_tell(struct store *store)
{
    uint8_t hash[AUDIT_HASH_SIZE];
    int64_t number = writer_audit_tip(store->writer, hash);
    audit_reader_tip(store->audit_reader, number, hash);
}

/* Only the store thread writes these. */
static void
recent_note(struct store *store, int64_t now_us, int64_t took_us)
{
    if (now_us - atomic_load(&store->recent_since_us) > INT64_C(60000000)) {
        atomic_store(&store->before_us, atomic_load(&store->recent_us));
        atomic_store(&store->recent_us, 0);
        atomic_store(&store->recent_since_us, now_us);
    }
    if (took_us > atomic_load(&store->recent_us)) {
        atomic_store(&store->recent_us, took_us);
    }
}

static void
batch_commit(struct store *store, struct store_change **batch, size_t count)
{
    int64_t began_us = clock_boot_us(clock_system());
    writer_commit(store->writer, batch, count);
    int64_t took_us = clock_boot_us(clock_system()) - began_us;
    if (took_us > atomic_load(&store->slowest_us)) {
        atomic_store(&store->slowest_us, took_us);
    }
    recent_note(store, began_us, took_us);
    atomic_fetch_add(&store->commits, 1);
    tip_tell(store);
    for (size_t i = 0; i < count; i++) {
        if (!queue_put(store->out, batch[i])) {
            abort(); /* 'out' has room for all that may wait: a bug, and intent would be lost */
        }
    }
}

/* In a flood the next commit waits a few milliseconds until it is worth its syncs: each writes the
 * same ends of every table and index again.  Where few come, nothing ever waits. */
static void
batch_gather(struct store *store, size_t last)
{
    for (int i = 0; last >= MANY && i < GATHERS_MOST && queue_count(store->in) < BATCH_MAX; i++) {
        usleep(GATHER_US);
    }
}

static void *
store_thread(void *context)
{
    struct store *store = context;
    struct store_change *batch[BATCH_MAX];
    bool goes_on = true;
    bool more = false;
    size_t count = 0, rests = 0, written = 0;
    while (goes_on) {
        struct store_change *first = queue_wait(store->in, more ? 0 : REST_MS);
        if (!first || writer_is_full(store->writer)) {
            more = writer_rest(store->writer);
        }
        rests = first || more ? 0 : rests + 1;
        if (rests == RESTS_SHED) {
            writer_shed(store->writer);
            if (written >= SHED_MANY) {
                mem_give_back();
                written = 0;
            }
        }
        if (!first) {
            count = 0;
            continue;
        }
        batch_gather(store, count);
        goes_on = batch_take(store, first, batch, &count);
        if (count > 0) {
            batch_commit(store, batch, count);
            written += count;
        }
    }
    return NULL;
}

static int
store_start(struct store *store, struct event_base *base)
{
    store->in = queue_new(WAITING_MAX + 1);
    store->out = queue_new(WAITING_MAX);
    store->event_out = event_new(base, queue_fd(store->out), EV_READ | EV_PERSIST, on_out, store);
    store->event_refused = event_new(base, -1, 0, on_refused, store);
    store->seen = seen_new(base, &store->reader);
    if (!store->seen || !store->event_out || !store->event_refused ||
        event_add(store->event_out, NULL)) {
        return -ENOMEM;
    }
    int error = pthread_create(&store->thread, NULL, store_thread, store);
    store->is_running = error == 0;
    return -error;
}

/* What does not even open is damaged in a way that the look before it did not see. */
static int
writer_start(struct store *store, char why[256])
{
    char cause[256];
    int64_t now_us = clock_wall_us(clock_system());
    int error = rescue_before_open(store->path, now_us, &store->rescue, why);
    if (error) {
        return error;
    }
    error = writer_open(store->path, &store->writer, why);
    if (error == -EBADMSG && !store->rescue.is_restored) {
        snprintf(cause, sizeof(cause), "%s", why);
        error = rescue_replace(store->path, cause, now_us, &store->rescue, why);
        error = error ? error : writer_open(store->path, &store->writer, why);
    }
    if (!error) {
        error = rescue_opened(store->path);
        if (error) {
            snprintf(why, 256, "%.180s cannot be marked as in use: %s", store->path,
                     strerror(-error));
        }
    }
    return error;
}

/* Two writers would number the audit twice and put old states over new ones: a core whose
 * supervisor was killed may still be on its way out, and a second cordond may be started by
 * mistake. */
static int
store_lock(struct store *store, char why[256])
{
    char folder[URL_SIZE];
    const char *slash = strrchr(store->path, '/');
    snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - store->path) : 1,
             slash ? store->path : ".");
    int error = file_lock_folder(folder[0] ? folder : "/", &store->lock);
    if (error) {
        snprintf(why, 256, "%.180s: %s", folder,
                 error == -EWOULDBLOCK ? "another cordond works in this folder" : strerror(-error));
    }
    return error;
}

int
store_open(const char *path, struct event_base *base, struct store **out, char why[256])
{
    if (sodium_init() < 0) {
        snprintf(why, 256, "libsodium cannot start");
        return -EIO;
    }
    /* Nobody asks how much it holds, and its count is under a lock at every allocation.  Where it
     * runs already it stays as it is. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    struct store *store = MEM_NEW(struct store);
    snprintf(store->path, sizeof(store->path), "%s", path);
    store->lock = -1;
    int error = store_lock(store, why);
    if (!error) {
        error = writer_start(store, why);
    }
    if (!error) {
        error = reader_open(path, &store->reader, why);
    }
    if (!error) {
        error = audit_reader_new(path, base, &store->audit_reader, why);
    }
    if (!error) {
        tip_tell(store);
        error = store_start(store, base);
        if (error) {
            snprintf(why, 256, "the store's thread cannot start");
        }
    }
    if (error) {
        store_close(store);
        return error;
    }
    *out = store;
    return 0;
}

void
store_close(struct store *store)
{
    if (!store) {
        return;
    }
    if (store->is_running) {
        while (!queue_put(store->in, &store->stop)) {
            usleep(1000); /* cannot be: 'in' has one place more than may wait */
        }
        pthread_join(store->thread, NULL);
        out_drain(store);
        on_refused(-1, 0, store);
    }
    if (store->event_out) {
        event_free(store->event_out);
    }
    if (store->event_refused) {
        event_free(store->event_refused);
    }
    if (store->in) {
        queue_free(store->in);
    }
    if (store->out) {
        queue_free(store->out);
    }
    audit_reader_free(store->audit_reader);
    seen_free(store->seen);
    reader_close(&store->reader);
    /* Noted before: closing takes the log away, and who is killed in between must not find "in use"
     * and no log at the next start, which would be a loss. */
    if (store->is_running) {
        rescue_closed(store->path);
    }
    if (!writer_close(store->writer) && store->is_running && rescue_opened(store->path)) {
        log_error("store", "that the end was not clean cannot be noted", LOG_END);
    }
    if (store->lock >= 0) {
        close(store->lock);
    }
    free(store);
}

static void
change_refuse(struct store *store, struct store_change *change, int error)
{
    change->error = error;
    store->count_refused++;
    if (store->refused_count == store->refused_room) {
        store->refused_room = store->refused_room ? store->refused_room * 2 : 8;
        store->refused = mem_resize(store->refused, store->refused_room, sizeof(void *));
    }
    store->refused[store->refused_count++] = change;
    event_active(store->event_refused, EV_TIMEOUT, 0);
}

void
store_submit(struct store *store, struct store_change *change,
             void (*done)(void *context, int error), void *context)
{
    change->done = done;
    change->context = context;
    store->count_changes++;
    for (size_t i = 0; i < change->count; i++) {
        if (change->rows[i].kind == ROW_DETECTION) {
            seen_add(store->seen, change->rows[i].id);
        }
    }
    if (store->waiting >= WAITING_MAX) {
        change_refuse(store, change, -EBUSY);
        return;
    }
    store->waiting++;
    if (!queue_put(store->in, change)) {
        store->waiting--;
        change_refuse(store, change, -EBUSY);
    }
}

const struct rescue *
store_rescue(const struct store *store)
{
    return &store->rescue;
}

const char *
store_path(const struct store *store)
{
    return store->path;
}

bool
store_is_damaged(const struct store *store)
{
    return writer_is_damaged(store->writer);
}

void
store_read_audit(struct store *store, const struct store_audit_question *question,
                 store_audit_fn *done, void *context)
{
    audit_reader_read(store->audit_reader, question, done, context);
}

void
store_check_audit(struct store *store, const struct store_walk *walk, store_chain_fn *done,
                  void *context)
{
    audit_reader_check(store->audit_reader, walk, done, context);
}

int64_t
store_audit_tip(struct store *store, uint8_t hash[AUDIT_HASH_SIZE])
{
    return audit_reader_newest(store->audit_reader, hash);
}

void
store_set_budget(struct store *store, uint64_t evidence_bytes, uint64_t detections)
{
    writer_set_budget(store->writer, evidence_bytes, detections);
}

uint64_t
store_newest_gone(const struct store *store, bool of_packets)
{
    return writer_newest_gone(store->writer, of_packets);
}

void
store_set_collecting(struct store *store, int64_t since_us)
{
    writer_set_collecting(store->writer, since_us);
}

void
store_set_reserve(struct store *store, uint64_t bytes)
{
    writer_set_reserve(store->writer, bytes);
}

void
store_scrub(struct store *store)
{
    writer_scrub(store->writer);
}

bool
store_is_scrubbed(const struct store *store)
{
    return writer_is_scrubbed(store->writer);
}

uint64_t
store_live_bytes(const struct store *store)
{
    return writer_live_bytes(store->writer);
}

uint64_t
store_audit_rows(const struct store *store)
{
    return store->count_audit;
}

int64_t
store_slowest_us(struct store *store)
{
    int64_t recent_us = atomic_load(&store->recent_us);
    int64_t before_us = atomic_load(&store->before_us);
    return recent_us > before_us ? recent_us : before_us;
}

int
store_read_disk(struct store *store, struct store_disk *disk)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    struct statvfs system;
    *disk = (struct store_disk){.database_bytes = 0};
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        char path[URL_SIZE + 8];
        struct stat file;
        snprintf(path, sizeof(path), "%s%s", store->path, suffixes[i]);
        disk->database_bytes += stat(path, &file) == 0 ? (uint64_t)file.st_size : 0;
    }
    if (statvfs(store->path, &system) != 0) {
        return -errno;
    }
    disk->free_bytes = (uint64_t)system.f_bavail * system.f_frsize;
    disk->total_bytes = (uint64_t)system.f_blocks * system.f_frsize;
    return 0;
}

int
store_failing(const struct store *store)
{
    return store->failing;
}

void
store_read_stats(struct store *store, struct store_stats *stats)
{
    *stats = (struct store_stats){
        .commits = atomic_load(&store->commits),
        .changes = store->count_changes,
        .refused = store->count_refused,
        .failed = store->count_failed,
        .waiting = store->waiting,
        .slowest_commit_us = atomic_exchange(&store->slowest_us, 0),
    };
}

void
containment_fini(struct containment *containment)
{
    codec_fini(&store_containment_shape, containment);
}

void
containment_copy(struct containment *to, const struct containment *from)
{
    codec_copy(&store_containment_shape, from, to);
}
