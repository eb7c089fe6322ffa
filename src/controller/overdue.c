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
    time_format(sw->overdue.since_us, since);
    snprintf(text, TEXT_SIZE, "has not answered what it was told at %s", since);
}

/* Behind what other things still have to say of it. */
static void
mute_begin(struct controller *controller, struct switch_state *sw)
{
    char text[TEXT_SIZE];
    int64_t late_us = clock_boot_us(controller->clock) - sw->overdue.sent[0].at_us;
    sw->overdue.is_mute = true;
    sw->overdue.since_us = clock_wall_us(controller->clock) - late_us;
    overdue_text(sw, text);
    log_error("controller", "ALARM: switch does not answer",
              LOG_S("switch", sw->device.switch_name),
              LOG_I("generation", sw->overdue.sent[0].generation));
    switch_problem(controller, sw, text);
    snprintf(sw->told_problem, sizeof(sw->told_problem), "%s", text);
    notices_tell_object(controller, NOTICE_SWITCH_PROBLEM, SEVERITY_HIGH, sw->device.switch_name,
                        text);
    judge_look_at_all(controller);
}

static void
mute_end(struct controller *controller, struct switch_state *sw)
{
    sw->overdue.is_mute = false;
    log_info("controller", "switch answers again", LOG_S("switch", sw->device.switch_name));
    switch_problem(controller, sw, sw->device.problem);
    notices_tell_object(controller, NOTICE_SWITCH_PROBLEM, SEVERITY_LOW, sw->device.switch_name,
                        "answers again");
    judge_look_at_all(controller);
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

void
overdue_tick(struct controller *controller)
{
    int64_t now_us = clock_boot_us(controller->clock);
    struct switch_state *sw;
    TAILQ_FOREACH(sw, &controller->switches, link)
    {
        struct overdue *overdue = &sw->overdue;
        bool is_ours = sw->device.is_connected && !sw->is_fenced;
        if (!overdue->is_mute && is_ours && is_late(controller, sw)) {
            mute_begin(controller, sw);
        } else if (overdue->is_mute && overdue->gone_us > 0 &&
                   now_us - overdue->gone_us > AWAY_US) {
            overdue->is_mute = false;
            judge_look_at_all(controller);
        }
    }
}
