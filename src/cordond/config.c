#include "cordond/config.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/util.h>

#include "base/mem.h"
#include "wire/op.h"
#include "wire/rule.h"

#define SWITCHES_MAX 1024
#define CONFIG_MIRRORS_MAX 1024
#define WARNINGS_MAX 8
#define EVIDENCE_MIB_MAX (16 << 20) /* 16 TiB */

const char *const source_kind_names[SOURCE_KIND_COUNT + 1] = {
    "eve-socket", "eve-file", "syslog-udp", "syslog-tcp", "syslog-tls", NULL};
const char *const source_format_names[SOURCE_FORMAT_COUNT + 1] = {"eve", "cef", NULL};
static const char *const users_names[] = {"roles", "own", NULL};
static const char *const log_format_names[] = {"text", "json", NULL};

static const struct field neighbour_fields[] = {
    F_TEXT(FIELD_NEEDED, struct device_neighbour, port),
    {.name = "switch",
     .kind = FIELD_TEXT,
     .at = offsetof(struct device_neighbour, switch_name),
     .size = NAME_SIZE},
    F_TEXT(FIELD_NEEDED, struct device_neighbour, there),
};
static const struct shape neighbour_shape =
    SHAPE("neighbour", struct device_neighbour, neighbour_fields, NULL);

static const struct field switch_fields[] = {
    F_TEXT(FIELD_NEEDED, struct device_config, name),
    F_TEXT(FIELD_OPTIONAL, struct device_config, driver),
    F_UINT(FIELD_OPTIONAL, struct device_config, room),
    F_UINT(FIELD_OPTIONAL, struct device_config, latency_ms),
    F_BOOL(FIELD_OPTIONAL, struct device_config, mac_only),
    F_RANGE(FIELD_OPTIONAL, struct device_config, ports, 0, DEVICE_PORTS_MAX),
    F_LIST(FIELD_OPTIONAL, struct device_config, neighbours, neighbour_count, DEVICE_NEIGHBOURS_MAX,
           &neighbour_shape),
};
static const struct shape switch_shape = SHAPE("switch", struct device_config, switch_fields, NULL);

static const struct field mirror_fields[] = {
    {.name = "switch",
     .kind = FIELD_TEXT,
     .at = offsetof(struct config_mirror, switch_name),
     .size = NAME_SIZE},
    F_OBJECT(FIELD_NEEDED, struct config_mirror, mirror, &wire_mirror_shape),
};
static const struct shape mirror_shape = SHAPE("mirror", struct config_mirror, mirror_fields, NULL);

static const struct field source_fields[] = {
    F_TEXT(FIELD_NEEDED, struct config_source, name),
    F_ENUM(FIELD_NEEDED, struct config_source, kind, source_kind_names),
    F_ENUM(FIELD_OPTIONAL, struct config_source, format, source_format_names),
    F_TEXT(FIELD_OPTIONAL, struct config_source, path),
    F_TEXT(FIELD_OPTIONAL, struct config_source, listen),
    F_TEXT(FIELD_OPTIONAL, struct config_source, cert),
    F_TEXT(FIELD_OPTIONAL, struct config_source, key),
    F_TEXT(FIELD_OPTIONAL, struct config_source, ca),
    F_ENUM(FIELD_OPTIONAL, struct config_source, strength, strength_names),
    F_RANGE(FIELD_OPTIONAL, struct config_source, confidence, 0, 100),
    F_BOOL(FIELD_OPTIONAL, struct config_source, adjacent),
};

static bool
source_check(const void *thing, char why[128])
{
    const struct config_source *source = thing;
    bool is_local = source->kind == SOURCE_EVE_SOCKET || source->kind == SOURCE_EVE_FILE;
    if (is_local && !source->path[0]) {
        snprintf(why, 128, "needs a path");
        return false;
    }
    if (!is_local && !source->listen[0]) {
        snprintf(why, 128, "needs listen, like \"[::]:5514\"");
        return false;
    }
    if ((source->cert[0] == '\0') != (source->key[0] == '\0')) {
        snprintf(why, 128, "cert and key belong together");
        return false;
    }
    return true;
}

