#include "wire/protected_hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

#define REFUSED_MAX 256 /* remembered, so that they can be told; all are refused */

struct learnt {
    char id[RULE_ID_SIZE];
    struct rule_protect protect;
};

struct protected_hosts {
    struct rule_protect *fixed; /* owned, all three */
    size_t fixed_count;
    struct learnt *learnt;
    size_t learnt_count, learnt_room;
    char (*refused)[RULE_ID_SIZE]; /* asked for, and not in force */
    size_t refused_count, refused_room;
    bool learns, is_in_snapshot;
    uint64_t count;
};

bool
protected_host_parse(const char *text, struct rule_protect *protect)
{
    *protect = (struct rule_protect){.mac = {{0}}};
    return mac_parse(text, &protect->mac) ? !mac_is_none(&protect->mac)
                                          : prefix_parse(text, &protect->server);
}

struct protected_hosts *
protected_hosts_new(const char (*texts)[PREFIX_TEXT_SIZE], size_t count, bool learns)
{
    struct protected_hosts *protected = MEM_NEW(struct protected_hosts);
    protected->fixed = mem_new(count + 1, sizeof(*protected->fixed));
    protected->learns = learns;
    for (size_t i = 0; i < count; i++) {
        protected->fixed_count +=
            protected_host_parse(texts[i], &protected->fixed[protected->fixed_count]) ? 1 : 0;
    }
    return protected;
}

void
protected_hosts_free(struct protected_hosts *protected)
{
    if (protected) {
        free(protected->fixed);
        free(protected->learnt);
        free(protected->refused);
        free(protected);
    }
}

uint64_t
protected_hosts_refused(const struct protected_hosts *protected)
{
    return protected->count;
}

static bool
mac_meets(const struct rule_protect *protect, const struct mac *mac)
{
    return !mac_is_none(mac) && mac_is_equal(mac, &protect->mac);
}

static bool
ip_meets(const struct rule_protect *protect, const struct ip *ip)
{
    return !ip_is_none(ip) && !prefix_is_none(&protect->server) && prefix_has(&protect->server, ip);
}

bool
protected_host_meets(const struct rule *rule, const struct rule_protect *protect)
{
    const struct prefix *server = &rule->server.server;
    switch (rule->kind) {
    case RULE_ISOLATE: /* its addresses are what it may say it has: not whom it is about */
        return mac_meets(protect, &rule->isolate.mac) || ip_meets(protect, &rule->isolate.ip);
    case RULE_BLOCK_PAIR:
        return mac_meets(protect, &rule->pair.mac) || ip_meets(protect, &rule->pair.ip);
    case RULE_BLOCK_SERVER: /* also where it is only a part of what is blocked */
        return !prefix_is_none(&protect->server) && (prefix_has(&protect->server, &server->ip) ||
                                                     prefix_has(server, &protect->server.ip));
    default:
        return false;
    }
}

static bool
is_refused(const struct protected_hosts *protected, const struct rule *rule)
{
    for (size_t i = 0; i < protected->fixed_count; i++) {
        if (protected_host_meets(rule, &protected->fixed[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < protected->learnt_count; i++) {
        if (protected_host_meets(rule, &protected->learnt[i].protect)) {
            return true;
        }
    }
    return false;
}

static void
learnt_drop(struct protected_hosts *protected, const char *id)
{
    for (size_t i = 0; i < protected->learnt_count; i++) {
        if (strcmp(protected->learnt[i].id, id) == 0) {
            protected->learnt[i] = protected->learnt[--protected->learnt_count];
            return;
        }
    }
}

static void
refused_drop(struct protected_hosts *protected, const char *id)
{
    for (size_t i = 0; i < protected->refused_count; i++) {
        if (strcmp(protected->refused[i], id) == 0) {
            memcpy(protected->refused[i], protected->refused[--protected->refused_count],
                   RULE_ID_SIZE);
            return;
        }
    }
}

/* What came before does not count any more: of a delta what it removes, of a snapshot everything.
 */
static void
forget(struct protected_hosts *protected, const struct wire_desired *in)
{
    if (in->base == 0 && !protected->is_in_snapshot) {
        protected->learnt_count = protected->refused_count = 0;
    }
    protected->is_in_snapshot = in->base == 0 && !in->is_last;
    for (size_t i = 0; i < in->remove_count; i++) {
        learnt_drop(protected, in->remove[i].id);
        refused_drop(protected, in->remove[i].id);
    }
}

static void
learn(struct protected_hosts *protected, const struct wire_desired *in)
{
    for (size_t i = 0; protected->learns && i < in->add_count; i++) {
        const struct rule *rule = &in->add[i];
        if (rule->kind != RULE_PROTECT) {
            continue;
        }
        learnt_drop(protected, rule->id);
        if (protected->learnt_count == protected->learnt_room) {
            protected->learnt_room = protected->learnt_room ? protected->learnt_room * 2 : 64;
            protected->learnt =
                mem_resize(protected->learnt, protected->learnt_room, sizeof(*protected->learnt));
        }
        struct learnt *one = &protected->learnt[protected->learnt_count++];
        one->protect = rule->protect;
        memcpy(one->id, rule->id, sizeof(one->id));
    }
}

static void
refuse(struct protected_hosts *protected, const struct wire_desired *in, const struct rule *rule)
{
    protected->count++;
    log_error("protected", "REFUSED: a rule would block a protected host",
              LOG_S("switch", in->switch_name), LOG_S("rule", rule->id),
              LOG_I("refused", protected->count));
    refused_drop(protected, rule->id);
    if (protected->refused_count == REFUSED_MAX) {
        return;
    }
    if (protected->refused_count == protected->refused_room) {
        protected->refused_room = protected->refused_room ? protected->refused_room * 2 : 16;
        protected->refused = mem_resize(protected->refused, protected->refused_room, RULE_ID_SIZE);
    }
    memcpy(protected->refused[protected->refused_count++], rule->id, RULE_ID_SIZE);
}

size_t
protected_hosts_filter(struct protected_hosts *protected, const struct wire_desired *in,
                       struct wire_desired *out)
{
    size_t refused = 0;
    *out = *in;
    out->add = mem_new(in->add_count + 1, sizeof(*out->add));
    out->add_count = 0;
    forget(protected, in);
    learn(protected, in); /* before: they may stand behind what they are about */
    for (size_t i = 0; i < in->add_count; i++) {
        if (is_refused(protected, &in->add[i])) {
            refuse(protected, in, &in->add[i]);
            refused++;
        } else {
            out->add[out->add_count++] = in->add[i];
        }
    }
    return refused;
}

bool
protected_hosts_has_refused(const struct protected_hosts *protected)
{
    return protected->refused_count > 0;
}

void
protected_hosts_report(const struct protected_hosts *protected, struct wire_observed *observed)
{
    if (protected->refused_count == 0 || !observed->is_last || observed->needs_snapshot ||
        observed->refused[0] != '\0') {
        return;
    }
    observed->rules = mem_resize(observed->rules, observed->rule_count + protected->refused_count,
                                 sizeof(*observed->rules));
    for (size_t i = 0; i < protected->refused_count; i++) {
        struct rule_report *report = &observed->rules[observed->rule_count++];
        *report = (struct rule_report){.state = RULE_FAILED};
        memcpy(report->id, protected->refused[i], sizeof(report->id));
        snprintf(report->why, sizeof(report->why), PROTECTED_REFUSAL);
    }
}
