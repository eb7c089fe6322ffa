#include "edge/settings.h"

#include <stdio.h>
#include <string.h>

static const struct field port_fields[] = {
    F_TEXT(FIELD_NEEDED, struct edge_port_setting, name),
    F_ENUM(FIELD_OPTIONAL, struct edge_port_setting, role, port_role_names),
};
static const struct shape port_shape = SHAPE("port", struct edge_port_setting, port_fields, NULL);

static const char *const log_format_names[] = {"text", "json", NULL};

static const struct field settings_fields[] = {
    F_TEXT(FIELD_NEEDED, struct edge_settings, name),
    F_TEXT(FIELD_NEEDED, struct edge_settings, bridge),
    F_BOOL(FIELD_OPTIONAL, struct edge_settings, makes_bridge),
    F_LIST(FIELD_OPTIONAL, struct edge_settings, ports, port_count, EDGE_PORTS_MAX, &port_shape),
    F_TEXT(FIELD_NEEDED, struct edge_settings, server),
    F_TEXT(FIELD_NEEDED, struct edge_settings, ca),
    F_TEXT(FIELD_NEEDED, struct edge_settings, cert),
    F_TEXT(FIELD_NEEDED, struct edge_settings, key),
    F_TEXT(FIELD_OPTIONAL, struct edge_settings, state_dir),
    F_TEXT(FIELD_OPTIONAL, struct edge_settings, run_dir),
    F_IP(FIELD_OPTIONAL, struct edge_settings, mirror_source),
    F_RANGE(FIELD_OPTIONAL, struct edge_settings, mirror_permille, 0, 1000),
    F_RANGE(FIELD_OPTIONAL, struct edge_settings, lldp_interval_s, 0, 3600),
    F_IP(FIELD_OPTIONAL, struct edge_settings, warning_address),
    F_TEXTS(FIELD_OPTIONAL, struct edge_settings, protected,
            offsetof(struct edge_settings, protected_count), PROTECTED_HOSTS_MAX),
    F_ENUM(FIELD_OPTIONAL, struct edge_settings, log_format, log_format_names),
};

/* Interface names have 15 characters at most (IFNAMSIZ). */
static bool
settings_check(const void *thing, char why[128])
{
    const struct edge_settings *settings = thing;
    bool is_good = settings->bridge[0] && strlen(settings->bridge) < 16;
    for (size_t i = 0; is_good && i < settings->port_count; i++) {
        is_good = settings->ports[i].name[0] && strlen(settings->ports[i].name) < 16;
    }
    if (!is_good) {
        snprintf(why, 128, "bridge and port names have 1 to 15 characters");
        return false;
    }
    for (size_t i = 0; i < settings->protected_count; i++) {
        struct rule_protect protect;
        if (!protected_host_parse(settings->protected[i], &protect)) {
            snprintf(why, 128, "protected: '%.50s' is no MAC, address or prefix",
                     settings->protected[i]);
            return false;
        }
    }
    if (settings->makes_bridge && settings->port_count == 0) {
        snprintf(why, 128, "makes_bridge needs ports");
        return false;
    }
    return true;
}

static const struct shape settings_shape =
    SHAPE("edge.yaml", struct edge_settings, settings_fields, settings_check);

int
settings_load(const char *path, struct edge_settings *settings, struct yaml_file_error *error)
{
    int result = yaml_file_load(path, &settings_shape, settings, error);
    if (result) {
        return result;
    }
    if (!settings->state_dir[0]) {
        snprintf(settings->state_dir, sizeof(settings->state_dir), "/var/lib/cordon-edge");
    }
    if (!settings->run_dir[0]) {
        snprintf(settings->run_dir, sizeof(settings->run_dir), "/run/cordon-edge/%s",
                 settings->name);
    }
    if (settings->lldp_interval_s == 0) {
        settings->lldp_interval_s = 30;
    }
    if (settings->mirror_permille == 0) {
        settings->mirror_permille = 100;
    }
    if (ip_is_none(&settings->warning_address)) {
        /* RFC 5737: routed nowhere, so a browser asks its gateway, which the responder plays */
        settings->warning_address = ip_from_v4((const uint8_t[]){192, 0, 2, 80});
    }
    return 0;
}

void
settings_fini(struct edge_settings *settings)
{
    codec_fini(&settings_shape, settings);
}

enum port_role
settings_role_of(const struct edge_settings *settings, const char *port)
{
    for (size_t i = 0; i < settings->port_count; i++) {
        if (strcmp(settings->ports[i].name, port) == 0) {
            return settings->ports[i].role;
        }
    }
    return PORT_ACCESS;
}
