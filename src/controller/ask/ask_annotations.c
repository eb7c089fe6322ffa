/* What people say of machines: by endpoint, or by the MAC of one that was not seen yet.  Changes go
 * to the disk one after another, each made from what the one before has left. */
#include "controller/ask/ask_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/mem.h"

#define IMPORT_SLICE 50 /* rows that are judged, stored and told at once */

/* A machine, and what is to be said of it: kept for each of its MACs, so that it stays with each
 * should they part. */
struct said {
    char endpoint_id[ID_SIZE]; /* "": not seen yet */
    struct mac macs[ENDPOINT_MACS_MAX];
    size_t mac_count;
    struct annotation annotation;
};

/* One that is being stored, or waits for its turn. */
struct saying {
    struct ask_call call;
    void (*say)(struct saying *saying);
    struct op_annotate asked; /* of one machine */
    struct said said;
    struct op_import_row *rows; /* of many; owned, like what belongs to each row: */
    struct view_import_row *results;
    struct said *saids;
    size_t asked_rows, slice_begin, slice_end;
    size_t added; /* annotations of this slice that need room */
    unsigned columns;
    bool is_dry;
};

void
ask_fill_annotation(const struct annotation *annotation, struct annotation *shown)
{
    *shown = annotation ? *annotation : (struct annotation){.class = CLASS_UNKNOWN};
    shown->version++;
}

static cJSON *
view_annotation(const struct ask_call *call, const char *endpoint_id, const struct mac *macs,
                size_t mac_count, const struct annotation *annotation)
{
    struct view_annotation view = {.mac_count = mac_count};
    struct mac lent[ENDPOINT_MACS_MAX];
    memcpy(lent, macs, mac_count * sizeof(*macs));
    view.macs = lent;
    snprintf(view.endpoint_id, sizeof(view.endpoint_id), "%s", endpoint_id);
    ask_fill_annotation(annotation, &view.model);
    if (!ask_sees_people(call)) {
        view.model.owner_email[0] = '\0';
    }
    return codec_encode(&view_annotation_shape, &view);
}

/* For the audit: in words. */
static void
annotation_tell(const struct annotation *annotation, char text[2 * TEXT_SIZE])
{
    size_t used =
        (size_t)snprintf(text, 2 * TEXT_SIZE, "class %s", endpoint_class_names[annotation->class]);
    for (size_t i = 0; i < annotation->tag_count; i++) {
        used += (size_t)snprintf(text + used, 2 * TEXT_SIZE - used, "%s%s", i ? ", " : "; tags ",
                                 annotation->tags[i]);
    }
    const char *const parts[][2] = {{"; owner ", annotation->owner},
                                    {"; e-mail ", annotation->owner_email},
                                    {"; note ", annotation->note}};
    for (size_t i = 0; i < COUNT_OF(parts) && used < 2 * TEXT_SIZE; i++) {
        if (parts[i][1][0] != '\0') {
            used += (size_t)snprintf(text + used, 2 * TEXT_SIZE - used, "%s%s", parts[i][0],
                                     parts[i][1]);
        }
    }
}

static bool
is_nobodys(const struct mac *mac)
{
    return mac_is_none(mac) || mac_is_group(mac) || mac_is_virtual_router(mac);
}

static void
said_of(const struct endpoint *endpoint, struct said *said)
{
    memset(said, 0, sizeof(*said));
    memcpy(said->endpoint_id, endpoint->id, sizeof(said->endpoint_id));
    memcpy(said->macs, endpoint->macs, sizeof(said->macs));
    said->mac_count = endpoint->mac_count;
}

/* The machine with that MAC, seen or to come. */
static void
said_of_mac(const struct topology *topology, const struct mac *mac, struct said *said)
{
    const struct endpoint *endpoint = topology_by_mac(topology, mac);
    if (endpoint) {
        said_of(endpoint, said);
        return;
    }
    memset(said, 0, sizeof(*said));
    said->macs[0] = *mac;
    said->mac_count = 1;
}

