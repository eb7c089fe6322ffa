/* eve.json is followed like `tail -F`, through both kinds of rotation (renamed and made anew;
 * copied and cut to nothing), and across our own restarts: the position kept on disk is that of the
 * oldest line of which core has not said yet that it is stored. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "intake/source.h"

#include "base/file.h"
#include "base/mem.h"

#define CHUNK (256 * 1024)
#define CHUNKS_PER_TURN 16

struct follow {
    int fd;     /* -1: the file is not there */
    int notify; /* inotify: on the folder */
    struct event *notified;
    struct event *more; /* the file has more than one turn of the loop could read */
    ino_t inode;
    uint64_t offset; /* of the first byte not yet given to source_line */
    uint64_t saved;
    ino_t saved_inode;
    char *buffer;     /* LINE_MAX_SIZE + CHUNK */
    size_t start;     /* of it: before this all was taken; 0 where a line is not whole yet */
    size_t used;      /* bytes behind 'start' that wait: for room, or for the end of a line */
    bool is_skipping; /* inside a line that is too long */
};

static void
position_path(const struct source *source, char path[URL_SIZE * 2])
{
    snprintf(path, URL_SIZE * 2, "%s/intake/%s.position", source->whole->state_dir,
             source->config->name);
}

/* False: there never was one.  One that cannot be read is the beginning of the file: what is read
 * twice is recognised. */
static bool
position_load(const struct source *source, uint64_t *inode, uint64_t *offset)
{
    char path[URL_SIZE * 2], *text;
    size_t size;
    *inode = *offset = 0;
    position_path(source, path);
    int result = file_read(path, 256, &text, &size);
    if (result) {
        return result != -ENOENT;
    }
    if (sscanf(text, "%" SCNu64 " %" SCNu64, inode, offset) != 2) {
        *inode = *offset = 0;
    }
    free(text);
    return true;
}

static void
position_write(struct source *source, uint64_t inode, uint64_t offset)
{
    struct follow *follow = source->own;
    char path[URL_SIZE * 2], text[64];
    position_path(source, path);
    int size = snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64 "\n", inode, offset);
    int result = file_write_atomic(path, text, (size_t)size, 0600);
    if (result) {
        source_set_state(source, "connected", "cannot save the position in the state folder");
        return;
    }
    follow->saved = offset;
    follow->saved_inode = (ino_t)inode;
}

/* Before the oldest line on its way, or where reading stands. */
static void
position_save(struct source *source)
{
    struct follow *follow = source->own;
    uint64_t oldest;
    uint64_t offset = follow->offset;
    if (deliveries_oldest(source->deliveries, source, &oldest)) {
        offset = oldest < offset ? oldest : offset;
    }
    if (follow->fd < 0 || (offset == follow->saved && follow->inode == follow->saved_inode)) {
        return;
    }
    position_write(source, follow->inode, offset);
}

/* Takes 'fd', of the file itself; false: it is none. */
static bool
file_take(struct source *source, int fd, uint64_t offset)
{
    struct follow *follow = source->own;
    struct stat found;
    if (fd < 0 || fstat(fd, &found) < 0) {
        if (fd >= 0) {
            close(fd);
        }
        return false;
    }
    follow->fd = fd;
    follow->inode = found.st_ino;
    follow->offset = offset <= (uint64_t)found.st_size ? offset : 0;
    follow->start = follow->used = 0;
    follow->is_skipping = false;
    lseek(fd, (off_t)follow->offset, SEEK_SET);
    return true;
}

/* No more comes of this file: half a line is nothing that can be trusted. */
static void
rest_refuse(struct source *source)
{
    struct follow *follow = source->own;
    if (follow->used > 0 && !follow->is_skipping) {
        source->stats.received++;
        source_refuse(source, "last line without an end", follow->buffer + follow->start,
                      follow->used);
    }
    follow->start = follow->used = 0;
    follow->is_skipping = false;
}

static void
file_close(struct source *source)
{
    struct follow *follow = source->own;
    if (follow->fd >= 0) {
        rest_refuse(source);
        close(follow->fd);
        follow->fd = -1;
    }
}

/* Gives whole lines of the buffer on; false: no room.  What waits for room stays where it is: it
 * waits for a few lines at a time. */
static bool
lines_take(struct source *source)
{
    struct follow *follow = source->own;
    char *at = follow->buffer + follow->start, *end = at + follow->used;
    bool has_room = true;
    for (char *stop = memchr(at, '\n', (size_t)(end - at)); stop && has_room;
         stop = memchr(at, '\n', (size_t)(end - at))) {
        size_t size = (size_t)(stop - at);
        has_room = size == 0 || follow->is_skipping ||
                   source_line(source, at, size, follow->offset) == LINE_TAKEN;
        if (has_room) {
            follow->is_skipping = false;
            follow->offset += size + 1;
            at = stop + 1;
        }
    }
    follow->used = (size_t)(end - at);
    follow->start = (size_t)(at - follow->buffer);
    if (!has_room) {
        return false;
    }
    memmove(follow->buffer, at, follow->used);
    follow->start = 0;
    if (follow->used > LINE_MAX_SIZE) {
        if (!follow->is_skipping) {
            source->stats.received++;
            source_refuse(source, "line too long", follow->buffer, follow->used);
        }
        follow->is_skipping = true;
        follow->offset += follow->used;
        follow->used = 0;
    }
    return true;
}

