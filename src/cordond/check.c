#include "cordond/check.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/util.h>

#include "bus/pki.h"
#include "bus/pki_key.h"
#include "bus/tls.h"
#include "cordond/config.h"
#include "cordond/role.h"
#include "driver/driver.h"

/* ---- of the file alone ---- */

static bool
switches_check(const struct config *config, char path[128], char why[256])
{
    for (size_t i = 0; i < config->switch_count; i++) {
        const struct device_config *item = &config->switches[i];
        char known[128];
        if (item->driver[0] && !driver_find(item->driver)) {
            driver_names(known);
            snprintf(path, 128, "switches[%zu].driver", i);
            snprintf(why, 256, "'%.63s' is no driver; known: %s", item->driver, known);
            return false;
        }
        if (!pki_name_check(item->name, why)) {
            snprintf(path, 128, "switches[%zu].name", i);
            return false;
        }
    }
    return true;
}

/* One address that a role listens at. */
struct spot {
    char path[128];
    bool is_udp, is_given;
    const char *text;
    struct sockaddr_storage address;
};

static bool
spot_put(struct spot *spot, const char *text, const char *otherwise, bool is_udp)
{
    int size = sizeof(spot->address);
    spot->is_udp = is_udp;
    spot->is_given = text[0] != '\0';
    spot->text = spot->is_given ? text : otherwise;
    memset(&spot->address, 0, sizeof(spot->address));
    return spot->text[0] &&
           evutil_parse_sockaddr_port(spot->text, (struct sockaddr *)&spot->address, &size) == 0;
}

/* The address proper, as IPv6; is it "any"? */
static bool
spot_ip(const struct spot *spot, struct in6_addr *ip)
{
    static const struct in6_addr v4_any = {.s6_addr = {[10] = 0xff, [11] = 0xff}};
    if (spot->address.ss_family == AF_INET6) {
        *ip = ((const struct sockaddr_in6 *)(const void *)&spot->address)->sin6_addr;
    } else {
        *ip = v4_any;
        memcpy(&ip->s6_addr[12],
               &((const struct sockaddr_in *)(const void *)&spot->address)->sin_addr, 4);
    }
    return IN6_IS_ADDR_UNSPECIFIED(ip) || memcmp(ip, &v4_any, sizeof(*ip)) == 0;
}

/* "[::]" takes every address, IPv4 too; "0.0.0.0" every one of IPv4. */
static bool
spots_collide(const struct spot *a, const struct spot *b)
{
    struct in6_addr a_ip, b_ip;
    in_port_t a_port = ((const struct sockaddr_in *)(const void *)&a->address)->sin_port;
    in_port_t b_port = ((const struct sockaddr_in *)(const void *)&b->address)->sin_port;
    bool is_any = spot_ip(a, &a_ip);
    is_any = spot_ip(b, &b_ip) || is_any;
    bool is_both = IN6_IS_ADDR_UNSPECIFIED(&a_ip) || IN6_IS_ADDR_UNSPECIFIED(&b_ip);
    bool is_family = a->address.ss_family == b->address.ss_family;
    return a->is_udp == b->is_udp && a_port == b_port &&
           ((is_any && (is_family || is_both)) || memcmp(&a_ip, &b_ip, sizeof(a_ip)) == 0);
}

#define SPOTS_MAX (3 + CONFIG_SOURCES_MAX)

static size_t
spots_list(const struct config *config, struct spot spots[SPOTS_MAX])
{
    static const char *const paths[] = {"api_listen", "edge_listen", "sensor_listen"};
    static const char *const defaults[] = {CONFIG_API_LISTEN, CONFIG_EDGE_LISTEN,
                                           CONFIG_SENSOR_LISTEN};
    const char *const texts[] = {config->api_listen, config->edge_listen, config->sensor_listen};
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        snprintf(spots[count].path, sizeof(spots[count].path), "%s", paths[i]);
        count += spot_put(&spots[count], texts[i], defaults[i], false);
    }
    for (size_t i = 0; i < config->source_count && count < SPOTS_MAX; i++) {
        const struct config_source *source = &config->sources[i];
        bool is_local = source->kind == SOURCE_EVE_SOCKET || source->kind == SOURCE_EVE_FILE;
        snprintf(spots[count].path, sizeof(spots[count].path), "sources[%zu].listen", i);
        count += !is_local &&
                 spot_put(&spots[count], source->listen, "", source->kind == SOURCE_SYSLOG_UDP);
    }
    return count;
}

static bool
listeners_check(const struct config *config, char path[128], char why[256])
{
    struct spot spots[SPOTS_MAX];
    size_t count = spots_list(config, spots);
    for (size_t i = 1; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (!spots_collide(&spots[i], &spots[j])) {
                continue;
            }
            /* Told where something is written: the other one may be a default. */
            const struct spot *at = spots[i].is_given ? &spots[i] : &spots[j];
            const struct spot *other = at == &spots[i] ? &spots[j] : &spots[i];
            snprintf(path, 128, "%s", at->path);
            snprintf(why, 256, "'%.60s' is taken by %.60s, '%.60s'", at->text, other->path,
                     other->text);
            return false;
        }
    }
    return true;
}

