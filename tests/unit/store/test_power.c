/* Power loss.  A file system of SQLite (a VFS between it and the real one) remembers what was
 * written and not yet synced.  At many moments a picture is taken of what a disk would hold if the
 * power went just then: what was synced, and of the rest some writes, whole, torn, or not at all,
 * in any order. Each picture is opened as at a start: every change that had been acknowledged
 * before is there, and the audit's chain holds.  The writer is the real one: group commits,
 * checkpoints, log restarts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "store/rescue.h"
#include "store/store.h"

#define PICTURES_DEFAULT 60
#define FILES_MAX 8
#define TORN 512   /* what a disk writes at once */
#define WAITING 24 /* changes on their way at the same time: group commits */

/* ---- what is synced, and what is not ---- */

struct write {
    sqlite3_int64 at;
    size_t size; /* SIZE_MAX: cut to 'at' */
    uint8_t *bytes;
};

struct tracked {
    char path[256];
    bool is_there; /* on the disk: it was synced once */
    uint8_t *synced;
    size_t size;
    struct write *writes;
    size_t count, room;
};

static struct {
    pthread_mutex_t lock;
    struct tracked files[FILES_MAX];
    size_t file_count;
    const sqlite3_vfs *real;
    uint64_t operations, next;
    unsigned seed;
    bool is_on;
    int pictures, wanted;
    char folder[64];
    int acknowledged[512]; /* of each picture */
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

static atomic_int acknowledged;

static struct tracked *
tracked_of(const char *path)
{
    for (size_t i = 0; i < disk.file_count; i++) {
        if (strcmp(disk.files[i].path, path) == 0) {
            return &disk.files[i];
        }
    }
    assert_true(disk.file_count < FILES_MAX);
    struct tracked *file = &disk.files[disk.file_count++];
    snprintf(file->path, sizeof(file->path), "%s", path);
    return file;
}

static void
bytes_put(uint8_t **bytes, size_t *size, const struct write *write, size_t count)
{
    if (write->size == SIZE_MAX) {
        *size = (size_t)write->at < *size ? (size_t)write->at : *size;
        return;
    }
    size_t end = (size_t)write->at + count;
    if (end > *size) {
        *bytes = mem_resize(*bytes, end, 1);
        memset(*bytes + *size, 0, end - *size);
        *size = end;
    }
    memcpy(*bytes + write->at, write->bytes, count);
}

static void
writes_drop(struct tracked *file)
{
    for (size_t i = 0; i < file->count; i++) {
        free(file->writes[i].bytes);
    }
    file->count = 0;
}

static void
write_note(struct tracked *file, const void *bytes, size_t size, sqlite3_int64 at)
{
    if (file->count == file->room) {
        file->room = file->room ? file->room * 2 : 64;
        file->writes = mem_resize(file->writes, file->room, sizeof(*file->writes));
    }
    struct write *write = &file->writes[file->count++];
    *write = (struct write){.at = at, .size = size};
    if (size != SIZE_MAX) {
        write->bytes = mem_new(size + 1, 1);
        memcpy(write->bytes, bytes, size);
    }
}

/* What the disk holds if the power goes now. */
static void
picture_take(void)
{
    char folder[128];
    snprintf(folder, sizeof(folder), "%s/picture-%03d", disk.folder, disk.pictures);
    assert_int_equal(file_make_dirs(folder, 0700), 0);
    for (size_t i = 0; i < disk.file_count; i++) {
        struct tracked *file = &disk.files[i];
        uint8_t *bytes = mem_new(file->size + 1, 1);
        size_t size = file->size;
        int luck = rand_r(&disk.seed) % 4; /* all of the rest, none, or some of it */
        if (size > 0) {
            memcpy(bytes, file->synced, size);
        }
        for (size_t k = 0; k < file->count; k++) {
            const struct write *write = &file->writes[k];
            bool is_kept = luck == 0 || (luck > 1 && rand_r(&disk.seed) % 2);
            bool is_torn =
                write->size != SIZE_MAX && write->size > TORN && rand_r(&disk.seed) % 3 == 0;
            size_t parts = write->size / TORN;
            size_t count = is_torn ? (size_t)rand_r(&disk.seed) % parts * TORN : write->size;
            if (is_kept) {
                bytes_put(&bytes, &size, write, count);
            }
        }
        char path[400];
        snprintf(path, sizeof(path), "%s/%s", folder, strrchr(file->path, '/') + 1);
        if (file->is_there) {
            FILE *out = fopen(path, "w");
            assert_non_null(out);
            assert_true(size == 0 || fwrite(bytes, size, 1, out) == 1);
            fclose(out);
        }
        free(bytes);
    }
    disk.pictures++;
}

/* Before each operation on the disk; with the lock. */
static void
operation(void)
{
    disk.operations++;
    if (disk.is_on && disk.pictures < disk.wanted && disk.operations >= disk.next) {
        disk.acknowledged[disk.pictures] = atomic_load(&acknowledged);
        picture_take();
        int gap = disk.pictures < disk.wanted / 3 ? 6 : 150; /* the first start, then everything */
        disk.next = disk.operations + 1 + (uint64_t)(rand_r(&disk.seed) % gap);
    }
}

/* ---- the VFS ---- */

struct file {
    sqlite3_file base;
    struct tracked *tracked; /* NULL: not one that must survive */
    sqlite3_file *real;
};

static sqlite3_file *
real_of(sqlite3_file *file)
{
    return ((struct file *)(void *)file)->real;
}

static int
on_close(sqlite3_file *file)
{
    int result = real_of(file)->pMethods->xClose(real_of(file));
    free(real_of(file));
    return result;
}

static int
on_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 at)
{
    return real_of(file)->pMethods->xRead(real_of(file), bytes, size, at);
}

