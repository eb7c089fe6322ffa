/* Policy tests (POST /policy/test).  A file of events comes in several requests; what the engine
 * remembers between them is kept for a while, for few at a time. */
#include "controller/ask/ask_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "base/mem.h"

#define IDLE_US INT64_C(60000000)

static void
trial_end(struct ask_trial *slot)
{
    policy_trial_free(slot->trial);
    *slot = (struct ask_trial){.trial = NULL};
}

void
ask_trials_end(struct asks *asks)
{
    for (size_t i = 0; i < COUNT_OF(asks->trials); i++) {
        trial_end(&asks->trials[i]);
    }
}

void
ask_trials_expire(struct asks *asks)
{
    int64_t now_us = clock_boot_us(controller_clock(asks->settings.controller));
    for (size_t i = 0; i < COUNT_OF(asks->trials); i++) {
        if (asks->trials[i].trial && now_us - asks->trials[i].used_us > IDLE_US) {
            trial_end(&asks->trials[i]);
        }
    }
}

/* A free place, or the one that was not used for longest. */
static struct ask_trial *
trial_begin(const struct ask_call *call, struct policy *policy, bool assumes)
{
    struct asks *asks = call->asks;
    struct ask_trial *slot = &asks->trials[0];
    for (size_t i = 0; i < COUNT_OF(asks->trials) && slot->trial; i++) {
        struct ask_trial *each = &asks->trials[i];
        slot = !each->trial || each->used_us < slot->used_us ? each : slot;
    }
    trial_end(slot);
    id_make(clock_wall_us(controller_clock(call->controller)), slot->id);
    memcpy(slot->account, call->account, sizeof(slot->account));
    slot->trial = policy_trial_new(policy, assumes ? NULL : controller_world(call->controller));
    return slot;
}

static struct ask_trial *
trial_find(const struct ask_call *call, const char *id)
{
    for (size_t i = 0; i < COUNT_OF(call->asks->trials); i++) {
        struct ask_trial *slot = &call->asks->trials[i];
        if (slot->trial && strcmp(slot->id, id) == 0 && strcmp(slot->account, call->account) == 0) {
            return slot;
        }
    }
    return NULL;
}

struct testing {
    struct view_test view;
    const size_t *line_of; /* index of a detection -> of its line */
    size_t detection_count;
};

static void
on_said(void *context, size_t index, const char *text)
{
    struct testing *testing = context;
    if (index >= testing->detection_count) {
        snprintf(testing->view.assumed, sizeof(testing->view.assumed), "%s", text);
        return;
    }
    struct view_test_line *line = &testing->view.lines[testing->line_of[index]];
    if (line->say_count < TEST_SAYS_MAX) {
        snprintf(line->says[line->say_count++], sizeof(line->says[0]), "%s", text);
    }
}

/* The detections among the lines, and which line each is of. */
static size_t
lines_read(const struct op_test *asked, struct view_test_line *lines, struct detection *detections,
           size_t *line_of)
{
    size_t count = 0;
    for (size_t i = 0; i < asked->line_count; i++) {
        lines[i].line = asked->lines[i].line;
        memcpy(lines[i].why, asked->lines[i].why, TEXT_SIZE);
        if (asked->lines[i].detection) {
            lines[i].is_detection = true;
            line_of[count] = i;
            detections[count++] = *asked->lines[i].detection;
        }
    }
    return count;
}

/* The engine's own code on a clock of its own: nothing is done, and of the live engine nothing is
 * changed. */
static void
trial_answer(const struct ask_call *call, const struct op_test *asked, struct ask_trial *slot)
{
    size_t room = asked->line_count + 1;
    struct detection *detections = mem_new(room, sizeof(struct detection));
    size_t *line_of = mem_new(room, sizeof(size_t));
    struct testing testing = {.view = {.lines = mem_new(room, sizeof(struct view_test_line)),
                                       .line_count = asked->line_count},
                              .line_of = line_of};
    testing.detection_count = lines_read(asked, testing.view.lines, detections, line_of);
    policy_trial_run(slot->trial, detections, testing.detection_count, on_said, &testing);
    slot->used_us = clock_boot_us(controller_clock(call->controller));
    if (asked->run[0] && !asked->is_last) {
        memcpy(testing.view.run, slot->id, sizeof(testing.view.run));
    } else {
        trial_end(slot);
    }
    ask_answer_shape(call, 200, &view_test_shape, &testing.view);
    free(testing.view.lines);
    free(line_of);
    free(detections);
}

static void
test_with(const struct ask_call *call, const struct op_test *asked, struct policy *policy)
{
    struct ask_trial once = {.trial = NULL};
    struct ask_trial *slot = &once;
    if (!asked->run[0]) {
        once.trial =
            policy_trial_new(policy, asked->assumes ? NULL : controller_world(call->controller));
    } else {
        slot = strcmp(asked->run, "new") == 0 ? trial_begin(call, policy, asked->assumes)
                                              : trial_find(call, asked->run);
    }
    if (!slot) {
        ask_problem(call, 404, "this test is no longer known", "run", "begin again with 'new'");
        return;
    }
    trial_answer(call, asked, slot);
}

/* A test of a draft: waits for the draft to be parsed. */
struct drafting {
    struct ask_call call;
    cJSON *parameters; /* owned */
};

static void
on_draft(void *context, struct policy *policy, const struct policy_error *error)
{
    struct drafting *drafting = context;
    const struct shape *shape = op_table[OP_POLICY_TEST].parameters;
    struct op_test asked;
    struct codec_error ignored; /* it was decoded once already */
    if (!policy) {
        ask_policy_refuse(&drafting->call, error, "policy");
    } else if (codec_decode(shape, drafting->parameters, &asked, &ignored) == 0) {
        test_with(&drafting->call, &asked, policy);
        codec_fini(shape, &asked);
    }
    cJSON_Delete(drafting->parameters);
    free(drafting);
}

static void
test_draft(const struct ask_call *call, const struct op_test *asked)
{
    struct drafting *drafting = MEM_NEW(struct drafting);
    drafting->call = *call;
    drafting->call.parameters = NULL;
    drafting->parameters = cJSON_Duplicate(call->parameters, true);
    if (!revisions_check(call->asks->settings.revisions, asked->policy, false, on_draft,
                         drafting)) {
        cJSON_Delete(drafting->parameters);
        free(drafting);
        ask_problem(call, 503, "too many texts are being checked", NULL, "try again");
    }
}

void
ask_policy_test(const struct ask_call *call, const void *parameters)
{
    const struct op_test *asked = parameters;
    bool goes_on = asked->run[0] && strcmp(asked->run, "new") != 0;
    if (asked->policy && asked->policy[0] && goes_on) {
        ask_problem(call, 422, "a run keeps the policy that it began with", "policy",
                    "leave it out, or begin again with run 'new'");
    } else if (asked->policy && asked->policy[0]) {
        test_draft(call, asked);
    } else {
        test_with(call, asked, engine_policy(controller_engine(call->controller)));
    }
}
