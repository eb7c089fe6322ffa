/* sensor.yaml (packaging/sensor.yaml explains every key).  Errors name line and column. */
#ifndef CORDON_SENSOR_SETTINGS_H
#define CORDON_SENSOR_SETTINGS_H

#include "base/log.h"
#include "model/addr.h"
#include "model/text.h"
#include "wire/yaml_file.h"

#define INTERFACES_MAX 8
#define LISTS_MAX 64
#define NETWORKS_MAX 256

struct list_setting {
    char name[NAME_SIZE];
    char path[URL_SIZE];
    uint8_t confidence; /* 0: 80 */
};

struct network_setting {
    struct prefix prefix;
};

struct sensor_settings {
    char name[NAME_SIZE];
    char server[NAME_SIZE]; /* cordond; "": detections only go to the EVE outputs */
    char ca[URL_SIZE], cert[URL_SIZE], key[URL_SIZE];
    char interfaces[INTERFACES_MAX][NAME_SIZE];
    size_t interface_count;
    struct network_setting *home_networks; /* owned; none: RFC 1918, RFC 4193 and link-local */
    size_t home_network_count;
    struct network_setting *mirror_sources; /* owned; switches whose ERSPAN headers are believed */
    size_t mirror_source_count;
    struct list_setting *lists; /* owned */
    size_t list_count;
    char spool_dir[URL_SIZE];
    uint32_t spool_mib;        /* 0: 64 */
    char eve_file[URL_SIZE];   /* "-": stdout */
    char eve_socket[URL_SIZE]; /* a unix stream socket that somebody else listens on */
    char user[NAME_SIZE];      /* after the capture is open; "": cordon-sensor */
    enum log_format log_format;
    uint32_t flow_limit;
    uint32_t scan_targets; /* distinct unanswered targets before a scan is reported; 0: 5 */
};

int settings_load(const char *path, struct sensor_settings *settings,
                  struct yaml_file_error *error) MUST_CHECK;
void settings_fini(struct sensor_settings *settings);
bool settings_is_home(const struct sensor_settings *settings, const struct ip *ip);
bool settings_is_mirror(const struct sensor_settings *settings, const struct ip *ip);

#endif
