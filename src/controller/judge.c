#include "controller/judge.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "controller/desired.h"
#include "controller/entry.h"
#include "controller/notices/notices.h"
#include "controller/overdue.h"
#include "controller/slot.h"
#include "controller/storm.h"

#define NOTE_LEAST 64        /* bytes that one more note needs */
#define SLICE_US 5000        /* of judging at a time ... */
#define SLICE_EVERY_US 25000 /* ... and not more often */
#define CROWD_US 60000000    /* a switch that answers nothing for so long is none of the crowd */
#define CROWD_LOOK_US 2000000
#define TOLD_NAMED 3         /* switches that are being told; of more no list is kept up to date */
#define GIVE_BACK_US 5000000 /* after the crowd; what it led to is written by then */

void
judge_look(struct controller *controller, struct entry *entry)
{
    if (entry->is_in_looks) {
        return;
    }
    if (controller->look_count == controller->look_room) {
        controller->look_room = controller->look_room ? controller->look_room * 2 : 64;
        controller->looks =
            mem_resize(controller->looks, controller->look_room, sizeof(*controller->looks));
    }
    entry->is_in_looks = true;
    controller->looks[controller->look_count++] = entry;
}

void
judge_later(struct controller *controller, struct entry *entry)
{
    if (!entry->is_in_later && !entry->is_in_looks) {
        entry->is_in_later = true;
        TAILQ_INSERT_TAIL(&controller->laters, entry, later);
    }
}

void
judge_look_at_all(struct controller *controller)
{
    struct entry *entry;
    TAILQ_FOREACH(entry, &controller->entries, link)
    {
        if (entry->wants.count > 0) {
            judge_later(controller, entry);
        }
    }
}

/* Does any of them still have to answer its snapshot? */
static bool
is_crowd(const struct controller *controller)
{
    int64_t since_us = clock_boot_us(controller->clock) - CROWD_US;
    const struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        bool is_asked = !sw->has_snapshot || sw->snapshot_us > since_us;
        if (sw->device.is_connected && !sw->is_settled && is_asked) {
            return true;
        }
    }
    return false;
}

void
judge_look_at_all_soon(struct controller *controller)
{
    int64_t now_us = clock_boot_us(controller->clock);
    bool there_is_one = is_crowd(controller);
    controller->give_back_us = there_is_one ? now_us + GIVE_BACK_US : controller->give_back_us;
    controller->owes_look = there_is_one && now_us < controller->look_us;
    if (!controller->owes_look) {
        controller->look_us = now_us + CROWD_LOOK_US;
        judge_look_at_all(controller);
    }
}

struct judgement {
    const char *home;     /* the endpoint's own switch; "" where that is not known */
    bool is_lost_at_home; /* another controller drives that one, and may have released it */
    bool has_failed;
    bool is_open_at_home; /* the endpoint's own switch is away, and was never told this */
    bool is_unanswered;   /* a switch is mute, and was told this since it answered last */
    size_t meant;         /* switches that must hold it, here or away */
    size_t holders;       /* of these, connected, and were asked to hold it */
    size_t told;          /* of these, connected, and still being told everything */
    const char *told_names[TOLD_NAMED];
    size_t absent, applied, verified; /* rules */
    uint64_t hits;
    char why[TEXT_SIZE];     /* what failed or differs */
    char missing[TEXT_SIZE]; /* switches that say nothing now */
};

static void
note(char *text, const char *switch_name, const char *what)
{
    size_t used = strlen(text);
    if (used + NOTE_LEAST < TEXT_SIZE &&
        used + strlen(switch_name) + strlen(what) + 4 < TEXT_SIZE) {
        snprintf(text + used, TEXT_SIZE - used, "%s%s %s", used ? "; " : "", switch_name, what);
    }
}

static void
judge_rule(const struct switch_state *sw, const struct want *want, struct judgement *j)
{
    const char *misfit = desired_misfit(&sw->device, want);
    if (misfit) {
        note(j->missing, sw->device.switch_name, misfit);
        return;
    }
    const struct slot *slot = slot_find(&sw->slots, want->asked);
    if (!slot) {
        j->absent++;
        return;
    }
    const char *why = slot_why(&sw->slots, want->asked);
    j->hits += slot_hits(&sw->slots, want->asked);
    switch (slot->state) {
    case RULE_FAILED:
        j->has_failed = true;
        note(j->why, sw->device.switch_name, why ? why : "failed");
        break;
    case RULE_VERIFIED:
        j->verified++;
        break;
    case RULE_APPLIED:
        j->applied++;
        if (why) {
            note(j->why, sw->device.switch_name, why);
        }
        break;
    default:
        j->absent++;
        if (why) {
            note(j->why, sw->device.switch_name, why);
        }
        break;
    }
}

