/* The endpoints as a CSV file, page by page: those that were seen in the order of their first
 * appearance, then those that people described and nobody has seen yet, by MAC.  What is imported
 * again from it changes nothing (ask_annotations.c). */
#include "controller/ask/ask_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/csv.h"
#include "base/mem.h"

#define LOOK_AT_ONCE 2000 /* endpoints that one answer looks at */
#define ROW_ROOM (16 * 1024)

/* The first six are read by an import, the others are for people.  A viewer's file has no column of
 * addresses: one that were empty would take them away when somebody imports it. */
#define ADDRESSES "owner_email,"
static const char header_begin[] = "mac,class,tags,note,owner,";
static const char header_end[] = "host_name,ip,other_macs,switch,port,vlan,first_seen,last_seen,"
                                 "containment,endpoint_id\r\n";

struct page {
    const struct ask_call *call;
    const struct op_export *asked;
    char *text; /* owned */
    size_t used, room;
    size_t limit, rows;
    char next[NAME_SIZE]; /* cursor: 'e' or 'm' and the last one's id or MAC */
};

static void
page_cell(struct page *page, const char *text)
{
    size_t needed = CSV_CELL_ROOM(strlen(text)) + 2;
    if (page->used + needed > page->room) {
        page->room = 2 * page->room + needed;
        page->text = mem_resize(page->text, page->room, 1);
    }
    page->used += csv_cell(text, page->text + page->used);
    page->text[page->used++] = ',';
}

static void
page_row_end(struct page *page)
{
    page->text[page->used - 1] = '\r'; /* the last comma */
    page->text[page->used++] = '\n';   /* has room: two bytes more than the cell's */
    page->rows++;
}

static void
page_annotation(struct page *page, const struct mac *mac, const struct annotation *annotation)
{
    static const struct annotation nothing;
    char text[ANNOTATION_TAGS_MAX * TAG_SIZE];
    const struct annotation *said = annotation ? annotation : &nothing;
    size_t used = 0;
    mac_format(mac, text);
    page_cell(page, text);
    page_cell(page, said->class == CLASS_UNKNOWN ? "" : endpoint_class_names[said->class]);
    text[0] = '\0';
    for (size_t i = 0; i < said->tag_count; i++) {
        used +=
            (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? ";" : "", said->tags[i]);
    }
    page_cell(page, text);
    page_cell(page, said->note);
    page_cell(page, said->owner);
    if (ask_sees_people(page->call)) {
        page_cell(page, said->owner_email);
    }
}

static void
page_time(struct page *page, int64_t at_us)
{
    char text[TIME_TEXT_SIZE] = "";
    if (at_us != 0) {
        time_format(at_us, text);
    }
    page_cell(page, text);
}

static void
page_addresses(struct page *page, const struct endpoint *endpoint)
{
    char text[ENDPOINT_BINDINGS_MAX * (IP_TEXT_SIZE + 1)] = "";
    size_t used = 0;
    for (size_t i = 0; i < endpoint->binding_count && i < ENDPOINT_BINDINGS_MAX; i++) {
        char ip[IP_TEXT_SIZE];
        if (endpoint->bindings[i].until_us == 0) {
            ip_format(&endpoint->bindings[i].ip, ip);
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used ? ";" : "", ip);
        }
    }
    page_cell(page, text);
    used = 0;
    text[0] = '\0';
    for (size_t i = 1; i < endpoint->mac_count; i++) {
        char mac[MAC_TEXT_SIZE];
        mac_format(&endpoint->macs[i], mac);
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used ? ";" : "", mac);
    }
    page_cell(page, text);
}

