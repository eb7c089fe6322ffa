/* Who was released lately, and is looked at more closely for a while; and what a server is, before
 * somebody blocks it for everybody. */
#include "controller/ask/ask_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

#define WATCHED_MAX 500 /* releases looked at: the newest */
#define READ_AT_ONCE 50 /* of them: they come newest first, and most days there are few */
#define CHAINS 1024
/* Shown for so long, also where the policy watches for less. */
#define SHOWN_US (INT64_C(86400) * 1000000)

/* ---- the watch list ---- */

struct watching {
    const struct ask_call *call;
    struct ask_page page;
    const char *q;
    int64_t now_us, since_us, watch_us;
    char (*seen)[ID_SIZE]; /* an endpoint is listed once: by its last release */
    size_t seen_count;
    size_t read;     /* releases, in this part */
    uint64_t number; /* of the last one */
    bool is_over;    /* that one is older than what is shown */
    /* Newer incidents by the endpoint's hash: index + 1 of the newest, and of the one before each.
     */
    size_t first[CHAINS];
    size_t *before;
};

static void
chains_make(struct watching *watching)
{
    const struct controller *controller = watching->call->controller;
    size_t count = controller_incident_count(controller);
    watching->before = mem_new(count + 1, sizeof(*watching->before));
    for (size_t i = 0; i < count; i++) {
        const struct incident *each = controller_incident_at(controller, i);
        if (each->last_us > watching->since_us && each->endpoint_id[0] != '\0') {
            size_t *first = &watching->first[hash_text(each->endpoint_id) % CHAINS];
            watching->before[i] = *first;
            *first = i + 1;
        }
    }
}

static bool
is_new(struct watching *watching, const char *endpoint_id)
{
    for (size_t i = 0; i < watching->seen_count; i++) {
        if (strcmp(watching->seen[i], endpoint_id) == 0) {
            return false;
        }
    }
    snprintf(watching->seen[watching->seen_count++], ID_SIZE, "%s", endpoint_id);
    return true;
}

/* Incidents of that endpoint with something newer than its release. */
static void
fill_incidents(const struct watching *watching, const struct containment *released,
               struct view_watch *view)
{
    struct controller *controller = watching->call->controller;
    size_t i = watching->first[hash_text(released->endpoint_id) % CHAINS];
    for (; i > 0; i = watching->before[i - 1]) {
        const struct incident *each = controller_incident_at(controller, i - 1);
        if (strcmp(each->endpoint_id, released->endpoint_id) == 0 &&
            each->last_us > released->ended_us) {
            view->again++;
            if (view->incident_count < VIEW_WATCH_INCIDENTS) {
                ask_fill_incident(controller, each, &view->incidents[view->incident_count++]);
            }
        }
    }
}

static void
on_released(void *context, const struct containment *each, uint64_t number)
{
    struct watching *watching = context;
    struct controller *controller = watching->call->controller;
    struct view_containment containment = {.host_name = ""};
    struct view_incident incidents[VIEW_WATCH_INCIDENTS];
    struct view_watch view = {.containment = &containment, .incidents = incidents};
    watching->read++;
    watching->number = number;
    watching->is_over = watching->is_over || each->ended_us < watching->since_us;
    if (each->ended_us < watching->since_us || each->endpoint_id[0] == '\0' ||
        each->action == ACTION_MIRROR || !is_new(watching, each->endpoint_id)) {
        return;
    }
    ask_fill_containment(controller, each, &containment);
    const char *const texts[] = {containment.host_name,
                                 each->endpoint_id,
                                 text_or_empty(each->ended_by),
                                 text_or_empty(each->end_reason),
                                 containment.location ? containment.location->switch_name : "",
                                 containment.location ? containment.location->port : "",
                                 NULL};
    if (!ask_matches(watching->q, texts) || !ask_page_takes(&watching->page)) {
        return;
    }
    const struct containment *now = ask_containment_on(controller, each->endpoint_id);
    if (each->ended_us + watching->watch_us > watching->now_us) {
        view.until_us = each->ended_us + watching->watch_us;
    }
    fill_incidents(watching, each, &view);
    snprintf(view.contained_by, sizeof(view.contained_by), "%s", now ? now->id : "");
    ask_page_add(&watching->page, codec_encode(&view_watch_shape, &view));
}

void
ask_watch_list(const struct ask_call *call, const void *parameters)
{
    const struct op_page *asked = parameters;
    struct store_question question = {.state = containment_state_names[CONTAINMENT_RELEASED],
                                      .limit = READ_AT_ONCE};
    uint64_t total = 0, before = 0;
    int64_t now_us = clock_wall_us(controller_clock(call->controller));
    int64_t watch_us = now_us - engine_watch_since(controller_engine(call->controller));
    struct watching watching = {.call = call,
                                .q = asked->q,
                                .now_us = now_us,
                                .since_us = now_us - (watch_us > SHOWN_US ? watch_us : SHOWN_US),
                                .watch_us = watch_us,
                                .seen = mem_new(WATCHED_MAX, ID_SIZE)};
    ask_page_begin(&watching.page, asked);
    int error = 0;
    chains_make(&watching);
    for (size_t looked = 0; !error && !watching.is_over && looked < WATCHED_MAX;
         looked += READ_AT_ONCE) {
        watching.read = 0;
        error = store_search_ended(controller_store(call->controller), &question, &total, &before,
                                   on_released, &watching);
        question.after = watching.number;
        watching.is_over = watching.is_over || watching.read < READ_AT_ONCE;
    }
    free(watching.before);
    free(watching.seen);
    if (error) {
        cJSON_Delete(watching.page.items);
        ask_problem(call, 500, "the store could not be read", NULL, "look into the log");
        return;
    }
    ask_page_answer(call, &watching.page);
}

