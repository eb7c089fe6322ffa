/* Containments, server blocks and pending decisions: what is shown of them. */
#include "controller/ask/ask_call.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Endpoints that one question can mean by a name or place; one that means more says little. */
#define NAMED_MAX 5000

static bool
containment_matches(struct controller *controller, const struct containment *each, const char *q)
{
    char mac[MAC_TEXT_SIZE];
    char ip[IP_TEXT_SIZE];
    char server[PREFIX_TEXT_SIZE];
    if (q[0] == '\0') {
        return true; /* ten thousand of them, for each page */
    }
    const struct endpoint *endpoint =
        each->endpoint_id[0] ? topology_by_id(controller_topology(controller), each->endpoint_id)
                             : NULL;
    mac_format(&each->subject_mac, mac);
    ip_format(&each->subject_ip, ip);
    prefix_format(&each->server, server);
    const char *const texts[] = {each->id,
                                 each->endpoint_id,
                                 mac,
                                 ip,
                                 server,
                                 text_or_empty(each->server_name),
                                 text_or_empty(each->reason),
                                 each->policy,
                                 each->case_number,
                                 text_or_empty(each->external_id),
                                 endpoint ? endpoint_name(endpoint) : "",
                                 endpoint ? endpoint->location.switch_name : "",
                                 endpoint ? endpoint->location.port : "",
                                 NULL};
    return ask_matches(q, texts);
}

/* Whom 'q' may mean by a host name or a place, which topology knows and the store does not. */
static size_t
endpoints_named(struct controller *controller, const char *q, const char **ids)
{
    const struct topology *topology = controller_topology(controller);
    size_t count = 0;
    size_t known = q[0] != '\0' ? topology_endpoint_count(topology) : 0;
    for (size_t i = 0; i < known && count < NAMED_MAX; i++) {
        const struct endpoint *each = topology_endpoint_at(topology, i);
        const char *const texts[] = {endpoint_name(each), each->location.switch_name,
                                     each->location.port, NULL};
        if (ask_matches(q, texts)) {
            ids[count++] = each->id;
        }
    }
    return count;
}

struct listing {
    const struct ask_call *call;
    const struct op_containment_list *asked;
    bool only_servers;
    struct ask_page page;
    uint64_t serial; /* of the live one that comes */
};

/* Cursors of a list of containments: below this the serial of a live one in this run, above it the
 * number of one that ended.  Both name the last row given, whatever begins or ends meanwhile. */
#define CURSOR_ENDED ASK_CURSOR_LASTING

static void
on_containment(void *context, const struct containment *each)
{
    struct listing *listing = context;
    const struct op_containment_list *asked = listing->asked;
    bool is_asked = (!listing->only_servers || each->action == ACTION_BLOCK_SERVER) &&
                    (asked->state == 0 || (int)each->state == asked->state - 1) &&
                    (asked->action == 0 || (int)each->action == asked->action) &&
                    (!asked->endpoint[0] || strcmp(asked->endpoint, each->endpoint_id) == 0) &&
                    containment_matches(listing->call->controller, each, asked->page.q);
    if (is_asked && listing->page.cursor >= CURSOR_ENDED) {
        listing->page.seen++; /* given on an earlier page */
    } else if (is_asked && ask_page_takes_key(&listing->page, listing->serial, true)) {
        ask_page_add(&listing->page, ask_view_containment(listing->call->controller, each));
    }
}

static void
on_ended(void *context, const struct containment *each, uint64_t number)
{
    struct listing *listing = context;
    struct ask_page *page = &listing->page;
    if (page->taken < page->limit && page->bytes < ASK_PAGE_BYTES) {
        page->next = CURSOR_ENDED + number;
        ask_page_add(page, ask_view_containment(listing->call->controller, each));
    }
}

