#include "controller/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "controller/notices/notices.h"
#include "model/redact.h"
#include "wire/message.h"

#define INCIDENTS_MAX 4096    /* in memory; all are in the store */
#define INCIDENTS_LEAST 128   /* stay in memory, however little there is */
#define INCIDENTS_TOLD_MAX 20 /* live, in a quarter of a second; then: load the list again */
#define SENSORS_MAX 256
#define SILENT_US (30 * INT64_C(1000000))

struct incident_item {
    struct hmap_node node;
    bool is_named; /* by what is judged; within records_shed() */
    struct incident incident;
};

struct sensor {
    struct sensor_view view;
    struct wire_sensor_stats stats; /* owned lists */
    bool has_stats;
    bool is_silent;
    bool is_told_clock;
};

struct records {
    struct hmap incidents;
    struct incident_item **order; /* a ring; 'oldest' is 0 until it is full */
    size_t incident_count, oldest;
    struct sensor *sensors[SENSORS_MAX];
    size_t sensor_count;
    struct wire_source sources[SOURCES_MAX];
    size_t source_count;
};

struct records *
records_new(void)
{
    struct records *records = MEM_NEW(struct records);
    hmap_init(&records->incidents);
    records->order = mem_new(INCIDENTS_MAX, sizeof(*records->order));
    return records;
}

void
records_free(struct records *records)
{
    if (!records) {
        return;
    }
    for (size_t i = 0; i < records->incident_count; i++) {
        free(records->order[i]);
    }
    for (size_t i = 0; i < records->sensor_count; i++) {
        wire_fini(WIRE_SENSOR_STATS, &records->sensors[i]->stats);
        free(records->sensors[i]);
    }
    for (size_t i = 0; i < records->source_count; i++) {
        free(records->sources[i].refusals);
    }
    hmap_fini(&records->incidents);
    free(records->order);
    free(records);
}

/* ---- incidents ---- */

static struct incident_item *
incident_find(const struct records *records, const char *id)
{
    HMAP_FOR_EACH_HASH (item, struct incident_item, node, hash_text(id), &records->incidents) {
        if (strcmp(item->incident.id, id) == 0) {
            return item;
        }
    }
    return NULL;
}

/* A place for one more: the oldest's, where all are taken. */
static struct incident_item *
incident_room(struct records *records)
{
    size_t at = (records->oldest + records->incident_count) % INCIDENTS_MAX;
    if (records->incident_count < INCIDENTS_MAX) {
        records->incident_count++;
        records->order[at] = MEM_NEW(struct incident_item);
        return records->order[at];
    }
    hmap_remove(&records->incidents, &records->order[at]->node);
    records->oldest = (records->oldest + 1) % INCIDENTS_MAX;
    return records->order[at];
}

void
records_restore_incident(struct controller *controller, const struct incident *incident)
{
    struct records *records = controller->records;
    struct incident_item *item = incident_find(records, incident->id);
    if (!item) {
        item = incident_room(records);
        hmap_insert(&records->incidents, &item->node, hash_text(incident->id));
    }
    item->incident = *incident;
}

void
records_incident(struct controller *controller, const struct incident *incident)
{
    records_restore_incident(controller, incident);
    if (controller->incidents_told >= INCIDENTS_TOLD_MAX) {
        controller->changed[CHANGED_INCIDENTS] = true; /* nobody reads them one by one now */
    } else if (controller->ports.publish) {
        controller->incidents_told++;
        controller->ports.publish(controller->ports.context, "incident", incident);
    }
}

#define FOLLOWED_AT_ONCE 64

static void
reverse(struct incident_item **items, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct incident_item *item = items[i];
        items[i] = items[count - 1 - i];
        items[count - 1 - i] = item;
    }
}

/* The oldest first: one can be taken from the middle only so.  It goes round only where it is full.
 */
static void
order_unroll(struct records *records)
{
    size_t oldest = records->oldest;
    if (oldest > 0) {
        reverse(records->order, oldest);
        reverse(records->order + oldest, records->incident_count - oldest);
        reverse(records->order, records->incident_count);
        records->oldest = 0;
    }
}

static void
incident_drop(struct records *records, size_t at)
{
    struct incident_item *item = records->order[at];
    hmap_remove(&records->incidents, &item->node);
    records->incident_count--;
    memmove(&records->order[at], &records->order[at + 1],
            (records->incident_count - at) * sizeof(struct incident_item *));
    free(item);
}

/* From the newest on: where others come meanwhile and push the oldest out, some are looked at twice
 * and none is missed. */