/* The machine with that name, or that MAC as one to come.  False: answered already. */
static bool
said_find(const struct ask_call *call, const char *name, struct said *said)
{
    struct mac mac;
    struct topology *topology = controller_topology(call->controller);
    if (mac_parse(name, &mac) && !topology_by_mac(topology, &mac)) {
        if (is_nobodys(&mac)) {
            ask_problem(call, 422, "this MAC is no machine's own", "id",
                        "give the MAC of a network card");
            return false;
        }
        said_of_mac(topology, &mac, said);
        return true;
    }
    const struct endpoint *endpoint = ask_find_endpoint(call, name);
    if (endpoint) {
        said_of(endpoint, said);
    }
    return endpoint != NULL;
}

/* What is said of it now; NULL: nothing. */
/* A MAC that joined: to say the same again confirms it. */
static bool
has_inherited(const struct topology *topology, const struct said *said)
{
    for (size_t i = 0; i < said->mac_count; i++) {
        const struct annotation *each = topology_annotation(topology, &said->macs[i]);
        if (each && each->is_inherited) {
            return true;
        }
    }
    return false;
}

static const struct annotation *
said_now(const struct topology *topology, const struct said *said)
{
    const struct endpoint *endpoint = topology_by_id(topology, said->endpoint_id);
    return endpoint ? endpoint->annotation : topology_annotation(topology, &said->macs[0]);
}

/* How many more are kept with it. */
static size_t
said_adds(const struct topology *topology, const struct said *said)
{
    size_t adds = 0;
    for (size_t i = 0; i < said->mac_count; i++) {
        adds += topology_annotation(topology, &said->macs[i]) == NULL;
    }
    return adds;
}

static bool
has_room(const struct topology *topology, const struct said *said, size_t others)
{
    return topology_annotation_count(topology) + others + said_adds(topology, said) <=
           TOPOLOGY_ANNOTATIONS_MAX;
}

static void
said_put(const struct ask_call *call, struct said *said, struct store_change *change)
{
    const struct annotation *before = said_now(controller_topology(call->controller), said);
    char object[MAC_TEXT_SIZE];
    char detail[2 * TEXT_SIZE];
    said->annotation.version = before ? before->version + 1 : 1;
    said->annotation.is_inherited = false; /* now it is said */
    said->annotation.changed_us = clock_wall_us(controller_clock(call->controller));
    memcpy(said->annotation.changed_by, call->account, sizeof(said->annotation.changed_by));
    for (size_t i = 0; i < said->mac_count; i++) {
        store_put_annotation(change, &said->macs[i], &said->annotation);
    }
    mac_format(&said->macs[0], object);
    annotation_tell(&said->annotation, detail);
    store_put_audit(change, said->annotation.changed_us, call->account, "annotate",
                    said->endpoint_id[0] ? said->endpoint_id : object, detail);
}

/* It is on the disk: from now on it is so. */
static void
said_take(const struct ask_call *call, const struct said *said)
{
    struct topology *topology = controller_topology(call->controller);
    for (size_t i = 0; i < said->mac_count; i++) {
        if (!topology_annotate(topology, &said->macs[i], &said->annotation)) {
            log_error("core",
                      "no room for an annotation that is stored: it counts after a restart");
        }
    }
    const struct endpoint *endpoint = topology_by_mac(topology, &said->macs[0]);
    if (endpoint) {
        controller_publish(call->controller, "endpoint", endpoint);
    }
}

static void
on_said(void *context, int error)
{
    struct saying *saying = context;
    const struct ask_call *call = &saying->call;
    const struct said *said = &saying->said;
    call->asks->annotating--;
    if (error) {
        ask_problem(call, 503, "it could not be stored", NULL, "nothing was changed; try again");
    } else {
        said_take(call, said);
        ask_answer_json(call, 200,
                        view_annotation(call, said->endpoint_id, said->macs, said->mac_count,
                                        said_now(controller_topology(call->controller), said)));
    }
    free(saying);
}