static bool
texts_check(const struct config *config, char path[128], char why[256])
{
    struct sockaddr_un local;
    for (size_t i = 0; i < config->source_count; i++) {
        const struct config_source *source = &config->sources[i];
        if (source->kind == SOURCE_EVE_SOCKET && strlen(source->path) >= sizeof(local.sun_path)) {
            snprintf(path, 128, "sources[%zu].path", i);
            snprintf(why, 256, "is too long for a socket: at most %zu bytes",
                     sizeof(local.sun_path) - 1);
            return false;
        }
    }
    for (size_t i = 1; i < config->warning_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(config->warnings[i].language, config->warnings[j].language) == 0) {
                snprintf(path, 128, "warnings[%zu].language", i);
                snprintf(why, 256, "is the second page in '%s'", config->warnings[i].language);
                return false;
            }
        }
    }
    snprintf(path, 128, "server_names");
    return pki_names_check(config->server_names, why);
}

bool
check_start(void *thing, char path[128], char why[256])
{
    const struct config *config = thing;
    return config_check(thing, path, why) && switches_check(config, path, why) &&
           listeners_check(config, path, why) && texts_check(config, path, why);
}

/* ---- of this machine ---- */

/* A folder, or nothing yet, below a folder. */
static bool
folder_check(const char *name, bool is_made, char why[256])
{
    char at[URL_SIZE];
    struct stat found;
    snprintf(at, sizeof(at), "%s", name);
    while (stat(at, &found) < 0) {
        if (errno == ENOTDIR || !is_made || !strrchr(at, '/')) {
            snprintf(why, 256, "%.160s: %s", at, strerror(errno));
            return false;
        }
        char *slash = strrchr(at, '/');
        slash[slash == at] = '\0';
    }
    if (!S_ISDIR(found.st_mode)) {
        snprintf(why, 256, "%.160s is no folder", at);
        return false;
    }
    return true;
}

static bool
path_check(const struct config_source *source, char why[256])
{
    char folder[URL_SIZE];
    struct stat found;
    bool is_there = stat(source->path, &found) == 0;
    if (source->kind == SOURCE_EVE_FILE) {
        snprintf(why, 256, "%.160s is a folder", source->path);
        return !is_there || !S_ISDIR(found.st_mode);
    }
    snprintf(folder, sizeof(folder), "%s", source->path);
    char *slash = strrchr(folder, '/');
    if (slash) {
        slash[slash == folder] = '\0';
    }
    if (is_there && !S_ISSOCK(found.st_mode)) {
        snprintf(why, 256, "%.160s is there, and is no socket", source->path);
        return false;
    }
    return folder_check(slash ? folder : ".", false, why);
}

/* What an earlier release left in the clear is sealed by the next start. */
static void
own_files(const struct config *config, struct role_files *files)
{
    role_tls_files(config, files);
    if (access(files->key, F_OK) != 0) {
        snprintf(files->key, sizeof(files->key), "%s/pki/server" PKI_KEY_PLAIN, config->state_dir);
    }
}

static const char *
master_of(const struct config *config, const struct role_files *files)
{
    size_t size = strlen(files->key), ending = strlen(PKI_KEY_SEALED);
    bool is_sealed = size > ending && strcmp(files->key + size - ending, PKI_KEY_SEALED) == 0;
    return is_sealed ? config->secret_key_file : NULL;
}

/* The server's own are made at the first start; once they are there, they must be usable. */
static bool
state_check(const struct config *config, struct role_files *files, char why[256])
{
    if (!folder_check(config->state_dir, true, why)) {
        return false;
    }
    own_files(config, files);
    const struct tls_files own = {files->ca, files->cert, files->key, master_of(config, files)};
    return access(files->cert, F_OK) != 0 || tls_files_check(&own, why);
}

static bool
source_check(const struct config_source *source, const struct role_files *files, const char *master,
             char path[128], char why[256])
{
    size_t used = strlen(path);
    if (source->kind == SOURCE_EVE_SOCKET || source->kind == SOURCE_EVE_FILE) {
        snprintf(path + used, 128 - used, ".path");
        return path_check(source, why);
    }
    if (source->kind != SOURCE_SYSLOG_TLS || (!source->cert[0] && !source->ca[0])) {
        return true;
    }
    bool is_own = !source->cert[0];
    const struct tls_files tls = {source->ca[0] ? source->ca : NULL,
                                  is_own ? files->cert : source->cert,
                                  is_own ? files->key : source->key, is_own ? master : NULL};
    snprintf(path + used, 128 - used, "%s", is_own ? ".ca" : ".cert");
    /* Our own certificate may be made later, by the first start. */
    return (is_own && access(files->cert, F_OK) != 0) || tls_files_check(&tls, why);
}

bool
check_here(void *thing, char path[128], char why[256])
{
    struct role_files files;
    if (!check_start(thing, path, why)) {
        return false;
    }
    struct config seen = *(const struct config *)thing; /* lists are borrowed */
    if (!seen.state_dir[0]) {
        snprintf(seen.state_dir, sizeof(seen.state_dir), "%s", CONFIG_STATE_DIR);
    }
    if (!seen.secret_key_file[0]) {
        snprintf(seen.secret_key_file, sizeof(seen.secret_key_file), "%.200s/" CONFIG_SECRET_KEY,
                 seen.state_dir);
    }
    snprintf(path, 128, "state_dir");
    if (!state_check(&seen, &files, why)) {
        return false;
    }
    for (size_t i = 0; i < seen.source_count; i++) {
        snprintf(path, 128, "sources[%zu]", i);
        if (!source_check(&seen.sources[i], &files, master_of(&seen, &files), path, why)) {
            return false;
        }
    }
    return true;
}
