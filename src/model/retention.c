#include "model/retention.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *const retention_kind_names[RETENTION_KIND_COUNT + 1] = {
    "evidence",  "names", "detections", "containments", "notices", "bindings",
    "endpoints", "audit", NULL};

/* Packets and names are about people: a month and a quarter are enough to look into what happened.
 * Who did what to whom, and why somebody was cut off, is asked for years later. */
const struct retention_bounds retention_bounds[RETENTION_KIND_COUNT] = {
    [RETENTION_EVIDENCE] = {.usual = 30, .least = 1, .most = 365},
    [RETENTION_NAMES] = {.usual = 90, .least = 1, .most = 730},
    [RETENTION_DETECTIONS] = {.usual = 365, .least = 7, .most = 3650},
    [RETENTION_CONTAINMENTS] = {.usual = 1095, .least = 30, .most = 3650},
    [RETENTION_NOTICES] = {.usual = 180, .least = 7, .most = 1095},
    [RETENTION_BINDINGS] = {.usual = 90, .least = 7, .most = 730},
    [RETENTION_ENDPOINTS] = {.usual = 180, .least = 7, .most = 3650},
    [RETENTION_AUDIT] = {.usual = 1095, .least = 365, .most = 3650},
};

void
retention_usual(struct retention_settings *settings)
{
    *settings = (struct retention_settings){.budget_mib = 0};
    for (size_t i = 0; i < RETENTION_KIND_COUNT; i++) {
        settings->days[i] = retention_bounds[i].usual;
    }
}

bool
retention_check(const struct retention_settings *settings, char why[128])
{
    const uint32_t *days = settings->days;
    for (size_t i = 0; i < RETENTION_KIND_COUNT; i++) {
        if (days[i] < retention_bounds[i].least || days[i] > retention_bounds[i].most) {
            snprintf(why, 128, "%s: %" PRIu32 " to %" PRIu32 " days", retention_kind_names[i],
                     retention_bounds[i].least, retention_bounds[i].most);
            return false;
        }
    }
    if (days[RETENTION_EVIDENCE] > days[RETENTION_DETECTIONS] ||
        days[RETENTION_NAMES] > days[RETENTION_DETECTIONS]) {
        snprintf(why, 128, "evidence and names cannot be kept longer than detections");
        return false;
    }
    if (settings->budget_mib != 0 && (settings->budget_mib < RETENTION_BUDGET_LEAST ||
                                      settings->budget_mib > RETENTION_BUDGET_MOST)) {
        snprintf(why, 128, "the disk budget: 0, or %u to %u MiB", RETENTION_BUDGET_LEAST,
                 RETENTION_BUDGET_MOST);
        return false;
    }
    return true;
}

void
retention_format(const struct retention_settings *settings, char text[RETENTION_TEXT_SIZE])
{
    size_t used = 0;
    for (size_t i = 0; i < RETENTION_KIND_COUNT; i++) {
        used += (size_t)snprintf(text + used, RETENTION_TEXT_SIZE - used, "%s=%" PRIu32 " ",
                                 retention_kind_names[i], settings->days[i]);
    }
    snprintf(text + used, RETENTION_TEXT_SIZE - used, "budget=%" PRIu32, settings->budget_mib);
}

static uint32_t *
member_of(struct retention_settings *settings, const char *name)
{
    for (size_t i = 0; i < RETENTION_KIND_COUNT; i++) {
        if (strcmp(name, retention_kind_names[i]) == 0) {
            return &settings->days[i];
        }
    }
    return strcmp(name, "budget") == 0 ? &settings->budget_mib : NULL;
}

bool
retention_parse(const char *text, struct retention_settings *settings)
{
    struct retention_settings read = *settings;
    char name[32], why[128];
    unsigned number = 0;
    int used = 0;
    size_t known = 0;
    while (sscanf(text, " %31[a-z]=%u%n", name, &number, &used) == 2) {
        uint32_t *member = member_of(&read, name);
        if (member) {
            *member = number;
            known++;
        }
        text += used;
    }
    if (known == 0 || text[strspn(text, " ")] != '\0' || !retention_check(&read, why)) {
        return false;
    }
    *settings = read;
    return true;
}