static void
say_one(struct saying *saying)
{
    const struct ask_call *call = &saying->call;
    struct topology *topology = controller_topology(call->controller);
    struct said *said = &saying->said;
    if (!said_find(call, saying->asked.id, said)) {
        free(saying);
        return;
    }
    const struct annotation *now = said_now(topology, said);
    struct annotation shown;
    ask_fill_annotation(now, &shown);
    if (saying->asked.annotation.version != 0 &&
        saying->asked.annotation.version != shown.version) {
        ask_problem(call, 409, "somebody else has changed it since you read it", "version",
                    "read it again, and make your change from that");
    } else if (annotation_is_equal(&saying->asked.annotation, &shown) &&
               !has_inherited(topology, said)) {
        ask_answer_json(call, 200,
                        view_annotation(call, said->endpoint_id, said->macs, said->mac_count, now));
    } else if (!has_room(topology, said, 0)) {
        ask_problem(call, 409, "no more annotations can be kept", NULL,
                    "empty those of machines that are gone: 'cordonctl annotations --unseen'");
    } else {
        struct store_change *change = store_change_new();
        said->annotation = saying->asked.annotation;
        said_put(call, said, change);
        call->asks->annotating++;
        store_submit(controller_store(call->controller), change, on_said, saying);
        return;
    }
    free(saying);
}

static void
saying_free(struct saying *saying)
{
    free(saying->rows);
    free(saying->results);
    free(saying->saids);
    free(saying);
}

static void say_in_turn(struct saying *saying);

static void
on_turn(void *context, int error)
{
    struct saying *saying = context;
    if (error) {
        ask_problem(&saying->call, 503, "it could not be stored", NULL,
                    "nothing was changed; try again");
        saying_free(saying);
        return;
    }
    say_in_turn(saying);
}

/* Behind the change that is on its way, if any: store_submit keeps the order. */
static void
say_in_turn(struct saying *saying)
{
    if (saying->call.asks->annotating > 0) {
        store_submit(controller_store(saying->call.controller), store_change_new(), on_turn,
                     saying);
    } else {
        saying->say(saying);
    }
}

void
ask_endpoint_annotate(const struct ask_call *call, const void *parameters)
{
    struct saying *saying = MEM_NEW(struct saying);
    char why[128];
    saying->call = *call;
    saying->say = say_one;
    saying->asked = *(const struct op_annotate *)parameters;
    if (!annotation_tidy(&saying->asked.annotation, why)) {
        ask_problem(call, 422, why, NULL, "correct it");
        saying_free(saying);
        return;
    }
    say_in_turn(saying);
}

/* ---- import ---- */

enum { COLUMN_CLASS = 1, COLUMN_TAGS = 2, COLUMN_NOTE = 4, COLUMN_OWNER = 8, COLUMN_EMAIL = 16 };

static unsigned
columns_of(const struct op_import *asked)
{
    static const char *const names[] = {"class", "tags", "note", "owner", "owner_email"};
    unsigned columns = 0;
    for (size_t i = 0; i < asked->column_count; i++) {
        for (unsigned j = 0; j < COUNT_OF(names); j++) {
            columns |= strcmp(names[j], asked->columns[i]) == 0 ? 1u << j : 0;
        }
    }
    return columns;
}

static bool
take_class(const char *cell, struct annotation *annotation, char why[128])
{
    const char *wanted = cell[0] ? cell : endpoint_class_names[CLASS_UNKNOWN];
    for (int i = 0; i < ENDPOINT_CLASS_COUNT; i++) {
        if (strcasecmp(endpoint_class_names[i], wanted) == 0) {
            annotation->class = (enum endpoint_class)i;
            return true;
        }
    }
    size_t used = (size_t)snprintf(why, 128, "class is none of");
    for (int i = 0; i < ENDPOINT_CLASS_COUNT; i++) {
        used += (size_t)snprintf(why + used, 128 - used, "%s %s", i ? "," : "",
                                 endpoint_class_names[i]);
    }
    return false;
}

static bool
take_cell(const char *name, const char *cell, char *to, size_t room, char why[128])
{
    if (strlen(cell) >= room) {
        snprintf(why, 128, "%s is longer than %zu bytes", name, room - 1);
        return false;
    }
    memset(to, 0, room);
    memcpy(to, cell, strlen(cell));
    return true;
}

