/* Where switches are drawn on the network map.  Kept as one setting in the store and read from
 * there: nothing of it decides anything. */
#include "controller/ask/ask_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

#define MAP_SETTING "map/layout"

/* A change that is being stored. */
struct placing {
    struct ask_call call;
    struct view_map map;
};

/* Nothing kept, or nothing that can be read: an empty one. */
static void
map_read(const struct ask_call *call, struct view_map *map)
{
    struct codec_error error;
    char *text = store_read_setting(controller_store(call->controller), MAP_SETTING);
    cJSON *json = text ? codec_parse(text, strlen(text)) : NULL;
    memset(map, 0, sizeof(*map));
    if (text && (!json || codec_decode(&view_map_shape, json, map, &error) != 0)) {
        log_error("core", "the kept map cannot be read: it begins anew",
                  LOG_S("why", json ? error.why : "not JSON"));
        memset(map, 0, sizeof(*map));
    }
    cJSON_Delete(json);
    free(text);
}

void
ask_map_show(const struct ask_call *call, const void *parameters)
{
    struct view_map map;
    (void)parameters;
    map_read(call, &map);
    ask_answer_shape(call, 200, &view_map_shape, &map);
    codec_fini(&view_map_shape, &map);
}

static struct map_place *
map_find(const struct view_map *map, const char *switch_name)
{
    for (size_t i = 0; i < map->place_count; i++) {
        if (strcmp(map->places[i].switch_name, switch_name) == 0) {
            return &map->places[i];
        }
    }
    return NULL;
}

static void
map_remove(struct view_map *map, const char *switch_name)
{
    struct map_place *place = map_find(map, switch_name);
    if (place) {
        *place = map->places[--map->place_count];
    }
}

/* False: too many. */
static bool
map_put(struct view_map *map, const struct map_place *asked)
{
    struct map_place *place = map_find(map, asked->switch_name);
    if (!place && map->place_count == MAP_PLACES_MAX) {
        return false;
    }
    place = place ? place : &map->places[map->place_count++];
    *place = *asked;
    return true;
}

static bool
map_change(struct view_map *map, const struct op_map_place *asked)
{
    map->places = mem_resize(map->places, MAP_PLACES_MAX, sizeof(*map->places));
    for (size_t i = 0; i < asked->removed_count; i++) {
        map_remove(map, asked->removed[i]);
    }
    for (size_t i = 0; i < asked->place_count; i++) {
        if (!map_put(map, &asked->places[i])) {
            return false;
        }
    }
    return true;
}

static void
on_placed(void *context, int error)
{
    struct placing *placing = context;
    placing->call.asks->is_placing = false;
    if (error) {
        ask_problem(&placing->call, 503, "it could not be stored", NULL,
                    "nothing was changed; try again");
    } else {
        controller_publish(placing->call.controller, "map", &placing->map);
        ask_answer_shape(&placing->call, 200, &view_map_shape, &placing->map);
    }
    codec_fini(&view_map_shape, &placing->map);
    free(placing);
}

static void
map_store(struct placing *placing, const struct op_map_place *asked)
{
    const struct ask_call *call = &placing->call;
    struct view_map *map = &placing->map;
    map->version++;
    map->changed_us = clock_wall_us(controller_clock(call->controller));
    memcpy(map->changed_by, call->account, sizeof(map->changed_by));
    cJSON *json = codec_encode(&view_map_shape, map);
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    char detail[TEXT_SIZE];
    const char *first = asked->place_count > 0     ? asked->places[0].switch_name
                        : asked->removed_count > 0 ? asked->removed[0]
                                                   : "";
    snprintf(detail, sizeof(detail), "%zu placed, %zu forgotten: %s%s", asked->place_count,
             asked->removed_count, first,
             asked->place_count + asked->removed_count > 1 ? " and others" : "");
    struct store_change *change = store_change_new();
    store_put_setting(change, MAP_SETTING, text ? text : "");
    store_put_audit(change, map->changed_us, call->account, "map", "layout", detail);
    cJSON_free(text);
    call->asks->is_placing = true;
    store_submit(controller_store(call->controller), change, on_placed, placing);
}

void
ask_map_place(const struct ask_call *call, const void *parameters)
{
    const struct op_map_place *asked = parameters;
    struct placing *placing = MEM_NEW(struct placing);
    placing->call = *call;
    map_read(call, &placing->map);
    if (call->asks->is_placing || asked->version != placing->map.version) {
        ask_problem(call, 409, "somebody else has changed the map since you read it", "version",
                    "read it again, and make your change from that");
    } else if (!map_change(&placing->map, asked)) {
        ask_problem(call, 409, "no more switches can be placed", "places",
                    "forget those of switches that are gone");
    } else {
        map_store(placing, asked);
        return;
    }
    codec_fini(&view_map_shape, &placing->map);
    free(placing);
}