/* Away, it goes on holding what it held; what came since it does not have. */
static bool
holds_all(const struct switch_state *sw, const struct entry *entry)
{
    for (size_t i = 0; i < entry->wants.count; i++) {
        const struct want *want = &entry->wants.items[i];
        const struct slot *slot = slot_find(&sw->slots, want->asked);
        if (slot_is_wanted(sw, want) && (!slot || !slot->is_known)) {
            return false;
        }
    }
    return true;
}

static const char *
home_of(const struct controller *controller, const struct entry *entry)
{
    const struct endpoint *endpoint = entry_endpoint(controller, entry);
    return endpoint && endpoint->location.class != LOCATION_NONE ? endpoint->location.switch_name
                                                                 : "";
}

static void
note_silent(const struct switch_state *sw, char text[TEXT_SIZE])
{
    char since[TIME_TEXT_SIZE];
    char what[TEXT_SIZE];
    if (strlen(text) + NOTE_LEAST >= TEXT_SIZE) {
        return; /* a thousand switches are away: some stand for all */
    }
    if (sw->is_fenced) {
        snprintf(what, sizeof(what), "is driven by another controller");
    } else if (sw->gone_us > 0) {
        time_format(sw->gone_us, since);
        snprintf(what, sizeof(what), "not connected since %s", since);
    } else {
        snprintf(what, sizeof(what), "has not connected yet");
    }
    note(text, sw->device.switch_name, what);
}

/* While a whole site is told, the list of who is left would be another with every switch, and be
 * written to the disk each time for every containment. */
static void
note_told(const struct judgement *j, char text[TEXT_SIZE])
{
    if (j->told > TOLD_NAMED) {
        note(text, "several", "switches are still being told");
        return;
    }
    for (size_t i = 0; i < j->told; i++) {
        note(text, j->told_names[i], "is still being told");
    }
}

static void
judge_switch(const struct switch_state *sw, const struct entry *entry, struct judgement *j)
{
    bool is_meant = false;
    for (size_t i = 0; i < entry->wants.count; i++) {
        is_meant = is_meant || slot_is_meant(sw, &entry->wants.items[i]);
    }
    if (!is_meant) {
        return;
    }
    j->meant++;
    if (overdue_is_mute(sw)) {
        char text[TEXT_SIZE];
        overdue_text(sw, text);
        note(j->missing, sw->device.switch_name, text);
        j->is_unanswered = j->is_unanswered || !holds_all(sw, entry);
        return;
    }
    if (sw->is_fenced || !sw->device.is_connected || !sw->is_settled) {
        if (sw->is_fenced || !sw->device.is_connected) {
            note_silent(sw, j->missing);
        } else if (j->told++ < TOLD_NAMED) {
            j->told_names[j->told - 1] = sw->device.switch_name;
        }
        j->is_lost_at_home |= sw->is_fenced && strcmp(j->home, sw->device.switch_name) == 0;
        j->is_open_at_home |= strcmp(j->home, sw->device.switch_name) == 0 && !holds_all(sw, entry);
        return;
    }
    j->holders++;
    for (size_t i = 0; i < entry->wants.count; i++) {
        if (slot_is_meant(sw, &entry->wants.items[i])) {
            judge_rule(sw, &entry->wants.items[i], j);
        }
    }
}

/* Of the ports of other switches it says nothing. */
static void
note_alone(const struct entry *entry, struct judgement *j)
{
    const char *only_on = entry_only_on(entry);
    if (only_on && strcmp(j->home, only_on) != 0) {
        j->is_open_at_home = true;
        note(j->missing, only_on, "alone says that it holds it: it counts there only");
    }
}

static void
reach_applied(struct controller *controller, struct entry *entry)
{
    int64_t now_us = clock_wall_us(controller->clock);
    if (entry->c.applied_us == 0) {
        int64_t at_us = entry->written_us > 0 ? entry->written_us : now_us;
        entry->c.applied_us = at_us;
        entry_mark(entry, "applied", at_us, "");
    }
}

static void
contained_tell(struct controller *controller, const struct entry *entry, const char *detail)
{
    if (!storm_covers(controller, &entry->c)) {
        notices_tell_containment(controller, &entry->c, NOTICE_CONTAINED, detail);
    }
}

