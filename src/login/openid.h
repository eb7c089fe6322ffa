/* Signing in at an OpenID provider: authorization code with PKCE (OpenID Connect Core 3.1, RFC
 * 7636), state, nonce.  Its answers are other people's bytes: bounded, checked, never followed
 * elsewhere.  One thread of the login role owns it; calls block until the time-outs below. */
#ifndef CORDON_LOGIN_OPENID_H
#define CORDON_LOGIN_OPENID_H

#include "base/clock.h"
#include "cordond/config.h"
#include "wire/login.h"

#define OPENID_CONNECT_MS 5000
#define OPENID_PATIENCE_MS 10000
#define OPENID_FLOWS_MAX 256
#define OPENID_FLOW_US (10 * 60 * 1000000ll)
#define OPENID_KEEP_US (60 * 60 * 1000000ll) /* what the provider says of itself */
#define OPENID_FRESH_US (10 * 1000000ll)     /* its keys are not asked for more often */

struct openid;

/* Once in a process, before there are threads. */
void openid_setup(void);
/* Reads what it needs of files, before the process is locked in.  NULL: 'why'. */
struct openid *openid_new(const struct config_openid *config, const char *secret,
                          const struct clock *clock, char why[TEXT_SIZE]);
void openid_free(struct openid *openid);
/* Where the browser at 'peer', whose cookie hashes to 'flow', must go; owned by 'result'.  Where
 * all places are taken, the oldest of the peer that has most of them makes room. */
void openid_begin(struct openid *openid, const char *flow, const char *peer,
                  struct wire_login_result *result);
/* It came back.  Each state and each code counts once. */
void openid_finish(struct openid *openid, const char *flow, const char *state, const char *code,
                   struct wire_login_result *result);

/* Pure: the role of the first mapping whose group the claim (a text, or a list of them; dots go
 * into objects) holds. */
bool openid_role_of(const struct config_openid *config, const cJSON *claims, int *role);

#endif
