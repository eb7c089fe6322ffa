#include "controller/conflicts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "controller/notices/notices.h"

#define CONFLICTS_MAX 256
#define AGAIN_US (INT64_C(600) * 1000000) /* told again after so long */
#define NOTICES_MAX 5                     /* in a minute; the last says that there are more */
#define MINUTE_US (INT64_C(60) * 1000000)

struct conflicts {
    struct conflict_view items[CONFLICTS_MAX]; /* oldest first */
    size_t count;
    uint64_t forgotten;
    struct log_limit limit;
};

struct conflicts *
conflicts_new(void)
{
    struct conflicts *conflicts = MEM_NEW(struct conflicts);
    conflicts->limit = (struct log_limit){.period_us = MINUTE_US, .burst = NOTICES_MAX};
    return conflicts;
}

void
conflicts_free(struct conflicts *conflicts)
{
    free(conflicts);
}

static bool
is_same(const struct conflict_view *a, const struct conflict_view *b)
{
    bool is_one = a->endpoint_id[0] != '\0'
                      ? strcmp(a->endpoint_id, b->endpoint_id) == 0
                      : b->endpoint_id[0] == '\0' && strcmp(a->switch_name, b->switch_name) == 0 &&
                            strcmp(a->port, b->port) == 0;
    return is_one && strcmp(a->why, b->why) == 0;
}

/* The place for it, as the newest; 'is_old': it was there. */
static struct conflict_view *
place_for(struct conflicts *conflicts, const struct conflict_view *new, bool *is_old)
{
    size_t at = 0;
    while (at < conflicts->count && !is_same(&conflicts->items[at], new)) {
        at++;
    }
    *is_old = at < conflicts->count;
    struct conflict_view kept = *is_old ? conflicts->items[at] : *new;
    if (!*is_old && conflicts->count == CONFLICTS_MAX) {
        conflicts->forgotten++;
        at = 0;
    }
    if (*is_old || conflicts->count == CONFLICTS_MAX) {
        memmove(&conflicts->items[at], &conflicts->items[at + 1],
                (conflicts->count - at - 1) * sizeof(conflicts->items[0]));
        conflicts->count--;
    }
    conflicts->items[conflicts->count] = kept;
    return &conflicts->items[conflicts->count++];
}

static void
conflict_tell(struct controller *controller, const struct endpoint *endpoint,
              const struct conflict_view *view)
{
    uint64_t swallowed = 0;
    if (!log_limit_pass(&controller->conflicts->limit, clock_boot_us(controller->clock),
                        &swallowed)) {
        return;
    }
    struct notice notice = {.kind = NOTICE_CONFLICT, .severity = SEVERITY_MEDIUM, .mac = view->mac};
    memcpy(notice.endpoint_id, view->endpoint_id, sizeof(notice.endpoint_id));
    memcpy(notice.switch_name, view->switch_name, sizeof(notice.switch_name));
    memcpy(notice.port, view->port, sizeof(notice.port));
    memcpy(notice.detail, view->why, sizeof(notice.detail));
    if (endpoint) {
        text_put(notice.host_name, sizeof(notice.host_name), endpoint_name(endpoint));
    }
    log_warn("controller", "conflict", LOG_S("endpoint", view->endpoint_id),
             LOG_S("switch", view->switch_name), LOG_S("port", view->port), LOG_S("why", view->why),
             LOG_I("not_told", swallowed));
    notices_tell(controller, &notice);
}

void
conflict_note(struct controller *controller, const struct endpoint *endpoint,
              const struct location *at, const char *detail)
{
    int64_t now_us = clock_wall_us(controller->clock);
    struct conflict_view view = {.first_us = now_us};
    bool is_old = false;
    at = at || !endpoint ? at : &endpoint->location;
    if (endpoint) {
        memcpy(view.endpoint_id, endpoint->id, sizeof(view.endpoint_id));
        view.mac = endpoint->mac_count > 0 ? endpoint->macs[0] : view.mac;
    }
    if (at) {
        snprintf(view.switch_name, sizeof(view.switch_name), "%s", at->switch_name);
        snprintf(view.port, sizeof(view.port), "%s", at->port);
    }
    text_put(view.why, sizeof(view.why), detail);
    struct conflict_view *kept = place_for(controller->conflicts, &view, &is_old);
    bool is_news = !is_old || now_us - kept->last_us >= AGAIN_US;
    kept->last_us = now_us;
    kept->times++;
    controller->changed[CHANGED_CONFLICTS] = true;
    if (is_news) {
        conflict_tell(controller, endpoint, kept);
    }
}

size_t
controller_conflict_count(const struct controller *controller)
{
    return controller->conflicts->count;
}

const struct conflict_view *
controller_conflict_at(const struct controller *controller, size_t index)
{
    const struct conflicts *conflicts = controller->conflicts;
    return index < conflicts->count ? &conflicts->items[conflicts->count - 1 - index] : NULL;
}

void
conflicts_shift(struct controller *controller, int64_t by_us)
{
    for (size_t i = 0; i < controller->conflicts->count; i++) {
        controller->conflicts->items[i].first_us += by_us;
        controller->conflicts->items[i].last_us += by_us;
    }
}
