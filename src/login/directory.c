#include "login/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <ldap.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"

#define FILTER_SIZE (4 * URL_SIZE)
#define GROUPS_MAX 512
#define PATIENCE_US (DIRECTORY_PATIENCE_S * INT64_C(1000000))
#define PATIENCE_LEAST_US INT64_C(50000) /* of one address of many */

struct directory_line {
    pthread_mutex_t lock;
    int fd; /* our own descriptor of the library's socket; -1: none */
    int64_t until_us;
};

/* One sign-in. */
struct visit {
    const struct config_ldap *config;
    struct directory_line *line;
    struct ldap_conncb watched; /* the library tells of its connections */
    struct wire_login_result *result;
    LDAP *ldap;
    char *dn; /* ldap_memfree */
    char *groups[GROUPS_MAX];
    size_t group_count;
};

bool
directory_filter_make(const char *attribute, const char *value, char *filter, size_t room)
{
    size_t used = (size_t)snprintf(filter, room, "(%s=", attribute);
    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;
        bool is_plain = c >= 0x20 && c < 0x7f && !strchr("*()\\", c);
        if (used + 5 >= room) {
            return false;
        }
        used += (size_t)snprintf(filter + used, room - used, is_plain ? "%c" : "\\%02x", c);
    }
    if (used + 2 > room) {
        return false;
    }
    memcpy(filter + used, ")", 2);
    return true;
}

