#include "controller/clocks.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "controller/conflicts.h"
#include "controller/entry.h"
#include "controller/notices/notices.h"
#include "controller/notices/on_call.h"
#include "controller/notices/outbox.h"
#include "controller/records.h"
#include "controller/retention/retention.h"
#include "controller/switches.h"
#include "controller/unclear.h"
#include "controller/world.h"
#include "topology/shift.h"

#define SECOND_US INT64_C(1000000)
#define SETTING "clock"
#define KEEP_US (SECOND_US / 2)    /* slewed by so much: written down anew */
#define APART_US (5 * SECOND_US)   /* a device's clock is told as wrong */
#define AHEAD_US (5 * SECOND_US)   /* later than now, and still no wrong clock */
#define HELD_US (3600 * SECOND_US) /* who held it for so long is meant */
/* A clock that is set so soon after the machine's start was wrong from that start on. */
#define PUT_RIGHT_US (3600 * SECOND_US)
/* So much later than we were last known to run (which is written down once an hour) is no clock
 * that is far ahead. */
#define LATER_US (RETENTION_EVERY_US + 600 * SECOND_US)

void
clocks_boot_id(char id[CLOCKS_BOOT_SIZE])
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? 0 : read(fd, id, CLOCKS_BOOT_SIZE - 1);
    id[size > 0 ? size : 0] = '\0';
    id[strcspn(id, "\n")] = '\0';
    if (fd >= 0) {
        close(fd);
    }
}

bool
clocks_is_unsure(const struct controller *controller)
{
    return clock_boot_us(controller->clock) < controller->unsure_until_us;
}

/* ---- ours ---- */

static int64_t
offset_us(const struct controller *controller)
{
    return clock_wall_us(controller->clock) - clock_boot_us(controller->clock);
}

static bool
boot_is_known(const struct controller *controller)
{
    return controller->settings.boot_id && controller->settings.boot_id[0];
}

/* Of a start that is not known it would be said of every later one. */
static void
offset_put(struct controller *controller, struct store_change *change)
{
    char value[CLOCKS_BOOT_SIZE + 64];
    controller->offset_us = offset_us(controller);
    if (!boot_is_known(controller)) {
        return;
    }
    snprintf(value, sizeof(value), "%s %" PRId64 " %" PRId64, controller->settings.boot_id,
             controller->offset_us, controller->fresh_us);
    store_put_setting(change, SETTING, value);
}

/* In force: it ends later; pending: so does the wait, and what comes then lasts as long as it was
 * meant to (from 'requested_us', which people were told). */
static bool
entry_move(struct entry *entry, const struct clock_move *m)
{
    struct containment *c = &entry->c;
    int64_t by_us = m->by_us;
    if (!clock_is_moved(m, c->requested_us)) {
        return false;
    }
    if (c->state == CONTAINMENT_PENDING && c->pending_until_us > 0) {
        c->pending_until_us += by_us;
        return true;
    }
    if (!lifecycle_is_in_force(c->state) || c->expires_us == 0) {
        return false;
    }
    c->expires_us += by_us;
    for (size_t i = 0; i < entry->wants.count; i++) {
        entry->wants.items[i].expires_us += entry->wants.items[i].expires_us ? by_us : 0;
    }
    return true;
}

static size_t
entries_move(struct controller *controller, struct store_change *change, const struct clock_move *m)
{
    size_t count = 0;
    struct entry *entry;
    controller->next_due_us = 0;
    TAILQ_FOREACH(entry, &controller->entries, link)
    {
        bool is_moved = entry_move(entry, m);
        count += is_moved;
        entry_due(controller, entry);
        if (is_moved && entry->is_committed && !entry->is_changing) {
            store_put_containment(change, &entry->c);
        } else if (is_moved) { /* its own change is on its way */
            entry->is_dirty = controller->has_dirty = true;
        }
    }
    return count;
}

/* These are of this run of core. */
static void
move(int64_t *at_us, int64_t by_us)
{
    *at_us += *at_us > 0 ? by_us : 0;
}

