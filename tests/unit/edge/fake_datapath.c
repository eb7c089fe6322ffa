#include "fake_datapath.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct datapath *
fake_new(void)
{
    return MEM_NEW(struct datapath);
}

static void
rules_drop(struct datapath *datapath)
{
    for (size_t i = 0; i < datapath->count; i++) {
        rule_fini(&datapath->rules[i]);
        datapath->is_lost[i] = false;
    }
    datapath->count = 0;
}

void
fake_free(struct datapath *datapath)
{
    rules_drop(datapath);
    free(datapath);
}

int
fake_find(const struct datapath *datapath, const char *id)
{
    for (size_t i = 0; i < datapath->count; i++) {
        if (strcmp(datapath->rules[i].id, id) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static void
report_fill(const struct datapath *datapath, const char *id, bool verify,
            struct rule_report *report)
{
    int at = fake_find(datapath, id);
    bool is_refused = strcmp(datapath->refuses, id) == 0;
    *report = (struct rule_report){.state = verify ? RULE_VERIFIED : RULE_APPLIED};
    snprintf(report->id, sizeof(report->id), "%s", id);
    if (at < 0 || datapath->is_lost[at] || is_refused) {
        report->state = is_refused ? RULE_FAILED : RULE_ABSENT;
        snprintf(report->why, sizeof(report->why), "%s",
                 is_refused ? "refused" : "its entry is missing");
    } else if (strcmp(datapath->alters, id) == 0) {
        report->state = RULE_FAILED;
        snprintf(report->why, sizeof(report->why), "its entry is not what was set");
    }
}

bool
datapath_is_refused(const struct datapath *datapath, const char *rule_id)
{
    return strcmp(datapath->refuses, rule_id) == 0;
}

static void
rule_put(struct datapath *datapath, const struct rule *rule)
{
    int at = fake_find(datapath, rule->id);
    if (at >= 0) {
        rule_fini(&datapath->rules[at]);
    } else {
        if (datapath->count == FAKE_RULES_MAX) {
            abort();
        }
        at = (int)datapath->count++;
    }
    datapath->is_lost[at] = datapath->keeps_losing;
    rule_copy(&datapath->rules[at], rule);
}

static void
rule_take(struct datapath *datapath, const char *id)
{
    int at = fake_find(datapath, id);
    if (at >= 0) {
        rule_fini(&datapath->rules[at]);
        datapath->rules[at] = datapath->rules[--datapath->count];
        datapath->is_lost[at] = datapath->is_lost[datapath->count];
    }
}

int
datapath_set(struct datapath *datapath, const struct rule *rules, size_t count,
             struct rule_report *reports)
{
    datapath->sets++;
    if (datapath->set_error) {
        return datapath->set_error;
    }
    if (!datapath->keeps_unknown) {
        rules_drop(datapath);
    }
    datapath->unknown = datapath->count;
    for (size_t i = 0; datapath->unknown > 0 && i < count; i++) {
        datapath->unknown -= fake_find(datapath, rules[i].id) >= 0;
    }
    for (size_t i = 0; i < count; i++) {
        rule_put(datapath, &rules[i]);
        if (reports) {
            report_fill(datapath, rules[i].id, false, &reports[i]);
        }
    }
    return datapath->one_error;
}

void
datapath_keep_unknown(struct datapath *datapath, bool keeps_unknown)
{
    datapath->keeps_unknown = keeps_unknown;
}

bool
datapath_has_unknown(const struct datapath *datapath)
{
    return datapath->unknown > 0;
}

bool
datapath_is_suspended(const struct datapath *datapath)
{
    return datapath->is_suspended;
}

int
datapath_change(struct datapath *datapath, const struct rule *add, size_t add_count,
                const char (*remove)[RULE_ID_SIZE], size_t remove_count,
                struct rule_report *reports)
{
    datapath->changes++;
    if (datapath->change_error) {
        return datapath->change_error;
    }
    int result = 0;
    for (size_t i = 0; i < add_count; i++) {
        rule_put(datapath, &add[i]);
        result = strcmp(datapath->refuses, add[i].id) == 0 ? -ENOSPC : result;
        if (reports) {
            report_fill(datapath, add[i].id, false, &reports[i]);
        }
    }
    for (size_t i = 0; i < remove_count; i++) {
        rule_take(datapath, remove[i]);
    }
    return result;
}

void
datapath_suspend(struct datapath *datapath, bool is_suspended)
{
    datapath->is_suspended = is_suspended;
}

size_t
datapath_rule_count(const struct datapath *datapath)
{
    return datapath->count;
}

const struct rule *
datapath_rule_at(const struct datapath *datapath, size_t index)
{
    return &datapath->rules[index];
}

size_t
datapath_kind_count(const struct datapath *datapath, enum rule_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < datapath->count; i++) {
        count += datapath->rules[i].kind == kind;
    }
    return count;
}

const struct rule *
datapath_kind_at(const struct datapath *datapath, enum rule_kind kind, size_t index)
{
    for (size_t i = 0; i < datapath->count; i++) {
        if (datapath->rules[i].kind == kind && index-- == 0) {
            return &datapath->rules[i];
        }
    }
    abort(); /* beyond the last */
}

const struct rule *
datapath_rule_find(const struct datapath *datapath, const char *rule_id)
{
    int at = fake_find(datapath, rule_id);
    return at >= 0 ? &datapath->rules[at] : NULL;
}

const struct rule *
datapath_isolate_of(const struct datapath *datapath, const struct mac *mac, const struct ip *ip)
{
    const struct rule *of_ip = NULL;
    for (size_t i = 0; i < datapath->count; i++) {
        const struct rule *rule = &datapath->rules[i];
        if (rule->kind != RULE_ISOLATE) {
            continue;
        }
        if (!mac_is_none(&rule->isolate.mac) && mac_is_equal(&rule->isolate.mac, mac)) {
            return rule;
        }
        if (mac_is_none(&rule->isolate.mac) && ip_is_equal(&rule->isolate.ip, ip)) {
            of_ip = rule;
        }
    }
    return of_ip;
}

int
datapath_read_back(struct datapath *datapath, bool verify, struct rule_report *reports)
{
    for (size_t i = 0; i < datapath->count; i++) {
        report_fill(datapath, datapath->rules[i].id, verify, &reports[i]);
    }
    datapath->verified += verify;
    return datapath->read_back_error;
}

void
datapath_read_back_these(struct datapath *datapath, const struct rule *rules, size_t count,
                         bool verify, struct rule_report *reports)
{
    for (size_t i = 0; i < count; i++) {
        report_fill(datapath, rules[i].id, verify, &reports[i]);
        if (datapath->read_back_error) {
            reports[i].state = RULE_FAILED;
        }
    }
}

unsigned
datapath_check_ports(struct datapath *datapath, char problem[TEXT_SIZE])
{
    unsigned wrong = datapath->wrong_ports;
    if (wrong > 0) {
        snprintf(problem, TEXT_SIZE, "filter was missing on p1: attached again");
    }
    datapath->wrong_ports = 0;
    return wrong;
}

size_t
datapath_counters(struct datapath *datapath, struct datapath_counter *counters, size_t room)
{
    if (room == 0) {
        return 0;
    }
    counters[0] = (struct datapath_counter){"rules", datapath->count};
    return 1;
}
