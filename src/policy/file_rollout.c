/* The parts of policy.yaml about who is to be contained how: sites, roll-out rules and maintenance
 * windows; and the checks across them. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/file.h"

#define WORDS(member, count)                                                                       \
    F_TEXTS(FIELD_OPTIONAL, struct whom, member, offsetof(struct whom, count), WHOM_WORDS_MAX)

static const struct field whom_fields[] = {
    WORDS(sites, site_count), WORDS(networks, network_count), WORDS(switches, switch_count),
    WORDS(ports, port_count), WORDS(classes, class_count),    WORDS(groups, group_count),
};
static const struct shape whom_shape = SHAPE("whom", struct whom, whom_fields, NULL);

static const struct field site_fields[] = {
    F_TEXT(FIELD_NEEDED, struct file_site, name),
    F_TEXTS(FIELD_NEEDED, struct file_site, switches, offsetof(struct file_site, switch_count),
            WHOM_WORDS_MAX),
    F_BOOL(FIELD_OPTIONAL, struct file_site, own_addresses),
    F_TEXTS(FIELD_OPTIONAL, struct file_site, sensors, offsetof(struct file_site, sensor_count),
            WHOM_WORDS_MAX),
    F_TEXTS(FIELD_OPTIONAL, struct file_site, vlans, offsetof(struct file_site, vlan_count),
            WHOM_WORDS_MAX),
};
const struct shape file_site_shape = SHAPE("site", struct file_site, site_fields, NULL);

static const struct field rollout_fields[] = {
    F_TEXT(FIELD_NEEDED, struct file_rollout, name),
    F_OBJECT(FIELD_OPTIONAL, struct file_rollout, when, &whom_shape),
    F_ENUM(FIELD_NEEDED, struct file_rollout, mode, mode_names),
};
const struct shape file_rollout_shape = SHAPE("rollout", struct file_rollout, rollout_fields, NULL);

static const struct field weekly_fields[] = {
    F_TEXTS(FIELD_NEEDED, struct file_weekly, days, offsetof(struct file_weekly, day_count), 7),
    F_TEXT(FIELD_NEEDED, struct file_weekly, from),
    F_TEXT(FIELD_NEEDED, struct file_weekly, to),
};
static const struct shape weekly_shape = SHAPE("weekly", struct file_weekly, weekly_fields, NULL);

static const struct field once_fields[] = {
    F_TEXT(FIELD_NEEDED, struct file_once, from),
    F_TEXT(FIELD_NEEDED, struct file_once, to),
};
static const struct shape once_shape = SHAPE("once", struct file_once, once_fields, NULL);

/* A window only ever makes more careful; the order is that of enum mode. */
static const char *const careful_words[] = {"observe", "approve", NULL};
static const struct field window_fields[] = {
    F_TEXT(FIELD_NEEDED, struct file_window, name),
    F_OBJECT(FIELD_OPTIONAL, struct file_window, when, &whom_shape),
    F_ENUM(FIELD_NEEDED, struct file_window, mode, careful_words),
    F_OBJECT(FIELD_OPTIONAL, struct file_window, weekly, &weekly_shape),
    F_OBJECT(FIELD_OPTIONAL, struct file_window, once, &once_shape),
    F_TEXT(FIELD_OPTIONAL, struct file_window, time_zone),
};
const struct shape file_window_shape = SHAPE("window", struct file_window, window_fields, NULL);

bool
check_classes(struct checker *c, const char *where, char words[][NAME_SIZE], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        while (k < ENDPOINT_CLASS_COUNT && strcmp(endpoint_class_names[k], words[i]) != 0) {
            k++;
        }
        if (k == ENDPOINT_CLASS_COUNT) {
            return fault(c,
                         "is not a class: unknown, workstation, server, phone, printer, medical, "
                         "camera, iot, network, other",
                         "%s.classes[%zu]", where, i);
        }
    }
    return true;
}