/* "a; b" */
static bool
take_tags(const char *cell, struct annotation *annotation, char why[128])
{
    memset(annotation->tags, 0, sizeof(annotation->tags));
    annotation->tag_count = 0;
    while (*cell) {
        char tag[IMPORT_CELL_SIZE];
        size_t size = strcspn(cell, ";");
        memcpy(tag, cell, size);
        tag[size] = '\0';
        cell += size + (cell[size] == ';');
        if (tag[strspn(tag, " ")] == '\0') {
            continue;
        }
        if (annotation->tag_count == ANNOTATION_TAGS_MAX) {
            snprintf(why, 128, "more than %d tags", ANNOTATION_TAGS_MAX);
            return false;
        }
        if (!take_cell("a tag", tag, annotation->tags[annotation->tag_count++], TAG_SIZE, why)) {
            return false;
        }
    }
    return true;
}

/* The row's words over what is said now. */
static bool
row_read(const struct op_import_row *row, unsigned columns, struct annotation *to, char why[128])
{
    return (!(columns & COLUMN_CLASS) || take_class(row->class, to, why)) &&
           (!(columns & COLUMN_TAGS) || take_tags(row->tags, to, why)) &&
           (!(columns & COLUMN_NOTE) ||
            take_cell("note", row->note, to->note, sizeof(to->note), why)) &&
           (!(columns & COLUMN_OWNER) ||
            take_cell("owner", row->owner, to->owner, sizeof(to->owner), why)) &&
           (!(columns & COLUMN_EMAIL) || take_cell("owner_email", row->owner_email, to->owner_email,
                                                   sizeof(to->owner_email), why)) &&
           annotation_tidy(to, why);
}

/* The line of an earlier row about the same machine; 0: none. */
static uint32_t
line_before(const struct saying *saying, size_t index, const struct said *said)
{
    for (size_t i = 0; i < index; i++) {
        const struct said *other = &saying->saids[i];
        if (other->mac_count > 0 &&
            (said->endpoint_id[0] ? strcmp(other->endpoint_id, said->endpoint_id) == 0
                                  : mac_is_equal(&other->macs[0], &said->macs[0]))) {
            return saying->rows[i].line;
        }
    }
    return 0;
}

/* What would become of the row; 'said' gets it where it is a change. */
static enum import_result
row_judge(struct saying *saying, size_t index, char why[128])
{
    const struct op_import_row *row = &saying->rows[index];
    struct topology *topology = controller_topology(saying->call.controller);
    struct said *said = &saying->saids[index];
    struct mac mac;
    if (!mac_parse(row->mac, &mac) || is_nobodys(&mac)) {
        snprintf(why, 128, "mac is no MAC address of a machine");
        return IMPORT_REFUSED;
    }
    struct said found;
    said_of_mac(topology, &mac, &found);
    uint32_t before = line_before(saying, index, &found);
    if (before != 0) {
        snprintf(why, 128, "the same machine as in line %u", before);
        return IMPORT_REFUSED;
    }
    *said = found;
    const struct annotation *now = said_now(topology, said);
    said->annotation = now ? *now : (struct annotation){.class = CLASS_UNKNOWN};
    if (!row_read(row, saying->columns, &said->annotation, why)) {
        return IMPORT_REFUSED;
    }
    const struct annotation nothing = {.class = CLASS_UNKNOWN};
    if (annotation_is_equal(&said->annotation, now ? now : &nothing)) {
        return IMPORT_UNCHANGED;
    }
    if (!has_room(topology, said, saying->added)) {
        snprintf(why, 128, "no more annotations can be kept");
        return IMPORT_REFUSED;
    }
    saying->added += said_adds(topology, said);
    return now ? IMPORT_CHANGED : IMPORT_CREATED;
}

static void
row_told(struct saying *saying, size_t index, enum import_result result, const char *why)
{
    struct view_import_row *told = &saying->results[index];
    told->line = saying->rows[index].line;
    memcpy(told->mac, saying->rows[index].mac, sizeof(told->mac));
    memcpy(told->endpoint_id, saying->saids[index].endpoint_id, sizeof(told->endpoint_id));
    told->result = result;
    snprintf(told->why, sizeof(told->why), "%s", result == IMPORT_REFUSED ? why : "");
}

