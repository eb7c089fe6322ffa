/* Incidents, their detections, and the packets that prove them. */
#include "controller/ask/ask_call.h"
#include "controller/ask/payload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define INCIDENTS_READ_MAX 5000

struct listing {
    const struct ask_call *call;
    const struct op_incident_list *asked;
    struct ask_page page;
};

static void
on_incident(void *context, const struct incident *incident)
{
    struct listing *listing = context;
    const struct op_incident_list *asked = listing->asked;
    char mac[MAC_TEXT_SIZE];
    char ip[IP_TEXT_SIZE];
    char server[IP_TEXT_SIZE];
    mac_format(&incident->mac, mac);
    ip_format(&incident->ip, ip);
    ip_format(&incident->server, server);
    const char *const texts[] = {
        incident->id,          incident->endpoint_id,        mac, ip, server, incident->summary,
        incident->server_name, phase_names[incident->phase], NULL};
    bool is_asked = (asked->closed || incident->is_open) &&
                    (!asked->endpoint[0] || strcmp(asked->endpoint, incident->endpoint_id) == 0) &&
                    ask_matches(asked->page.q, texts);
    if (is_asked && ask_page_takes(&listing->page)) {
        ask_page_add(&listing->page, ask_view_incident(listing->call->controller, incident));
    }
}

void
ask_incident_list(const struct ask_call *call, const void *parameters)
{
    const struct op_incident_list *asked = parameters;
    struct listing listing = {.call = call, .asked = asked};
    ask_page_begin(&listing.page, &asked->page);
    int error = 0;
    if (asked->closed) {
        error = store_read_incidents(controller_store(call->controller), INCIDENTS_READ_MAX,
                                     on_incident, &listing);
    } else {
        for (size_t i = controller_incident_count(call->controller); i > 0; i--) {
            on_incident(&listing, controller_incident_at(call->controller, i - 1));
        }
    }
    if (error != 0) {
        cJSON_Delete(listing.page.items);
        ask_problem(call, 500, "the store could not be read", NULL, "look into the log");
        return;
    }
    ask_page_answer(call, &listing.page);
}

static void
answer_incident(const struct ask_call *call, const struct incident *incident)
{
    struct view_incident *view = MEM_NEW(struct view_incident);
    ask_fill_incident(call->controller, incident, view);
    view->detections =
        ask_read_detections(call, incident->id, VIEW_DETECTIONS_MAX, &view->detection_count);
    size_t count = controller_containment_count(call->controller);
    for (size_t i = count; i > 0 && view->containment_count < COUNT_OF(view->containments); i--) {
        const struct containment *each = controller_containment_at(call->controller, i - 1);
        if (strcmp(each->incident_id, incident->id) == 0) {
            memcpy(view->containments[view->containment_count++], each->id, ID_SIZE);
        }
    }
    ask_answer_shape(call, 200, &view_incident_detail_shape, view);
    free(view->detections);
    free(view);
}

struct search {
    const char *id;
    struct incident found;
    bool is_found;
};

static void
on_searched(void *context, const struct incident *incident)
{
    struct search *search = context;
    if (!search->is_found && strcmp(search->id, incident->id) == 0) {
        search->found = *incident;
        search->is_found = true;
    }
}

void
ask_incident_show(const struct ask_call *call, const void *parameters)
{
    const struct op_id *asked = parameters;
    const struct incident *incident = controller_incident(call->controller, asked->id);
    struct search search = {.id = asked->id};
    if (!incident && store_read_incidents(controller_store(call->controller), INCIDENTS_READ_MAX,
                                          on_searched, &search) == 0) {
        incident = search.is_found ? &search.found : NULL;
    }
    if (incident) {
        answer_incident(call, incident);
    } else {
        ask_problem(call, 404, "no incident has this id", "id", "'cordonctl incidents' lists them");
    }
}

static void
answer_evidence(const struct ask_call *call, const char *id)
{
    struct evidence evidence = {0};
    int error = strlen(id) < NAME_SIZE
                    ? store_read_evidence(controller_store(call->controller), id, &evidence)
                    : -ENOENT;
    if (error == -ENOENT) {
        ask_problem(call, 404, "no packets are kept for this detection", "id",
                    "packets are bounded: the oldest are dropped first");
    } else if (error != 0) {
        ask_problem(call, 500, "the store could not be read", NULL, "look into the log");
    } else {
        ask_answer_bytes(call, evidence.pcap, evidence.size);
    }
    free(evidence.pcap);
}

struct evidence_reading {
    struct ask_call call;
    char id[HOST_SIZE];
};

static void
on_reading_recorded(void *context, enum wish_result result, const char *why,
                    const struct containment *containment)
{
    struct evidence_reading *reading = context;
    (void)containment;
    if (result == WISH_DONE) {
        answer_evidence(&reading->call, reading->id);
    } else {
        ask_problem(&reading->call, 503, why, NULL, "nothing was read; try again");
    }
    free(reading);
}

/* In the audit before the first byte goes out. */
void
ask_evidence_show(const struct ask_call *call, const void *parameters)
{
    const struct op_evidence *asked = parameters;
    if (!payload_may_read(call)) {
        ask_problem(call, 403, "reading packets needs the right to read payload", NULL,
                    "an administrator gives it: 'cordonctl payload-readers allow'");
        return;
    }
    char detail[TEXT_SIZE + 32];
    struct evidence_reading *reading = MEM_NEW(struct evidence_reading);
    reading->call = *call;
    memcpy(reading->id, asked->id, sizeof(reading->id));
    snprintf(detail, sizeof(detail), "packets%s%s", asked->reason[0] ? ": " : "", asked->reason);
    controller_record(call->controller, call->account, "payload.read", asked->id, detail,
                      on_reading_recorded, reading);
}
