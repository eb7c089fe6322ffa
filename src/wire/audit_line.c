#include "wire/audit_line.h"

#include <stddef.h>

#include "base/clock.h"

static const char *
text_at(const cJSON *json, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

bool
audit_line_read(const cJSON *json, struct audit_line *line)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(json, "number");
    const char *at = text_at(json, "at");
    const char *before = text_at(json, "before");
    const char *hash = text_at(json, "hash");
    line->fields = (struct audit_fields){
        .account = text_at(json, "account"),
        .action = text_at(json, "action"),
        .object = text_at(json, "object"),
        .detail = text_at(json, "detail"),
    };
    if (!cJSON_IsNumber(number) || number->valuedouble < 1 || number->valuedouble > 9e15 || !at ||
        time_parse(at, &line->fields.at_us) != 0 || !before || !hash || !line->fields.account ||
        !line->fields.action || !line->fields.object || !line->fields.detail) {
        return false;
    }
    line->fields.number = (int64_t)number->valuedouble;
    return audit_hash_parse(before, line->before) && audit_hash_parse(hash, line->hash);
}
