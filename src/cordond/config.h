/* cordond.yaml, read strictly (wire/yaml_file.h): errors name line and column.  Every role reads it
 * itself; it holds no secrets.  packaging/cordond.yaml explains every key. */
#ifndef CORDON_CORDOND_CONFIG_H
#define CORDON_CORDOND_CONFIG_H

#include "base/log.h"
#include "driver/driver.h"
#include "model/detection.h"
#include "model/rule.h"
#include "model/text.h"
#include "wire/protected_hosts.h"
#include "wire/yaml_file.h"

/* What absent keys mean. */
#define CONFIG_STATE_DIR "/var/lib/cordon"
#define CONFIG_POLICY_FILE "/etc/cordon/policy.yaml"
#define CONFIG_SECRET_KEY "secret.key" /* below the state folder */
#define CONFIG_API_LISTEN "[::]:8443"
#define CONFIG_EDGE_LISTEN "[::]:8701"
#define CONFIG_SENSOR_LISTEN "[::]:8702"

#define CONFIG_SOURCES_MAX 64

/* How other makers' detections come in. */
enum source_kind {
    SOURCE_EVE_SOCKET, /* Suricata's unix stream socket: we listen at 'path' */
    SOURCE_EVE_FILE,   /* eve.json is followed, through rotation */
    SOURCE_SYSLOG_UDP,
    SOURCE_SYSLOG_TCP,
    SOURCE_SYSLOG_TLS,
    SOURCE_KIND_COUNT
};
extern const char *const source_kind_names[SOURCE_KIND_COUNT + 1]; /* "eve-socket", ... */

enum source_format { SOURCE_FORMAT_EVE, SOURCE_FORMAT_CEF, SOURCE_FORMAT_COUNT };
extern const char *const source_format_names[SOURCE_FORMAT_COUNT + 1]; /* "eve", "cef" */

struct config_source {
    char name[NAME_SIZE];
    enum source_kind kind;
    enum source_format format;          /* syslog only */
    char path[URL_SIZE];                /* socket or file */
    char listen[NAME_SIZE];             /* "[::]:5514" */
    char cert[URL_SIZE], key[URL_SIZE]; /* syslog-tls; empty: cordond's own server certificate */
    char ca[URL_SIZE];                  /* senders must have a certificate by this authority */
    enum strength strength;             /* weak unless declared strong */
    uint8_t confidence;                 /* where a line says none; 0: 70 */
    bool adjacent;                      /* its MACs come from a layer-2-adjacent mirror */
};

struct config_mirror {
    char switch_name[NAME_SIZE];
    struct rule_mirror mirror;
};

/* As whom the roles run. */
enum config_users {
    USERS_ROLES, /* each as its own system user; cordond is started by root */
    USERS_OWN, /* all as whoever starts cordond, who is not root: nothing keeps their files apart */
    USERS_COUNT
};

/* Below login's folder: what `bind_password_file` and `client_secret_file` held, sealed. */
#define CONFIG_CREDENTIALS "/run/credentials/" /* where systemd puts what LoadCredential= names */
#define CONFIG_LDAP_SEALED "ldap.sealed"
#define CONFIG_OPENID_SEALED "openid.sealed"

/* Who may come in. */
struct config_accounts {
    char second_factor[4][NAME_SIZE]; /* roles that need one */
    size_t factor_role_count;
    uint32_t token_days;     /* how long tokens last where nobody says; 0: 90 */
    uint32_t requests_per_s; /* of one account, or one address that shows no right; 0: 200 */
};

#define CONFIG_MAPPINGS_MAX 64
/* Whoever is in 'group' there has 'role' here; the first one of a list that fits counts. */
struct config_mapping {
    char group[URL_SIZE];
    int role; /* enum account_role */
};

/* A directory that accounts come from; none where 'url' is "". */
struct config_ldap {
    char url[URL_SIZE]; /* "ldaps://dc.example.org", or ldap:// with STARTTLS */
    char ca[URL_SIZE];  /* that its certificate is by; "": the system's */
    bool allows_plain;  /* ldap:// without TLS */
    char bind_dn[URL_SIZE], bind_password_file[URL_SIZE];
    char base[URL_SIZE];
    char name_attribute[NAME_SIZE];   /* "uid"; that the person types */
    char group_attribute[NAME_SIZE];  /* "memberOf"; of the person's entry */
    char group_base[URL_SIZE];        /* groups are looked for there instead, by ... */
    char member_attribute[NAME_SIZE]; /* "member" */
    struct config_mapping *roles;
    size_t role_count;
};

