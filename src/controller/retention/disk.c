/* The disk's budget: how full it is, who is told, and what goes before its time. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "controller/notices/notices.h"
#include "controller/retention/retention_state.h"
#include "controller/state.h"

#define LOOK_US (INT64_C(10) * 1000000)
#define CALM 75                              /* per cent: the next rise is told again */
#define OTHERS "disk-others"                 /* a setting */
#define GOAL 90                              /* per cent: shed until then */
#define NEWEST_US (INT64_C(86400) * 1000000) /* without a loss: the next one is told again */
#define STUCK_US (INT64_C(600) * 1000000)    /* nothing could go: tried again */

/* Packets first, then names, then what was found; blocks and the audit never. */
const struct retention_stage retention_shed_stages[RETENTION_SHED_STAGES] = {
    {SWEEP_EVIDENCE, SWEEP_DROP, RETENTION_EVIDENCE},
    {SWEEP_NAMES, SWEEP_PLAIN, RETENTION_NAMES},
    {SWEEP_DETECTIONS, SWEEP_DROP, RETENTION_DETECTIONS},
    {SWEEP_INCIDENTS, SWEEP_DROP, RETENTION_DETECTIONS},
};

/* ---- whose use it is ---- */

static uint64_t
above(uint64_t high, uint64_t low)
{
    return high > low ? high - low : 0;
}

void
retention_disk_setting(struct retention *r, const char *name, const char *value)
{
    if (strcmp(name, OTHERS) == 0 &&
        sscanf(value, "%" SCNu64 " %" SCNu64, &r->others_bytes, &r->others_total) != 2) {
        retention_disk_set(r);
    }
}

void
retention_disk_set(struct retention *r)
{
    r->others_bytes = r->others_total = 0;
}

static void
others_measure(struct controller *controller, const struct store_disk *disk)
{
    struct retention *r = controller->retention;
    char value[64];
    r->others_total = disk->total_bytes;
    r->others_bytes = above(disk->total_bytes, disk->free_bytes + disk->database_bytes);
    snprintf(value, sizeof(value), "%" PRIu64 " %" PRIu64, r->others_bytes, r->others_total);
    struct store_change *change = store_change_new();
    store_put_setting(change, OTHERS, value);
    store_submit(controller->store, change, NULL, NULL);
}

/* What the file holds, without what is free in it; and the budget: as configured, or what there is
 * room for, but for a twentieth.  What others fill since the budget was set makes it no smaller:
 * else whoever can fill the disk could have evidence taken away. */
static bool
disk_read(struct controller *controller)
{
    struct retention *r = controller->retention;
    struct store_disk disk;
    if (store_read_disk(controller->store, &disk) != 0) {
        return false;
    }
    if (r->others_total != disk.total_bytes) {
        others_measure(controller, &disk);
    }
    uint64_t live = store_live_bytes(controller->store);
    uint64_t left = (disk.database_bytes + disk.free_bytes) / 20 * 19;
    uint64_t ours = above(disk.total_bytes, r->others_bytes) / 20 * 19;
    uint64_t room = left > ours ? left : ours;
    uint64_t budget = (uint64_t)r->settings.budget_mib << 20;
    r->used_bytes = live > 0 && live < disk.database_bytes ? live : disk.database_bytes;
    r->budget_bytes = budget > 0 && budget < room ? budget : room;
    r->free_bytes = disk.free_bytes;
    r->total_bytes = disk.total_bytes;
    r->share = r->budget_bytes > 0 ? (uint32_t)(r->used_bytes * 100 / r->budget_bytes) : 100;
    r->crowded_bytes = r->used_bytes * 100 / RETENTION_WARN >= left ? above(ours, left) : 0;
    return true;
}

static void
crowd_tell(struct controller *controller)
{
    struct retention *r = controller->retention;
    char text[TEXT_SIZE];
    if (r->is_told_crowded || r->crowded_bytes == 0) {
        r->is_told_crowded = r->is_told_crowded && r->crowded_bytes > 0;
        return;
    }
    r->is_told_crowded = true;
    snprintf(text, sizeof(text),
             "others than Cordon fill its file system (%" PRIu64 " MiB are left): nothing of ours "
             "goes for that; make room, or accept it by setting the budget again",
             r->free_bytes >> 20);
    log_warn("core", "the disk is filled by others", LOG_S("what", text));
    notices_tell_object(controller, NOTICE_DISK, SEVERITY_HIGH, "disk", text);
}

/* ---- the budget ---- */

static void
tell(struct controller *controller, enum severity severity, const char *what)
{
    const struct retention *r = controller->retention;
    char text[TEXT_SIZE];
    snprintf(text, sizeof(text),
             "the disk budget is used to %" PRIu32 " %% (%" PRIu64 " of %" PRIu64 " MiB): %s",
             r->share, r->used_bytes >> 20, r->budget_bytes >> 20, what);
    log_warn("core", "the disk budget", LOG_S("what", text));
    notices_tell_object(controller, NOTICE_DISK, severity, "disk", text);
}