/* The page's part of those that ended: they come after the live ones, which it has counted. */
static int
list_ended(struct listing *listing)
{
    const struct op_containment_list *asked = listing->asked;
    struct controller *controller = listing->call->controller;
    struct ask_page *page = &listing->page;
    const char **ids = mem_new(NAMED_MAX, sizeof(*ids));
    uint64_t total = 0;
    uint64_t live = page->seen;
    uint64_t before = 0;
    size_t taken = page->taken;
    const struct store_question question = {
        .state = asked->state ? containment_state_names[asked->state - 1] : NULL,
        .action = listing->only_servers ? action_names[ACTION_BLOCK_SERVER]
                  : asked->action       ? action_names[asked->action]
                                        : NULL,
        .endpoint_id = asked->endpoint,
        .text = asked->page.q,
        .endpoint_ids = ids,
        .endpoint_count = endpoints_named(controller, asked->page.q, ids),
        .after = page->cursor > CURSOR_ENDED ? page->cursor - CURSOR_ENDED : 0,
        .limit = page->is_full ? 0 : page->limit - page->taken,
    };
    int error = store_search_ended(controller_store(controller), &question, &total, &before,
                                   on_ended, listing);
    free(ids);
    page->seen = live + total;
    page->is_full = page->is_full || total > before + page->taken - taken;
    return error;
}

/* Live ones first, newest first; then, where asked, those that ended. */
static void
list_containments(const struct ask_call *call, const struct op_containment_list *asked,
                  bool only_servers)
{
    struct listing listing = {.call = call, .asked = asked, .only_servers = only_servers};
    bool wants_ended = asked->ended || (asked->state != 0 &&
                                        ask_is_ended((enum containment_state)(asked->state - 1)));
    int error = 0;
    if (!ask_page_begin_run(call, &listing.page, &asked->page)) {
        return;
    }
    for (size_t i = controller_containment_count(call->controller); i > 0; i--) {
        const struct containment *each = controller_containment_at(call->controller, i - 1);
        if (!ask_is_ended(each->state)) {
            listing.serial = controller_containment_serial(call->controller, i - 1);
            on_containment(&listing, each);
        }
    }
    if (wants_ended && (!only_servers || !asked->action || asked->action == ACTION_BLOCK_SERVER)) {
        error = list_ended(&listing);
    }
    if (error != 0) {
        cJSON_Delete(listing.page.items);
        ask_problem(call, 500, "the store could not be read", NULL, "look into the log");
        return;
    }
    ask_page_answer(call, &listing.page);
}

void
ask_containment_list(const struct ask_call *call, const void *parameters)
{
    list_containments(call, parameters, false);
}

void
ask_server_list(const struct ask_call *call, const void *parameters)
{
    list_containments(call, parameters, true);
}

static void
fill_timeline(const struct containment *from, struct view_step *steps)
{
    for (size_t i = 0; i < from->mark_count; i++) {
        steps[i].mark = from->marks[i];
        steps[i].since_start_us = from->marks[i].at_us - from->marks[0].at_us;
        steps[i].step_us = i > 0 ? from->marks[i].at_us - from->marks[i - 1].at_us : 0;
    }
}

static size_t
fill_reports(struct controller *controller, const char *id, struct view_switch_report *reports)
{
    struct switch_report *found = mem_new(VIEW_REPORTS_MAX, sizeof(struct switch_report));
    size_t count = controller_reports(controller, id, found, VIEW_REPORTS_MAX);
    for (size_t i = 0; i < count; i++) {
        memcpy(reports[i].switch_name, found[i].switch_name, NAME_SIZE);
        memcpy(reports[i].why, found[i].why, TEXT_SIZE);
        reports[i].state = found[i].state;
        reports[i].hits = found[i].hits;
    }
    free(found);
    return count;
}

/* One more line of what the endpoint can still reach; what does not fit is said by the last. */
static void __attribute__((format(printf, 2, 3)))
add_reach(struct view_containment *view, const char *format, ...)
{
    va_list arguments;
    size_t room = COUNT_OF(view->residual_reach);
    if (view->residual_count == room) {
        snprintf(view->residual_reach[room - 1], TEXT_SIZE, "... and more: see the permit set");
        return;
    }
    va_start(arguments, format);
    vsnprintf(view->residual_reach[view->residual_count++], TEXT_SIZE, format, arguments);
    va_end(arguments);
}

static void
add_permit(struct view_containment *view, const struct permit *permit)
{
    char server[PREFIX_TEXT_SIZE];
    char ports[32] = "";
    const char *protocol = permit->protocol == 6    ? "TCP"
                           : permit->protocol == 17 ? "UDP"
                           : permit->protocol == 1  ? "ICMP"
                           : permit->protocol == 58 ? "ICMPv6"
                                                    : "any protocol";
    prefix_format(&permit->server, server);
    if (permit->port_low != 0 && permit->port_high > permit->port_low) {
        snprintf(ports, sizeof(ports), " %u-%u", permit->port_low, permit->port_high);
    } else if (permit->port_low != 0) {
        snprintf(ports, sizeof(ports), " %u", permit->port_low);
    }
    add_reach(view, "%s %s%s (permitted)", permit->name[0] ? permit->name : server, protocol,
              ports);
}

