/* The roll-out: which mode holds where, and how many endpoints that is.  Every endpoint is looked
 * at, so they are counted in slices (jobs.h), and the answer comes at the end. */
#include "controller/ask/ask_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/rollout.h"
#include "wire/view_rollout.h"

#define STEP_ENDPOINTS 8

struct counting {
    struct ask_call call;
    struct policy *policy; /* as it was at the beginning */
    int64_t now_us;
    size_t next;
    bool is_answered;
    struct view_rollout view; /* its lists are owned */
};

static void
fill_window(const struct policy_window *from, struct view_window *view)
{
    snprintf(view->name, sizeof(view->name), "%s", from->name);
    view->mode = from->mode;
    view->when = *from->when;
    for (size_t i = 0; i < from->day_count; i++) {
        memcpy(view->days[view->day_count++], from->days[i], NAME_SIZE);
    }
    snprintf(view->from, sizeof(view->from), "%s", from->from);
    snprintf(view->to, sizeof(view->to), "%s", from->to);
    snprintf(view->time_zone, sizeof(view->time_zone), "%s", from->time_zone);
    view->is_in_force = from->is_in_force;
    view->change_us = from->change_us;
}

void
ask_window_list(const struct ask_call *call, const void *parameters)
{
    const struct op_page *asked = parameters;
    const struct policy *policy = engine_policy(controller_engine(call->controller));
    int64_t now_us = clock_wall_us(controller_clock(call->controller));
    struct view_window *view = MEM_NEW(struct view_window);
    struct policy_window window;
    struct ask_page page;
    ask_page_begin(&page, asked);
    for (size_t i = 0; policy_window_at(policy, i, now_us, &window); i++) {
        const char *const texts[] = {window.name, mode_names[window.mode], NULL};
        if (ask_matches(asked->q, texts) && ask_page_takes(&page)) {
            memset(view, 0, sizeof(*view));
            fill_window(&window, view);
            ask_page_add(&page, codec_encode(&view_window_shape, view));
        }
    }
    free(view);
    ask_page_answer(call, &page);
}

static void
fill_sites(struct view_rollout *view, const struct policy *policy)
{
    const char *name;
    const char(*switches)[NAME_SIZE];
    size_t count;
    view->sites = mem_new(VIEW_SITES_MAX, sizeof(*view->sites));
    view->places = mem_new(VIEW_SITES_MAX + 1, sizeof(*view->places));
    for (size_t i = 0; policy_site_at(policy, i, &name, &switches, &count); i++) {
        struct view_site *site = &view->sites[view->site_count++];
        snprintf(site->name, sizeof(site->name), "%s", name);
        snprintf(view->places[i].name, NAME_SIZE, "%s", name);
        for (size_t k = 0; k < count; k++) {
            memcpy(site->switches[site->switch_count++], switches[k], NAME_SIZE);
        }
    }
    view->place_count = view->site_count + 1; /* those in none come last */
}

static void
fill_rules(struct view_rollout *view, const struct policy *policy, int64_t now_us)
{
    const char *name;
    const struct whom *when;
    enum mode mode;
    struct policy_window window;
    size_t count = 0;
    while (policy_rollout_at(policy, count, &name, &mode, &when)) {
        count++;
    }
    view->rules = mem_new(count + 1, sizeof(*view->rules));
    for (; policy_rollout_at(policy, view->rule_count, &name, &mode, &when); view->rule_count++) {
        struct view_rule *rule = &view->rules[view->rule_count];
        snprintf(rule->name, sizeof(rule->name), "%s", name);
        rule->mode = mode;
        rule->when = *when;
    }
    for (count = 0; policy_window_at(policy, count, now_us, &window); count++) {
    }
    view->windows = mem_new(count + 1, sizeof(*view->windows));
    while (policy_window_at(policy, view->window_count, now_us, &window)) {
        fill_window(&window, &view->windows[view->window_count++]);
    }
}

