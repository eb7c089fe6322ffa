/* The last backup as a file.  The supervisor opens it for us (cordond/errand.h); web fetches it
 * part by part, so that it is never in memory whole, and can neither read nor name files.  Only one
 * that is for the operator's key alone: what leaves the controller must not be readable by whoever
 * finds it.  Core's loop thread. */
#include "controller/ask/ask_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define PART_SIZE (128 * 1024)
#define IDLE_US (INT64_C(120) * 1000000) /* a client that takes nothing for so long has gone */

static void
download_end(struct ask_download *download)
{
    if (download->id[0]) {
        close(download->fd);
    }
    *download = (struct ask_download){.id = ""};
}

void
ask_downloads_end(struct asks *asks)
{
    for (size_t i = 0; i < COUNT_OF(asks->downloads); i++) {
        download_end(&asks->downloads[i]);
    }
}

/* A place for one more: a free one, or that of whoever has gone.  NULL: there is none. */
static struct ask_download *
place_find(struct asks *asks, int64_t now_us)
{
    for (size_t i = 0; i < COUNT_OF(asks->downloads); i++) {
        struct ask_download *each = &asks->downloads[i];
        if (each->id[0] && !each->is_busy && now_us - each->used_us > IDLE_US) {
            download_end(each);
        }
        if (!each->id[0]) {
            return each;
        }
    }
    return NULL;
}

static void
answer_part(const struct ask_call *call, struct ask_download *download)
{
    uint64_t left = download->size - download->sent;
    size_t wanted = left < PART_SIZE ? (size_t)left : PART_SIZE;
    uint8_t *part = mem_new(PART_SIZE, 1);
    if (pread(download->fd, part, wanted, (off_t)download->sent) != (ssize_t)wanted) {
        ask_problem(call, 503, "the backup could not be read", NULL, "make another one");
        download_end(download);
    } else {
        cJSON *body = cJSON_CreateObject();
        cJSON_AddStringToObject(body, "name", download->name);
        download->sent += wanted;
        download->used_us = clock_boot_us(controller_clock(call->controller));
        if (download->sent < download->size) {
            cJSON_AddStringToObject(body, "run", download->id);
        }
        ask_answer_part(call, body, part, wanted);
        if (download->sent == download->size) {
            download_end(download);
        }
    }
    free(part);
}

struct beginning {
    struct ask_call call;
    struct ask_download *download;
};

static void
on_recorded(void *context, enum wish_result result, const char *why,
            const struct containment *containment)
{
    struct beginning *beginning = context;
    (void)containment;
    beginning->download->is_busy = false;
    if (result == WISH_DONE) {
        answer_part(&beginning->call, beginning->download);
    } else {
        download_end(beginning->download);
        ask_problem(&beginning->call, 503, why, NULL, "nothing was sent; try again");
    }
    free(beginning);
}

/* NULL: it may be sent. */
static const char *
refusal_of(const struct view_backup *view)
{
    if (!view->has_last || view->last.problem[0] || view->is_running) {
        return "there is no backup that was made whole";
    }
    return view->last.has_secrets ? NULL
                                  : "the last backup is not encrypted: it stays on the controller";
}

static void
download_begin(const struct ask_call *call)
{
    struct copies *copies = call->asks->settings.copies;
    const struct view_backup *view = copies_view(copies);
    const char *refusal = refusal_of(view);
    int64_t now_us = clock_boot_us(controller_clock(call->controller));
    struct ask_download *download = refusal ? NULL : place_find(call->asks, now_us);
    if (refusal) {
        ask_problem(call, 409, refusal, NULL,
                    "set backup_key in cordond.yaml ('cordond backup-key' makes one), then make a "
                    "backup");
        return;
    }
    if (!download) {
        ask_problem(call, 503, "too many exports are under way", NULL, "try again in a minute");
        return;
    }
    struct stat found;
    int fd = copies_file(copies);
    if (fd < 0 || fstat(fd, &found) < 0 || (uint64_t)found.st_size != view->last.bytes) {
        if (fd >= 0) {
            close(fd);
        }
        ask_problem(call, 503, "the backup could not be read", NULL, "make another one");
        return;
    }
    const char *slash = strrchr(view->last.file, '/');
    char detail[64];
    *download = (struct ask_download){
        .fd = fd, .size = (uint64_t)found.st_size, .used_us = now_us, .is_busy = true};
    id_make(clock_wall_us(controller_clock(call->controller)), download->id);
    memcpy(download->account, call->account, sizeof(download->account));
    snprintf(download->name, sizeof(download->name), "%.60s", slash ? slash + 1 : "cordon.backup");
    snprintf(detail, sizeof(detail), "%llu bytes", (unsigned long long)download->size);
    struct beginning *beginning = MEM_NEW(struct beginning);
    *beginning = (struct beginning){.call = *call, .download = download};
    controller_record(call->controller, call->account, "backup.download", download->name, detail,
                      on_recorded, beginning);
}

void
ask_backup_download(const struct ask_call *call, const void *parameters)
{
    const struct op_download *asked = parameters;
    if (asked->run[0] == '\0') {
        download_begin(call);
        return;
    }
    for (size_t i = 0; i < COUNT_OF(call->asks->downloads); i++) {
        struct ask_download *each = &call->asks->downloads[i];
        if (each->id[0] && !each->is_busy && strcmp(each->id, asked->run) == 0 &&
            strcmp(each->account, call->account) == 0) {
            answer_part(call, each);
            return;
        }
    }
    ask_problem(call, 404, "that export is over, or never was", "run", "begin a new one");
}
