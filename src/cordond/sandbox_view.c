#include "cordond/sandbox_view.h"

#include <stdio.h>
#include <sys/socket.h>

#include <cjson/cJSON.h>

#include "base/sandbox.h"

static const char *
family_name(int family)
{
    return family == AF_UNIX      ? "unix"
           : family == AF_INET    ? "ipv4"
           : family == AF_INET6   ? "ipv6"
           : family == AF_NETLINK ? "netlink"
                                  : "packet";
}

static void
paths_view(cJSON *row, const struct sandbox *sandbox)
{
    cJSON *reads = cJSON_AddArrayToObject(row, "reads");
    cJSON *writes = cJSON_AddArrayToObject(row, "writes");
    char folder[64];
    if (sandbox->has_all_paths) {
        cJSON_AddItemToArray(writes, cJSON_CreateString("what its owner and mode allow"));
    }
    if (sandbox->has_folder) {
        snprintf(folder, sizeof(folder), "STATE/%s", sandbox->name);
        cJSON_AddItemToArray(writes, cJSON_CreateString(folder));
    }
    for (size_t i = 0; i < SANDBOX_PATHS_MAX && sandbox->paths[i].path; i++) {
        cJSON_AddItemToArray(sandbox->paths[i].is_writable ? writes : reads,
                             cJSON_CreateString(sandbox->paths[i].path));
    }
    if (sandbox->configured) {
        cJSON_AddStringToObject(row, "configured", sandbox->configured);
    }
}

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
    paths_view(row, sandbox);
    cJSON *calls = cJSON_AddArrayToObject(row, "calls");
    for (int group = 0; group < CALLS_COUNT; group++) {
        if (sandbox_calls_bits(sandbox) >> group & 1) {
            cJSON_AddItemToArray(calls, cJSON_CreateString(sandbox_calls_names[group]));
        }
    }
    cJSON *families = cJSON_AddArrayToObject(row, "sockets");
    for (const int *family = sandbox->families; *family; family++) {
        cJSON_AddItemToArray(families, cJSON_CreateString(family_name(*family)));
    }
    return row;
}

static void
names_add(cJSON *object, const char *key, const char *const *names)
{
    cJSON *list = cJSON_AddArrayToObject(object, key);
    for (; *names; names++) {
        cJSON_AddItemToArray(list, cJSON_CreateString(*names));
    }
}

char *
sandbox_view_text(void)
{
    cJSON *whole = cJSON_CreateObject();
    cJSON *rows = cJSON_AddArrayToObject(whole, "processes");
    for (int role = 0; role < SANDBOX_ROLE_COUNT; role++) {
        cJSON_AddItemToArray(rows, row_view(sandbox_of((enum sandbox_role)role)));
    }
    cJSON *groups = cJSON_AddObjectToObject(whole, "calls");
    for (int group = 0; group < CALLS_COUNT; group++) {
        names_add(groups, sandbox_calls_names[group], sandbox_calls_of((enum sandbox_calls)group));
    }
    names_add(whole, "fatal_calls", sandbox_calls_fatal);
    cJSON_AddStringToObject(whole, "other_calls", "ENOSYS, and the kernel logs them");
    cJSON_AddBoolToObject(whole, "has_sanitizer", sandbox_has_sanitizer());
    cJSON_AddNumberToObject(whole, "landlock_here", sandbox_paths_version());
    char *text = cJSON_Print(whole);
    cJSON_Delete(whole);
    return text;
}
