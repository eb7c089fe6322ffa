#include "cordond/sandbox_view.h"

#include <cjson/cJSON.h>

#include "base/sandbox.h"

static cJSON *
row_view(const struct sandbox *sandbox)
{
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "name", sandbox->name);
    cJSON_AddStringToObject(row, "user", sandbox->user);
    cJSON *kept = cJSON_AddArrayToObject(row, "capabilities");
    for (size_t i = 0; i < sandbox->kept_count; i++) {
        cJSON_AddItemToArray(kept, cJSON_CreateString(sandbox_capability_name(sandbox->kept[i])));
    }
    cJSON *limits = cJSON_AddObjectToObject(row, "limits");
    cJSON_AddNumberToObject(limits, "core", 0);
    cJSON_AddNumberToObject(limits, "files", (double)sandbox->files);
    if (sandbox->processes) {
        cJSON_AddNumberToObject(limits, "processes", (double)sandbox->processes);
    }
    cJSON_AddBoolToObject(row, "has_folder", sandbox->has_folder);
    return row;
}

char *
sandbox_view_text(void)
{
    cJSON *rows = cJSON_CreateArray();
    for (int role = 0; role < SANDBOX_ROLE_COUNT; role++) {
        cJSON_AddItemToArray(rows, row_view(sandbox_of((enum sandbox_role)role)));
    }
    char *text = cJSON_Print(rows);
    cJSON_Delete(rows);
    return text;
}