/* Is each word the name of an item of that list? */
static bool
check_defined(struct checker *c, const char *where, const char *kind, char words[][NAME_SIZE],
              size_t count, const char *items, size_t item_size, size_t item_count)
{
    char why[64];
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        while (k < item_count && strcmp(items + k * item_size, words[i]) != 0) {
            k++;
        }
        if (k == item_count) {
            snprintf(why, sizeof(why), "is not defined under %s", kind);
            return fault(c, why, "%s.%s[%zu]", where, kind, i);
        }
    }
    return true;
}

#define DEFINED(c, where, whom, file, list, count, file_count)                                     \
    check_defined(c, where, #list, (whom)->list, (whom)->count,                                    \
                  (file)->list ? (file)->list[0].name : "", sizeof((file)->list[0]),               \
                  (file)->file_count)

static bool
check_whom(struct checker *c, const struct policy_file *file, struct whom *whom, const char *where)
{
    for (size_t i = 0; i < whom->port_count; i++) {
        const char *slash = strchr(whom->ports[i], '/');
        if (!slash || slash == whom->ports[i] || slash[1] == '\0') {
            return fault(c, "is not SWITCH/PORT, like e1/p3", "%s.ports[%zu]", where, i);
        }
    }
    return DEFINED(c, where, whom, file, sites, site_count, site_count) &&
           DEFINED(c, where, whom, file, networks, network_count, network_count) &&
           DEFINED(c, where, whom, file, groups, group_count, group_count) &&
           check_classes(c, where, whom->classes, whom->class_count);
}

/* "22:00" to "24:00" -> minutes. */
static bool
minutes_of(const char *text, int *minutes)
{
    bool is_clock = strlen(text) == 5 && isdigit((unsigned char)text[0]) &&
                    isdigit((unsigned char)text[1]) && text[2] == ':' &&
                    isdigit((unsigned char)text[3]) && isdigit((unsigned char)text[4]);
    if (!is_clock) {
        return false;
    }
    *minutes = ((text[0] - '0') * 10 + (text[1] - '0')) * 60 + (text[3] - '0') * 10 + text[4] - '0';
    return text[3] < '6' && *minutes <= 24 * 60;
}

static bool
check_weekly(struct checker *c, struct file_weekly *weekly, size_t index)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    weekly->day_mask = 0;
    for (size_t i = 0; i < weekly->day_count; i++) {
        unsigned k = 0;
        while (k < COUNT_OF(days) && strcmp(days[k], weekly->days[i]) != 0) {
            k++;
        }
        if (k == COUNT_OF(days)) {
            return fault(c, "is not a day: mon, tue, wed, thu, fri, sat, sun",
                         "maintenance[%zu].weekly.days[%zu]", index, i);
        }
        weekly->day_mask |= 1u << k;
    }
    if (!minutes_of(weekly->from, &weekly->from_min) || weekly->from_min == 24 * 60) {
        return fault(c, "is not a time of day, like \"22:00\" (in quotes)",
                     "maintenance[%zu].weekly.from", index);
    }
    if (!minutes_of(weekly->to, &weekly->to_min)) {
        return fault(c, "is not a time of day, like \"04:00\" (in quotes), at most \"24:00\"",
                     "maintenance[%zu].weekly.to", index);
    }
    if (weekly->from_min == weekly->to_min) {
        return fault(c, "is the same as 'from': a whole day is \"00:00\" to \"24:00\"",
                     "maintenance[%zu].weekly.to", index);
    }
    return true;
}

static bool
check_once(struct checker *c, struct file_once *once, size_t index)
{
    static const char *const form = "is not a time with its offset, like 2026-12-05T20:00:00+09:00";
    if (time_parse(once->from, &once->from_us) != 0) {
        return fault(c, form, "maintenance[%zu].once.from", index);
    }
    if (time_parse(once->to, &once->to_us) != 0) {
        return fault(c, form, "maintenance[%zu].once.to", index);
    }
    if (once->to_us <= once->from_us) {
        return fault(c, "is not after 'from'", "maintenance[%zu].once.to", index);
    }
    return true;
}