bool
records_follow_store(struct controller *controller, int64_t open_us, size_t *place)
{
    struct records *records = controller->records;
    order_unroll(records);
    for (size_t i = 0; i < FOLLOWED_AT_ONCE && *place < records->incident_count; i++) {
        size_t at = records->incident_count - 1 - *place;
        struct incident *incident = &records->order[at]->incident;
        enum store_incident is = incident->last_us < open_us
                                     ? store_look_incident(controller->store, incident->id)
                                     : INCIDENT_NAMED;
        if (is == INCIDENT_PLAIN) {
            incident_forget_names(incident);
        } else if (is == INCIDENT_GONE) {
            incident_drop(records, at);
            controller->changed[CHANGED_INCIDENTS] = true;
            continue;
        }
        ++*place;
    }
    return *place < records->incident_count;
}

/* What waits for a person, or was checked, is judged by its incident: that one stays. */
static void
named_mark(const struct controller *controller)
{
    const struct entry *entry;
    TAILQ_FOREACH(entry, &controller->entries, link)
    {
        bool is_judged =
            entry->c.state == CONTAINMENT_PENDING || entry->c.state == CONTAINMENT_CHECKED;
        struct incident_item *item =
            is_judged ? incident_find(controller->records, entry->c.incident_id) : NULL;
        if (item) {
            item->is_named = true;
        }
    }
}

size_t
records_shed(struct controller *controller)
{
    struct records *records = controller->records;
    size_t before = records->incident_count, kept = 0;
    size_t least = before / 2 > INCIDENTS_LEAST ? before / 2 : INCIDENTS_LEAST;
    size_t most = before > least ? before - least : 0, dropped = 0;
    order_unroll(records);
    named_mark(controller);
    for (size_t i = 0; i < before; i++) {
        struct incident_item *item = records->order[i];
        if (dropped < most && !item->is_named) {
            hmap_remove(&records->incidents, &item->node);
            free(item);
            dropped++;
        } else {
            item->is_named = false;
            records->order[kept++] = item;
        }
    }
    records->incident_count = kept;
    controller->changed[CHANGED_INCIDENTS] = controller->changed[CHANGED_INCIDENTS] || dropped > 0;
    return dropped;
}

size_t
controller_incident_count(const struct controller *controller)
{
    return controller->records->incident_count;
}

const struct incident *
controller_incident_at(const struct controller *controller, size_t index)
{
    const struct records *records = controller->records;
    return index < records->incident_count
               ? &records->order[(records->oldest + index) % INCIDENTS_MAX]->incident
               : NULL;
}

const struct incident *
controller_incident(const struct controller *controller, const char *id)
{
    const struct incident_item *item = incident_find(controller->records, id);
    return item ? &item->incident : NULL;
}

/* ---- sensors ---- */

static struct sensor *
sensor_need(struct records *records, const char *name)
{
    for (size_t i = 0; i < records->sensor_count; i++) {
        if (strcmp(records->sensors[i]->view.name, name) == 0) {
            return records->sensors[i];
        }
    }
    if (records->sensor_count == SENSORS_MAX) {
        return NULL; /* more certificates than anybody issued */
    }
    struct sensor *sensor = MEM_NEW(struct sensor);
    snprintf(sensor->view.name, sizeof(sensor->view.name), "%s", name);
    records->sensors[records->sensor_count++] = sensor;
    return sensor;
}

static void
sensor_alive(struct controller *controller, struct sensor *sensor)
{
    sensor->view.seen_us = clock_wall_us(controller->clock);
    controller->changed[CHANGED_SENSORS] = true;
    if (sensor->is_silent) {
        sensor->is_silent = false;
        log_info("controller", "sensor is heard again", LOG_S("sensor", sensor->view.name));
        notices_tell_object(controller, NOTICE_SENSOR_BACK, SEVERITY_LOW, sensor->view.name, "");
    }
}

void
controller_sensor_hello(struct controller *controller, const struct wire_hello *hello)
{
    struct sensor *sensor = sensor_need(controller->records, hello->name);
    if (!sensor) {
        return;
    }
    snprintf(sensor->view.version, sizeof(sensor->view.version), "%s", hello->version);
    sensor_alive(controller, sensor);
    sensor->view.skew_us = hello->wall_us ? hello->wall_us - sensor->view.seen_us : 0;
}

static void *
copy_of(const void *items, size_t count, size_t size)
{
    return count ? memcpy(mem_new(count, size), items, count * size) : NULL;
}

void
controller_sensor_stats(struct controller *controller, const struct wire_sensor_stats *stats)
{
    struct sensor *sensor = sensor_need(controller->records, stats->sensor);
    if (!sensor) {
        return;
    }
    wire_fini(WIRE_SENSOR_STATS, &sensor->stats);
    sensor->stats = *stats;
    sensor->stats.mirrors = copy_of(stats->mirrors, stats->mirror_count, sizeof(*stats->mirrors));
    sensor->stats.networks =
        copy_of(stats->networks, stats->network_count, sizeof(*stats->networks));
    sensor->has_stats = true;
    sensor_alive(controller, sensor);
    sensor->view.skew_us = stats->at_us ? stats->at_us - sensor->view.seen_us : 0;
}

