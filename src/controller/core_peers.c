#include "controller/core_peers.h"

#include "controller/core_state.h"

static struct channel *
side_of(struct core *core, enum device_role role)
{
    return role == DEVICE_EDGE ? core->driver : core->intake;
}

static bool
send_peers(void *context, const struct wire_peers *part)
{
    return channel_send(context, WIRE_PEERS, part);
}

void
core_peers_send(struct core *core, enum device_role role)
{
    struct channel *side = side_of(core, role);
    if (side && core->certificates) {
        certificates_peers(core->certificates, role, send_peers, side);
    }
}

static void
on_peers(void *context, enum device_role role)
{
    core_peers_send(context, role);
}

static bool
send_renew(void *context, const struct wire_renew *renew)
{
    struct channel *side = side_of(context, renew->role);
    return side && channel_send(side, WIRE_RENEW, renew);
}

static void
certificates_tell(void *context, enum severity severity, const char *object, const char *detail)
{
    struct core *core = context;
    controller_tell(core->controller, NOTICE_CERTIFICATE, severity, object, detail);
}

static void
certificates_changed(void *context)
{
    struct core *core = context;
    if (core->controller) {
        controller_list_changed(core->controller, CHANGED_CERTIFICATES);
    }
}

static void
send_own(void *context, const struct wire_renew *renew)
{
    struct core *core = context;
    struct channel *const sides[] = {core->driver, core->intake, core->web};
    for (size_t i = 0; i < COUNT_OF(sides); i++) {
        if (sides[i]) {
            (void)channel_send(sides[i], WIRE_RENEW, renew); /* false: it closes */
        }
    }
}

void
core_peers_joined(struct core *core, struct channel *side)
{
    const struct wire_renew *made = own_certificate_made(&core->own_certificate);
    if (made) {
        (void)channel_send(side, WIRE_RENEW, made); /* false: it closes */
    }
}

void
core_peers_event(struct core *core, const struct channel *channel, const struct wire_peer *peer)
{
    certificates_peer(core->certificates, channel == core->driver ? DEVICE_EDGE : DEVICE_SENSOR,
                      peer);
}

int
core_peers_open(struct core *core)
{
    const struct config *config = core->role->config;
    const struct certificates_settings settings = {
        .store = core->store,
        .clock = clock_system(),
        .ca = core->ca,
        .life_us = (int64_t)config->certificates.life_s * 1000000,
        .grace_us = (int64_t)config->certificates.grace_s * 1000000,
        .token_us = (int64_t)config->certificates.token_s * 1000000,
        .issued_fd = core->issued_fd,
        .on_peers = on_peers,
        .send_renew = send_renew,
        .tell = certificates_tell,
        .on_change = certificates_changed,
        .context = core};
    own_certificate_open(&core->own_certificate,
                         &(struct own_certificate_settings){.ca = core->ca,
                                                            .names = config->server_names,
                                                            .clock = clock_system(),
                                                            .send = send_own,
                                                            .context = core});
    return certificates_open(&settings, &core->certificates);
}
