/* Endpoints, links, and who is protected. */
#include "controller/ask/ask_call.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "wire/view_budget.h"

#define SEARCH_TEXTS (ENDPOINT_MACS_MAX + ENDPOINT_BINDINGS_MAX + ANNOTATION_TAGS_MAX + 10)

bool
ask_sees_people(const struct ask_call *call)
{
    return call->role != ACCOUNT_VIEWER;
}

size_t
ask_annotation_texts(const struct ask_call *call, const struct annotation *annotation,
                     const char **texts)
{
    size_t count = 0;
    for (size_t i = 0; i < annotation->tag_count; i++) {
        texts[count++] = annotation->tags[i];
    }
    texts[count++] = annotation->note;
    texts[count++] = annotation->owner;
    if (ask_sees_people(call)) {
        texts[count++] = annotation->owner_email;
    }
    if (annotation->class != CLASS_UNKNOWN) {
        texts[count++] = endpoint_class_names[annotation->class];
    }
    return count;
}

/* Any part of an id, MAC, present address, name, switch, port, class, tag, note or owner. */
bool
ask_endpoint_matches(const struct ask_call *call, const struct endpoint *endpoint, const char *q)
{
    char room[ENDPOINT_MACS_MAX + ENDPOINT_BINDINGS_MAX][IP_TEXT_SIZE];
    const char *texts[SEARCH_TEXTS];
    size_t count = 0;
    if (q[0] == '\0') {
        return true;
    }
    const struct ask_shape shape = ask_shape_of(q);
    for (size_t i = 0; shape.mac && i < endpoint->mac_count; i++, count++) {
        mac_format(&endpoint->macs[i], room[count]);
        texts[count] = room[count];
    }
    for (size_t i = 0; i < endpoint->binding_count && i < ENDPOINT_BINDINGS_MAX; i++) {
        const struct ip *ip = &endpoint->bindings[i].ip;
        if (endpoint->bindings[i].until_us == 0 && (ip_is_v4(ip) ? shape.ip4 : shape.ip6)) {
            ip_format(&endpoint->bindings[i].ip, room[count]);
            texts[count] = room[count];
            count++;
        }
    }
    char place[2 * NAME_SIZE + 1];
    texts[count++] = endpoint->id;
    texts[count++] = endpoint_name(endpoint);
    if (strchr(q, '/')) {
        snprintf(place, sizeof(place), "%s/%s", endpoint->location.switch_name,
                 endpoint->location.port);
        texts[count++] = place;
    } else {
        texts[count++] = endpoint->location.switch_name;
        texts[count++] = endpoint->location.port;
    }
    if (endpoint->annotation) {
        count += ask_annotation_texts(call, endpoint->annotation, texts + count);
    }
    texts[count] = NULL;
    return ask_matches(q, texts);
}

