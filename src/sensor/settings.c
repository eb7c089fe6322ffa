#include "sensor/settings.h"

#include <stdio.h>
#include <string.h>

static const struct field list_fields[] = {
    F_TEXT(FIELD_NEEDED, struct list_setting, name),
    F_TEXT(FIELD_NEEDED, struct list_setting, path),
    F_RANGE(FIELD_OPTIONAL, struct list_setting, confidence, 0, 100),
};
static const struct shape list_shape = SHAPE("list", struct list_setting, list_fields, NULL);

static const struct field network_fields[] = {
    F_PREFIX(FIELD_NEEDED, struct network_setting, prefix),
};
static const struct shape network_shape =
    SHAPE("network", struct network_setting, network_fields, NULL);

static const char *const log_format_names[] = {"text", "json", NULL};

static const struct field settings_fields[] = {
    F_TEXT(FIELD_NEEDED, struct sensor_settings, name),
    F_TEXT(FIELD_OPTIONAL, struct sensor_settings, server),
    F_TEXT(FIELD_OPTIONAL, struct sensor_settings, ca),
    F_TEXT(FIELD_OPTIONAL, struct sensor_settings, cert),
    F_TEXT(FIELD_OPTIONAL, struct sensor_settings, key),
    F_TEXTS(FIELD_OPTIONAL, struct sensor_settings, interfaces,
            offsetof(struct sensor_settings, interface_count), INTERFACES_MAX),
    F_LIST(FIELD_OPTIONAL, struct sensor_settings, home_networks, home_network_count, NETWORKS_MAX,
           &network_shape),
    F_LIST(FIELD_OPTIONAL, struct sensor_settings, mirror_sources, mirror_source_count,
           NETWORKS_MAX, &network_shape),
    F_LIST(FIELD_OPTIONAL, struct sensor_settings, lists, list_count, LISTS_MAX, &list_shape),
    F_TEXT(FIELD_OPTIONAL, struct sensor_settings, spool_dir),
    F_UINT(FIELD_OPTIONAL, struct sensor_settings, spool_mib),
    F_TEXT(FIELD_OPTIONAL, struct sensor_settings, eve_file),
    F_TEXT(FIELD_OPTIONAL, struct sensor_settings, eve_socket),
    F_TEXT(FIELD_OPTIONAL, struct sensor_settings, user),
    F_ENUM(FIELD_OPTIONAL, struct sensor_settings, log_format, log_format_names),
    F_UINT(FIELD_OPTIONAL, struct sensor_settings, flow_limit),
    F_RANGE(FIELD_OPTIONAL, struct sensor_settings, scan_targets, 0, 1000),
};

static bool
settings_check(const void *thing, char why[128])
{
    const struct sensor_settings *settings = thing;
    if (settings->server[0] && !(settings->ca[0] && settings->cert[0] && settings->key[0])) {
        snprintf(why, 128, "server needs ca, cert and key");
        return false;
    }
    return true;
}

static const struct shape settings_shape =
    SHAPE("sensor.yaml", struct sensor_settings, settings_fields, settings_check);

int
settings_load(const char *path, struct sensor_settings *settings, struct yaml_file_error *error)
{
    return yaml_file_load(path, &settings_shape, settings, error);
}

void
settings_fini(struct sensor_settings *settings)
{
    codec_fini(&settings_shape, settings);
}

static bool
is_in(const struct network_setting *networks, size_t count, const struct ip *ip)
{
    for (size_t i = 0; i < count; i++) {
        if (prefix_has(&networks[i].prefix, ip)) {
            return true;
        }
    }
    return false;
}

/* RFC 1918, RFC 3927; RFC 4193 and link-local. */
static bool
is_private(const struct ip *ip)
{
    const uint8_t *b = ip->b + 12;
    if (!ip_is_v4(ip)) {
        return (ip->b[0] & 0xfe) == 0xfc || ip_is_link_local(ip);
    }
    return b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
           ip_is_link_local(ip);
}

bool
settings_is_home(const struct sensor_settings *settings, const struct ip *ip)
{
    return settings->home_network_count > 0
               ? is_in(settings->home_networks, settings->home_network_count, ip) ||
                     ip_is_link_local(ip)
               : is_private(ip);
}

bool
settings_is_mirror(const struct sensor_settings *settings, const struct ip *ip)
{
    return is_in(settings->mirror_sources, settings->mirror_source_count, ip);
}