static int
on_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at)
{
    struct tracked *tracked = ((struct file *)(void *)file)->tracked;
    pthread_mutex_lock(&disk.lock);
    if (tracked) {
        operation();
        write_note(tracked, bytes, (size_t)size, at);
    }
    pthread_mutex_unlock(&disk.lock);
    return real_of(file)->pMethods->xWrite(real_of(file), bytes, size, at);
}

static int
on_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct tracked *tracked = ((struct file *)(void *)file)->tracked;
    pthread_mutex_lock(&disk.lock);
    if (tracked) {
        operation();
        write_note(tracked, NULL, SIZE_MAX, size);
    }
    pthread_mutex_unlock(&disk.lock);
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int
on_sync(sqlite3_file *file, int flags)
{
    struct tracked *tracked = ((struct file *)(void *)file)->tracked;
    (void)flags; /* the real one is not needed: the disk is here */
    pthread_mutex_lock(&disk.lock);
    if (tracked) {
        operation();
        for (size_t i = 0; i < tracked->count; i++) {
            bytes_put(&tracked->synced, &tracked->size, &tracked->writes[i],
                      tracked->writes[i].size);
        }
        writes_drop(tracked);
        tracked->is_there = true;
        operation();
    }
    pthread_mutex_unlock(&disk.lock);
    return SQLITE_OK;
}

static int
on_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int
on_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int
on_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int
on_reserved(sqlite3_file *file, int *is_reserved)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), is_reserved);
}

static int
on_control(sqlite3_file *file, int what, void *argument)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), what, argument);
}

static int
on_sector(sqlite3_file *file)
{
    (void)file;
    return TORN;
}

static int
on_characteristics(sqlite3_file *file)
{
    (void)file;
    return 0; /* nothing is promised: writes may be torn and reordered */
}

static int
on_shm_map(sqlite3_file *file, int page, int size, int extends, void volatile **at)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extends, at);
}

static int
on_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void
on_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int
on_shm_unmap(sqlite3_file *file, int deletes)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), deletes);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_file_size,
    .xLock = on_lock,
    .xUnlock = on_unlock,
    .xCheckReservedLock = on_reserved,
    .xFileControl = on_control,
    .xSectorSize = on_sector,
    .xDeviceCharacteristics = on_characteristics,
    .xShmMap = on_shm_map,
    .xShmLock = on_shm_lock,
    .xShmBarrier = on_shm_barrier,
    .xShmUnmap = on_shm_unmap,
};

static sqlite3_vfs *
real_vfs(void)
{
    return (sqlite3_vfs *)(uintptr_t)disk.real;
}

static int
vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *out, int flags, int *out_flags)
{
    struct file *file = (struct file *)(void *)out;
    (void)vfs;
    memset(file, 0, sizeof(*file));
    file->real = mem_new(1, (size_t)disk.real->szOsFile);
    int result = real_vfs()->xOpen(real_vfs(), name, file->real, flags, out_flags);
    if (result != SQLITE_OK) {
        free(file->real);
        return result;
    }
    pthread_mutex_lock(&disk.lock);
    bool is_kept = name && disk.is_on && !strstr(name, "/picture-") &&
                   (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL));
    file->tracked = is_kept ? tracked_of(name) : NULL;
    pthread_mutex_unlock(&disk.lock);
    file->base.pMethods = &methods;
    return SQLITE_OK;
}

static int
vfs_delete(sqlite3_vfs *vfs, const char *name, int syncs)
{
    (void)vfs;
    pthread_mutex_lock(&disk.lock);
    for (size_t i = 0; i < disk.file_count; i++) {
        if (strcmp(disk.files[i].path, name) == 0) {
            operation();
            writes_drop(&disk.files[i]);
            disk.files[i].is_there = false;
            disk.files[i].size = 0;
        }
    }
    pthread_mutex_unlock(&disk.lock);
    return real_vfs()->xDelete(real_vfs(), name, syncs);
}

static sqlite3_vfs shim;

static void
vfs_put(void)
{
    disk.real = sqlite3_vfs_find(NULL);
    shim = *disk.real;
    shim.szOsFile = sizeof(struct file);
    shim.zName = "power";
    shim.xOpen = vfs_open;
    shim.xDelete = vfs_delete;
    assert_int_equal(sqlite3_vfs_register(&shim, 1), SQLITE_OK);
}

/* ---- the store on it ---- */

static void
on_done(void *context, int error)
{
    (void)context;
    assert_int_equal(error, 0);
    atomic_fetch_add(&acknowledged, 1);
}