/* The first whose serial is above that: they rise along the list. */
static size_t
index_behind(const struct topology *topology, uint64_t serial)
{
    size_t low = 0, high = topology_endpoint_count(topology);
    while (serial > 0 && low < high) {
        size_t middle = low + (high - low) / 2;
        const struct endpoint *endpoint = topology_endpoint_at(topology, middle);
        if (endpoint && topology_endpoint_serial(endpoint) <= serial) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Nothing is looked for: only the page's own rows are touched, of a hundred thousand. */
static void
list_all(const struct ask_call *call, struct ask_page *page)
{
    struct topology *topology = controller_topology(call->controller);
    size_t count = topology_endpoint_count(topology);
    for (size_t i = index_behind(topology, page->cursor); i < count && !page->is_full; i++) {
        const struct endpoint *endpoint = topology_endpoint_at(topology, i);
        if (ask_page_takes_key(page, topology_endpoint_serial(endpoint), false)) {
            ask_page_add(page,
                         ask_view_endpoint(call->controller, endpoint, ask_sees_people(call)));
        }
    }
    page->seen = count;
}

void
ask_endpoint_list(const struct ask_call *call, const void *parameters)
{
    const struct op_page *asked = parameters;
    struct topology *topology = controller_topology(call->controller);
    struct ask_page page;
    if (!ask_page_begin_run(call, &page, asked)) {
        return;
    }
    if (asked->q[0] == '\0') {
        list_all(call, &page);
        ask_page_answer(call, &page);
        return;
    }
    for (size_t i = 0; i < topology_endpoint_count(topology); i++) {
        const struct endpoint *endpoint = topology_endpoint_at(topology, i);
        if (endpoint && ask_endpoint_matches(call, endpoint, asked->q) &&
            ask_page_takes_key(&page, topology_endpoint_serial(endpoint), false)) {
            ask_page_add(&page,
                         ask_view_endpoint(call->controller, endpoint, ask_sees_people(call)));
        }
    }
    ask_page_answer(call, &page);
}

/* By host name, with or without its domain. */
static size_t
find_by_name(struct topology *topology, const char *name, const struct endpoint **found)
{
    size_t count = 0;
    size_t size = strlen(name);
    for (size_t i = 0; i < topology_endpoint_count(topology); i++) {
        const struct endpoint *endpoint = topology_endpoint_at(topology, i);
        if (endpoint && strncasecmp(endpoint_name(endpoint), name, size) == 0 &&
            (endpoint_name(endpoint)[size] == '\0' || endpoint_name(endpoint)[size] == '.')) {
            *found = endpoint;
            count++;
        }
    }
    return count;
}

/* "192.0.2.7", or "192.0.2.7@SITE" where several sites have it. */
static bool
address_parse(const char *name, struct ip *ip, const char **site)
{
    char address[IP_TEXT_SIZE];
    const char *at = strchr(name, '@');
    size_t size = at ? (size_t)(at - name) : strlen(name);
    if (size >= sizeof(address)) {
        return false;
    }
    memcpy(address, name, size);
    address[size] = '\0';
    *site = at ? at + 1 : "";
    return ip_parse(address, ip);
}

const struct endpoint *
ask_find_endpoint(const struct ask_call *call, const char *name)
{
    struct topology *topology = controller_topology(call->controller);
    const struct endpoint *endpoint = topology_by_id(topology, name);
    struct mac mac;
    struct ip ip;
    const char *site = "";
    size_t count = endpoint != NULL;
    if (!endpoint && mac_parse(name, &mac)) {
        endpoint = topology_by_mac(topology, &mac);
        count = endpoint != NULL;
    } else if (!endpoint && address_parse(name, &ip, &site)) {
        int64_t now_us = clock_wall_us(controller_clock(call->controller));
        struct held held;
        enum resolution how = topology_resolve(topology, site, &ip, now_us, &held);
        bool is_several = how == RESOLUTION_CONFLICT || how == RESOLUTION_SITES;
        endpoint = held.endpoint;
        count = is_several ? 2 : how == RESOLUTION_NONE || !endpoint ? 0 : 1;
    } else if (!endpoint) {
        count = find_by_name(topology, name, &endpoint);
    }
    if (count == 0) {
        ask_problem(call, 404, "no endpoint has this id, MAC, address or host name", "id",
                    "search with 'cordonctl endpoints PART'");
    } else if (count > 1) {
        ask_problem(call, 409, "several endpoints answer to this", "id",
                    "give the id or the MAC of one of them, or ADDRESS@SITE");
    }
    return count == 1 ? endpoint : NULL;
}

void
ask_endpoint_show(const struct ask_call *call, const void *parameters)
{
    const struct op_id *asked = parameters;
    const struct endpoint *endpoint = ask_find_endpoint(call, asked->id);
    if (endpoint) {
        ask_answer_json(
            call, 200, ask_view_endpoint_detail(call->controller, endpoint, ask_sees_people(call)));
    }
}

static void
fill_conflict(struct controller *controller, const struct conflict_view *from,
              struct view_conflict *view)
{
    const struct endpoint *endpoint =
        from->endpoint_id[0] ? topology_by_id(controller_topology(controller), from->endpoint_id)
                             : NULL;
    *view = (struct view_conflict){.mac = from->mac,
                                   .first_us = from->first_us,
                                   .last_us = from->last_us,
                                   .times = from->times};
    memcpy(view->endpoint_id, from->endpoint_id, sizeof(view->endpoint_id));
    memcpy(view->switch_name, from->switch_name, sizeof(view->switch_name));
    memcpy(view->port, from->port, sizeof(view->port));
    memcpy(view->why, from->why, sizeof(view->why));
    if (endpoint) {
        snprintf(view->host_name, sizeof(view->host_name), "%s", endpoint_name(endpoint));
        view->is_now = endpoint->location.class == LOCATION_CONFLICT;
        view->is_contained = controller_containment_on(controller, endpoint->id) != NULL;
    }
}

void
ask_conflict_list(const struct ask_call *call, const void *parameters)
{
    const struct op_page *asked = parameters;
    struct ask_page page;
    ask_page_begin(&page, asked);
    for (size_t i = 0; i < controller_conflict_count(call->controller); i++) {
        struct view_conflict view;
        char mac[MAC_TEXT_SIZE];
        fill_conflict(call->controller, controller_conflict_at(call->controller, i), &view);
        mac_format(&view.mac, mac);
        const char *const texts[] = {view.host_name, view.switch_name, view.port, mac,
                                     view.why,       view.endpoint_id, NULL};
        if (ask_matches(asked->q, texts) && ask_page_takes(&page)) {
            ask_page_add(&page, codec_encode(&view_conflict_shape, &view));
        }
    }
    ask_page_answer(call, &page);
}

void
ask_link_list(const struct ask_call *call, const void *parameters)
{
    const struct op_page *asked = parameters;
    struct topology *topology = controller_topology(call->controller);
    struct ask_page page;
    ask_page_begin(&page, asked);
    for (size_t i = 0; i < topology_link_count(topology); i++) {
        const struct link *link = topology_link_at(topology, i);
        if (!link) {
            continue;
        }
        const char *const texts[] = {link->a.switch_name, link->a.port, link->b.switch_name,
                                     link->b.port, NULL};
        if (ask_matches(asked->q, texts) && ask_page_takes(&page)) {
            ask_page_add(&page, ask_view_link(link));
        }
    }
    ask_page_answer(call, &page);
}

static cJSON *
view_protection(struct controller *controller, const struct protection_view *from)
{
    const struct endpoint *endpoint =
        from->endpoint_id[0] ? topology_by_id(controller_topology(controller), from->endpoint_id)
                             : NULL;
    struct view_protection view = {.state = (int)from->state,
                                   .mac = from->mac,
                                   .server = from->server,
                                   .since_us = from->since_us};
    memcpy(view.id, from->id, sizeof(view.id));
    memcpy(view.endpoint_id, from->endpoint_id, sizeof(view.endpoint_id));
    memcpy(view.why, from->why, sizeof(view.why));
    memcpy(view.account, from->account, sizeof(view.account));
    if (endpoint) {
        snprintf(view.host_name, sizeof(view.host_name), "%s", endpoint_name(endpoint));
    }
    return codec_encode(&view_protection_shape, &view);
}

void
ask_protection_list(const struct ask_call *call, const void *parameters)
{
    const struct op_page *asked = parameters;
    struct ask_page page;
    ask_page_begin(&page, asked);
    for (size_t i = 0; i < controller_protection_count(call->controller); i++) {
        struct protection_view each;
        char mac[MAC_TEXT_SIZE];
        char server[PREFIX_TEXT_SIZE];
        if (!controller_protection_at(call->controller, i, &each)) {
            continue;
        }
        mac_format(&each.mac, mac);
        prefix_format(&each.server, server);
        const char *const texts[] = {
            each.id, mac, server, each.why, view_protection_state_names[each.state], NULL};
        if (ask_matches(asked->q, texts) && ask_page_takes(&page)) {
            ask_page_add(&page, view_protection(call->controller, &each));
        }
    }
    ask_page_answer(call, &page);
}