static void
page_endpoint(struct page *page, struct controller *controller, const struct endpoint *endpoint)
{
    char vlan[8] = "";
    const struct location *location = &endpoint->location;
    const struct containment *on = ask_containment_on(controller, endpoint->id);
    page_annotation(page, &endpoint->macs[0], endpoint->annotation);
    page_cell(page, endpoint_name(endpoint));
    page_addresses(page, endpoint);
    page_cell(page, location->switch_name);
    page_cell(page, location->port);
    if (location->vlan != 0) {
        snprintf(vlan, sizeof(vlan), "%u", location->vlan);
    }
    page_cell(page, vlan);
    page_time(page, endpoint->first_us);
    page_time(page, endpoint->seen_us);
    page_cell(page, on ? containment_state_names[on->state] : "");
    page_cell(page, endpoint->id);
    page_row_end(page);
}

static bool
page_is_full(const struct page *page)
{
    return page->rows == page->limit || page->used > ASK_PAGE_BYTES / 2;
}

/* True: all of them are through. */
static bool
export_endpoints(struct page *page, struct controller *controller)
{
    struct topology *topology = controller_topology(controller);
    const char *after = page->asked->cursor[0] == 'e' ? page->asked->cursor + 1 : NULL;
    size_t index = after ? topology_index_after(topology, after) : 0;
    for (size_t looked = 0; looked < LOOK_AT_ONCE && !page_is_full(page); looked++, index++) {
        const struct endpoint *endpoint = topology_endpoint_at(topology, index);
        if (!endpoint) {
            return true;
        }
        snprintf(page->next, sizeof(page->next), "e%s", endpoint->id);
        if (endpoint->mac_count > 0 && ask_endpoint_matches(page->call, endpoint, page->asked->q)) {
            page_endpoint(page, controller, endpoint);
        }
    }
    return false;
}

static bool
export_to_come(struct page *page, struct controller *controller)
{
    struct topology *topology = controller_topology(controller);
    struct mac mac;
    bool has_after = page->asked->cursor[0] == 'm' && mac_parse(page->asked->cursor + 1, &mac);
    const struct mac *after = has_after ? &mac : NULL;
    for (size_t looked = 0; looked < LOOK_AT_ONCE && !page_is_full(page); looked++) {
        const struct annotation *each = topology_annotation_after(topology, after, &mac);
        if (!each) {
            return true;
        }
        after = &mac;
        page->next[0] = 'm';
        mac_format(&mac, page->next + 1);
        if (!topology_by_mac(topology, &mac) &&
            ask_annotation_matches(page->call, each, &mac, page->asked->q)) {
            page_annotation(page, &mac, each);
            for (size_t i = 0; i < 10; i++) { /* nothing is known of it */
                page_cell(page, "");
            }
            page_row_end(page);
        }
    }
    return false;
}

void
ask_endpoint_export(const struct ask_call *call, const void *parameters)
{
    const struct op_export *asked = parameters;
    struct page page = {.call = call,
                        .asked = asked,
                        .limit = asked->limit ? asked->limit : OP_LIMIT_MAX,
                        .room = ROW_ROOM};
    if (asked->cursor[0] != '\0' && asked->cursor[0] != 'e' && asked->cursor[0] != 'm') {
        ask_problem(call, 422, "not a cursor of this list", "cursor",
                    "leave it out to begin, or give the X-Cordon-Next of the answer before");
        return;
    }
    page.text = mem_new(page.room, 1);
    if (asked->cursor[0] == '\0') {
        page.used =
            (size_t)snprintf(page.text, page.room, "%s%s%s%s", asked->has_bom ? CSV_BOM : "",
                             header_begin, ask_sees_people(call) ? ADDRESSES : "", header_end);
    }
    bool is_end = (asked->cursor[0] == 'm' || export_endpoints(&page, call->controller)) &&
                  export_to_come(&page, call->controller);
    page.text[page.used] = '\0'; /* page_cell leaves room for it */
    cJSON *body = cJSON_CreateObject();
    char total[24];
    snprintf(total, sizeof(total), "%zu",
             topology_endpoint_count(controller_topology(call->controller)));
    cJSON_AddStringToObject(body, "csv", page.text);
    cJSON_AddStringToObject(body, "total", total);
    if (!is_end) {
        cJSON_AddStringToObject(body, "next", page.next);
    }
    free(page.text);
    ask_answer_json(call, 200, body);
}
