/* cordond.yaml, read with libcyaml: errors name line and column.  Every role reads it itself; it
 * holds no secrets. */
#ifndef CORDON_CORDOND_CONFIG_H
#define CORDON_CORDOND_CONFIG_H

#include "driver/driver.h"
#include "model/rule.h"
#include "model/text.h"

/* How other makers' detections come in. */
struct config_source {
    char name[NAME_SIZE];
    char kind[NAME_SIZE]; /* eve-socket, eve-file, syslog-udp, syslog-tcp, syslog-tls */
    char format[NAME_SIZE];   /* eve, cef; syslog only */
    char path[URL_SIZE];      /* socket or file */
    char listen[NAME_SIZE];   /* "[::]:5514" */
    char cert[URL_SIZE], key[URL_SIZE], ca[URL_SIZE]; /* syslog-tls; ca: senders must have a certificate */
    enum strength strength;   /* weak unless declared */
    uint8_t confidence;       /* of its detections; default 70 */
    bool adjacent;            /* its MACs come from a layer-2-adjacent mirror */
};

struct config_mirror {
    char switch_name[NAME_SIZE];
    struct rule_mirror mirror;
};

struct config {
    char state_dir[URL_SIZE];   /* /var/lib/cordon */
    char policy_file[URL_SIZE]; /* /etc/cordon/policy.yaml */
    char api_listen[NAME_SIZE]; /* "[::]:8443" */
    char edge_listen[NAME_SIZE];   /* "[::]:8701" */
    char sensor_listen[NAME_SIZE]; /* "[::]:8702" */
    char server_names[URL_SIZE];   /* in the server certificate */
    char log_format[NAME_SIZE];    /* text, json */
    struct device_config *switches;
    size_t switch_count;
    struct config_mirror *mirrors;
    size_t mirror_count;
    struct config_source *sources;
    size_t source_count;
    struct rule_warning *warnings; /* per language */
    size_t warning_count;
};

struct config_error {
    unsigned line, column;
    char text[TEXT_SIZE];
};
int config_load(const char *path, struct config **config, struct config_error *error) MUST_CHECK;
void config_free(struct config *config);

#endif
