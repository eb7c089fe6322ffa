/* Model -> API objects (wire/view_*.h), with what belongs beside them: names, locations. */
#include "controller/ask/ask_call.h"
#include "controller/ask/payload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

bool
ask_is_ended(enum containment_state state)
{
    return state == CONTAINMENT_RELEASED || state == CONTAINMENT_EXPIRED ||
           state == CONTAINMENT_CHECKED || state == CONTAINMENT_REVERTED;
}

const struct containment *
ask_containment_on(const struct controller *controller, const char *endpoint_id)
{
    return controller_containment_on(controller, endpoint_id);
}

/* A shallow copy with its present addresses; 'room' has ENDPOINT_BINDINGS_MAX items. */
static void
fill_endpoint(struct controller *controller, const struct endpoint *endpoint, struct ip *room,
              bool shows_people, struct view_endpoint *view)
{
    *view = (struct view_endpoint){.model = *endpoint, .addresses = room};
    view->macs = view->model.macs;
    view->mac_count = endpoint->mac_count;
    for (size_t i = 0; i < endpoint->binding_count; i++) {
        bool is_known =
            endpoint->bindings[i].until_us != 0 || view->address_count == ENDPOINT_BINDINGS_MAX;
        for (size_t j = 0; j < view->address_count && !is_known; j++) {
            is_known = ip_is_equal(&room[j], &endpoint->bindings[i].ip);
        }
        if (!is_known) {
            room[view->address_count++] = endpoint->bindings[i].ip;
        }
    }
    ask_fill_annotation(endpoint->annotation, &view->annotation);
    if (!shows_people) {
        view->annotation.owner_email[0] = '\0';
    }
    if (endpoint->location.class != LOCATION_NONE) {
        view->location = &view->model.location;
    }
    if (policy_has_sites(engine_policy(controller_engine(controller)))) {
        snprintf(view->site, sizeof(view->site), "%s",
                 topology_site_of_endpoint(controller_topology(controller), endpoint));
    }
    const struct containment *on = ask_containment_on(controller, endpoint->id);
    if (on) {
        snprintf(view->containment_id, sizeof(view->containment_id), "%s", on->id);
        snprintf(view->containment_state, sizeof(view->containment_state), "%s",
                 containment_state_names[on->state]);
    }
    for (size_t i = 0; i < controller_protection_count(controller); i++) {
        struct protection_view protection;
        if (controller_protection_at(controller, i, &protection) &&
            protection.state != PROTECTION_PROPOSED &&
            strcmp(protection.endpoint_id, endpoint->id) == 0) {
            view->is_protected = true;
            snprintf(view->protected_why, sizeof(view->protected_why), "%s", protection.why);
        }
    }
    if (!view->is_protected) {
        view->is_protected = controller_is_protected(controller, endpoint, view->protected_why);
    }
}

cJSON *
ask_view_endpoint(struct controller *controller, const struct endpoint *endpoint, bool shows_people)
{
    struct ip addresses[ENDPOINT_BINDINGS_MAX];
    struct view_endpoint view;
    fill_endpoint(controller, endpoint, addresses, shows_people, &view);
    return codec_encode(&view_endpoint_shape, &view);
}

cJSON *
ask_view_endpoint_detail(struct controller *controller, const struct endpoint *endpoint,
                         bool shows_people)
{
    struct ip addresses[ENDPOINT_BINDINGS_MAX];
    struct endpoint_event events[ENDPOINT_EVENTS_MAX];
    struct view_endpoint view;
    fill_endpoint(controller, endpoint, addresses, shows_people, &view);
    view.events = events;
    view.event_count = topology_history(endpoint, events);
    size_t count = controller_containment_count(controller);
    for (size_t i = count; i > 0 && view.containment_count < COUNT_OF(view.containments); i--) {
        const struct containment *each = controller_containment_at(controller, i - 1);
        if (strcmp(each->endpoint_id, endpoint->id) == 0) {
            memcpy(view.containments[view.containment_count++], each->id, ID_SIZE);
        }
    }
    return codec_encode(&view_endpoint_detail_shape, &view);
}

