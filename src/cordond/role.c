#include "cordond/role.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "bus/pki_key.h"
#include "cordond/control.h"

static void
on_message(void *context, struct channel *channel, enum wire_type type, const void *message)
{
    struct role *role = context;
    role->handler.on_message(role->handler.context, channel, type, message);
}

/* Where core died, the supervisor sends a new line as soon as it runs again.  Where core refused
 * us, nobody does: then we end, and are started with new lines. */
static void
on_close(void *context, struct channel *channel, const char *why)
{
    struct role *role = context;
    const struct timeval ten = {.tv_sec = 10};
    bool is_core = role->core == channel;
    role->handler.on_close(role->handler.context, channel, why);
    if (is_core) {
        role->core = NULL;
        event_add(role->events[3], timerisset(&role->alone) ? &role->alone : &ten);
    }
}

static void
on_alone(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    struct role *role = argument;
    log_error("role", "core cut the line and no new one came: ending, to be started anew",
              LOG_S("role", wire_role_names[role->self]));
    role->result = -ENOTCONN;
    event_base_loopbreak(role->base);
}

static void
on_control(evutil_socket_t fd, short what, void *argument)
{
    (void)what;
    struct role *role = argument;
    enum wire_role peer;
    int joined = control_receive(fd, &peer);
    if (joined == -EAGAIN) {
        return;
    }
    if (joined < 0) {
        event_base_loopbreak(role->base); /* the supervisor is gone */
        return;
    }
    struct channel_settings settings = {.self = role->self, .peer = peer};
    snprintf(settings.peer_name, sizeof(settings.peer_name), "%s", wire_role_names[peer]);
    const struct channel_handler handler = {on_message, on_close, role};
    struct channel *channel = channel_new_fd(role->base, joined, &settings, &handler);
    if (peer == ROLE_CORE) {
        role->core = channel;
        event_del(role->events[3]);
    }
    role->on_peer(role->context, channel, peer);
}

static void
on_terminate(evutil_socket_t number, short what, void *argument)
{
    (void)number;
    (void)what;
    struct role *role = argument;
    event_base_loopbreak(role->base);
}

static void
on_hangup(evutil_socket_t number, short what, void *argument)
{
    (void)number;
    (void)what;
    struct role *role = argument;
    if (role->on_reload) {
        role->on_reload(role->context);
    }
}

static int
loop_run(struct role *role)
{
    for (size_t i = 0; i < 3; i++) {
        event_add(role->events[i], NULL);
    }
    log_info("role", "started", LOG_S("role", wire_role_names[role->self]));
    return event_base_dispatch(role->base) < 0 ? -EIO : role->result;
}

/* Whatever else was opened first may have got that number. */
static bool
has_supervisor(void)
{
    int type = 0;
    socklen_t size = sizeof(type);
    return getsockopt(CONTROL_FD, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

int
role_lock_in(struct role *role)
{
    char why[256];
    int error = role->lock_in && !role->is_locked_in ? role->lock_in(role, why) : 0;
    if (error) {
        log_error("role", "cannot be locked in", LOG_S("role", wire_role_names[role->self]),
                  LOG_S("why", why));
        return error;
    }
    role->is_locked_in = true;
    return 0;
}

int
role_run(struct role *role)
{
    int error = role_lock_in(role);
    if (error) {
        return error;
    }
    if (!has_supervisor()) {
        log_error("role", "roles are started by cordond itself, which has a line to each",
                  LOG_S("role", wire_role_names[role->self]));
        return -EBADF;
    }
    evutil_make_socket_nonblocking(CONTROL_FD);
    role->events[0] = event_new(role->base, CONTROL_FD, EV_READ | EV_PERSIST, on_control, role);
    role->events[1] = evsignal_new(role->base, SIGTERM, on_terminate, role);
    role->events[2] = evsignal_new(role->base, SIGHUP, on_hangup, role);
    role->events[3] = event_new(role->base, -1, 0, on_alone, role);
    /* Ctrl-C reaches the whole group: the supervisor decides when children end. */
    signal(SIGINT, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    int result = loop_run(role);
    for (size_t i = 0; i < COUNT_OF(role->events) && role->events[i]; i++) {
        event_free(role->events[i]);
        role->events[i] = NULL;
    }
    return result;
}

void
role_tls_files(const struct config *config, struct role_files *files)
{
    snprintf(files->ca, sizeof(files->ca), "%s/pki/ca.pem", config->state_dir);
    snprintf(files->cert, sizeof(files->cert), "%s/pki/server.pem", config->state_dir);
    snprintf(files->key, sizeof(files->key), "%s/pki/server" PKI_KEY_SEALED, config->state_dir);
}

void
role_folder(const struct config *config, enum wire_role role, char path[ROLE_PATH_SIZE])
{
    snprintf(path, ROLE_PATH_SIZE, "%s/%s", config->state_dir, wire_role_names[role]);
}