static void
reach_verified(struct controller *controller, struct entry *entry)
{
    reach_applied(controller, entry);
    int64_t now_us = clock_wall_us(controller->clock);
    if (entry->c.verified_us == 0) {
        entry->c.verified_us = now_us;
        entry_mark(entry, "verified", now_us, "");
        contained_tell(controller, entry, "");
    } else if (entry->was_verified) {
        entry_mark(entry, "verified_again", now_us, "");
        contained_tell(controller, entry, "again");
    }
    entry->was_verified = true;
}

static void
lost_tell(struct controller *controller, struct entry *entry, enum life_event event,
          const char *why)
{
    log_error("controller", "ALARM: containment is not in force everywhere",
              LOG_S("containment", entry->c.id), LOG_S("why", why));
    entry_mark(entry, event == LIFE_FAILED ? "failed" : "unverified",
               clock_wall_us(controller->clock), why);
    notices_tell_containment(controller, &entry->c,
                             event == LIFE_FAILED ? NOTICE_FAILED : NOTICE_UNVERIFIED, why);
}

/* The alarm: a containment that was in force and is not (or not surely) any more. */
static void
lose(struct controller *controller, struct entry *entry, enum life_event event, const char *why)
{
    if (entry_step(controller, entry, event, why)) {
        lost_tell(controller, entry, event, why);
    }
}

/* No switch is one that must hold it: its site is not there any more, or none of that site's. After
 * a start those that are there come first. */
static void
judge_unmeant(struct controller *controller, struct entry *entry, struct judgement *j)
{
    const struct policy *policy = engine_policy(controller->engine);
    const char *site = entry->wants.items[0].site;
    if (site && !policy_knows_site(policy, site)) {
        snprintf(j->why, sizeof(j->why),
                 "no switch holds it: the policy has no site \"%s\" any more; name it again, or "
                 "release this and contain it where it is meant",
                 site);
    } else if (clock_boot_us(controller->clock) - controller->began_us < CROWD_US) {
        return;
    } else if (site) {
        snprintf(j->why, sizeof(j->why), "no switch holds it: none of site \"%s\" is known", site);
    } else {
        snprintf(j->why, sizeof(j->why), "no switch holds it: none that must is known");
    }
    bool is_news = entry->c.applied_us > 0 && strcmp(text_or_empty(entry->c.problem), j->why) != 0;
    if (entry_step(controller, entry, LIFE_DIFFERS, j->why) || is_news) {
        lost_tell(controller, entry, LIFE_DIFFERS, j->why);
    }
}

static void
entry_judge(struct controller *controller, struct entry *entry)
{
    struct judgement j = {.home = home_of(controller, entry)};
    struct switch_state *sw;
    if (!lifecycle_is_in_force(entry->c.state) || !entry->is_committed ||
        controller->suspension.is_suspended) {
        return;
    }
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        judge_switch(sw, entry, &j);
    }
    note_told(&j, j.missing);
    note_alone(entry, &j);
    entry->c.hits = j.hits;
    if (j.meant == 0 && entry->wants.count > 0) {
        judge_unmeant(controller, entry, &j);
    } else if ((j.is_lost_at_home || j.is_unanswered) && entry->c.state == CONTAINMENT_VERIFIED) {
        lose(controller, entry, LIFE_UNPROVEN, j.missing);
    } else if (j.has_failed) {
        lose(controller, entry, LIFE_FAILED, j.why);
    } else if (j.holders == 0 || j.absent > 0 || j.applied + j.verified == 0) {
        bool was_told = j.why[0] != '\0';
        if (was_told) {
            lose(controller, entry, LIFE_DIFFERS, j.why);
        }
    } else if (j.applied > 0) {
        if (entry->c.state == CONTAINMENT_VERIFIED) {
            lose(controller, entry, LIFE_UNPROVEN, j.why);
        } else if (entry_step(controller, entry, LIFE_APPLIED, "")) {
            reach_applied(controller, entry);
        }
    } else if ((j.is_open_at_home || j.is_lost_at_home || j.is_unanswered) &&
               entry->c.state != CONTAINMENT_VERIFIED) {
        if (entry_step(controller, entry, LIFE_APPLIED, j.missing)) {
            reach_applied(controller, entry);
        }
    } else {
        if (entry->c.state == CONTAINMENT_WAITING) {
            reach_verified(controller, entry); /* on every switch, wherever it turns up */
            entry->was_verified = false;
        } else if (entry_step(controller, entry, LIFE_VERIFIED, "")) {
            reach_verified(controller, entry);
        }
    }
    if (j.why[0] != '\0') {
        entry_problem(controller, entry, j.why);
    } else if (j.holders == 0 && j.missing[0] == '\0') {
        entry_problem(controller, entry,
                      entry->wants.count == 0 ? "no switch can hold it: nothing to match, or no "
                                                "mirror session is declared"
                                              : "no switch is known");
    } else {
        entry_problem(controller, entry, j.missing);
    }
}