static void
switches_move(struct controller *controller, int64_t by_us)
{
    struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        move(&sw->seen_us, by_us);
        move(&sw->read_back_us, by_us);
        move(&sw->gone_us, by_us);
        move(&sw->overdue.since_us, by_us);
        move(&sw->lost_us, by_us);
        move(&sw->problem_us, by_us);
        sw->device.skew_us -= sw->device.is_connected ? by_us : 0;
    }
}

static void
tell_set(struct controller *controller, struct store_change *change, int64_t by_us, size_t count)
{
    struct notice notice = {.kind = NOTICE_CLOCK, .severity = SEVERITY_MEDIUM};
    snprintf(notice.detail, sizeof(notice.detail),
             "this machine's clock was set %s by %" PRId64
             " s: %zu containments end when they were "
             "meant to",
             by_us > 0 ? "forward" : "back", (by_us > 0 ? by_us : -by_us) / SECOND_US, count);
    log_warn("controller", "our clock was set", LOG_S("detail", notice.detail));
    store_put_audit(change, clock_wall_us(controller->clock), "cordon", "clock_set", "",
                    notice.detail);
    notices_put(controller, change, &notice);
}

/* What is dated by the clock that was set. */
static struct clock_move
move_of(struct controller *controller, int64_t by_us)
{
    struct clock_move move = {.since_us = 1, .until_us = INT64_MAX, .by_us = by_us};
    if (controller->fresh_us > 0 && clock_boot_us(controller->clock) < PUT_RIGHT_US) {
        move.since_us = controller->fresh_us;
        move.until_us = clock_wall_us(controller->clock) - by_us;
    }
    return move;
}

/* The clock goes its new way already. */
static void
all_move(struct controller *controller, const struct clock_move *m)
{
    int64_t by_us = m->by_us;
    struct store_change *change = store_change_new();
    size_t count = entries_move(controller, change, m);
    controller->fresh_us = controller->unsure_until_us = 0;
    switches_move(controller, by_us);
    records_shift(controller, by_us);
    conflicts_shift(controller, by_us);
    unclear_forget(controller);
    talkers_shift(controller, by_us);
    move(&controller->storm.began_us, by_us);
    move(&controller->storm.last_us, by_us);
    move(&controller->storm.noted_us, by_us);
    outbox_shift(controller, m);
    on_call_shift(controller, change, m);
    offset_put(controller, change);
    tell_set(controller, change, by_us, count);
    outbox_submit(controller, change, NULL);
    controller->changed[CHANGED_CONTAINMENTS] = true;
    controller->changed[CHANGED_SENSORS] = true;
}

void
clocks_tick(struct controller *controller)
{
    int64_t by_us = clock_steady_jump_us(&controller->steady);
    if (by_us != 0) {
        clock_steady_follow(&controller->steady);
        const struct clock_move m = move_of(controller, by_us);
        topology_shift(controller->topology, &m);
        all_move(controller, &m);
    }
    if (controller->was_unsure && !clocks_is_unsure(controller)) {
        switches_tell_ends(controller);
    }
    controller->was_unsure = clocks_is_unsure(controller);
}

static uint32_t
boot_hash(const struct controller *controller)
{
    const char *boot_id = controller->settings.boot_id;
    return boot_is_known(controller) ? (uint32_t)hash_stable(boot_id, strlen(boot_id)) | 1 : 0;
}

void
clocks_date(const struct controller *controller, struct endpoint_record *record)
{
    record->clock_boot = boot_hash(controller);
    record->clock_us = record->clock_boot ? offset_us(controller) : 0;
}

void
clocks_restored(struct controller *controller, const struct endpoint_record *record)
{
    int64_t by_us = offset_us(controller) - record->clock_us;
    bool is_ours = record->clock_boot != 0 && record->clock_boot == boot_hash(controller);
    if (is_ours && (by_us >= CLOCK_AGREE_US || by_us <= -CLOCK_AGREE_US)) {
        topology_shift_one(controller->topology, record->endpoint.id, by_us);
    }
}

void
clocks_setting(struct controller *controller, const char *name, const char *value)
{
    const char *boot_id = controller->settings.boot_id;
    size_t size = boot_id ? strlen(boot_id) : 0;
    if (strcmp(name, SETTING) == 0 && size > 0 && strncmp(value, boot_id, size) == 0 &&
        value[size] == ' ') {
        char *end = NULL;
        controller->offset_us = strtoll(value + size, &end, 10);
        controller->fresh_us = strtoll(end, NULL, 10);
    }
}

