#include "edge/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"

#define JOBS_MAX 16 /* more than there can be: each caller has one of a kind */

enum disk_kind { DISK_SYNC, DISK_REPLACE, DISK_BESIDE, DISK_STOP };

struct disk_job {
    enum disk_kind kind;
    int fd;              /* owned */
    char path[PATH_MAX]; /* "": none */
    char *text;          /* owned */
    size_t size;
    int result;
    disk_done_fn *done;
    void *context;
};

struct disk {
    pthread_t thread;
    struct queue *jobs, *over;
    struct event *event;
    size_t open;           /* asked for, and not told yet */
    unsigned silent_ticks; /* in each of them something was open, and nothing was told */
};

static void
job_do(struct disk_job *job)
{
    const char *text = job->size ? job->text : "";
    if (job->kind == DISK_REPLACE) {
        job->result = file_write_atomic(job->path, text, job->size, 0600);
    } else if (job->kind == DISK_BESIDE) {
        job->result = file_write_beside(job->path, text, job->size, 0600);
    } else if (job->fd >= 0) {
        job->result = fdatasync(job->fd) < 0 ? -errno : 0;
        job->result = job->result || !job->path[0] ? job->result : file_sync_folder(job->path);
    }
}

static void *
disk_thread(void *context)
{
    struct disk *disk = context;
    struct disk_job *job;
    while ((job = queue_wait(disk->jobs, -1)) == NULL || job->kind != DISK_STOP) {
        if (job) {
            job_do(job);
            (void)!queue_put(disk->over, job); /* there is room: as many as jobs */
        }
    }
    free(job);
    return NULL;
}

static void
job_tell(struct disk *disk, struct disk_job *job)
{
    if (disk_is_silent(disk)) {
        log_info("disk", "the disk answers again", LOG_END);
    }
    disk->open--;
    disk->silent_ticks = 0;
    job->done(job->context, job->result);
    if (job->fd >= 0) {
        close(job->fd);
    }
    free(job->text);
    free(job);
}

static void
on_over(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct disk *disk = context;
    struct disk_job *job;
    while ((job = queue_take(disk->over)) != NULL) {
        job_tell(disk, job);
    }
}

struct disk *
disk_new(struct event_base *base)
{
    struct disk *disk = MEM_NEW(struct disk);
    disk->jobs = queue_new(JOBS_MAX);
    disk->over = queue_new(JOBS_MAX);
    disk->event = event_new(base, queue_fd(disk->over), EV_READ | EV_PERSIST, on_over, disk);
    if (disk->event && event_add(disk->event, NULL) == 0 &&
        pthread_create(&disk->thread, NULL, disk_thread, disk) == 0) {
        return disk;
    }
    if (disk->event) {
        event_free(disk->event);
    }
    queue_free(disk->jobs);
    queue_free(disk->over);
    free(disk);
    return NULL;
}

static struct disk_job *
job_new(enum disk_kind kind, const char *path, disk_done_fn *done, void *context)
{
    struct disk_job *job = MEM_NEW(struct disk_job);
    *job = (struct disk_job){.kind = kind, .fd = -1, .done = done, .context = context};
    snprintf(job->path, sizeof(job->path), "%s", path ? path : "");
    return job;
}

static void
job_put(struct disk *disk, struct disk_job *job)
{
    disk->open++;
    if (!queue_put(disk->jobs, job)) {
        abort(); /* a caller that asked again before it was told */
    }
}

/* Ticks, and no clock: while we stood still nobody could be heard. */
void
disk_tick(struct disk *disk)
{
    bool was_silent = disk_is_silent(disk);
    disk->silent_ticks += disk->open > 0 && !was_silent;
    if (disk_is_silent(disk) && !was_silent) {
        log_error("disk", "the disk does not answer: a reboot would lose what was set since",
                  LOG_I("seconds", DISK_SILENT_S));
    }
}

bool
disk_is_silent(const struct disk *disk)
{
    return disk->silent_ticks > DISK_SILENT_S;
}

void
disk_drain(struct disk *disk)
{
    while (disk->open > 0) {
        struct disk_job *job = queue_wait(disk->over, -1);
        if (job) {
            job_tell(disk, job);
        }
    }
}

void
disk_free(struct disk *disk)
{
    if (!disk) {
        return;
    }
    disk_drain(disk);
    job_put(disk, job_new(DISK_STOP, NULL, NULL, NULL));
    pthread_join(disk->thread, NULL);
    event_free(disk->event);
    queue_free(disk->jobs);
    queue_free(disk->over);
    free(disk);
}

void
disk_sync(struct disk *disk, int fd, const char *path, disk_done_fn *done, void *context)
{
    struct disk_job *job = job_new(DISK_SYNC, path, done, context);
    job->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    job->result = job->fd < 0 ? -errno : 0;
    job_put(disk, job);
}

static void
write_put(struct disk *disk, struct disk_job *job, char *text, size_t size)
{
    job->text = text;
    job->size = size;
    job_put(disk, job);
}

void
disk_replace(struct disk *disk, const char *path, char *text, size_t size, disk_done_fn *done,
             void *context)
{
    write_put(disk, job_new(DISK_REPLACE, path, done, context), text, size);
}

void
disk_write_beside(struct disk *disk, const char *path, char *text, size_t size, disk_done_fn *done,
                  void *context)
{
    write_put(disk, job_new(DISK_BESIDE, path, done, context), text, size);
}