static void
import_answer(struct saying *saying)
{
    struct view_import view = {
        .rows = saying->results, .row_count = saying->asked_rows, .is_dry = saying->is_dry};
    for (size_t i = 0; i < view.row_count; i++) {
        view.counts[saying->results[i].result]++;
    }
    ask_answer_shape(&saying->call, 200, &view_import_shape, &view);
    saying_free(saying);
}

static bool
is_change(const struct view_import_row *row)
{
    return row->result == IMPORT_CREATED || row->result == IMPORT_CHANGED;
}

static void
on_slice_stored(void *context, int error)
{
    struct saying *saying = context;
    saying->call.asks->annotating--;
    for (size_t i = saying->slice_begin; i < saying->slice_end; i++) {
        struct view_import_row *row = &saying->results[i];
        if (error && is_change(row)) {
            row_told(saying, i, IMPORT_REFUSED, "it could not be stored: try again");
        } else if (is_change(row)) {
            said_take(&saying->call, &saying->saids[i]);
        }
    }
    /* Behind whoever has come in the meantime. */
    store_submit(controller_store(saying->call.controller), store_change_new(), on_turn, saying);
}

/* The next rows: in slices, so that nothing else of core waits for a long list. */
static void
import_slice(struct saying *saying)
{
    struct store_change *change = store_change_new();
    saying->slice_begin = saying->slice_end;
    saying->added = 0;
    while (saying->slice_end < saying->asked_rows &&
           saying->slice_end - saying->slice_begin < IMPORT_SLICE) {
        size_t i = saying->slice_end++;
        char why[128] = "";
        enum import_result result = row_judge(saying, i, why);
        row_told(saying, i, result, why);
        if (!saying->is_dry && is_change(&saying->results[i])) {
            said_put(&saying->call, &saying->saids[i], change);
        }
    }
    if (store_change_count(change) > 0 || saying->slice_end < saying->asked_rows) {
        saying->call.asks->annotating++;
        store_submit(controller_store(saying->call.controller), change, on_slice_stored, saying);
        return;
    }
    store_change_free(change);
    import_answer(saying);
}

void
ask_endpoint_import(const struct ask_call *call, const void *parameters)
{
    const struct op_import *asked = parameters;
    struct saying *saying = MEM_NEW(struct saying);
    saying->call = *call;
    saying->say = import_slice;
    saying->is_dry = asked->is_dry;
    saying->columns = columns_of(asked);
    saying->asked_rows = asked->row_count;
    saying->rows = mem_new(asked->row_count + 1, sizeof(*saying->rows));
    saying->results = mem_new(asked->row_count + 1, sizeof(*saying->results));
    saying->saids = mem_new(asked->row_count + 1, sizeof(*saying->saids));
    if (asked->row_count > 0) {
        memcpy(saying->rows, asked->rows, asked->row_count * sizeof(*saying->rows));
    }
    say_in_turn(saying);
}

/* ---- list ---- */

bool
ask_annotation_matches(const struct ask_call *call, const struct annotation *annotation,
                       const struct mac *mac, const char *q)
{
    char text[MAC_TEXT_SIZE];
    const char *texts[ANNOTATION_TAGS_MAX + 6];
    size_t count = 0;
    mac_format(mac, text);
    texts[count++] = text;
    count += ask_annotation_texts(call, annotation, texts + count);
    texts[count] = NULL;
    return ask_matches(q, texts);
}

void
ask_annotation_list(const struct ask_call *call, const void *parameters)
{
    const struct op_annotation_list *asked = parameters;
    struct topology *topology = controller_topology(call->controller);
    struct ask_page page;
    struct mac mac;
    const struct mac *after = NULL;
    const struct annotation *each;
    ask_page_begin(&page, &asked->page);
    while ((each = topology_annotation_after(topology, after, &mac)) != NULL) {
        const struct endpoint *endpoint = topology_by_mac(topology, &mac);
        after = &mac;
        if (!(asked->unseen && endpoint) &&
            ask_annotation_matches(call, each, &mac, asked->page.q) && ask_page_takes(&page)) {
            ask_page_add(&page, view_annotation(call, endpoint ? endpoint->id : "", &mac, 1, each));
        }
    }
    ask_page_answer(call, &page);
}