static void
add_permits(struct controller *controller, struct view_containment *view)
{
    const struct permit_set *sets = NULL;
    size_t count = policy_permit_sets(engine_policy(controller_engine(controller)), &sets);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(sets[i].name, view->model.permit_set) != 0) {
            continue;
        }
        for (size_t j = 0; j < sets[i].permit_count; j++) {
            add_permit(view, &sets[i].permits[j]);
        }
        if (sets[i].allows_dhcp) {
            add_reach(view, "DHCP, as broadcast or to known servers");
        }
        if (sets[i].forwards_dns) {
            add_reach(view, "DNS queries for permitted names");
        }
        return;
    }
    add_reach(view, "permit set '%s' is not in the running policy: nothing is permitted",
              view->model.permit_set);
}

/* Machines on the same port are joined by something that is not ours (a hub, a phone, a host's
 * virtual switch): what passes there never reaches the edge. */
static void
add_neighbours(struct controller *controller, struct view_containment *view)
{
    struct mac macs[16];
    char text[MAC_TEXT_SIZE];
    const struct location *location = view->location;
    size_t count = topology_macs_on_port(controller_topology(controller), location->switch_name,
                                         location->port, macs, COUNT_OF(macs));
    const struct endpoint *endpoint =
        topology_by_id(controller_topology(controller), view->model.endpoint_id);
    for (size_t i = 0; i < count; i++) {
        bool is_own = false;
        for (size_t j = 0; endpoint && j < endpoint->mac_count; j++) {
            is_own |= mac_is_equal(&macs[i], &endpoint->macs[j]);
        }
        if (!is_own) {
            mac_format(&macs[i], text);
            add_reach(view,
                      "%s on the same port %s/%s: what they exchange may never reach the "
                      "switch",
                      text, location->switch_name, location->port);
        }
    }
}

/* A MAC is blocked wherever it is: its clone at another site is cut off with it. */
static void
add_clones(struct controller *controller, struct view_containment *view)
{
    const struct topology *topology = controller_topology(controller);
    const struct endpoint *endpoint = topology_by_id(topology, view->model.endpoint_id);
    const char *site = endpoint ? topology_site_of_endpoint(topology, endpoint) : "";
    for (size_t i = 0; endpoint && i < endpoint->mac_count; i++) {
        const char *on = topology_seen_elsewhere(topology, &endpoint->macs[i], site);
        char text[MAC_TEXT_SIZE];
        if (on) {
            mac_format(&endpoint->macs[i], text);
            add_reach(view,
                      "%s is seen on %s of another site, too: whoever has it there is cut off "
                      "with it",
                      text, on);
        }
    }
}

static void
fill_reach(struct controller *controller, struct view_containment *view)
{
    enum containment_state state = view->model.state;
    if (view->model.action != ACTION_ISOLATE || ask_is_ended(state)) {
        return;
    }
    if (controller_is_suspended(controller)) {
        add_reach(view, "everything: all enforcement is suspended");
    } else if (state == CONTAINMENT_PENDING) {
        add_reach(view, "everything: a person has not decided yet");
    } else if (state == CONTAINMENT_WAITING) {
        add_reach(view, "not known: the endpoint is on no port of ours; switches that hold every "
                        "block hold this one already");
    } else if (state != CONTAINMENT_APPLIED && state != CONTAINMENT_VERIFIED) {
        add_reach(view, "perhaps everything: it is %s, not applied",
                  containment_state_names[state]);
    }
    if (view->model.permit_set[0]) {
        add_permits(controller, view);
    }
    if (view->location) {
        add_neighbours(controller, view);
    }
    add_clones(controller, view);
}