void
records_sensor_seen(struct controller *controller, const char *name)
{
    struct records *records = controller->records;
    for (size_t i = 0; i < records->sensor_count; i++) {
        if (strcmp(records->sensors[i]->view.name, name) == 0) {
            sensor_alive(controller, records->sensors[i]);
        }
    }
}

void
records_tick(struct controller *controller)
{
    struct records *records = controller->records;
    int64_t now_us = clock_wall_us(controller->clock);
    for (size_t i = 0; i < records->sensor_count; i++) {
        struct sensor *sensor = records->sensors[i];
        if (!sensor->is_silent && now_us - sensor->view.seen_us > SILENT_US) {
            sensor->is_silent = true;
            controller->changed[CHANGED_SENSORS] = true;
            log_error("controller", "ALARM: a sensor is silent: its networks are not watched",
                      LOG_S("sensor", sensor->view.name),
                      LOG_I("silent_s", (now_us - sensor->view.seen_us) / 1000000));
            notices_tell_object(controller, NOTICE_SENSOR_SILENT, SEVERITY_HIGH, sensor->view.name,
                                "");
        }
    }
}

void
records_shift(struct controller *controller, int64_t by_us)
{
    struct records *records = controller->records;
    for (size_t i = 0; i < records->sensor_count; i++) {
        struct sensor_view *view = &records->sensors[i]->view;
        view->seen_us += view->seen_us ? by_us : 0;
        view->skew_us -= view->seen_us ? by_us : 0;
    }
}

void
records_compare_clocks(struct controller *controller,
                       void (*each)(struct controller *controller, const char *name,
                                    int64_t skew_us, bool *is_told))
{
    struct records *records = controller->records;
    for (size_t i = 0; i < records->sensor_count; i++) {
        struct sensor *sensor = records->sensors[i];
        if (!sensor->is_silent) {
            each(controller, sensor->view.name, sensor->view.skew_us, &sensor->is_told_clock);
        }
    }
}

size_t
controller_sensor_count(const struct controller *controller)
{
    return controller->records->sensor_count;
}

bool
controller_sensor_at(const struct controller *controller, size_t index, struct sensor_view *view)
{
    const struct records *records = controller->records;
    if (index >= records->sensor_count) {
        return false;
    }
    *view = records->sensors[index]->view;
    view->stats = records->sensors[index]->has_stats ? &records->sensors[index]->stats : NULL;
    return true;
}

/* ---- sources ---- */

/* It fails, or began to refuse what it gets. */
static void
source_watch(struct controller *controller, const struct wire_source *before,
             const struct wire_source *now)
{
    char text[TEXT_SIZE];
    bool is_worse = now->problem[0] && strcmp(before->problem, now->problem) != 0;
    if (is_worse) {
        notices_tell_object(controller, NOTICE_SOURCE_PROBLEM, SEVERITY_MEDIUM, now->name,
                            now->problem);
    } else if (before->refused == 0 && now->refused > 0) {
        snprintf(text, sizeof(text), "what it sends is refused: %.200s",
                 now->refusal_count > 0 ? now->refusals[0].why : "");
        notices_tell_object(controller, NOTICE_SOURCE_PROBLEM, SEVERITY_MEDIUM, now->name, text);
    }
}

void
controller_source_stats(struct controller *controller, const struct wire_source_stats *stats)
{
    struct records *records = controller->records;
    for (size_t i = 0; i < stats->source_count; i++) {
        const struct wire_source *from = &stats->sources[i];
        size_t at = 0;
        while (at < records->source_count && strcmp(records->sources[at].name, from->name) != 0) {
            at++;
        }
        if (at == SOURCES_MAX) {
            continue;
        }
        records->source_count = at == records->source_count ? at + 1 : records->source_count;
        bool is_changed = strcmp(records->sources[at].state, from->state) != 0;
        source_watch(controller, &records->sources[at], from);
        free(records->sources[at].refusals);
        records->sources[at] = *from;
        records->sources[at].refusals =
            copy_of(from->refusals, from->refusal_count, sizeof(*from->refusals));
        if (is_changed && controller->ports.publish) {
            controller->ports.publish(controller->ports.context, "source", &records->sources[at]);
        }
    }
}

size_t
controller_source_count(const struct controller *controller)
{
    return controller->records->source_count;
}

const struct wire_source *
controller_source_at(const struct controller *controller, size_t index)
{
    const struct records *records = controller->records;
    return index < records->source_count ? &records->sources[index] : NULL;
}