static const struct shape source_shape =
    SHAPE("source", struct config_source, source_fields, source_check);

static const struct field warning_fields[] = {
    F_TEXT(FIELD_NEEDED, struct rule_warning, language),
    F_TEXT(FIELD_NEEDED, struct rule_warning, title),
    F_TEXT(FIELD_NEEDED, struct rule_warning, body),
    F_TEXT(FIELD_OPTIONAL, struct rule_warning, contact),
};
static const struct shape warning_shape =
    SHAPE("warning", struct rule_warning, warning_fields, NULL);

static const struct field accounts_fields[] = {
    {.name = "second_factor",
     .kind = FIELD_TEXTS,
     .optional = true,
     .at = offsetof(struct config_accounts, second_factor),
     .size = NAME_SIZE,
     .count_at = offsetof(struct config_accounts, factor_role_count),
     .max_count = COUNT_OF(((struct config_accounts *)0)->second_factor)},
    F_RANGE(FIELD_OPTIONAL, struct config_accounts, token_days, 1, 3650),
    F_RANGE(FIELD_OPTIONAL, struct config_accounts, requests_per_s, 1, 100000),
};

static bool
accounts_check(const void *thing, char why[128])
{
    const struct config_accounts *accounts = thing;
    enum account_role role;
    for (size_t i = 0; i < accounts->factor_role_count; i++) {
        if (!account_role_parse(accounts->second_factor[i], &role)) {
            snprintf(why, 128, "'%.40s' is no role: viewer, operator, admin or auditor",
                     accounts->second_factor[i]);
            return false;
        }
    }
    return true;
}

static const struct shape accounts_shape =
    SHAPE("accounts", struct config_accounts, accounts_fields, accounts_check);

static const struct field mapping_fields[] = {
    F_TEXT(FIELD_NEEDED, struct config_mapping, group),
    F_ENUM(FIELD_NEEDED, struct config_mapping, role, account_role_names),
};
static const struct shape mapping_shape =
    SHAPE("role", struct config_mapping, mapping_fields, NULL);

static const struct field ldap_fields[] = {
    F_TEXT(FIELD_NEEDED, struct config_ldap, url),
    F_TEXT(FIELD_OPTIONAL, struct config_ldap, ca),
    F_BOOL(FIELD_OPTIONAL, struct config_ldap, allows_plain),
    F_TEXT(FIELD_NEEDED, struct config_ldap, bind_dn),
    F_TEXT(FIELD_NEEDED, struct config_ldap, bind_password_file),
    F_TEXT(FIELD_NEEDED, struct config_ldap, base),
    F_TEXT(FIELD_OPTIONAL, struct config_ldap, name_attribute),
    F_TEXT(FIELD_OPTIONAL, struct config_ldap, group_attribute),
    F_TEXT(FIELD_OPTIONAL, struct config_ldap, group_base),
    F_TEXT(FIELD_OPTIONAL, struct config_ldap, member_attribute),
    F_LIST(FIELD_NEEDED, struct config_ldap, roles, role_count, CONFIG_MAPPINGS_MAX,
           &mapping_shape),
};

static bool
ldap_check(const void *thing, char why[128])
{
    const struct config_ldap *ldap = thing;
    if (strncmp(ldap->url, "ldaps://", 8) != 0 && strncmp(ldap->url, "ldap://", 7) != 0) {
        snprintf(why, 128, "url must begin with ldaps:// or ldap://");
        return false;
    }
    return true;
}

static const struct shape ldap_shape = SHAPE("ldap", struct config_ldap, ldap_fields, ldap_check);

