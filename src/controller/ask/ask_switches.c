/* Switches, mirrors, sensors and sources. */
#include "controller/ask/ask_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* A sensor reports every ten seconds. */
#define SENSOR_SILENT_US (30 * INT64_C(1000000))

void
ask_switch_list(const struct ask_call *call, const void *parameters)
{
    const struct op_page *asked = parameters;
    struct ask_page page;
    ask_page_begin(&page, asked);
    for (size_t i = 0; i < controller_switch_count(call->controller); i++) {
        struct switch_view each;
        if (!controller_switch_at(call->controller, i, &each)) {
            continue;
        }
        const char *const texts[] = {each.device.switch_name, each.device.driver, each.problem,
                                     NULL};
        if (ask_matches(asked->q, texts) && ask_page_takes(&page)) {
            ask_page_add(&page, ask_view_switch(call->controller, &each));
        }
    }
    ask_page_answer(call, &page);
}

static size_t
read_ports(struct controller *controller, const char *name, struct view_port *ports)
{
    struct topology_port *found = mem_new(VIEW_PORTS_MAX, sizeof(struct topology_port));
    size_t count = topology_ports(controller_topology(controller), name, found, VIEW_PORTS_MAX);
    for (size_t i = 0; i < count; i++) {
        memcpy(ports[i].name, found[i].name, sizeof(ports[i].name));
        ports[i].number = found[i].number;
        ports[i].role = found[i].role;
        ports[i].is_up = found[i].is_up;
        ports[i].mac_count = found[i].mac_count;
    }
    free(found);
    return count;
}

static void
answer_switch(const struct ask_call *call, const struct switch_view *from)
{
    struct view_switch *view = MEM_NEW(struct view_switch);
    struct view_port *ports = mem_new(VIEW_PORTS_MAX, sizeof(struct view_port));
    ask_fill_switch(from, view);
    view->ports = ports;
    view->port_count = read_ports(call->controller, from->device.switch_name, ports);
    if (from->stats) {
        view->counters = from->stats->counters;
        view->counter_count = from->stats->counter_count;
        view->problem_count = from->stats->problem_count;
        view->stats_us = from->stats->at_us;
        for (size_t i = 0; i < view->problem_count; i++) {
            memcpy(view->problems[i], from->stats->problems[i], sizeof(view->problems[i]));
        }
    }
    ask_answer_shape(call, 200, &view_switch_detail_shape, view);
    free(ports);
    free(view);
}

void
ask_switch_show(const struct ask_call *call, const void *parameters)
{
    const struct op_id *asked = parameters;
    for (size_t i = 0; i < controller_switch_count(call->controller); i++) {
        struct switch_view each;
        if (controller_switch_at(call->controller, i, &each) &&
            strcmp(each.device.switch_name, asked->id) == 0) {
            answer_switch(call, &each);
            return;
        }
    }
    ask_problem(call, 404, "no switch has this name", "id", "'cordonctl switches' lists them");
}

/* Adds up what the sensors see of this session; a session without a switch counts from any. */
static void
add_arrivals(struct controller *controller, const struct ip *source, struct view_mirror *view)
{
    for (size_t i = 0; i < controller_sensor_count(controller); i++) {
        struct sensor_view sensor;
        if (!controller_sensor_at(controller, i, &sensor) || !sensor.stats) {
            continue;
        }
        for (size_t j = 0; j < sensor.stats->mirror_count; j++) {
            const struct wire_mirror_seen *seen = &sensor.stats->mirrors[j];
            if (seen->session != view->model.session ||
                (!ip_is_none(source) && !ip_is_none(&seen->switch_ip) &&
                 !ip_is_equal(source, &seen->switch_ip))) {
                continue;
            }
            view->packets += seen->packets;
            view->bytes += seen->bytes;
            view->lost += seen->lost;
            view->flows += seen->flows;
            view->forward_only += seen->forward_only;
            view->last_us = seen->last_us > view->last_us ? seen->last_us : view->last_us;
        }
    }
}

