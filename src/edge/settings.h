/* edge.yaml (packaging/edge.yaml explains every key).  Errors name line and column. */
#ifndef CORDON_EDGE_SETTINGS_H
#define CORDON_EDGE_SETTINGS_H

#include "base/log.h"
#include "model/addr.h"
#include "model/fact.h"
#include "model/text.h"
#include "wire/protected_hosts.h"
#include "wire/yaml_file.h"

#define EDGE_PORTS_MAX 256

struct edge_port_setting {
    char name[NAME_SIZE];
    enum port_role role;
};

struct edge_settings {
    char name[NAME_SIZE]; /* as in the certificate and in cordond.yaml */
    char bridge[NAME_SIZE];
    bool makes_bridge; /* make the bridge, and put the ports into it once their blocks are loaded */
    struct edge_port_setting *ports; /* owned; others that join the bridge are access ports */
    size_t port_count;
    char server[NAME_SIZE]; /* cordond: address with port */
    char ca[URL_SIZE], cert[URL_SIZE], key[URL_SIZE];
    char state_dir[URL_SIZE];  /* /var/lib/cordon-edge */
    char run_dir[URL_SIZE];    /* /run/cordon-edge/NAME */
    struct ip mirror_source;   /* outer source of ERSPAN copies */
    uint32_t mirror_permille;  /* of the uplink's rate; 0: 100 */
    uint32_t lldp_interval_s;  /* 0: 30 */
    struct ip warning_address; /* what names of sites that are not permitted resolve to */
    /* MACs, addresses, prefixes that nobody may have blocked here (wire/protected_hosts.h) */
    char protected[PROTECTED_HOSTS_MAX][PREFIX_TEXT_SIZE];
    size_t protected_count;
    enum log_format log_format;
};

/* Finish with settings_fini. */
int settings_load(const char *path, struct edge_settings *settings,
                  struct yaml_file_error *error) MUST_CHECK;
void settings_fini(struct edge_settings *settings);
/* ACCESS for ports that are not named. */
enum port_role settings_role_of(const struct edge_settings *settings, const char *port);

#endif