static void
answer_containment(const struct ask_call *call, const struct containment *from)
{
    struct view_containment *view = MEM_NEW(struct view_containment);
    struct view_step *steps = mem_new(MARKS_MAX, sizeof(struct view_step));
    struct view_switch_report *reports =
        mem_new(VIEW_REPORTS_MAX, sizeof(struct view_switch_report));
    struct view_incident incident;
    const struct incident *about =
        from->incident_id[0] ? controller_incident(call->controller, from->incident_id) : NULL;
    ask_fill_containment(call->controller, from, view);
    fill_timeline(from, steps);
    view->timeline = steps;
    view->step_count = from->mark_count;
    view->reports = reports;
    view->report_count = fill_reports(call->controller, from->id, reports);
    fill_reach(call->controller, view);
    if (about) {
        ask_fill_incident(call->controller, about, &incident);
        view->incident = &incident;
    }
    ask_answer_shape(call, 200, &view_containment_detail_shape, view);
    free(reports);
    free(steps);
    free(view);
}

struct search {
    const struct ask_call *call;
    const char *id;
    bool only_server;
    bool is_answered;
};

static bool
is_searched(const struct search *search, const struct containment *each)
{
    return (strcmp(search->id, each->id) == 0 || strcmp(search->id, each->case_number) == 0) &&
           (!search->only_server || each->action == ACTION_BLOCK_SERVER);
}

static void
on_searched(void *context, const struct containment *each)
{
    struct search *search = context;
    if (!search->is_answered && is_searched(search, each)) {
        answer_containment(search->call, each);
        search->is_answered = true;
    }
}

static void
show_containment(const struct ask_call *call, const char *id, bool only_server)
{
    struct search search = {.call = call, .id = id, .only_server = only_server};
    for (size_t i = controller_containment_count(call->controller); i > 0; i--) {
        on_searched(&search, controller_containment_at(call->controller, i - 1));
    }
    struct containment ended;
    if (!search.is_answered &&
        store_find_ended(controller_store(call->controller), id,
                         only_server ? action_names[ACTION_BLOCK_SERVER] : NULL, &ended)) {
        answer_containment(call, &ended);
        containment_fini(&ended);
    } else if (!search.is_answered) {
        ask_problem(call, 404,
                    only_server ? "no server block has this id"
                                : "no containment has this id or case number",
                    "id", "'cordonctl containments --ended' lists them");
    }
}

void
ask_containment_show(const struct ask_call *call, const void *parameters)
{
    show_containment(call, ((const struct op_id *)parameters)->id, false);
}

void
ask_server_show(const struct ask_call *call, const void *parameters)
{
    show_containment(call, ((const struct op_id *)parameters)->id, true);
}

static cJSON *
view_pending(const struct ask_call *call, const struct containment *from)
{
    struct controller *controller = call->controller;
    struct view_containment *containment = MEM_NEW(struct view_containment);
    struct view_incident incident;
    struct view_pending view = {.containment = containment};
    const struct incident *about =
        from->incident_id[0] ? controller_incident(controller, from->incident_id) : NULL;
    ask_fill_containment(controller, from, containment);
    if (about) {
        ask_fill_incident(controller, about, &incident);
        view.incident = &incident;
    }
    view.detections = ask_read_detections(call, from->incident_id, VIEW_PENDING_DETECTIONS,
                                          &view.detection_count);
    struct escalation_view told;
    struct view_escalation escalation;
    if (controller_escalation(controller, from->id, &told)) {
        escalation = (struct view_escalation){.taken = told.taken,
                                              .steps = told.steps,
                                              .told_us = told.told_us,
                                              .next_us = told.next_us};
        memcpy(escalation.told, told.told, sizeof(escalation.told));
        memcpy(escalation.next, told.next, sizeof(escalation.next));
        view.escalation = &escalation;
    }
    cJSON *json = codec_encode(&view_pending_shape, &view);
    free(view.detections);
    free(containment);
    return json;
}

void
ask_pending_list(const struct ask_call *call, const void *parameters)
{
    const struct op_page *asked = parameters;
    struct ask_page page;
    if (!ask_page_begin_run(call, &page, asked)) {
        return;
    }
    for (size_t i = controller_containment_count(call->controller); i > 0; i--) {
        const struct containment *each = controller_containment_at(call->controller, i - 1);
        if (each->state == CONTAINMENT_PENDING &&
            containment_matches(call->controller, each, asked->q) &&
            ask_page_takes_key(&page, controller_containment_serial(call->controller, i - 1),
                               true)) {
            ask_page_add(&page, view_pending(call, each));
        }
    }
    ask_page_answer(call, &page);
}