static const struct field openid_fields[] = {
    F_TEXT(FIELD_NEEDED, struct config_openid, issuer),
    F_TEXT(FIELD_OPTIONAL, struct config_openid, name),
    F_TEXT(FIELD_OPTIONAL, struct config_openid, ca),
    F_TEXT(FIELD_NEEDED, struct config_openid, client_id),
    F_TEXT(FIELD_NEEDED, struct config_openid, client_secret_file),
    F_TEXT(FIELD_NEEDED, struct config_openid, redirect_url),
    F_TEXT(FIELD_OPTIONAL, struct config_openid, scopes),
    F_TEXT(FIELD_OPTIONAL, struct config_openid, name_claim),
    F_TEXT(FIELD_OPTIONAL, struct config_openid, role_claim),
    F_BOOL(FIELD_OPTIONAL, struct config_openid, trusts_factor),
    F_LIST(FIELD_NEEDED, struct config_openid, roles, role_count, CONFIG_MAPPINGS_MAX,
           &mapping_shape),
};

static bool
openid_check(const void *thing, char why[128])
{
    const struct config_openid *openid = thing;
    if (strncmp(openid->issuer, "https://", 8) != 0) {
        snprintf(why, 128, "issuer must begin with https://");
        return false;
    }
    if (strncmp(openid->redirect_url, "https://", 8) != 0) {
        snprintf(why, 128, "redirect_url must begin with https://");
        return false;
    }
    return true;
}

static const struct shape openid_shape =
    SHAPE("openid", struct config_openid, openid_fields, openid_check);
#define CERTIFICATE_LIFE_MAX_S (10 * 366 * 86400)
static const struct field certificate_fields[] = {
    F_RANGE(FIELD_OPTIONAL, struct config_certificates, life_s, 0, CERTIFICATE_LIFE_MAX_S),
    F_RANGE(FIELD_OPTIONAL, struct config_certificates, grace_s, 0, 30 * 86400),
    F_RANGE(FIELD_OPTIONAL, struct config_certificates, token_s, 0, 7 * 86400),
};
static const struct shape certificates_shape =
    SHAPE("certificates", struct config_certificates, certificate_fields, NULL);

static const struct field config_fields[] = {
    F_TEXT(FIELD_OPTIONAL, struct config, state_dir),
    F_TEXT(FIELD_OPTIONAL, struct config, policy_file),
    F_TEXT(FIELD_OPTIONAL, struct config, secret_key_file),
    F_TEXT(FIELD_OPTIONAL, struct config, backup_key),
    F_TEXT(FIELD_OPTIONAL, struct config, api_listen),
    F_TEXT(FIELD_OPTIONAL, struct config, edge_listen),
    F_TEXT(FIELD_OPTIONAL, struct config, sensor_listen),
    F_TEXT(FIELD_OPTIONAL, struct config, server_names),
    F_TEXTS(FIELD_OPTIONAL, struct config, trusted_proxies,
            offsetof(struct config, trusted_proxy_count), CONFIG_PROXIES_MAX),
    F_ENUM(FIELD_OPTIONAL, struct config, log_format, log_format_names),
    F_ENUM(FIELD_OPTIONAL, struct config, users, users_names),
    F_LIST(FIELD_OPTIONAL, struct config, switches, switch_count, SWITCHES_MAX, &switch_shape),
    F_LIST(FIELD_OPTIONAL, struct config, mirrors, mirror_count, CONFIG_MIRRORS_MAX, &mirror_shape),
    F_LIST(FIELD_OPTIONAL, struct config, sources, source_count, CONFIG_SOURCES_MAX, &source_shape),
    F_LIST(FIELD_OPTIONAL, struct config, warnings, warning_count, WARNINGS_MAX, &warning_shape),
    F_OBJECT(FIELD_OPTIONAL, struct config, certificates, &certificates_shape),
    F_TEXTS(FIELD_OPTIONAL, struct config, protected, offsetof(struct config, protected_count),
            PROTECTED_HOSTS_MAX),
    F_RANGE(FIELD_OPTIONAL, struct config, evidence_mib, 0, EVIDENCE_MIB_MAX),
    F_OBJECT(FIELD_OPTIONAL, struct config, accounts, &accounts_shape),
    F_OBJECT(FIELD_OPTIONAL, struct config, ldap, &ldap_shape),
    F_OBJECT(FIELD_OPTIONAL, struct config, openid, &openid_shape),
    F_RANGE(FIELD_OPTIONAL, struct config, audit_checkpoint_rows, 0, 10000),
    F_RANGE(FIELD_OPTIONAL, struct config, audit_checkpoint_s, 0, 86400),
    F_RANGE(FIELD_OPTIONAL, struct config, audit_check_s, 0, 86400),
};