/* An OpenID provider that accounts come from; none where 'issuer' is "". */
struct config_openid {
    char issuer[URL_SIZE];
    char name[NAME_SIZE]; /* on the button */
    char ca[URL_SIZE];
    char client_id[HOST_SIZE], client_secret_file[URL_SIZE];
    char redirect_url[URL_SIZE]; /* our own address, as the provider knows it */
    char scopes[HOST_SIZE];      /* "openid profile" */
    char name_claim[NAME_SIZE];  /* "preferred_username" */
    char role_claim[NAME_SIZE];  /* "groups" */
    bool trusts_factor;          /* the provider asks for a second factor itself */
    struct config_mapping *roles;
    size_t role_count;
};

#define CONFIG_PROXIES_MAX 16

/* 0: what controller/certificates/certificates.h says. */
struct config_certificates {
    uint32_t life_s;  /* of a device's certificate */
    uint32_t grace_s; /* an expired one is let in for so long, to be renewed */
    uint32_t token_s; /* of a one-time token */
};

struct config {
    char path[URL_SIZE];                 /* where it was read from */
    char state_dir[URL_SIZE];            /* /var/lib/cordon */
    char policy_file[URL_SIZE];          /* /etc/cordon/policy.yaml */
    char backup_key[96];                 /* the operator's public key, in hexadecimal; "": none */
    char secret_key_file[URL_SIZE + 16]; /* the master key of what is sealed (base/seal.h) */
    char api_listen[NAME_SIZE];          /* "[::]:8443" */
    char edge_listen[NAME_SIZE];         /* "[::]:8701" */
    char sensor_listen[NAME_SIZE];       /* "[::]:8702" */
    char server_names[URL_SIZE];         /* in the server certificate, comma-separated */
    /* Addresses and prefixes of reverse proxies that are believed for whom they speak. */
    char trusted_proxies[CONFIG_PROXIES_MAX][PREFIX_TEXT_SIZE];
    size_t trusted_proxy_count;
    enum log_format log_format;
    enum config_users users;
    struct device_config *switches;
    size_t switch_count;
    struct config_mirror *mirrors;
    size_t mirror_count;
    struct config_source *sources;
    size_t source_count;
    struct rule_warning *warnings; /* per language */
    size_t warning_count;
    struct config_certificates certificates;
    uint32_t audit_checkpoint_rows, audit_checkpoint_s; /* a signed one each; 0: 100, 300 */
    uint32_t audit_check_s; /* between checks against what edges hold; 0: 3600 */
    /* MACs, addresses, prefixes that the driver process never lets be blocked
     * (wire/protected_hosts.h) */
    char protected[PROTECTED_HOSTS_MAX][PREFIX_TEXT_SIZE];
    size_t protected_count;
    uint64_t evidence_mib; /* disk budget for evidence packets; 0: 1024 */
    struct config_accounts accounts;
    struct config_ldap ldap;
    struct config_openid openid;
};

/* How many requests per second one account or address may send; 'config' NULL: as where no key says
 * otherwise. */
static inline uint32_t
config_requests_per_s(const struct config *config)
{
    return config && config->accounts.requests_per_s ? config->accounts.requests_per_s : 200;
}

/* How many days tokens last where nobody says. */
static inline uint32_t
config_token_days(const struct config *config)
{
    return config->accounts.token_days ? config->accounts.token_days : 90;
}

/* What one entry's table cannot see: names that must differ, switches that must exist, texts that
 * are no address.  A check of the file alone; where a key is absent, its member is still empty. */
bool config_check(void *thing, char path[128], char why[256]);
/* 'check' NULL: config_check; another one (cordond/check.h) calls that first.  'config' is freed
 * with config_free. */
int config_load(const char *path, yaml_file_check *check, struct config **config,
                struct yaml_file_error *error) MUST_CHECK;
void config_free(struct config *config);

#endif
