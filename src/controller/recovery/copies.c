#include "controller/recovery/copies.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "controller/worker_thread.h"
#include "store/copy.h"
#include "store/rescue.h"

#define FIRST_US 20000000  /* after a start */
#define EVERY_US 600000000 /* something was stored */
#define SHARE 20           /* and at most this share of the time goes into copying */
#define LOOK_US 1000000    /* at the result of a backup that runs */
#define LATE_US 3600000000 /* one that says nothing for so long is given up */
#define SETTING "backup"   /* "every_h keep" */
#define RESULT_MAX 65536
#define KEEP_DEFAULT 7
#define RETRY_US INT64_C(900000000) /* of one by schedule that failed */

struct copies {
    struct copies_settings settings;
    struct worker_thread *aside;
    atomic_bool is_stopping;
    bool is_copying;
    int64_t next_copy_us;        /* boot */
    uint64_t commits;            /* when the last copy was made */
    int64_t look_us, started_us; /* boot */
    int64_t retry_us;            /* wall */
    struct view_backup view;
};

/* ---- good copies ---- */

struct copying {
    struct copies *copies;
    char path[RESCUE_PATH_SIZE], made[RESCUE_PATH_SIZE], why[256];
    uint64_t commits;
    int64_t took_us;
    int error;
};

/* On the thread. */
static void
copy_work(void *context)
{
    struct copying *copying = context;
    char folder[RESCUE_PATH_SIZE];
    int64_t began_us = clock_boot_us(clock_system());
    rescue_path(copying->path, "copies", folder);
    rescue_path(copying->path, "copies/made.db", copying->made);
    copying->error = file_make_dirs(folder, 0700);
    if (copying->error) {
        snprintf(copying->why, sizeof(copying->why), "%.180s: %s", folder,
                 strerror(-copying->error));
    } else {
        copying->error =
            copy_make(copying->path, copying->made, &copying->copies->is_stopping, copying->why);
    }
    if (!copying->error) {
        copying->error = rescue_copy_made(copying->path, copying->made);
    }
    copying->took_us = clock_boot_us(clock_system()) - began_us;
}

static void
on_copied(void *context)
{
    struct copying *copying = context;
    struct copies *copies = copying->copies;
    int64_t pause_us = copying->took_us * SHARE > EVERY_US ? copying->took_us * SHARE : EVERY_US;
    copies->is_copying = false;
    copies->next_copy_us = clock_boot_us(copies->settings.clock) + pause_us;
    if (!copying->error) {
        copies->commits = copying->commits;
        copies->view.copied_us = clock_wall_us(copies->settings.clock);
        copies->view.copy_problem[0] = '\0';
    } else if (copying->error != -ECANCELED) {
        log_error("copies", "no good copy of the database could be made",
                  LOG_S("why", copying->why));
        snprintf(copies->view.copy_problem, sizeof(copies->view.copy_problem), "%s", copying->why);
    }
    if (copying->error ==
        -EBADMSG) { /* read while nothing was wrong with the disk: it is damaged */
        log_error("copies", "ALARM: the database does not pass its check", LOG_END);
    }
    free(copying);
}

static void
copy_start(struct copies *copies)
{
    struct store_stats stats;
    store_read_stats(copies->settings.store, &stats);
    copies->next_copy_us = clock_boot_us(copies->settings.clock) + EVERY_US;
    if (stats.commits == copies->commits && copies->view.copied_us > 0) {
        return;
    }
    struct copying *copying = MEM_NEW(struct copying);
    copying->copies = copies;
    copying->commits = stats.commits;
    snprintf(copying->path, sizeof(copying->path), "%s", store_path(copies->settings.store));
    copies->is_copying = worker_thread_do(copies->aside, copy_work, on_copied, copying);
    if (!copies->is_copying) {
        free(copying);
    }
}

/* ---- backups ---- */

/* What the last one left; true: it is another than the one that we know. */
static bool
result_read(struct copies *copies)
{
    char *text = NULL;
    size_t size = 0;
    struct view_backup_result result = {.at_us = 0};
    struct codec_error error;
    int fd = copies->settings.result ? copies->settings.result(copies->settings.context) : -ENOSYS;
    int failed = fd < 0 ? fd : file_read_open(fd, RESULT_MAX, &text, &size);
    if (fd >= 0) {
        close(fd);
    }
    if (failed) {
        return false;
    }
    cJSON *json = codec_parse(text, size);
    bool is_read = json && codec_decode(&view_backup_result_shape, json, &result, &error) == 0;
    cJSON_Delete(json);
    free(text);
    bool is_new = is_read && result.at_us != copies->view.last.at_us;
    if (is_new) {
        copies->view.last = result;
        copies->view.has_last = true;
    }
    return is_new;
}

static void
backup_end(struct copies *copies)
{
    copies->view.is_running = false;
    if (copies->view.last.problem[0]) {
        copies->retry_us = clock_wall_us(copies->settings.clock) + RETRY_US;
        log_error("copies", "ALARM: a backup failed", LOG_S("why", copies->view.last.problem));
    } else {
        log_info("copies", "a backup was made", LOG_S("file", copies->view.last.file),
                 LOG_I("bytes", copies->view.last.bytes));
    }
    if (copies->settings.ended) {
        copies->settings.ended(copies->settings.context, &copies->view);
    }
}

