/* The web role's heart: requests in, asks to core, answers out.  It holds no state but tokens and
 * connections, and can only ask.  One loop thread. */
#ifndef CORDON_WEB_WEB_H
#define CORDON_WEB_WEB_H

#include <event2/event.h>
#include <stdint.h>

#include "base/clock.h"
#include "model/detection.h"
#include "wire/answer.h"
#include "wire/ask.h"
#include "wire/event.h"
#include "wire/peer.h"
#include "wire/login.h"

struct web;

struct config;

/* Reads one line of an event file as if it came from 'source' (role.h); false: no detection, and
 * 'why' says why not. */
typedef bool web_parse_line_fn(const struct config *config, const char *source, const char *line,
                               size_t size, struct detection *detection, char why[TEXT_SIZE]);

struct web_settings {
    const char *listen;     /* "[::]:8443" */
    const char *cert, *key; /* the key sealed with the master key */
    const char *state_dir;
    const char *secret_key_file;   /* the master key: read before it is locked in */
    size_t connection_limit;       /* 0: 512 */
    web_parse_line_fn *parse_line; /* NULL: POST /policy/test knows our own detections only */
    const struct config *config;   /* passed on to parse_line */
    /* Certificate and listening socket are open, no thread runs yet: the role is locked in.  0 or
     * negative errno.  NULL: nothing to do. */
    int (*lock_in)(void *context);
    /* The first administrator has a password of his own: admin.password goes.  0 or negative errno.
     * NULL: it is removed here. */
    int (*forget_password)(void *context);
    /* To the login role; NULL: there is none.  False: it did not go out. */
    bool (*login)(void *context, const struct wire_login *question);
    /* To core; false: it did not go out. */
    bool (*send)(void *context, const struct wire_ask *ask);
    void *context;
};

int web_new(struct event_base *base, const struct web_settings *settings, const struct clock *clock,
            struct web **web, char why[256]) MUST_CHECK;
void web_free(struct web *web);
/* Core was joined, or has gone. */
void web_core_joined(struct web *web);
void web_core_gone(struct web *web);
/* Core made our certificate anew. */
void web_renew(struct web *web, const struct wire_renew *renew);
void web_answer(struct web *web, const struct wire_answer *answer);
void web_event(struct web *web, const struct wire_event *event);
/* What the login role answered; it has gone. */
void web_login_answer(struct web *web, const struct wire_login_result *result);
void web_login_gone(struct web *web);
uint16_t web_port(const struct web *web);

#endif
