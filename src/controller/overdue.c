#include "controller/overdue.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "controller/judge.h"
#include "controller/notices/notices.h"
#include "controller/switches.h"

/* Away for so long it is a switch that is away; a line that was only made anew heals nothing yet,
 * and what it had not answered must not look proven in between. */
#define AWAY_US 60000000
#define TOLD_APART 3     /* more that fall mute at once have one cause: told as one */
#define STALL_US 2000000 /* we did not run for so long: answers may lie unread */

void
overdue_sent(const struct controller *controller, struct switch_state *sw, uint64_t generation)
{
    struct overdue *overdue = &sw->overdue;
    size_t count = overdue->count;
    if (count == COUNT_OF(overdue->sent) ||
        (count > 0 && overdue->sent[count - 1].generation == generation)) {
        return; /* later ones wait behind these: noted when these are answered */
    }
    overdue->sent[overdue->count++] =
        (struct overdue_sent){generation, clock_boot_us(controller->clock)};
}

static bool
is_late(const struct controller *controller, const struct switch_state *sw)
{
    return sw->overdue.count > 0 && clock_boot_us(controller->clock) - sw->overdue.sent[0].at_us >
                                        controller->settings.answer_late_us;
}

bool
overdue_is_mute(const struct switch_state *sw)
{
    return sw->overdue.is_mute && !sw->is_fenced;
}

void
overdue_text(const struct switch_state *sw, char text[TEXT_SIZE])
{
    char since[TIME_TEXT_SIZE];
    if (sw->overdue.refused[0]) {
        snprintf(text, TEXT_SIZE, "%s", sw->overdue.refused);
        return;
    }
    time_format(sw->overdue.since_us, since);
    snprintf(text, TEXT_SIZE, "has not answered what it was told at %s", since);
}

static void
mute_tell(struct controller *controller, struct switch_state *sw)
{
    char text[TEXT_SIZE];
    overdue_text(sw, text);
    sw->overdue.is_told = true;
    notices_tell_object(controller, NOTICE_SWITCH_PROBLEM, SEVERITY_HIGH, sw->device.switch_name,
                        text);
}

/* Also of one that was mute, and has refused something since. */
static void
mute_show(struct controller *controller, struct switch_state *sw, char text[TEXT_SIZE])
{
    int64_t late_us = clock_boot_us(controller->clock) - sw->overdue.sent[0].at_us;
    sw->overdue.is_mute = true;
    sw->overdue.refused[0] = '\0';
    sw->overdue.since_us = clock_wall_us(controller->clock) - late_us;
    overdue_text(sw, text);
    switch_problem(controller, sw, text);
}

/* Behind what other things still have to say of it. */
static void
mute_begin(struct controller *controller, struct switch_state *sw)
{
    char text[TEXT_SIZE];
    log_error("controller", "ALARM: switch does not answer",
              LOG_S("switch", sw->device.switch_name),
              LOG_I("generation", sw->overdue.sent[0].generation));
    mute_show(controller, sw, text);
    snprintf(sw->told_problem, sizeof(sw->told_problem), "%s", text); /* here, or with others */
}

static void
mute_end(struct controller *controller, struct switch_state *sw)
{
    sw->overdue.is_mute = false;
    log_info("controller", "switch answers again", LOG_S("switch", sw->device.switch_name));
    switch_problem(controller, sw, sw->device.problem);
    if (sw->overdue.is_told) {
        sw->overdue.is_told = false;
        notices_tell_object(controller, NOTICE_SWITCH_PROBLEM, SEVERITY_LOW,
                            sw->device.switch_name, "answers again");
    }
    judge_look_at_all_soon(controller);
}

void
overdue_answered(struct controller *controller, struct switch_state *sw, uint64_t generation)
{
    struct overdue *overdue = &sw->overdue;
    size_t done = 0;
    while (done < overdue->count && overdue->sent[done].generation <= generation) {
        done++;
    }
    overdue->count -= done;
    memmove(overdue->sent, overdue->sent + done, overdue->count * sizeof(overdue->sent[0]));
    if (overdue->count == 0 && generation < sw->generation) {
        overdue_sent(controller, sw, sw->generation);
    }
    if (overdue->is_mute && sw->is_settled && !is_late(controller, sw)) {
        mute_end(controller, sw);
    }
}

/* What it had not answered stays unproven.  Containments are looked at for the first refusal only:
 * one that says something else each time must not keep us at work. */
