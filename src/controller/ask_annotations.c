/* What people say of machines: by endpoint, or by the MAC of one that was not seen yet.  Changes go
 * to the disk one after another, each made from what the one before has left. */
#include "controller/ask_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

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
    struct op_annotate asked;
    struct said said;
};

void
ask_fill_annotation(const struct annotation *annotation, struct annotation *shown)
{
    *shown = annotation ? *annotation : (struct annotation){.class = CLASS_UNKNOWN};
    shown->version++;
}

static cJSON *
view_annotation(const char *endpoint_id, const struct mac *macs, size_t mac_count,
                const struct annotation *annotation)
{
    struct view_annotation view = {.mac_count = mac_count};
    struct mac lent[ENDPOINT_MACS_MAX];
    memcpy(lent, macs, mac_count * sizeof(*macs));
    view.macs = lent;
    snprintf(view.endpoint_id, sizeof(view.endpoint_id), "%s", endpoint_id);
    ask_fill_annotation(annotation, &view.model);
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

/* The machine with that name, or that MAC as one to come.  False: answered already. */
static bool
said_find(const struct ask_call *call, const char *name, struct said *said)
{
    struct mac mac;
    bool is_mac = mac_parse(name, &mac);
    struct topology *topology = controller_topology(call->controller);
    if (is_mac && !topology_by_mac(topology, &mac)) {
        if (mac_is_none(&mac) || mac_is_group(&mac) || mac_is_virtual_router(&mac)) {
            ask_problem(call, 422, "this MAC is no machine's own", "id",
                        "give the MAC of a network card");
            return false;
        }
        said->macs[0] = mac;
        said->mac_count = 1;
        return true;
    }
    const struct endpoint *endpoint = ask_find_endpoint(call, name);
    if (endpoint) {
        memcpy(said->endpoint_id, endpoint->id, sizeof(said->endpoint_id));
        memcpy(said->macs, endpoint->macs, sizeof(said->macs));
        said->mac_count = endpoint->mac_count;
    }
    return endpoint != NULL;
}

/* What is said of it now; NULL: nothing. */
static const struct annotation *
said_now(const struct topology *topology, const struct said *said)
{
    const struct endpoint *endpoint = topology_by_id(topology, said->endpoint_id);
    return endpoint ? endpoint->annotation : topology_annotation(topology, &said->macs[0]);
}

static bool
has_room(const struct topology *topology, const struct said *said)
{
    size_t added = 0;
    for (size_t i = 0; i < said->mac_count; i++) {
        added += topology_annotation(topology, &said->macs[i]) == NULL;
    }
    return topology_annotation_count(topology) + added <= TOPOLOGY_ANNOTATIONS_MAX;
}

static void
said_put(const struct ask_call *call, struct said *said, struct store_change *change)
{
    const struct annotation *before = said_now(controller_topology(call->controller), said);
    char object[MAC_TEXT_SIZE];
    char detail[2 * TEXT_SIZE];
    said->annotation.version = before ? before->version + 1 : 1;
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
                        view_annotation(said->endpoint_id, said->macs, said->mac_count,
                                        said_now(controller_topology(call->controller), said)));
    }
    free(saying);
}

static void
say(struct saying *saying)
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
    } else if (annotation_is_equal(&saying->asked.annotation, &shown)) {
        ask_answer_json(call, 200,
                        view_annotation(said->endpoint_id, said->macs, said->mac_count, now));
    } else if (!has_room(topology, said)) {
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

static void say_in_turn(struct saying *saying);

static void
on_turn(void *context, int error)
{
    struct saying *saying = context;
    if (error) {
        ask_problem(&saying->call, 503, "it could not be stored", NULL,
                    "nothing was changed; try again");
        free(saying);
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
        say(saying);
    }
}

void
ask_endpoint_annotate(const struct ask_call *call, const void *parameters)
{
    struct saying *saying = MEM_NEW(struct saying);
    char why[128];
    saying->call = *call;
    saying->asked = *(const struct op_annotate *)parameters;
    if (!annotation_tidy(&saying->asked.annotation, why)) {
        ask_problem(call, 422, why, NULL, "correct it");
        free(saying);
        return;
    }
    say_in_turn(saying);
}

/* Any part of the MAC, class, a tag, note or owner. */
static bool
annotation_matches(const struct annotation *annotation, const struct mac *mac, const char *q)
{
    char text[MAC_TEXT_SIZE];
    const char *texts[ANNOTATION_TAGS_MAX + 6];
    size_t count = 0;
    mac_format(mac, text);
    texts[count++] = text;
    count += ask_annotation_texts(annotation, texts + count);
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
        if (!(asked->unseen && endpoint) && annotation_matches(each, &mac, asked->page.q) &&
            ask_page_takes(&page)) {
            ask_page_add(&page, view_annotation(endpoint ? endpoint->id : "", &mac, 1, each));
        }
    }
    ask_page_answer(call, &page);
}