/* The 'number'th change: in the order of submission, which is that of the commits. */
static void
submit(struct store *store, int number)
{
    struct containment c = {.action = ACTION_ISOLATE, .state = CONTAINMENT_VERIFIED};
    uint8_t packets[20000];
    char reason[32];
    struct store_change *change = store_change_new();
    snprintf(c.id, sizeof(c.id), "01AAAAAAAAAAAAAAAAAAAA%04u", (unsigned)number % 10000u);
    snprintf(reason, sizeof(reason), "reason %d", number);
    c.reason = reason;
    c.requested_us = number + 1;
    store_put_containment(change, &c);
    store_put_audit(change, number, "policy:test", "contain", c.id, c.reason);
    if (number % 3 == 0) { /* makes the log long: checkpoints */
        struct evidence evidence = {.pcap = packets, .size = sizeof(packets)};
        memset(packets, number, sizeof(packets));
        snprintf(evidence.detection_id, sizeof(evidence.detection_id), "d%d", number);
        store_put_evidence(change, &evidence);
    }
    store_submit(store, change, on_done, NULL);
}

static void
work(const char *path)
{
    char why[256] = "";
    struct store *store = NULL;
    struct event_base *base = event_base_new();
    if (store_open(path, base, &store, why)) {
        fail_msg("%s", why);
    }
    int submitted = 0;
    while (disk.pictures < disk.wanted) {
        while (submitted - atomic_load(&acknowledged) < WAITING) {
            submit(store, submitted++);
        }
        event_base_loop(base, EVLOOP_ONCE);
        if (submitted % 400 < WAITING) { /* it rests now and then: the log is moved */
            usleep(300000);
        }
    }
    pthread_mutex_lock(&disk.lock);
    disk.is_on = false;
    pthread_mutex_unlock(&disk.lock);
    store_close(store);
    event_base_free(base);
}

struct seen {
    int count, wrong;
};

static void
see(void *context, const struct containment *c)
{
    struct seen *seen = context;
    char reason[32];
    snprintf(reason, sizeof(reason), "reason %d", seen->count++);
    seen->wrong += strcmp(c->reason, reason) != 0;
}

struct walked {
    int calls;
    struct audit_chain chain;
};

static void
on_walked(void *context, int error, const struct audit_chain *chain)
{
    struct walked *walked = context;
    assert_int_equal(error, 0);
    walked->calls++;
    walked->chain = *chain;
}

static int
picture_check(int number)
{
    char path[160], why[256] = "";
    struct store *store = NULL;
    struct event_base *base = event_base_new();
    struct seen seen = {0};
    struct walked walked = {0};
    snprintf(path, sizeof(path), "%s/picture-%03d/cordon.db", disk.folder, number);
    if (store_open(path, base, &store, why)) {
        fail_msg("picture %d does not open: %s", number, why);
    }
    assert_false(store_rescue(store)->is_restored);
    const struct store_loader loader = {.on_containment = see, .context = &seen};
    assert_int_equal(store_load(store, &loader), 0);
    store_check_audit(store, &(struct store_walk){.has_wanted = false}, on_walked, &walked);
    while (walked.calls == 0) {
        event_base_loop(base, EVLOOP_ONCE);
    }
    if (seen.count < disk.acknowledged[number] || seen.wrong || walked.chain.fault != AUDIT_SOUND ||
        walked.chain.checked != seen.count) {
        fail_msg("picture %d: %d acknowledged, %d there, %d wrong, audit %lld rows: %s", number,
                 disk.acknowledged[number], seen.count, seen.wrong, (long long)walked.chain.checked,
                 walked.chain.what);
    }
    store_close(store);
    event_base_free(base);
    return seen.count;
}

static void
test_what_was_acknowledged_outlives_the_power(void **state)
{
    (void)state;
    const char *asked = getenv("CORDON_POWER_CUTS");
    char path[128], command[128];
    disk.wanted = asked ? atoi(asked) : PICTURES_DEFAULT;
    disk.wanted = disk.wanted < (int)COUNT_OF(disk.acknowledged) ? disk.wanted
                                                                 : (int)COUNT_OF(disk.acknowledged);
    disk.seed = asked ? (unsigned)getpid() : 4711;
    disk.is_on = true;
    snprintf(disk.folder, sizeof(disk.folder), "/dev/shm/cordon-power-XXXXXX");
    assert_non_null(mkdtemp(disk.folder));
    snprintf(path, sizeof(path), "%s/cordon.db", disk.folder);
    vfs_put();
    work(path);
    int most = 0, with = 0;
    for (int i = 0; i < disk.pictures; i++) {
        int there = picture_check(i);
        most = there > most ? there : most;
        with += disk.acknowledged[i] > 0;
    }
    print_message(
        "seed %u: the power went %d times, %d times with something acknowledged; up to %d "
        "changes, nothing acknowledged lost\n",
        disk.seed, disk.pictures, with, most);
    assert_true(with > disk.pictures / 2);
    snprintf(command, sizeof(command), "rm -rf %s", disk.folder);
    assert_int_equal(system(command), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_acknowledged_outlives_the_power),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