bool
retention_is_shedding(const struct retention *r)
{
    return r->is_running && r->stages == retention_shed_stages;
}

/* Not while something else runs: what a pass takes by age may be enough. */
static void
shed_begin(struct controller *controller, int64_t now_us)
{
    struct retention *r = controller->retention;
    uint64_t goal = r->budget_bytes / 100 * GOAL;
    if (r->is_running || now_us < r->stuck_until_us || r->used_bytes <= goal) {
        return;
    }
    r->is_told = true;
    r->shed_now = 0;
    r->shed_bytes = r->used_bytes - goal;
    retention_begin(controller, retention_shed_stages, RETENTION_SHED_STAGES);
    tell(controller, SEVERITY_HIGH,
         "the oldest packets, then names, then detections go before their time");
}

/* The limit is one of the configuration (store/trim.h): nothing goes on by itself, so people are
 * told; once, and not with each packet. */
static void
newest_watch(struct controller *controller, int64_t now_us)
{
    static const char *const texts[] = {RETENTION_DETECTIONS_FULL, RETENTION_PACKETS_FULL};
    struct retention *r = controller->retention;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        uint64_t gone = store_newest_gone(controller->store, i == 1);
        if (gone == r->newest[i].gone) {
            r->newest[i].is_told =
                r->newest[i].is_told && now_us - r->newest[i].gone_us < NEWEST_US;
            continue;
        }
        r->newest[i].gone = gone;
        r->newest[i].gone_us = now_us;
        if (!r->newest[i].is_told) {
            r->newest[i].is_told = true;
            log_warn("core", "what is needed goes", LOG_S("what", texts[i]));
            notices_tell_object(controller, NOTICE_DISK, SEVERITY_HIGH, "disk", texts[i]);
        }
    }
}

void
retention_disk_tick(struct controller *controller, int64_t now_us)
{
    struct retention *r = controller->retention;
    if (now_us < r->disk_us) {
        return;
    }
    r->disk_us = now_us + LOOK_US;
    newest_watch(controller, now_us);
    r->is_settling = r->is_settling && !store_is_scrubbed(controller->store);
    if (r->is_settling || !disk_read(controller)) {
        return;
    }
    crowd_tell(controller);
    if (r->share >= 100) {
        shed_begin(controller, now_us);
    }
    if (r->share >= RETENTION_WARN && !r->is_told) {
        r->is_told = true;
        tell(controller, SEVERITY_MEDIUM,
             "at 100 % packets, names and detections go before their time");
    } else if (r->share < CALM) {
        r->is_told = false;
    }
    r->is_stuck = r->is_stuck && r->share >= 100;
}

static void
shed_end(struct controller *controller)
{
    struct retention *r = controller->retention;
    int64_t now_us = clock_boot_us(controller->clock);
    r->is_stuck = r->shed_bytes > 0 && r->shed_now == 0;
    r->stuck_until_us = now_us + (r->is_stuck ? STUCK_US : LOOK_US);
    r->disk_us = now_us + LOOK_US;
    r->surveyed_us = 0;
    r->is_settling = true;
    store_scrub(controller->store);
    if (r->is_stuck) {
        tell(controller, SEVERITY_HIGH, "nothing is left that may go; give it more room");
    }
}

void
retention_shed_note(struct controller *controller, const struct retention_stage *stage,
                    uint64_t rows, uint64_t bytes)
{
    struct retention *r = controller->retention;
    /* A name that is taken out leaves most of its row behind. */
    bytes = stage->act == SWEEP_PLAIN ? bytes / 8 : bytes;
    r->shed_now += rows;
    r->shed += rows;
    r->shed_bytes -= bytes < r->shed_bytes ? bytes : r->shed_bytes;
    if (rows > 0) {
        char detail[TEXT_SIZE];
        struct store_change *change = store_change_new();
        snprintf(detail, sizeof(detail), "%" PRIu64 " rows before their time: the disk budget",
                 rows);
        store_put_audit(change, clock_wall_us(controller->clock), "retention", "retention.shed",
                        retention_kind_names[stage->kind], detail);
        store_submit(controller->store, change, NULL, NULL);
    }
    if (r->shed_bytes == 0) {
        r->stage = r->stage_count; /* enough */
    }
    if (r->stage == r->stage_count) {
        shed_end(controller);
    }
}

void
retention_disk_look(const struct controller *controller, struct retention_view *view)
{
    const struct retention *r = controller->retention;
    view->budget_bytes = r->budget_bytes;
    view->used_bytes = r->used_bytes;
    view->free_bytes = r->free_bytes;
    view->total_bytes = r->total_bytes;
    view->share = r->share;
    view->crowded_bytes = r->crowded_bytes;
    view->is_shedding = retention_is_shedding(r);
    view->is_stuck = r->is_stuck;
    view->shed = r->shed;
    view->detections_full = r->newest[0].is_told;
    view->packets_full = r->newest[1].is_told;
}