static struct ip
mirror_source_of(struct controller *controller, const char *switch_name)
{
    for (size_t i = 0; i < controller_switch_count(controller); i++) {
        struct switch_view each;
        if (controller_switch_at(controller, i, &each) &&
            strcmp(each.device.switch_name, switch_name) == 0) {
            return each.device.mirror_source;
        }
    }
    return (struct ip){0};
}

static cJSON *
view_mirror(struct controller *controller, const struct mirror_view *from)
{
    struct view_mirror *view = MEM_NEW(struct view_mirror);
    view->model = *from->mirror;
    memcpy(view->switch_name, from->switch_name, sizeof(view->switch_name));
    if (from->asked_by) {
        memcpy(view->containment_id, from->asked_by->id, sizeof(view->containment_id));
        memcpy(view->endpoint_id, from->asked_by->endpoint_id, sizeof(view->endpoint_id));
        memcpy(view->requested_by, from->asked_by->requested_by, sizeof(view->requested_by));
        snprintf(view->reason, sizeof(view->reason), "%s", text_or_empty(from->asked_by->reason));
        view->expires_us = from->asked_by->expires_us;
    }
    view->copied = from->copied;
    if (view->model.carrier == CARRIER_ERSPAN) {
        struct ip source = mirror_source_of(controller, from->switch_name);
        add_arrivals(controller, &source, view);
    }
    cJSON *json = codec_encode(&view_mirror_shape, view);
    free(view);
    return json;
}

void
ask_mirror_list(const struct ask_call *call, const void *parameters)
{
    const struct op_page *asked = parameters;
    struct ask_page page;
    ask_page_begin(&page, asked);
    for (size_t i = 0; i < controller_mirror_count(call->controller); i++) {
        struct mirror_view each;
        if (!controller_mirror_at(call->controller, i, &each)) {
            continue;
        }
        const char *const texts[] = {each.switch_name, mirror_kind_names[each.mirror->kind],
                                     each.asked_by ? text_or_empty(each.asked_by->reason) : "",
                                     NULL};
        if (ask_matches(asked->q, texts) && ask_page_takes(&page)) {
            ask_page_add(&page, view_mirror(call->controller, &each));
        }
    }
    ask_page_answer(call, &page);
}

static cJSON *
view_sensor(struct controller *controller, const struct sensor_view *from)
{
    int64_t age_us = clock_wall_us(controller_clock(controller)) - from->seen_us;
    struct view_sensor view = {.seen_us = from->seen_us, .skew_us = from->skew_us};
    memcpy(view.name, from->name, sizeof(view.name));
    memcpy(view.version, from->version, sizeof(view.version));
    snprintf(view.state, sizeof(view.state), "%s", age_us > SENSOR_SILENT_US ? "silent" : "good");
    if (from->stats) {
        view.stats = *from->stats;
    }
    return codec_encode(&view_sensor_shape, &view);
}

void
ask_sensor_list(const struct ask_call *call, const void *parameters)
{
    const struct op_page *asked = parameters;
    struct ask_page page;
    ask_page_begin(&page, asked);
    for (size_t i = 0; i < controller_sensor_count(call->controller); i++) {
        struct sensor_view each;
        if (!controller_sensor_at(call->controller, i, &each)) {
            continue;
        }
        const char *const texts[] = {each.name, each.version, NULL};
        if (ask_matches(asked->q, texts) && ask_page_takes(&page)) {
            ask_page_add(&page, view_sensor(call->controller, &each));
        }
    }
    ask_page_answer(call, &page);
}

void
ask_source_list(const struct ask_call *call, const void *parameters)
{
    const struct op_page *asked = parameters;
    struct ask_page page;
    ask_page_begin(&page, asked);
    for (size_t i = 0; i < controller_source_count(call->controller); i++) {
        const struct wire_source *source = controller_source_at(call->controller, i);
        const char *const texts[] = {source ? source->name : "", source ? source->kind : "", NULL};
        if (source && ask_matches(asked->q, texts) && ask_page_takes(&page)) {
            ask_page_add(&page, ask_view_source(source));
        }
    }
    ask_page_answer(call, &page);
}