cJSON *
ask_view_link(const struct link *link)
{
    return codec_encode(&view_link_shape, link);
}

cJSON *
ask_view_source(const struct wire_source *source)
{
    return codec_encode(&view_source_shape, source);
}

static const char *
host_name_of(struct controller *controller, const char *endpoint_id)
{
    const struct endpoint *endpoint =
        endpoint_id[0] ? topology_by_id(controller_topology(controller), endpoint_id) : NULL;
    return endpoint ? endpoint_name(endpoint) : "";
}

void
ask_fill_containment(struct controller *controller, const struct containment *containment,
                     struct view_containment *view)
{
    *view = (struct view_containment){.model = *containment};
    const struct endpoint *endpoint =
        containment->endpoint_id[0]
            ? topology_by_id(controller_topology(controller), containment->endpoint_id)
            : NULL;
    if (endpoint) {
        snprintf(view->host_name, sizeof(view->host_name), "%s", endpoint_name(endpoint));
        if (endpoint->location.class != LOCATION_NONE) {
            view->location = (struct location *)&endpoint->location; /* only read */
        }
    }
}

cJSON *
ask_view_containment(struct controller *controller, const struct containment *containment)
{
    struct view_containment *view = MEM_NEW(struct view_containment);
    ask_fill_containment(controller, containment, view);
    cJSON *json = codec_encode(&view_containment_shape, view);
    free(view);
    return json;
}

void
ask_fill_incident(struct controller *controller, const struct incident *incident,
                  struct view_incident *view)
{
    *view = (struct view_incident){.model = *incident};
    snprintf(view->host_name, sizeof(view->host_name), "%s",
             host_name_of(controller, incident->endpoint_id));
}

cJSON *
ask_view_incident(struct controller *controller, const struct incident *incident)
{
    struct view_incident view;
    ask_fill_incident(controller, incident, &view);
    return codec_encode(&view_incident_shape, &view);
}

void
ask_fill_switch(const struct switch_view *from, struct view_switch *view)
{
    *view = (struct view_switch){.device = from->device,
                                 .desired_generation = from->desired_generation,
                                 .observed_generation = from->observed_generation,
                                 .seen_us = from->seen_us,
                                 .read_back_us = from->read_back_us,
                                 .rule_count = from->rule_count,
                                 .missing_count = from->missing_count};
    snprintf(view->site, sizeof(view->site), "%s", from->site ? from->site : "");
    bool is_behind = from->missing_count > 0 ||
                     from->desired_generation != from->observed_generation || !from->is_settled;
    snprintf(view->state, sizeof(view->state), "%s",
             !from->device.is_connected ? "disconnected"
             : is_behind                ? "unverified"
                                        : "good");
    snprintf(view->problem, sizeof(view->problem), "%s",
             from->problem[0] ? from->problem : from->device.problem);
}

cJSON *
ask_view_switch(struct controller *controller, const struct switch_view *from)
{
    struct view_switch view;
    (void)controller;
    ask_fill_switch(from, &view);
    return codec_encode(&view_switch_shape, &view);
}

struct reading {
    struct detection *detections;
    size_t count, room;
};

static void
on_detection(void *context, const struct detection *detection)
{
    struct reading *reading = context;
    if (reading->count < reading->room) {
        reading->detections[reading->count++] = *detection;
    }
}

struct detection *
ask_read_detections(const struct ask_call *call, const char *incident_id, size_t room,
                    size_t *count)
{
    struct reading reading = {.detections = mem_new(room, sizeof(struct detection)), .room = room};
    if (incident_id[0] && store_read_detections(controller_store(call->controller), incident_id,
                                                room, on_detection, &reading) != 0) {
        reading.count = 0;
    }
    payload_pass(call, incident_id, reading.detections, reading.count);
    *count = reading.count;
    return reading.detections;
}