static void
offset_keep(struct controller *controller)
{
    struct store_change *change = store_change_new();
    offset_put(controller, change);
    store_submit(controller->store, change, NULL, NULL);
}

/* The first look at a clock of a new start of the machine. */
static void
unsure_begin(struct controller *controller)
{
    int64_t known_us = retention_known_us(controller);
    int64_t later_us = clock_wall_us(controller->clock) - known_us;
    char detail[TEXT_SIZE];
    if (!controller->settings.is_clock_free || known_us == 0 || later_us < LATER_US ||
        clock_boot_us(controller->clock) >= PUT_RIGHT_US) {
        return;
    }
    controller->unsure_until_us = PUT_RIGHT_US;
    snprintf(
        detail, sizeof(detail),
        "nothing has set this machine's clock, which is %" PRId64
        " s later than when we last ran: until it is set, or for an hour, nothing ends or is "
        "enforced by time",
        later_us / SECOND_US);
    log_warn("controller", "our clock may be wrong", LOG_S("detail", detail));
    notices_tell_object(controller, NOTICE_CLOCK, SEVERITY_MEDIUM, "cordond", detail);
}

void
clocks_begin(struct controller *controller)
{
    if (!boot_is_known(controller)) {
        return;
    }
    int64_t by_us = offset_us(controller) - controller->offset_us;
    bool is_known = controller->offset_us != 0;
    if (is_known && (by_us > CLOCK_AGREE_US || by_us < -CLOCK_AGREE_US)) {
        const struct clock_move m = move_of(controller, by_us);
        all_move(controller, &m); /* topology's rows say themselves by which clock they are */
    } else {
        controller->fresh_us = is_known ? controller->fresh_us : clock_wall_us(controller->clock);
        unsure_begin(controller);
        offset_keep(controller);
    }
}

/* ---- others' ---- */

static void
compare(struct controller *controller, const char *name, int64_t skew_us, bool *is_told)
{
    int64_t size_us = skew_us < 0 ? -skew_us : skew_us;
    bool is_apart = *is_told ? size_us > CLOCK_AGREE_US : size_us > APART_US;
    if (is_apart == *is_told) {
        return;
    }
    char detail[TEXT_SIZE];
    snprintf(detail, sizeof(detail),
             is_apart ? "its clock is %" PRId64 " s %s ours" : "its clock agrees with ours again",
             size_us / SECOND_US, skew_us < 0 ? "behind" : "ahead of");
    *is_told = is_apart;
    log_warn("controller", "a device's clock", LOG_S("name", name), LOG_S("detail", detail));
    notices_tell_object(controller, NOTICE_CLOCK, is_apart ? SEVERITY_MEDIUM : SEVERITY_LOW, name,
                        detail);
}

void
clocks_compare(struct controller *controller)
{
    struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        if (sw->device.is_connected) {
            compare(controller, sw->device.switch_name, sw->device.skew_us, &sw->is_told_clock);
        }
    }
    records_compare_clocks(controller, compare);
    int64_t slewed_us = offset_us(controller) - controller->offset_us;
    if (controller->offset_us != 0 && (slewed_us > KEEP_US || slewed_us < -KEEP_US)) {
        offset_keep(controller);
    }
}

enum resolution
clocks_resolve(const struct controller *controller, const char *site, const struct ip *ip,
               int64_t at_us, struct held *held)
{
    const struct topology *topology = controller->topology;
    struct held before;
    int64_t now_us = clock_wall_us(controller->clock);
    bool is_ahead = at_us - now_us > AHEAD_US;
    int64_t until_us = is_ahead ? now_us : at_us;
    uint64_t unsure_us = is_ahead ? HELD_US : controller->unsure_us;
    int64_t since_us = unsure_us < (uint64_t)until_us ? until_us - (int64_t)unsure_us : 0;
    enum resolution how = topology_resolve(topology, site, ip, until_us, held);
    if (how == RESOLUTION_SURE && since_us < until_us &&
        (topology_resolve(topology, site, ip, since_us, &before) != RESOLUTION_SURE ||
         before.endpoint != held->endpoint)) {
        how = RESOLUTION_CHANGED;
    }
    return how;
}
