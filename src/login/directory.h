/* Whether somebody's password is right at a directory, and which role their groups give (LDAP v3,
 * RFC 4511, 4513): the entry is searched for with an account of ours, then bound as.  Blocks until
 * the time-outs below: on a thread of the login role. */
#ifndef CORDON_LOGIN_DIRECTORY_H
#define CORDON_LOGIN_DIRECTORY_H

#include "cordond/config.h"
#include "wire/login.h"

#define DIRECTORY_PATIENCE_S 5 /* for each step: connection, TLS, bind, search */

/* Once, before the process is locked in: certificates are read.  0 or negative errno, and 'why'. */
int directory_setup(const struct config_ldap *config, char why[TEXT_SIZE]) MUST_CHECK;
/* 'result' gets outcome, name, subject, role and why. */
void directory_sign_in(const struct config_ldap *config, const char *secret, const char *name,
                       const char *password, struct wire_login_result *result);
/* Pure: "(ATTRIBUTE=NAME)" with whatever has a meaning in filters escaped (RFC 4515, 3).  False:
 * too long. */
bool directory_filter_make(const char *attribute, const char *value, char *filter, size_t room);
/* Pure: the role of the first mapping that names one of 'groups'; false: none does. */
bool directory_role_of(const struct config_ldap *config, char *const *groups, size_t count,
                       int *role);

#endif