enum read_end { READ_EOF, READ_MORE, READ_PAUSED };

static enum read_end
file_read_on(struct source *source)
{
    struct follow *follow = source->own;
    for (int i = 0; i < CHUNKS_PER_TURN; i++) {
        if (!lines_take(source)) {
            source->is_paused = true;
            return READ_PAUSED;
        }
        ssize_t got = read(follow->fd, follow->buffer + follow->used, CHUNK);
        if (got <= 0) {
            return READ_EOF;
        }
        follow->used += (size_t)got;
    }
    return READ_MORE;
}

/* Was the file replaced (another inode at the path), or cut?  A new file counts when something is
 * in it: logrotate makes it before the writer leaves the old one. */
static bool
is_rotated(const struct source *source, bool *is_cut)
{
    const struct follow *follow = source->own;
    struct stat now, mine;
    *is_cut =
        fstat(follow->fd, &mine) == 0 && (uint64_t)mine.st_size < follow->offset + follow->used;
    int fd = source_open(source, ERRAND_SOURCE_FILE);
    bool is_there = fd >= 0 && fstat(fd, &now) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return is_there && now.st_ino != follow->inode && now.st_size > 0;
}

static void
follow_on(struct source *source)
{
    struct follow *follow = source->own;
    if (source->is_paused) {
        return;
    }
    if (follow->fd < 0 && !file_take(source, source_open(source, ERRAND_SOURCE_FILE), 0)) {
        source_set_state(source, "waiting for file", "");
        return;
    }
    source_set_state(source, "connected", "");
    enum read_end end = file_read_on(source);
    bool is_cut = false;
    bool is_replaced = end == READ_EOF && is_rotated(source, &is_cut);
    if (is_replaced && !is_cut) {
        end = file_read_on(source); /* what was written before we looked */
    }
    if (end == READ_MORE) {
        event_active(follow->more, 0, 0);
    } else if (end == READ_EOF && is_cut) {
        rest_refuse(source);
        follow->offset = 0;
        lseek(follow->fd, 0, SEEK_SET);
        event_active(follow->more, 0, 0);
    } else if (end == READ_EOF && is_replaced) {
        file_close(source);
        event_active(follow->more, 0, 0);
    }
}

static void
on_more(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    follow_on(argument);
}

static void
on_notified(evutil_socket_t fd, short what, void *argument)
{
    (void)what;
    char events[4096] __attribute__((aligned(8)));
    while (read(fd, events, sizeof(events)) > 0) {
        /* which file it was does not matter: reading on finds out */
    }
    follow_on(argument);
}

/* Go on where we stopped, also when the file was renamed to PATH.1 in the meantime.  The first time
 * ever, start at the end: yesterday's alerts must not contain anybody today.  That is written down
 * at once: who dies before the next tick must not find the end again, behind what was written
 * since. */
static void
position_restore(struct source *source)
{
    static const enum errand places[] = {ERRAND_SOURCE_FILE, ERRAND_SOURCE_ROTATED};
    struct follow *follow = source->own;
    uint64_t inode, offset;
    bool is_known = position_load(source, &inode, &offset);
    for (size_t i = 0; follow->fd < 0 && i < (is_known ? COUNT_OF(places) : 1); i++) {
        struct stat found;
        int fd = source_open(source, places[i]);
        if (fd >= 0 && fstat(fd, &found) == 0 && (!is_known || found.st_ino == inode)) {
            (void)!file_take(source, fd, is_known ? offset : (uint64_t)found.st_size);
        } else if (fd >= 0) {
            close(fd);
        }
    }
    if (!is_known) {
        position_write(source, follow->fd < 0 ? 0 : follow->inode, follow->offset);
    }
}

static int
file_start(struct source *source)
{
    char states[URL_SIZE * 2];
    snprintf(states, sizeof(states), "%s/intake", source->whole->state_dir);
    int notify = source_open(source, ERRAND_SOURCE_WATCH);
    int result = file_make_dirs(states, 0700);
    if (result || notify < 0) {
        char problem[TEXT_SIZE];
        snprintf(problem, sizeof(problem), "cannot watch the folder of %.300s: %s",
                 source->config->path, strerror(notify < 0 ? -notify : -result));
        source_set_state(source, "failed", problem);
        if (notify >= 0) {
            close(notify);
        }
        return -EIO;
    }
    struct follow *follow = MEM_NEW(struct follow);
    follow->fd = -1;
    follow->notify = notify;
    follow->buffer = mem_new(LINE_MAX_SIZE + CHUNK, 1);
    follow->notified = event_new(source->base, notify, EV_READ | EV_PERSIST, on_notified, source);
    follow->more = event_new(source->base, -1, 0, on_more, source);
    event_add(follow->notified, NULL);
    source->own = follow;
    source_set_state(source, "waiting for file", "");
    position_restore(source);
    event_active(follow->more, 0, 0);
    return 0;
}

static void
file_tick(struct source *source)
{
    follow_on(source); /* in case a notice was lost (network file systems send none) */
    position_save(source);
}

static void
file_stop(struct source *source)
{
    struct follow *follow = source->own;
    if (follow) {
        position_save(source);
        file_close(source);
        event_free(follow->notified);
        event_free(follow->more);
        close(follow->notify);
        free(follow->buffer);
        free(follow);
        source->own = NULL;
    }
}

const struct source_kind_ops source_file_ops = {
    .start = file_start, .resume = follow_on, .tick = file_tick, .stop = file_stop};