void
overdue_refused(struct controller *controller, struct switch_state *sw, const char *why)
{
    bool is_news = overdue_is_mute(sw) && sw->overdue.refused[0] == '\0';
    sw->overdue.count = 0; /* what is sent instead has its own time */
    if (sw->overdue.is_mute) {
        snprintf(sw->overdue.refused, sizeof(sw->overdue.refused), "%s", why);
    }
    if (is_news) {
        judge_look_at_all_soon(controller);
    }
}

void
overdue_connection(const struct controller *controller, struct switch_state *sw)
{
    sw->overdue.count = 0;
    sw->overdue.gone_us = sw->device.is_connected ? 0 : clock_boot_us(controller->clock);
}

void
overdue_forget(struct switch_state *sw)
{
    sw->overdue = (struct overdue){.count = 0};
}

/* While we stood still nobody could be heard. */
static void
wait_longer(struct controller *controller, int64_t now_us, int64_t by_us)
{
    struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        for (size_t i = 0; i < sw->overdue.count; i++) {
            int64_t at_us = sw->overdue.sent[i].at_us + by_us;
            sw->overdue.sent[i].at_us = at_us < now_us ? at_us : now_us;
        }
    }
}

static void
crowd_tell(struct controller *controller, size_t count)
{
    char text[TEXT_SIZE];
    controller->is_overdue_crowd = true;
    snprintf(text, sizeof(text), "%zu switches have not answered what they were told", count);
    notices_tell_object(controller, NOTICE_SWITCH_PROBLEM, SEVERITY_HIGH, "", text);
}

/* When the last of a crowd answers; those that went away say nothing about it. */
static void
crowd_tick(struct controller *controller)
{
    size_t answering = 0;
    struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        bool is_ours = sw->device.is_connected && !sw->is_fenced;
        if (is_ours && (sw->overdue.is_mute || sw->overdue.count > 0 || !sw->is_settled)) {
            return;
        }
        answering += is_ours;
    }
    if (answering == 0) {
        return;
    }
    controller->is_overdue_crowd = false;
    notices_tell_object(controller, NOTICE_SWITCH_PROBLEM, SEVERITY_LOW, "",
                        "all switches that are connected answer again");
}

/* It refused something, and then said nothing for as long again. */
static void
again_tick(struct controller *controller, struct switch_state *sw)
{
    char text[TEXT_SIZE];
    bool has_refused = sw->overdue.is_mute && sw->overdue.refused[0];
    if (has_refused && sw->device.is_connected && !sw->is_fenced && is_late(controller, sw)) {
        mute_show(controller, sw, text);
        judge_look_at_all_soon(controller);
    }
}

/* Who was away long enough is simply away. */
static void
away_tick(struct controller *controller, struct switch_state *sw)
{
    struct overdue *overdue = &sw->overdue;
    int64_t now_us = clock_boot_us(controller->clock);
    if (overdue->is_mute && overdue->gone_us > 0 && now_us - overdue->gone_us > AWAY_US) {
        overdue->is_mute = overdue->is_told = false;
        judge_look_at_all_soon(controller);
    }
}

void
overdue_tick(struct controller *controller)
{
    int64_t now_us = clock_boot_us(controller->clock), passed_us = now_us - controller->overdue_us;
    bool has_stalled = controller->overdue_us > 0 && passed_us > STALL_US;
    struct switch_state *found[TOLD_APART], *sw;
    size_t count = 0;
    controller->overdue_us = now_us;
    if (has_stalled) {
        wait_longer(controller, now_us, passed_us);
        return;
    }
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        away_tick(controller, sw);
        again_tick(controller, sw);
        if (!sw->overdue.is_mute && sw->device.is_connected && !sw->is_fenced &&
            is_late(controller, sw)) {
            mute_begin(controller, sw);
            if (count < TOLD_APART) {
                found[count] = sw;
            }
            count++;
        }
    }
    bool is_crowd = controller->is_overdue_crowd; /* told already: these belong to it */
    if (!is_crowd && count > TOLD_APART) {
        crowd_tell(controller, count);
    }
    for (size_t i = 0; !is_crowd && count <= TOLD_APART && i < count; i++) {
        mute_tell(controller, found[i]);
    }
    if (count > 0) {
        judge_look_at_all(controller);
    } else if (controller->is_overdue_crowd) {
        crowd_tick(controller);
    }
}