/* ---- a server, before it is blocked ---- */

static bool
is_about(const struct op_assess *asked, const struct incident *incident)
{
    return asked->server_name[0]
               ? strcasecmp(asked->server_name, incident->server_name) == 0
               : !ip_is_none(&incident->server) && prefix_has(&asked->server, &incident->server);
}

static bool
is_same_party(const struct view_talker *talker, const struct incident *incident)
{
    return incident->endpoint_id[0] ? strcmp(talker->endpoint_id, incident->endpoint_id) == 0
                                    : ip_is_equal(&talker->ip, &incident->ip);
}

/* What an incident's detections say of the server: it is named after the last one only. */
#define ASSESS_READ 2000     /* detections that one answer reads */
#define ASSESS_READ_EACH 200 /* of one incident, the newest */
struct assessing {
    const struct op_assess *asked;
    const struct incident *incident;
    int64_t since_us, last_us;
    uint64_t found;
    size_t read, read_here;
};

static bool
is_end_about(const struct assessing *assessing, const struct peer *end)
{
    return !ip_is_none(&end->ip) && !ip_is_equal(&end->ip, &assessing->incident->ip) &&
           prefix_has(&assessing->asked->server, &end->ip);
}

static void
on_assessed(void *context, const struct detection *detection)
{
    struct assessing *assessing = context;
    const char *name = assessing->asked->server_name;
    bool is_it = name[0] ? strcasecmp(name, detection->server_name) == 0
                         : is_end_about(assessing, &detection->src) ||
                               is_end_about(assessing, &detection->dst);
    assessing->read++;
    assessing->read_here++;
    if (is_it && detection->seen_us >= assessing->since_us) {
        assessing->found++;
        assessing->last_us =
            detection->seen_us > assessing->last_us ? detection->seen_us : assessing->last_us;
    }
}

/* False: not every detection of it could be looked at. */
static bool
incident_assess(struct controller *controller, struct assessing *assessing,
                const struct incident *incident)
{
    assessing->incident = incident;
    assessing->found = assessing->read_here = 0;
    assessing->last_us = 0;
    bool is_whole = incident->detection_count < 2; /* what it is named after is all of it */
    if (!is_whole && assessing->read < ASSESS_READ) {
        is_whole = store_read_detections(controller_store(controller), incident->id,
                                         ASSESS_READ_EACH, on_assessed, assessing) == 0 &&
                   assessing->read_here < ASSESS_READ_EACH;
    }
    if (assessing->found == 0 && is_about(assessing->asked, incident)) {
        assessing->found = 1;
        assessing->last_us = incident->last_us;
    }
    return is_whole || assessing->found > 0;
}

static void
talker_add(struct controller *controller, const struct assessing *assessing,
           struct view_assessment *view)
{
    const struct incident *incident = assessing->incident;
    struct view_talker *talker = NULL;
    for (size_t i = 0; i < view->talker_count && !talker; i++) {
        talker = is_same_party(&view->talkers[i], incident) ? &view->talkers[i] : NULL;
    }
    if (!talker && view->talker_count == VIEW_TALKERS_MAX) {
        view->more++;
        return;
    }
    if (!talker) {
        const struct endpoint *endpoint =
            topology_by_id(controller_topology(controller), incident->endpoint_id);
        talker = &view->talkers[view->talker_count++];
        *talker = (struct view_talker){.mac = incident->mac, .ip = incident->ip};
        snprintf(talker->endpoint_id, ID_SIZE, "%s", incident->endpoint_id);
        snprintf(talker->host_name, HOST_SIZE, "%s", endpoint ? endpoint_name(endpoint) : "");
    }
    talker->detections += assessing->found;
    talker->last_us = assessing->last_us > talker->last_us ? assessing->last_us : talker->last_us;
}

void
ask_server_assess(const struct ask_call *call, const void *parameters)
{
    const struct op_assess *asked = parameters;
    const int64_t week_us = INT64_C(7) * 86400 * 1000000;
    int64_t since_us = clock_wall_us(controller_clock(call->controller)) - week_us;
    struct view_assessment view = {.talkers = mem_new(VIEW_TALKERS_MAX, sizeof(struct view_talker)),
                                   .since_us = since_us};
    struct assessing assessing = {.asked = asked, .since_us = since_us};
    for (size_t i = controller_incident_count(call->controller); i > 0; i--) {
        const struct incident *each = controller_incident_at(call->controller, i - 1);
        if (each->last_us < since_us) {
            continue;
        }
        view.more += !incident_assess(call->controller, &assessing, each);
        if (assessing.found > 0) {
            talker_add(call->controller, &assessing, &view);
        }
    }
    view.is_never_blocked = engine_never_blocks(controller_engine(call->controller), &asked->server,
                                                asked->server_name, view.why);
    ask_answer_shape(call, 200, &view_assessment_shape, &view);
    free(view.talkers);
}