static void
backup_look(struct copies *copies, int64_t now_us)
{
    copies->look_us = now_us + LOOK_US;
    if (result_read(copies)) {
        backup_end(copies);
    } else if (now_us - copies->started_us > LATE_US) {
        copies->view.last.at_us = clock_wall_us(copies->settings.clock);
        snprintf(copies->view.last.problem, sizeof(copies->view.last.problem),
                 "it said nothing for an hour; look into the log");
        copies->view.has_last = true;
        backup_end(copies);
    }
}

static int
backup_start(struct copies *copies)
{
    int error = copies->settings.start
                    ? copies->settings.start(copies->settings.context, copies->view.keep)
                    : -ENOSYS;
    copies->view.is_running = !error;
    copies->started_us = copies->look_us = clock_boot_us(copies->settings.clock);
    return error;
}

static bool
is_due(const struct copies *copies)
{
    int64_t now_us = clock_wall_us(copies->settings.clock);
    int64_t every_us = (int64_t)copies->view.every_h * 3600 * 1000000;
    return copies->view.every_h > 0 && !copies->view.is_running && now_us >= copies->retry_us &&
           now_us - copies->view.last.at_us >= every_us;
}

void
copies_tick(struct copies *copies)
{
    int64_t now_us = clock_boot_us(copies->settings.clock);
    if (!copies->is_copying && now_us >= copies->next_copy_us) {
        copy_start(copies);
    }
    if (copies->view.is_running && now_us >= copies->look_us) {
        backup_look(copies, now_us);
    }
    if (is_due(copies) && backup_start(copies)) {
        copies->retry_us = clock_wall_us(copies->settings.clock) + RETRY_US;
        log_error("copies", "ALARM: a backup by schedule could not be started", LOG_END);
    }
}

/* ---- what people ask ---- */

struct waiting {
    struct copies *copies;
    bool starts;
    uint32_t every_h, keep;
    copies_done_fn *done;
    void *context;
};

static void
on_noted(void *context, int error)
{
    struct waiting *waiting = context;
    struct copies *copies = waiting->copies;
    if (!error && waiting->starts) {
        error = backup_start(copies);
    } else if (!error) {
        copies->view.every_h = waiting->every_h;
        copies->view.keep = waiting->keep;
        copies->retry_us = 0;
    }
    waiting->done(waiting->context, error ? COPIES_FAILED : COPIES_DONE);
    free(waiting);
}

void
copies_start(struct copies *copies, const char *account, copies_done_fn *done, void *context)
{
    if (copies->view.is_running) {
        done(context, COPIES_BUSY);
        return;
    }
    struct waiting *waiting = MEM_NEW(struct waiting);
    *waiting = (struct waiting){.copies = copies, .starts = true, .done = done, .context = context};
    struct store_change *change = store_change_new();
    store_put_audit(change, clock_wall_us(copies->settings.clock), account, "backup.start",
                    "backup", copies->settings.is_encrypted ? "with secrets" : "without secrets");
    store_submit(copies->settings.store, change, on_noted, waiting);
}

void
copies_schedule(struct copies *copies, uint32_t every_h, uint32_t keep, const char *account,
                copies_done_fn *done, void *context)
{
    char value[48], detail[64];
    struct waiting *waiting = MEM_NEW(struct waiting);
    *waiting = (struct waiting){
        .copies = copies, .every_h = every_h, .keep = keep, .done = done, .context = context};
    struct store_change *change = store_change_new();
    snprintf(value, sizeof(value), "%u %u", every_h, keep);
    if (every_h) {
        snprintf(detail, sizeof(detail), "every %u hours, %u are kept", every_h, keep);
    } else {
        snprintf(detail, sizeof(detail), "by hand only, %u are kept", keep);
    }
    store_put_setting(change, SETTING, value);
    store_put_audit(change, clock_wall_us(copies->settings.clock), account, "backup.schedule",
                    "backup", detail);
    store_submit(copies->settings.store, change, on_noted, waiting);
}

void
copies_renew(struct copies *copies)
{
    copies->commits = UINT64_MAX;
    copies->next_copy_us = clock_boot_us(copies->settings.clock);
}

int
copies_file(const struct copies *copies)
{
    return copies->settings.file ? copies->settings.file(copies->settings.context) : -ENOSYS;
}

const struct view_backup *
copies_view(struct copies *copies)
{
    return &copies->view;
}

int
copies_open(const struct copies_settings *settings, struct copies **out)
{
    struct copies *copies = MEM_NEW(struct copies);
    copies->settings = *settings;
    copies->next_copy_us = clock_boot_us(settings->clock) + FIRST_US;
    copies->view.keep = KEEP_DEFAULT;
    copies->view.is_encrypted = settings->is_encrypted;
    snprintf(copies->view.folder, sizeof(copies->view.folder), "%s", settings->folder);
    char *value = store_read_setting(settings->store, SETTING);
    if (value) {
        (void)sscanf(value, "%u %u", &copies->view.every_h, &copies->view.keep);
        free(value);
    }
    (void)result_read(copies);
    int error = worker_thread_new(settings->base, &copies->aside);
    if (error) {
        free(copies);
        return error;
    }
    *out = copies;
    return 0;
}

void
copies_stop(struct copies *copies)
{
    if (copies && copies->aside) {
        atomic_store(&copies->is_stopping, true);
        worker_thread_free(copies->aside);
        copies->aside = NULL;
    }
}

void
copies_free(struct copies *copies)
{
    copies_stop(copies);
    free(copies);
}
