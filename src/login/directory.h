/* Whether somebody's password is right at a directory, and which role their groups give (LDAP v3,
 * RFC 4511, 4513): the entry is searched for with an account of ours, then bound as.  Blocks until
 * the time-outs below: on a thread of the login role. */
#ifndef CORDON_LOGIN_DIRECTORY_H
#define CORDON_LOGIN_DIRECTORY_H

#include "cordond/config.h"
#include "wire/login.h"

#define DIRECTORY_PATIENCE_S 5            /* for each step: connection, bind, search */
#define DIRECTORY_SUM_US (10 * 1000000ll) /* for all of them, however slowly each goes on */

/* Once, before the process is locked in: certificates are read.  0 or negative errno, and 'why'. */
int directory_setup(const struct config_ldap *config, char why[TEXT_SIZE]) MUST_CHECK;
/* The connection that a thread waits for.  The library has no time-out for TLS, nor for a server
 * that sends a byte now and then: whoever looks after the time cuts it, on any thread. */
struct directory_line;
struct directory_line *directory_line_new(void);
void directory_line_free(struct directory_line *line);
void directory_line_check(struct directory_line *line, int64_t now_us);

struct directory_ask {
    const struct config_ldap *config;
    const char *secret; /* of our own account there */
    const char *name, *password;
    int64_t until_us; /* boot clock: then it is over */
};
/* 'result' gets outcome, name, subject, role and why. */
void directory_sign_in(struct directory_line *line, const struct directory_ask *ask,
                       struct wire_login_result *result);
/* Pure: "(ATTRIBUTE=NAME)" with whatever has a meaning in filters escaped (RFC 4515, 3).  False:
 * too long. */
bool directory_filter_make(const char *attribute, const char *value, char *filter, size_t room);
/* Pure: the role of the first mapping that names one of 'groups'; false: none does. */
bool directory_role_of(const struct config_ldap *config, char *const *groups, size_t count,
                       int *role);

#endif