static const struct shape config_shape = SHAPE("cordond.yaml", struct config, config_fields, NULL);

/* "ADDRESS:PORT", or "" for the default. */
static bool
listen_check(const char *text, char why[256])
{
    struct sockaddr_storage address;
    int size = sizeof(address);
    memset(&address, 0, sizeof(address));
    bool is_read = evutil_parse_sockaddr_port(text, (struct sockaddr *)&address, &size) == 0;
    /* The port stands at the same place in both families. */
    if (!text[0] || (is_read && ((struct sockaddr_in *)&address)->sin_port != 0)) {
        return true;
    }
    snprintf(why, 256, "'%.80s' is no address with port, like \"[::]:5514\"", text);
    return false;
}

/* Is this a name of one of the 'count' entries, each 'each' bytes and with its name first? */
_Static_assert(offsetof(struct device_config, name) == 0, "is_named");
_Static_assert(offsetof(struct config_source, name) == 0, "is_named");
static bool
is_named(const void *entries, size_t each, size_t count, const char *name)
{
    const char *entry = entries;
    for (size_t i = 0; i < count; i++, entry += each) {
        if (strcmp(entry, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool
switches_check(const struct config *config, char path[128], char why[256])
{
    for (size_t i = 0; i < config->switch_count; i++) {
        const char *name = config->switches[i].name;
        if (is_named(config->switches, sizeof(config->switches[0]), i, name)) {
            snprintf(path, 128, "switches[%zu].name", i);
            snprintf(why, 256, "is the second switch called %s", name);
            return false;
        }
    }
    for (size_t i = 0; i < config->mirror_count; i++) {
        const char *name = config->mirrors[i].switch_name;
        if (!is_named(config->switches, sizeof(config->switches[0]), config->switch_count, name)) {
            snprintf(path, 128, "mirrors[%zu].switch", i);
            snprintf(why, 256, "no switch is called %s", name);
            return false;
        }
    }
    return true;
}

static bool
sources_check(const struct config *config, char path[128], char why[256])
{
    for (size_t i = 0; i < config->source_count; i++) {
        const struct config_source *source = &config->sources[i];
        if (is_named(config->sources, sizeof(config->sources[0]), i, source->name)) {
            snprintf(path, 128, "sources[%zu].name", i);
            snprintf(why, 256, "is the second source called %s", source->name);
            return false;
        }
        if (!listen_check(source->listen, why)) {
            snprintf(path, 128, "sources[%zu].listen", i);
            return false;
        }
    }
    return true;
}

static bool
backup_key_check(const struct config *config, char path[128], char why[256])
{
    size_t size = strlen(config->backup_key);
    bool is_key = size == 64 && strspn(config->backup_key, "0123456789abcdefABCDEF") == size;
    if (size > 0 && !is_key) {
        snprintf(path, 128, "backup_key");
        snprintf(why, 256, "is not the 64 digits that 'cordond backup-key' prints");
    }
    return size == 0 || is_key;
}

/* Everybody is no proxy: each would say himself who he is. */
static bool
proxies_check(const struct config *config, char path[128], char why[256])
{
    for (size_t i = 0; i < config->trusted_proxy_count; i++) {
        const char *text = config->trusted_proxies[i];
        struct prefix prefix;
        bool is_one = prefix_parse(text, &prefix);
        if (!is_one || prefix.length == (ip_is_v4(&prefix.ip) ? 96 : 0)) {
            snprintf(path, 128, "trusted_proxies[%zu]", i);
            snprintf(why, 256, is_one ? "'%.50s' is everybody" : "'%.50s' is no address or prefix",
                     text);
            return false;
        }
    }
    return true;
}

bool
config_check(void *thing, char path[128], char why[256])
{
    const struct config *config = thing;
    if (!backup_key_check(config, path, why)) {
        return false;
    }
    const struct {
        const char *name, *text;
    } listens[] = {{"api_listen", config->api_listen},
                   {"edge_listen", config->edge_listen},
                   {"sensor_listen", config->sensor_listen}};
    for (size_t i = 0; i < COUNT_OF(listens); i++) {
        if (!listen_check(listens[i].text, why)) {
            snprintf(path, 128, "%s", listens[i].name);
            return false;
        }
    }
    for (size_t i = 0; i < config->protected_count; i++) {
        struct rule_protect protect;
        if (!protected_host_parse(config->protected[i], &protect)) {
            snprintf(path, 128, "protected[%zu]", i);
            snprintf(why, 256, "'%.50s' is no MAC, address or prefix", config->protected[i]);
            return false;
        }
    }
    return proxies_check(config, path, why) && switches_check(config, path, why) &&
           sources_check(config, path, why);
}

static void
default_put(char *text, size_t size, const char *value)
{
    if (!text[0]) {
        snprintf(text, size, "%s", value);
    }
}

static void
sources_of_people_put(struct config *config)
{
    struct config_ldap *ldap = &config->ldap;
    struct config_openid *openid = &config->openid;
    default_put(ldap->name_attribute, NAME_SIZE, "uid");
    default_put(ldap->group_attribute, NAME_SIZE, "memberOf");
    default_put(ldap->member_attribute, NAME_SIZE, "member");
    default_put(openid->name, NAME_SIZE, "OpenID Connect");
    default_put(openid->scopes, sizeof(openid->scopes), "openid profile");
    default_put(openid->name_claim, NAME_SIZE, "preferred_username");
    default_put(openid->role_claim, NAME_SIZE, "groups");
}

static void
defaults_put(struct config *config)
{
    sources_of_people_put(config);
    default_put(config->state_dir, sizeof(config->state_dir), CONFIG_STATE_DIR);
    char key[URL_SIZE + 16];
    snprintf(key, sizeof(key), "%s/" CONFIG_SECRET_KEY, config->state_dir);
    default_put(config->secret_key_file, sizeof(config->secret_key_file), key);
    default_put(config->policy_file, sizeof(config->policy_file), CONFIG_POLICY_FILE);
    default_put(config->api_listen, sizeof(config->api_listen), CONFIG_API_LISTEN);
    default_put(config->edge_listen, sizeof(config->edge_listen), CONFIG_EDGE_LISTEN);
    default_put(config->sensor_listen, sizeof(config->sensor_listen), CONFIG_SENSOR_LISTEN);
    config->evidence_mib = config->evidence_mib ? config->evidence_mib : 1024;
    for (size_t i = 0; i < config->switch_count; i++) {
        default_put(config->switches[i].driver, NAME_SIZE, "edge");
    }
    for (size_t i = 0; i < config->source_count; i++) {
        struct config_source *source = &config->sources[i];
        source->confidence = source->confidence ? source->confidence : 70;
        source->strength = source->strength == STRENGTH_UNRATED ? STRENGTH_WEAK : source->strength;
    }
}

int
config_load(const char *path, yaml_file_check *check, struct config **config,
            struct yaml_file_error *error)
{
    struct config *made = MEM_NEW(struct config);
    int result =
        yaml_file_load_checked(path, &config_shape, made, check ? check : config_check, error);
    if (result) {
        free(made);
        return result;
    }
    snprintf(made->path, sizeof(made->path), "%s", path);
    defaults_put(made);
    *config = made;
    return 0;
}

void
config_free(struct config *config)
{
    codec_fini(&config_shape, config);
    free(config);
}
