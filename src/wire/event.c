#include "wire/event.h"

#include <string.h>

static const struct field event_fields[] = {
    F_UINT(FIELD_NEEDED, struct wire_event, sequence),
    F_TEXT(FIELD_NEEDED, struct wire_event, topic),
    F_JSON(FIELD_OPTIONAL, struct wire_event, body),
};

const struct shape wire_event_shape = SHAPE("event", struct wire_event, event_fields, NULL);

bool
event_is_for(const char *topic, enum account_role role)
{
    static const struct {
        const char *topic;
        enum op list;
    } kept[] = {{"notice", OP_NOTICE_LIST}}; /* all others may be listed by everybody */
    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        if (strcmp(kept[i].topic, topic) == 0) {
            return op_allows(kept[i].list, role);
        }
    }
    return true;
}

bool
event_reduce(const char *topic, cJSON *body)
{
    static const char address[] = "owner_email";
    if (strcmp(topic, "endpoint") != 0 || !cJSON_GetObjectItemCaseSensitive(body, address)) {
        return false;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(body, address);
    return true;
}