static void
fill_networks(struct view_rollout *view, const struct policy *policy)
{
    const char *name;
    enum mode mode;
    view->networks = mem_new(VIEW_NETWORKS_MAX, sizeof(*view->networks));
    while (policy_network_at(policy, view->network_count, &name, &mode)) {
        struct view_modes *network = &view->networks[view->network_count++];
        snprintf(network->name, sizeof(network->name), "%s", name);
        network->mode = mode;
    }
    view->networks[view->network_count++].mode = view->default_mode; /* those in none */
    view->class_count = ENDPOINT_CLASS_COUNT;
    view->classes = mem_new(ENDPOINT_CLASS_COUNT, sizeof(*view->classes));
    for (size_t i = 0; i < ENDPOINT_CLASS_COUNT; i++) {
        snprintf(view->classes[i].name, NAME_SIZE, "%s", endpoint_class_names[i]);
    }
}

static void
count_mode(struct view_modes *modes, enum mode mode)
{
    modes->observe += mode == MODE_OBSERVE ? 1 : 0;
    modes->approve += mode == MODE_APPROVE ? 1 : 0;
    modes->automatic += mode == MODE_AUTO ? 1 : 0;
}

static void
count_endpoint(struct counting *counting, const struct endpoint *endpoint)
{
    struct view_rollout *view = &counting->view;
    struct standing standing;
    policy_standing(counting->policy, endpoint, counting->now_us, &standing);
    size_t network = standing.network >= 0 ? (size_t)standing.network : view->network_count - 1;
    size_t place = standing.site >= 0 ? (size_t)standing.site : view->place_count - 1;
    view->endpoints++;
    view->doubtful += standing.ruled.is_doubt ? 1 : 0;
    count_mode(&view->networks[network], standing.ruled.mode);
    count_mode(&view->places[place], standing.ruled.mode);
    count_mode(&view->classes[standing.class], standing.ruled.mode);
    if (standing.ruled.rule >= 0) {
        view->rules[standing.ruled.rule].endpoints++;
    }
    for (size_t i = 0; i < view->window_count; i++) {
        view->windows[i].endpoints += standing.windows >> i & 1;
    }
}

static enum job_step
counting_step(void *context, struct job *job)
{
    struct counting *counting = context;
    struct topology *topology = controller_topology(counting->call.controller);
    for (size_t i = 0; i < STEP_ENDPOINTS; i++) {
        const struct endpoint *endpoint = topology_endpoint_at(topology, counting->next);
        if (!endpoint) {
            return JOB_IS_DONE;
        }
        counting->next++;
        count_endpoint(counting, endpoint);
    }
    job->done = counting->next;
    return JOB_GOES_ON;
}

static void
counting_over(void *context, const struct job *job)
{
    struct counting *counting = context;
    (void)job;
    counting->is_answered = true;
    ask_answer_shape(&counting->call, 200, &view_rollout_shape, &counting->view);
}

static void
counting_free(void *context)
{
    struct counting *counting = context;
    struct view_rollout *view = &counting->view;
    if (!counting->is_answered) { /* core ends */
        ask_problem(&counting->call, 503, "core is ending", NULL, "ask again in a moment");
    }
    policy_unref(counting->policy);
    free(view->sites);
    free(view->rules);
    free(view->windows);
    free(view->networks);
    free(view->classes);
    free(view->places);
    free(counting);
}

void
ask_rollout_show(const struct ask_call *call, const void *parameters)
{
    struct counting *counting = MEM_NEW(struct counting);
    struct policy *policy = engine_policy(controller_engine(call->controller));
    char why[TEXT_SIZE];
    (void)parameters;
    counting->call = *call;
    counting->policy = policy_ref(policy);
    counting->now_us = clock_wall_us(controller_clock(call->controller));
    counting->view.at_us = counting->now_us;
    counting->view.default_mode = policy_default_mode(policy);
    fill_sites(&counting->view, policy);
    fill_rules(&counting->view, policy, counting->now_us);
    fill_networks(&counting->view, policy);
    const struct job_work work = {.step = counting_step,
                                  .over = counting_over,
                                  .free = counting_free,
                                  .context = counting,
                                  .is_hidden = true};
    if (!jobs_start(call->asks->jobs, "policy.rollout", call->account, "", &work, why)) {
        ask_problem(call, 429, why, NULL, "ask again in a moment");
        counting->is_answered = true;
        counting_free(counting);
    }
}
