#include "web/web_role.h"

#include <string.h>

#include "base/log.h"
#include "cordond/errand.h"
#include "web/web.h"

struct web_role {
    struct role *role;
    struct web *web;
    struct channel *core;  /* NULL: away */
    struct channel *login; /* NULL: away */
};

static bool
send_ask(void *context, const struct wire_ask *ask)
{
    struct web_role *self = context;
    return self->core && channel_send(self->core, WIRE_ASK, ask);
}

static int
lock_in(void *context)
{
    return role_lock_in(((struct web_role *)context)->role);
}

static int
forget_password(void *context)
{
    const struct role *role = ((struct web_role *)context)->role;
    return errand_ask(role->errands, role->config, ERRAND_PASSWORD_FORGET, 0, -1);
}

static bool
send_login(void *context, const struct wire_login *question)
{
    struct web_role *self = context;
    return self->login && channel_send(self->login, WIRE_LOGIN, question);
}

static void
on_message(void *context, struct channel *channel, enum wire_type type, const void *message)
{
    struct web_role *self = context;
    if (type == WIRE_ANSWER) {
        web_answer(self->web, message);
    } else if (type == WIRE_EVENT) {
        web_event(self->web, message);
    } else if (type == WIRE_RENEW) {
        web_renew(self->web, message);
    } else if (type == WIRE_LOGIN_RESULT && channel == self->login) {
        web_login_answer(self->web, message);
    } else {
        channel_close(channel, "web takes answers and events only");
    }
}

static void
on_close(void *context, struct channel *channel, const char *why)
{
    struct web_role *self = context;
    if (channel == self->login) {
        self->login = NULL;
        web_login_gone(self->web);
        return;
    }
    if (channel != self->core) {
        return; /* an old one, replaced already */
    }
    self->core = NULL;
    log_warn("web", "core is away", LOG_S("why", why));
    web_core_gone(self->web);
}

static void
on_peer(void *context, struct channel *channel, enum wire_role peer)
{
    struct web_role *self = context;
    if (peer == ROLE_LOGIN) {
        struct channel *before = self->login;
        self->login = channel;
        if (before) {
            web_login_gone(self->web);
            channel_close(before, "login was joined anew");
        }
        return;
    }
    if (peer != ROLE_CORE) {
        channel_close(channel, "web talks to core and login only");
        return;
    }
    struct channel *old = self->core;
    self->core = channel;
    if (old) {
        web_core_gone(self->web);
        channel_close(old, "core was joined anew");
    }
    web_core_joined(self->web);
}

int
web_role_run(struct role *role)
{
    struct web_role self = {.role = role};
    struct role_files files;
    char why[256];
    role_tls_files(role->config, &files);
    struct web_settings settings = {
        .listen = role->config->api_listen,
        .cert = files.cert,
        .key = files.key,
        .state_dir = role->config->state_dir,
        .secret_key_file = role->config->secret_key_file,
        .parse_line = role->parse_line,
        .config = role->config,
        .lock_in = lock_in,
        .forget_password = forget_password,
        .login = send_login,
        .send = send_ask,
        .context = &self,
    };
    if (web_new(role->base, &settings, clock_system(), &self.web, why) != 0) {
        log_error("web", "the API cannot be served", LOG_S("why", why));
        return 1;
    }
    log_info("web", "serving", LOG_S("listen", role->config->api_listen));
    role->handler =
        (struct channel_handler){.on_message = on_message, .on_close = on_close, .context = &self};
    role->on_peer = on_peer;
    role->context = &self;
    int result = role_run(role);
    web_free(self.web);
    return result == 0 ? 0 : 1;
}