/* Two spellings of one DN are equal; what is no DN is compared as it is. */
static bool
group_equals(const char *a, const char *b)
{
    char *a_dn = NULL, *b_dn = NULL;
    bool is_equal = strcasecmp(a, b) == 0;
    if (!is_equal &&
        ldap_dn_normalize(a, LDAP_DN_FORMAT_LDAP, &a_dn, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS &&
        ldap_dn_normalize(b, LDAP_DN_FORMAT_LDAP, &b_dn, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS) {
        is_equal = strcasecmp(a_dn, b_dn) == 0;
    }
    ldap_memfree(a_dn);
    ldap_memfree(b_dn);
    return is_equal;
}

bool
directory_role_of(const struct config_ldap *config, char *const *groups, size_t count, int *role)
{
    for (size_t i = 0; i < config->role_count; i++) {
        for (size_t j = 0; j < count; j++) {
            if (group_equals(config->roles[i].group, groups[j])) {
                *role = config->roles[i].role;
                return true;
            }
        }
    }
    return false;
}

int
directory_setup(const struct config_ldap *config, char why[TEXT_SIZE])
{
    const int demand = LDAP_OPT_X_TLS_DEMAND, server = 0;
    const int tls_1_2 = LDAP_OPT_X_TLS_PROTOCOL_TLS1_2;
    int result = ldap_set_option(NULL, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand);
    if (result == LDAP_OPT_SUCCESS && config->ca[0]) {
        result = ldap_set_option(NULL, LDAP_OPT_X_TLS_CACERTFILE, config->ca);
    }
    if (result == LDAP_OPT_SUCCESS) {
        result = ldap_set_option(NULL, LDAP_OPT_X_TLS_PROTOCOL_MIN, &tls_1_2);
    }
    if (result == LDAP_OPT_SUCCESS) {
        result = ldap_set_option(NULL, LDAP_OPT_X_TLS_NEWCTX, &server);
    }
    if (result != LDAP_OPT_SUCCESS) {
        snprintf(why, TEXT_SIZE, "the directory's authority %.300s cannot be used", config->ca);
        return -EINVAL;
    }
    return 0;
}

/* Says what the library says; its words and the server's are not ours. */
static bool
away(struct visit *visit, const char *doing, int code)
{
    char *said = NULL;
    if (visit->ldap) {
        ldap_get_option(visit->ldap, LDAP_OPT_DIAGNOSTIC_MESSAGE, &said);
    }
    visit->result->outcome = LOGIN_AWAY;
    snprintf(visit->result->why, TEXT_SIZE, "%s: %s%s%.200s", doing, ldap_err2string(code),
             said && said[0] ? ": " : "", said ? said : "");
    utf8_make_plain(visit->result->why, strlen(visit->result->why));
    ldap_memfree(said);
    return false;
}

static bool
refused(struct visit *visit, const char *why)
{
    visit->result->outcome = LOGIN_REFUSED;
    snprintf(visit->result->why, TEXT_SIZE, "%s", why);
    return false;
}

/* ---- the time ---- */

struct directory_line *
directory_line_new(void)
{
    struct directory_line *line = MEM_NEW(struct directory_line);
    pthread_mutex_init(&line->lock, NULL);
    line->fd = -1;
    return line;
}

/* -1: nothing is watched any more. */
static void
line_watch(struct directory_line *line, int fd)
{
    pthread_mutex_lock(&line->lock);
    if (line->fd >= 0) {
        close(line->fd);
    }
    line->fd = fd;
    pthread_mutex_unlock(&line->lock);
}

void
directory_line_free(struct directory_line *line)
{
    if (line) {
        line_watch(line, -1);
        pthread_mutex_destroy(&line->lock);
    }
    free(line);
}

void
directory_line_check(struct directory_line *line, int64_t now_us)
{
    pthread_mutex_lock(&line->lock);
    if (line->fd >= 0 && now_us > line->until_us) {
        shutdown(line->fd, SHUT_RDWR); /* whoever waits for it hears of it */
    }
    pthread_mutex_unlock(&line->lock);
}

/* It is connected; TLS begins after this.  A descriptor of our own: the library may close its one,
 * and the number be somebody else's, while we look at the time. */
static int
on_connected(LDAP *ldap, Sockbuf *socket, LDAPURLDesc *server, struct sockaddr *address,
             struct ldap_conncb *watched)
{
    struct visit *visit = watched->lc_arg;
    ber_socket_t fd = -1;
    (void)ldap, (void)server, (void)address;
    ber_sockbuf_ctrl(socket, LBER_SB_OPT_GET_FD, &fd);
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    line_watch(visit->line, own);
    return own < 0 ? LDAP_CONNECT_ERROR : 0;
}

static void
on_disconnected(LDAP *ldap, Sockbuf *socket, struct ldap_conncb *watched)
{
    (void)ldap, (void)socket, (void)watched; /* what is watched is our own descriptor */
}

/* ---- */

/* The library tries one address of the name after the other, and waits so long for each: of many
 * that say nothing, all together take no longer than there is time. */
static struct timeval
patience_of(const struct visit *visit)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    LDAPURLDesc *url = NULL;
    int64_t count = 0;
    if (ldap_url_parse(visit->config->url, &url) == LDAP_URL_SUCCESS && url->lud_host &&
        getaddrinfo(url->lud_host, NULL, &hints, &found) == 0) {
        for (const struct addrinfo *at = found; at; at = at->ai_next) {
            count++;
        }
        freeaddrinfo(found);
    }
    ldap_free_urldesc(url);
    int64_t left_us = visit->line->until_us - clock_boot_us(clock_system());
    int64_t each_us = left_us / (count > 0 ? count : 1);
    each_us = each_us > PATIENCE_US         ? PATIENCE_US
              : each_us < PATIENCE_LEAST_US ? PATIENCE_LEAST_US
                                            : each_us;
    return (struct timeval){.tv_sec = each_us / 1000000, .tv_usec = each_us % 1000000};
}

static bool
connect_to(struct visit *visit)
{
    if (clock_boot_us(clock_system()) > visit->line->until_us) {
        return away(visit, "the directory", LDAP_TIMEOUT);
    }
    const int version = LDAP_VERSION3, none = LDAP_DEREF_NEVER;
    const struct timeval patience = {.tv_sec = DIRECTORY_PATIENCE_S};
    const struct timeval of_each = patience_of(visit);
    int code = ldap_initialize(&visit->ldap, visit->config->url);
    if (code != LDAP_SUCCESS) {
        return away(visit, "the directory's url", code);
    }
    ldap_set_option(visit->ldap, LDAP_OPT_PROTOCOL_VERSION, &version);
    ldap_set_option(visit->ldap, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
    ldap_set_option(visit->ldap, LDAP_OPT_DEREF, &none);
    ldap_set_option(visit->ldap, LDAP_OPT_NETWORK_TIMEOUT, &of_each);
    ldap_set_option(visit->ldap, LDAP_OPT_TIMEOUT, &patience);
    visit->watched =
        (struct ldap_conncb){.lc_add = on_connected, .lc_del = on_disconnected, .lc_arg = visit};
    if (ldap_set_option(visit->ldap, LDAP_OPT_CONNECT_CB, &visit->watched) != LDAP_OPT_SUCCESS) {
        return away(visit, "the directory", LDAP_OTHER);
    }
    if (strncmp(visit->config->url, "ldaps://", 8) != 0 && !visit->config->allows_plain) {
        code = ldap_start_tls_s(visit->ldap, NULL, NULL);
        if (code != LDAP_SUCCESS) {
            return away(visit, "TLS with the directory", code);
        }
    }
    return true;
}

static void
disconnect(struct visit *visit)
{
    if (visit->ldap) {
        ldap_unbind_ext_s(visit->ldap, NULL, NULL);
    }
    line_watch(visit->line, -1);
    visit->ldap = NULL;
}

/* A bind without a password is anonymous, and "succeeds" (RFC 4513, 5.1.2): never sent. */
static int
bind_as(struct visit *visit, const char *dn, const char *password)
{
    char *copy = strdup(password);
    if (!dn[0] || !password[0] || !copy) {
        free(copy);
        return LDAP_INVALID_CREDENTIALS;
    }
    struct berval value = {.bv_val = copy, .bv_len = strlen(copy)};
    int code = ldap_sasl_bind_s(visit->ldap, dn, LDAP_SASL_SIMPLE, &value, NULL, NULL, NULL);
    explicit_bzero(copy, strlen(copy));
    free(copy);
    return code;
}

/* 'limit' entries at most.  NULL: told. */
static LDAPMessage *
search(struct visit *visit, const char *base, const char *filter, char **attributes, int limit)
{
    struct timeval patience = {.tv_sec = DIRECTORY_PATIENCE_S};
    LDAPMessage *found = NULL;
    int code = ldap_search_ext_s(visit->ldap, base, LDAP_SCOPE_SUBTREE, filter, attributes, 0, NULL,
                                 NULL, &patience, limit, &found);
    if (code != LDAP_SUCCESS && code != LDAP_SIZELIMIT_EXCEEDED) {
        ldap_msgfree(found);
        away(visit, "the search in the directory", code);
        return NULL;
    }
    return found;
}

static void
groups_add(struct visit *visit, const char *group, size_t size)
{
    if (visit->group_count < GROUPS_MAX && size < URL_SIZE) {
        visit->groups[visit->group_count++] = strndup(group, size);
    }
}

/* The first value as text, or as hexadecimal where it is none. */
static bool
value_copy(struct visit *visit, LDAPMessage *entry, const char *attribute, char *to, size_t room)
{
    struct berval **values = ldap_get_values_len(visit->ldap, entry, attribute);
    bool is_there = values && values[0] && values[0]->bv_len > 0;
    to[0] = '\0';
    if (is_there) {
        const struct berval *value = values[0];
        bool is_text = utf8_is_plain(value->bv_val, value->bv_len);
        size_t used = 0;
        for (size_t i = 0; i < value->bv_len && used + 3 < room; i++) {
            used += (size_t)snprintf(to + used, room - used, is_text ? "%c" : "%02x",
                                     (unsigned char)value->bv_val[i]);
        }
    }
    ldap_value_free_len(values);
    return is_there;
}

/* Who it is: the directory's own spelling of the name, and what stays when the entry is moved. */
static void
identity_put(struct visit *visit, LDAPMessage *entry, const char *typed)
{
    struct wire_login_result *result = visit->result;
    struct berval **names = ldap_get_values_len(visit->ldap, entry, visit->config->name_attribute);
    for (size_t i = 0; names && names[i]; i++) {
        if (names[i]->bv_len == strlen(typed) &&
            strncasecmp(names[i]->bv_val, typed, names[i]->bv_len) == 0) {
            snprintf(result->name, sizeof(result->name), "%.*s", (int)names[i]->bv_len,
                     names[i]->bv_val);
        }
    }
    ldap_value_free_len(names);
    if (!value_copy(visit, entry, "entryUUID", result->subject, sizeof(result->subject)) &&
        !value_copy(visit, entry, "objectGUID", result->subject, sizeof(result->subject))) {
        snprintf(result->subject, sizeof(result->subject), "%.1000s", visit->dn);
    }
}

static bool
find_person(struct visit *visit, const char *name)
{
    char filter[FILTER_SIZE], uuid[] = "entryUUID", guid[] = "objectGUID";
    char name_attribute[NAME_SIZE], group_attribute[NAME_SIZE];
    char *attributes[] = {name_attribute, group_attribute, uuid, guid, NULL};
    snprintf(name_attribute, NAME_SIZE, "%s", visit->config->name_attribute);
    snprintf(group_attribute, NAME_SIZE, "%s", visit->config->group_attribute);
    if (!directory_filter_make(name_attribute, name, filter, sizeof(filter))) {
        return refused(visit, "the name is too long");
    }
    LDAPMessage *found = search(visit, visit->config->base, filter, attributes, 2);
    if (!found) {
        return false;
    }
    int count = ldap_count_entries(visit->ldap, found);
    LDAPMessage *entry = ldap_first_entry(visit->ldap, found);
    if (count == 1 && entry) {
        visit->dn = ldap_get_dn(visit->ldap, entry);
        identity_put(visit, entry, name);
        struct berval **groups = ldap_get_values_len(visit->ldap, entry, group_attribute);
        for (size_t i = 0; groups && groups[i] && !visit->config->group_base[0]; i++) {
            groups_add(visit, groups[i]->bv_val, groups[i]->bv_len);
        }
        ldap_value_free_len(groups);
    }
    ldap_msgfree(found);
    if (count != 1) {
        return refused(visit, count == 0 ? "the directory has nobody of that name"
                                         : "the directory has several of that name");
    }
    return (visit->dn && visit->result->name[0]) || refused(visit, "the entry has no such name");
}

/* Groups that name their members. */
static bool
find_groups(struct visit *visit)
{
    char filter[FILTER_SIZE], nothing[] = "1.1";
    char *attributes[] = {nothing, NULL};
    if (!visit->config->group_base[0]) {
        return true;
    }
    if (!directory_filter_make(visit->config->member_attribute, visit->dn, filter,
                               sizeof(filter))) {
        return refused(visit, "the entry's name is too long");
    }
    LDAPMessage *found = search(visit, visit->config->group_base, filter, attributes, GROUPS_MAX);
    if (!found) {
        return false;
    }
    for (LDAPMessage *entry = ldap_first_entry(visit->ldap, found); entry;
         entry = ldap_next_entry(visit->ldap, entry)) {
        char *dn = ldap_get_dn(visit->ldap, entry);
        if (dn) {
            groups_add(visit, dn, strlen(dn));
        }
        ldap_memfree(dn);
    }
    ldap_msgfree(found);
    return true;
}

/* On a connection of its own: nothing of ours is done as that person. */
static bool
check_password(struct visit *visit, const char *password)
{
    disconnect(visit);
    if (!connect_to(visit)) {
        return false;
    }
    int code = bind_as(visit, visit->dn, password);
    switch (code) {
    case LDAP_SUCCESS:
        return true;
    case LDAP_INVALID_CREDENTIALS:
    case LDAP_INAPPROPRIATE_AUTH:
    case LDAP_UNWILLING_TO_PERFORM:
    case LDAP_CONSTRAINT_VIOLATION: /* locked */
    case LDAP_INSUFFICIENT_ACCESS:
        return refused(visit, "the directory refuses that password, or the account");
    default:
        return away(visit, "signing in at the directory", code);
    }
}

void
directory_sign_in(struct directory_line *line, const struct directory_ask *ask,
                  struct wire_login_result *result)
{
    const struct config_ldap *config = ask->config;
    struct visit visit = {.config = config, .line = line, .result = result};
    result->source = ACCOUNT_LDAP;
    pthread_mutex_lock(&line->lock);
    line->until_us = ask->until_us;
    pthread_mutex_unlock(&line->lock);
    if (!ask->password[0] || !ask->name[0]) {
        (void)refused(&visit, "no password");
        return;
    }
    bool is_good = connect_to(&visit);
    if (is_good) {
        int code = bind_as(&visit, config->bind_dn, ask->secret);
        is_good = code == LDAP_SUCCESS || away(&visit, "our own account at the directory", code);
    }
    is_good = is_good && find_person(&visit, ask->name) && find_groups(&visit) &&
              check_password(&visit, ask->password);
    if (is_good && directory_role_of(config, visit.groups, visit.group_count, &result->role)) {
        result->outcome = LOGIN_GRANTED;
    } else if (is_good) {
        result->outcome = LOGIN_UNMAPPED;
        snprintf(result->why, TEXT_SIZE, "none of the %zu groups has a role", visit.group_count);
    }
    for (size_t i = 0; i < visit.group_count; i++) {
        free(visit.groups[i]);
    }
    ldap_memfree(visit.dn);
    disconnect(&visit);
}
