/* What the responder asks of the desired state. */
#include <string.h>

#include "edge/desired.h"

const struct rule *
desired_isolate_of(const struct desired *desired, const struct mac *mac, const struct ip *ip)
{
    return datapath_isolate_of(desired_datapath(desired), mac, ip);
}

const struct rule *
desired_hold_of(const struct desired *desired, const char *port)
{
    const struct datapath *datapath = desired_datapath(desired);
    for (size_t i = 0; i < datapath_kind_count(datapath, RULE_HOLD_PORT); i++) {
        const struct rule *rule = datapath_kind_at(datapath, RULE_HOLD_PORT, i);
        if (strcmp(rule->hold_port.port, port) == 0) {
            return rule;
        }
    }
    return NULL;
}

const struct permit_set *
desired_permits(const struct desired *desired, const char *name)
{
    const struct datapath *datapath = desired_datapath(desired);
    for (size_t i = 0; name[0] && i < datapath_kind_count(datapath, RULE_PERMIT_SET); i++) {
        const struct rule *rule = datapath_kind_at(datapath, RULE_PERMIT_SET, i);
        if (strcmp(rule->permit_set.name, name) == 0) {
            return &rule->permit_set;
        }
    }
    return NULL;
}

/* In the order of their ids: a text that was changed last must not move to the end of the page. */
size_t
desired_warnings(const struct desired *desired, const struct rule_warning **warnings, size_t room)
{
    const struct datapath *datapath = desired_datapath(desired);
    size_t held = datapath_kind_count(datapath, RULE_WARNING);
    const char *last = "";
    size_t count = 0;
    for (const struct rule *next = NULL; count < room && count < held; count++, next = NULL) {
        for (size_t i = 0; i < held; i++) {
            const struct rule *rule = datapath_kind_at(datapath, RULE_WARNING, i);
            if (strcmp(rule->id, last) > 0 && (!next || strcmp(rule->id, next->id) < 0)) {
                next = rule;
            }
        }
        if (!next) {
            break;
        }
        last = next->id;
        warnings[count] = next->warning;
    }
    return count;
}