void
judge_tick(struct controller *controller)
{
    if (controller->give_back_us > 0 &&
        clock_boot_us(controller->clock) >= controller->give_back_us) {
        controller->give_back_us = 0;
        mem_give_back();
    }
    if (!controller->has_waited &&
        clock_boot_us(controller->clock) - controller->began_us >= CROWD_US) {
        controller->has_waited = true;
        judge_look_at_all(controller);
    }
}

void
judge_looked(struct controller *controller)
{
    for (size_t i = 0; i < controller->look_count; i++) {
        struct entry *entry = controller->looks[i];
        entry->is_in_looks = false;
        entry_judge(controller, entry);
    }
    controller->look_count = 0;
    judge_slice(controller);
}

void
judge_slice(struct controller *controller)
{
    int64_t now_us = clock_boot_us(controller->clock);
    int64_t end_us = now_us + SLICE_US;
    struct entry *entry;
    if (now_us < controller->slice_us) {
        return;
    }
    while ((entry = TAILQ_FIRST(&controller->laters)) != NULL) {
        if (clock_boot_us(controller->clock) > end_us) {
            controller->slice_us = end_us + SLICE_EVERY_US;
            break;
        }
        TAILQ_REMOVE(&controller->laters, entry, later);
        entry->is_in_later = false;
        entry_judge(controller, entry);
    }
}

/* FAILED is the worst, then ABSENT, APPLIED, VERIFIED. */
static int
badness(enum rule_state state)
{
    static const int ranks[RULE_STATE_COUNT] = {
        [RULE_FAILED] = 3, [RULE_ABSENT] = 2, [RULE_APPLIED] = 1, [RULE_VERIFIED] = 0};
    return ranks[state];
}

uint64_t
judge_hits(const struct controller *controller, const struct want *want)
{
    uint64_t hits = 0;
    const struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        hits += slot_hits(&sw->slots, want->asked);
    }
    return hits;
}

bool
judge_is_missing(const struct controller *controller, const struct want *want)
{
    const struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        const struct slot *slot = slot_find(&sw->slots, want->asked);
        if (slot_is_meant(sw, want) && (slot ? slot_is_missing(slot) : !slot_is_wanted(sw, want))) {
            return true;
        }
    }
    return false;
}

static bool
switch_report(const struct switch_state *sw, const struct entry *entry,
              struct switch_report *report)
{
    bool is_meant = false;
    *report = (struct switch_report){.state = RULE_VERIFIED};
    snprintf(report->switch_name, sizeof(report->switch_name), "%s", sw->device.switch_name);
    for (size_t i = 0; i < entry->wants.count; i++) {
        const struct want *want = &entry->wants.items[i];
        if (!slot_is_meant(sw, want)) {
            continue;
        }
        is_meant = true;
        const struct slot *slot = slot_find(&sw->slots, want->asked);
        const char *said = slot_why(&sw->slots, want->asked);
        const char *misfit = desired_misfit(&sw->device, want);
        enum rule_state state = slot ? (enum rule_state)slot->state : RULE_ABSENT;
        const char *why = misfit ? misfit : said ? said : "";
        report->hits += slot_hits(&sw->slots, want->asked);
        if (badness(state) > badness(report->state) || i == 0) {
            report->state = state;
            snprintf(report->why, sizeof(report->why), "%s", why);
        }
    }
    if (overdue_is_mute(sw) && report->state != RULE_VERIFIED && report->why[0] == '\0') {
        overdue_text(sw, report->why);
    }
    if (!sw->device.is_connected && report->why[0] == '\0') {
        snprintf(report->why, sizeof(report->why), "not connected");
    }
    return is_meant;
}

size_t
judge_report(const struct controller *controller, const struct entry *entry,
             struct switch_report *reports, size_t room)
{
    size_t count = 0;
    const struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        if (count < room && switch_report(sw, entry, &reports[count])) {
            count++;
        }
    }
    return count;
}