static bool
check_zone(struct checker *c, const char *name, size_t index)
{
    struct zone *zone = NULL;
    if (zone_load(name, &zone) != 0) {
        return fault(c,
                     "is no time zone of this machine (names are like Asia/Tokyo; is tzdata "
                     "installed?)",
                     "maintenance[%zu].time_zone", index);
    }
    zone_free(zone);
    return true;
}

static bool
check_windows(struct checker *c, struct policy_file *file)
{
    char where[48];
    for (size_t i = 0; i < file->window_count; i++) {
        struct file_window *window = &file->maintenance[i];
        bool is_weekly = window->weekly.day_count > 0;
        snprintf(where, sizeof(where), "maintenance[%zu].when", i);
        if (!CHECK_NAME(c, file, maintenance, i) || !check_whom(c, file, &window->when, where)) {
            return false;
        }
        if (is_weekly == (window->once.from[0] != '\0')) {
            return fault(c, "needs weekly (with days) or once, one of them", "maintenance[%zu]", i);
        }
        if (is_weekly ? !check_weekly(c, &window->weekly, i) : !check_once(c, &window->once, i)) {
            return false;
        }
        if (!check_zone(c, window->time_zone, i)) {
            return false;
        }
    }
    return true;
}

/* "100" or "200-299" */
static bool
vlans_of(const char *text, uint16_t *low, uint16_t *high)
{
    unsigned from = 0, to = 0;
    int used = 0;
    bool is_one = isdigit((unsigned char)text[0]) && sscanf(text, "%4u%n", &from, &used) == 1 &&
                  text[used] == '\0';
    bool is_range = !is_one && isdigit((unsigned char)text[0]) &&
                    sscanf(text, "%4u-%4u%n", &from, &to, &used) == 2 && text[used] == '\0';
    to = is_one ? from : to;
    *low = (uint16_t)from;
    *high = (uint16_t)to;
    return (is_one || is_range) && from >= 1 && from <= to && to <= 4094;
}

static bool
check_site(struct checker *c, struct policy_file *file, size_t index)
{
    struct file_site *site = &file->sites[index];
    if (!CHECK_NAME(c, file, sites, index)) {
        return false;
    }
    if (site->switch_count == 0) {
        return fault(c, "needs at least one switch", "sites[%zu].switches", index);
    }
    if (site->own_addresses && strcmp(site->name, SITE_DEFAULT) == 0) {
        return fault(c, "is what all other sites together are called: choose another name",
                     "sites[%zu].name", index);
    }
    for (size_t i = 0; i < site->vlan_count; i++) {
        if (!vlans_of(site->vlans[i], &site->vlan_low[i], &site->vlan_high[i])) {
            return fault(c, "is not a VLAN or a range, like \"100\" or \"200-299\" (in quotes)",
                         "sites[%zu].vlans[%zu]", index, i);
        }
    }
    return true;
}

bool
check_sites(struct checker *c, const struct policy_file *file, const char *where,
            const char (*names)[NAME_SIZE], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool is_known = strcmp(names[i], SITE_DEFAULT) == 0;
        for (size_t k = 0; k < file->site_count && !is_known; k++) {
            is_known = file->sites[k].own_addresses && strcmp(file->sites[k].name, names[i]) == 0;
        }
        if (!is_known) {
            return fault(c, "is not \"default\", and no site with own_addresses has that name",
                         "%s.sites[%zu]", where, i);
        }
    }
    return true;
}

bool
check_rollout(struct checker *c, struct policy_file *file)
{
    char where[48];
    for (size_t i = 0; i < file->site_count; i++) {
        if (!check_site(c, file, i)) {
            return false;
        }
    }
    for (size_t i = 0; i < file->rollout_count; i++) {
        snprintf(where, sizeof(where), "rollout[%zu].when", i);
        if (!CHECK_NAME(c, file, rollout, i) ||
            !check_whom(c, file, &file->rollout[i].when, where)) {
            return false;
        }
    }
    return check_windows(c, file);
}
