/* The `core` process: wires the channels of intake, driver and web to controller, policy, topology
 * and store.  Reads only checked messages. */
#include "cordond/role.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/join.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "base/seal.h"
#include "bus/issued.h"
#include "bus/pki.h"
#include "controller/ask/ask.h"
#include "controller/core_peers.h"
#include "controller/core_state.h"
#include "cordond/errand.h"
#include "wire/ack.h"
#include "wire/desired_set.h"
#include "wire/event.h"
#include "wire/read_back.h"
#include "wire/view_endpoint.h"
#include "wire/view_system.h"

#define RESERVE_BYTES (UINT64_C(4) << 20) /* of the disk, for blocks when it is full */
#define TICK_US 250000
#define FLUSH_MS 200

/* ---- towards the driver process ---- */

static bool
send_part(void *context, const struct wire_desired *part)
{
    struct core *core = context;
    return core->driver && channel_send(core->driver, WIRE_DESIRED, part);
}

static bool
send_desired(void *context, const struct wire_desired *desired)
{
    return desired_send(desired, send_part, context);
}

static bool
send_read_back(void *context, const struct wire_read_back *question)
{
    struct core *core = context;
    return core->driver && channel_send(core->driver, WIRE_READ_BACK, question);
}

static bool
send_checkpoint(void *context, const struct wire_checkpoint *message)
{
    struct core *core = context;
    return core->driver && channel_send(core->driver, WIRE_CHECKPOINT, message);
}

/* ---- towards the notify process ---- */

static bool
send_notice(void *context, const struct wire_notice *notice)
{
    struct core *core = context;
    return core->notify && channel_send(core->notify, WIRE_NOTICE, notice);
}

static bool
send_secret(void *context, const struct wire_secret_change *change)
{
    struct core *core = context;
    return core->notify && channel_send(core->notify, WIRE_SECRET, change);
}

/* ---- towards web ---- */

static cJSON *
view_of(struct core *core, const char *topic, const void *object)
{
    if (strcmp(topic, "containment") == 0) {
        return ask_view_containment(core->controller, object);
    }
    if (strcmp(topic, "endpoint") == 0) {
        return ask_view_endpoint(core->controller, object, true); /* web tells viewers less */
    }
    if (strcmp(topic, "incident") == 0) {
        return ask_view_incident(core->controller, object);
    }
    if (strcmp(topic, "notice") == 0) { /* web tells those who may list them; no address in it */
        const struct message *message = object;
        cJSON *view = cJSON_CreateObject();
        cJSON_AddStringToObject(view, "id", message->id);
        cJSON_AddStringToObject(view, "state", message_state_names[message->state]);
        return view;
    }
    if (strcmp(topic, "switch") == 0) {
        return ask_view_switch(core->controller, object);
    }
    if (strcmp(topic, "job") == 0) {
        return ask_view_job(object);
    }
    if (strcmp(topic, "policy") == 0) {
        return ask_view_revision(object);
    }
    if (strcmp(topic, "changed") == 0) {
        return codec_encode(&view_changed_shape, object);
    }
    if (strcmp(topic, "map") == 0) {
        return codec_encode(&view_map_shape, object);
    }
    return strcmp(topic, "source") == 0 ? ask_view_source(object) : ask_view_link(object);
}

static void
publish(void *context, const char *topic, const void *object)
{
    struct core *core = context;
    if (!core->web || !core->controller) {
        return;
    }
    struct wire_event event = {.sequence = ++core->events};
    snprintf(event.topic, sizeof(event.topic), "%s", topic);
    event.body = view_of(core, topic, object);
    (void)channel_send(core->web, WIRE_EVENT, &event); /* false: it closes */
    cJSON_Delete(event.body);
}

/* ---- jobs ---- */

static void
jobs_later(struct core *core, int64_t us)
{
    const struct timeval later = {.tv_sec = us / 1000000, .tv_usec = us % 1000000};
    if (core->jobs) {
        (void)event_add(core->jobs, &later);
    }
}

static void
on_jobs(evutil_socket_t fd, short what, void *context)
{
    struct core *core = context;
    (void)fd, (void)what;
    int64_t pause_us = asks_run_jobs(core->asks);
    if (pause_us > 0) {
        jobs_later(core, pause_us);
    }
}

static void
jobs_wake(void *context)
{
    jobs_later(context, 0);
}

static void
jobs_publish(void *context, const struct job *job)
{
    publish(context, "job", job);
}

struct question {
    struct core *core;
    struct channel *web; /* compared only: web may have gone in the meantime */
};

static void
on_answer(void *context, const struct wire_answer *answer)
{
    struct question *question = context;
    if (question->core->web == question->web) {
        (void)channel_send(question->web, WIRE_ANSWER, answer);
    }
    free(question);
}

static void
on_ask(struct core *core, struct channel *channel, const struct wire_ask *ask)
{
    struct question *question = MEM_NEW(struct question);
    *question = (struct question){core, channel};
    asks_handle(core->asks, ask, on_answer, question);
}

/* ---- start: keys ---- */

/* While we may: nobody but us ever has its key. */
static int
core_authority(struct core *core)
{
    char pki[URL_SIZE + 8], why[256] = "";
    const char *master = core->role->config->secret_key_file;
    core->lacks_landlock = sandbox_paths_version() == 0;
    snprintf(pki, sizeof(pki), "%s/pki", core->role->config->state_dir);
    file_clear_unfinished(pki);
    if (!own_certificate_read(&core->own_certificate, pki)) {
        log_error("core", "server.pem cannot be read: it is not renewed while we run",
                  LOG_S("folder", pki));
    }
    clocks_boot_id(core->boot_id);
    core->is_clock_free = getenv(ROLE_CLOCK_FREE_ENV) != NULL;
    memory_group_open(&core->pressure.group);
    core->ca = pki_ca_open(pki, master, why);
    if (!core->ca) {
        log_error("core", "no certificate authority", LOG_S("why", why));
        return -ENOENT;
    }
    core->issued_fd = issued_open(pki, why);
    if (core->issued_fd < 0) {
        log_error("core", "certificates issued offline are known when they are used only",
                  LOG_S("why", why));
    }
    int error = seal_open(master, SEAL_AUDIT, &core->seal, why);
    if (error) {
        log_error("core", "the master key cannot be used", LOG_S("why", why));
    }
    return error;
}

/* ---- from intake ---- */

static void
acks_send(struct core *core)
{
    if (core->intake && core->acks->id_count > 0) {
        (void)channel_send(core->intake, WIRE_ACK, core->acks); /* false: it closes */
    }
    core->acks->id_count = 0;
}

static void
on_acks(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    acks_send(context);
}

/* A commit holds many: they are acknowledged together, in the same turn of the loop.  An intake
 * that joined meanwhile may be told too: it is stored, and who does not wait for it ignores it. */
static void
on_stored(void *context, const char *detection_id, int error)
{
    struct core *core = context;
    if (error || !core->intake) {
        return; /* not acknowledged: it is sent again */
    }
    struct wire_ack *acks = core->acks;
    join_copy(acks->ids[acks->id_count++], sizeof(acks->ids[0]), detection_id);
    if (acks->id_count == ACK_IDS_MAX) {
        acks_send(core);
    } else if (core->acking) {
        event_active(core->acking, EV_TIMEOUT, 0);
    }
}

static void
on_message(void *context, struct channel *channel, enum wire_type type, const void *message)
{
    struct core *core = context;
    struct controller *controller = core->controller;
    switch (type) {
    case WIRE_DETECTION:
        controller_detection(core->controller, message, on_stored, core);
        break;
    case WIRE_EVIDENCE:
        controller_evidence(controller, message);
        break;
    case WIRE_HELLO:
        controller_sensor_hello(controller, message);
        break;
    case WIRE_SENSOR_STATS:
        controller_sensor_stats(controller, message);
        break;
    case WIRE_SOURCE_STATS:
        controller_source_stats(controller, message);
        break;
    case WIRE_FACTS:
        controller_facts(controller, message);
        break;
    case WIRE_OBSERVED:
        controller_observed(controller, message);
        break;
    case WIRE_DEVICE:
        controller_device(controller, message);
        break;
    case WIRE_EDGE_STATS:
        controller_edge_stats(controller, message);
        break;
    case WIRE_CHECKPOINTS:
        controller_checkpoints(controller, message);
        break;
    case WIRE_NOTICE_RESULT:
        controller_notice_result(controller, message);
        break;
    case WIRE_SECRETS:
        controller_secrets(controller, message);
        break;
    case WIRE_ASK:
        on_ask(core, channel, message);
        break;
    case WIRE_PEER:
        core_peers_event(core, channel, message);
        break;
    case WIRE_SIGN:
        certificates_sign(core->certificates, message);
        break;
    default:
        break; /* the channel lets nothing else through */
    }
}

static void
on_close(void *context, struct channel *channel, const char *why)
{
    struct core *core = context;
    (void)why;
    if (core->driver == channel) {
        core->driver = NULL;
        controller_driver_gone(core->controller);
        certificates_gone(core->certificates, DEVICE_EDGE);
    } else if (core->web == channel) {
        core->web = NULL;
    } else if (core->notify == channel) {
        core->notify = NULL;
        controller_notify_gone(core->controller);
    } else if (core->intake == channel) {
        core->intake = NULL;
        certificates_gone(core->certificates, DEVICE_SENSOR);
    }
}

static void
on_peer(void *context, struct channel *channel, enum wire_role peer)
{
    struct core *core = context;
    ended_joined(&core->ended, core->controller, peer);
    if (peer == ROLE_DRIVER) {
        core->driver = channel;
        core_peers_joined(core, channel);
        core_peers_send(core, DEVICE_EDGE);
    } else if (peer == ROLE_WEB) {
        core->web = channel;
        core_peers_joined(core, channel);
    } else if (peer == ROLE_NOTIFY) {
        core->notify = channel;
        controller_notify_joined(core->controller);
    } else if (peer == ROLE_INTAKE) {
        core->intake = channel;
        core->acks->id_count = 0; /* of the one before: sent again by this one */
        core_peers_joined(core, channel);
        core_peers_send(core, DEVICE_SENSOR);
    }
}

/* ---- the policy ---- */

static void
policy_apply(void *context, struct policy *policy)
{
    controller_set_policy(((struct core *)context)->controller, policy);
}

static bool
policy_fits(void *context, const struct policy *policy, struct policy_error *error)
{
    return controller_policy_fits(((struct core *)context)->controller, policy, error);
}

static void
policy_publish(void *context, const struct revision *running)
{
    publish(context, "policy", running);
}

static void
on_reload(void *context)
{
    revisions_reload(((struct core *)context)->revisions);
}

static void
on_tick(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct core *core = context;
    controller_tick(core->controller);
    certificates_tick(core->certificates);
    own_certificate_tick(&core->own_certificate);
    copies_tick(core->copies);
    pressure_tick(&core->pressure, core->controller);
    if (store_is_damaged(core->store)) {
        log_error("core",
                  "ALARM: the database is damaged: ending, to start with the last good copy",
                  LOG_END);
        core->role->result = -EBADMSG;
        event_base_loopbreak(core->role->base);
    }
}

/* ---- start and end ---- */

/* This machine's addresses: it must never be cut off by itself. */
static void
own_addresses(struct core *core)
{
    struct ifaddrs *list = NULL;
    if (getifaddrs(&list)) {
        return;
    }
    for (struct ifaddrs *at = list; at && core->own_count < OWN_ADDRESSES_MAX; at = at->ifa_next) {
        if (!at->ifa_addr) {
            continue;
        }
        if (at->ifa_addr->sa_family == AF_INET) {
            struct sockaddr_in in;
            memcpy(&in, at->ifa_addr, sizeof(in));
            if ((ntohl(in.sin_addr.s_addr) >> 24) != 127) {
                uint8_t bytes[4];
                memcpy(bytes, &in.sin_addr, sizeof(bytes));
                core->own[core->own_count++] = ip_from_v4(bytes);
            }
        } else if (at->ifa_addr->sa_family == AF_INET6) {
            struct sockaddr_in6 in6;
            memcpy(&in6, at->ifa_addr, sizeof(in6));
            struct ip ip = ip_from_v6(in6.sin6_addr.s6_addr);
            if (!ip_is_link_local(&ip) && !IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr)) {
                core->own[core->own_count++] = ip;
            }
        }
    }
    freeifaddrs(list);
}

static int
core_store(struct core *core)
{
    const struct config *config = core->role->config;
    char folder[ROLE_PATH_SIZE], path[ROLE_PATH_SIZE + 16];
    char why[256] = "";
    role_folder(config, ROLE_CORE, folder);
    snprintf(path, sizeof(path), "%s/cordon.db", folder);
    setenv("SQLITE_TMPDIR", folder, 1); /* of what SQLite sorts: we may write nowhere else */
    int error = store_open(path, core->role->base, &core->store, why);
    if (error) {
        log_error("core", "the database cannot be opened", LOG_S("path", path),
                  LOG_S("why", why[0] ? why : strerror(-error)));
        return error;
    }
    store_set_reserve(core->store, RESERVE_BYTES);
    store_set_budget(core->store, (config->evidence_mib ? config->evidence_mib : 1024) << 20,
                     1000000);
    return 0;
}

/* The key by which checkpoints of the audit are signed. */
static int
core_signer(struct core *core)
{
    char folder[ROLE_PATH_SIZE], why[256] = "";
    role_folder(core->role->config, ROLE_CORE, folder);
    int error = checkpoint_signer_open(folder, core->seal, &core->signer, why);
    seal_free(core->seal);
    core->seal = NULL;
    if (error) {
        log_error("core", "the audit's signing key cannot be used",
                  LOG_S("why", why[0] ? why : strerror(-error)));
    } else if (core->signer.is_new) {
        log_info("core", "a signing key for the audit was made",
                 LOG_S("origin", core->signer.key.origin));
    }
    return error;
}

/* The supervisor opens and writes the policy file: it is not in our folder. */
static int
policy_read(void *context, size_t limit, char **text, size_t *size)
{
    const struct role *role = ((struct core *)context)->role;
    int fd = errand_ask(role->errands, role->config, ERRAND_POLICY_READ, 0, -1);
    if (fd < 0) {
        return fd;
    }
    int error = file_read_open(fd, limit, text, size);
    close(fd);
    return error;
}

static int
policy_write(void *context, const char *text, size_t size)
{
    const struct role *role = ((struct core *)context)->role;
    int fd = memfd_create("policy", MFD_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    bool is_good = write(fd, text, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0;
    int error =
        is_good ? errand_ask(role->errands, role->config, ERRAND_POLICY_WRITE, 0, fd) : -EIO;
    close(fd);
    return error;
}

static int
core_policy(struct core *core)
{
    const struct revisions_settings settings = {.base = core->role->base,
                                                .store = core->store,
                                                .clock = clock_system(),
                                                .file = core->role->config->policy_file,
                                                .read = policy_read,
                                                .write = policy_write,
                                                .fits = policy_fits,
                                                .apply = policy_apply,
                                                .publish = policy_publish,
                                                .context = core};
    struct policy_error why;
    int error = revisions_open(&settings, &core->revisions, &core->policy, &why);
    if (error) {
        log_error("core", "there is no good policy: the policy file is refused",
                  LOG_S("file", core->role->config->policy_file), LOG_I("line", why.line),
                  LOG_I("column", why.column), LOG_S("why", why.text));
    }
    return error;
}

static void
warnings_apply(void *context, const struct rule_warning *texts, size_t count)
{
    controller_set_warnings(((struct core *)context)->controller, texts, count);
}

static int
core_warnings(struct core *core)
{
    const struct warnings_settings settings = {.store = core->store,
                                               .clock = clock_system(),
                                               .configured = core->role->config->warnings,
                                               .configured_count =
                                                   core->role->config->warning_count,
                                               .apply = warnings_apply,
                                               .context = core};
    return warnings_open(&settings, &core->warnings);
}

/* ---- backups ---- */

static int
backup_start(void *context, uint32_t keep)
{
    const struct role *role = ((struct core *)context)->role;
    return errand_ask(role->errands, role->config, ERRAND_BACKUP, keep, -1);
}

static int
backup_result(void *context)
{
    const struct role *role = ((struct core *)context)->role;
    return errand_ask(role->errands, role->config, ERRAND_BACKUP_RESULT, 0, -1);
}

static int
backup_file(void *context)
{
    const struct role *role = ((struct core *)context)->role;
    return errand_ask(role->errands, role->config, ERRAND_BACKUP_FILE, 0, -1);
}

static void
backup_ended(void *context, const struct view_backup *backup)
{
    struct core *core = context;
    struct view_changed changed = {.list = "backup"};
    if (backup->last.problem[0]) {
        controller_tell(core->controller, NOTICE_BACKUP, SEVERITY_MEDIUM, "", backup->last.problem);
    }
    publish(core, "changed", &changed);
}

static int
core_copies(struct core *core)
{
    snprintf(core->backups, sizeof(core->backups), "%.1000s/backups",
             core->role->config->state_dir);
    const struct copies_settings settings = {.base = core->role->base,
                                             .store = core->store,
                                             .clock = clock_system(),
                                             .folder = core->backups,
                                             .is_encrypted = core->role->config->backup_key[0],
                                             .start = backup_start,
                                             .result = backup_result,
                                             .file = backup_file,
                                             .ended = backup_ended,
                                             .context = core};
    return copies_open(&settings, &core->copies);
}

static int
disk_room(void *context, uint64_t *left, uint64_t *whole)
{
    const struct core *core = context;
    char folder[ROLE_PATH_SIZE];
    struct statvfs found;
    role_folder(core->role->config, ROLE_CORE, folder);
    if (statvfs(folder, &found) < 0) {
        return -errno;
    }
    *left = (uint64_t)found.f_bavail * found.f_frsize;
    *whole = (uint64_t)found.f_blocks * found.f_frsize;
    return 0;
}

static int
key_check(void *context)
{
    const struct role *role = ((struct core *)context)->role;
    return errand_ask(role->errands, role->config, ERRAND_KEY_CHECK, 0, -1);
}

/* What web asks is answered from now on. */
static void
core_asks(struct core *core)
{
    const struct ask_settings ask = {.controller = core->controller,
                                     .copies = core->copies,
                                     .revisions = core->revisions,
                                     .warnings = core->warnings,
                                     .certificates = core->certificates,
                                     .server_expires_us = &core->own_certificate.now.expires_us,
                                     .started_us = clock_wall_us(clock_system()),
                                     .jobs = {jobs_wake, jobs_publish, core},
                                     .own = {.lacks_landlock = core->lacks_landlock,
                                             .disk = disk_room,
                                             .key_check = key_check,
                                             .memory = &core->pressure.view,
                                             .context = core}};
    core->jobs = evtimer_new(core->role->base, on_jobs, core);
    core->acking = event_new(core->role->base, -1, 0, on_acks, core);
    core->asks = asks_new(&ask);
}

static int
core_controller(struct core *core)
{
    const struct config *config = core->role->config;
    const struct controller_settings settings = {
        .mirrors = config->mirrors,
        .mirror_count = config->mirror_count,
        .warnings = warnings_view(core->warnings)->texts,
        .warning_count = warnings_view(core->warnings)->text_count,
        .own_addresses = core->own,
        .own_address_count = core->own_count,
        .boot_id = core->boot_id,
        .is_clock_free = core->is_clock_free,
        .protected = core->role->config->protected,
        .protected_count = core->role->config->protected_count,
    };
    const struct controller_ports ports = {.send_desired = send_desired,
                                           .send_read_back = send_read_back,
                                           .send_checkpoint = send_checkpoint,
                                           .publish = publish,
                                           .send_notice = send_notice,
                                           .send_secret = send_secret,
                                           .context = core};
    core->controller = controller_new(&settings, clock_system(), core->store, core->policy, &ports);
    int error = controller_load(core->controller);
    if (error) {
        log_error("core", "what was stored cannot be read; nothing is driven",
                  LOG_S("why", strerror(-error)));
        return error;
    }
    mem_give_back(); /* what the rows passed through */
    error = core_copies(core);
    if (error) {
        return error;
    }
    core_asks(core);
    const struct checkpoint_settings checkpoints = {
        .signer = &core->signer,
        .rows = config->audit_checkpoint_rows,
        .every_us = (int64_t)config->audit_checkpoint_s * 1000000,
        .check_us = (int64_t)config->audit_check_s * 1000000};
    controller_set_checkpoints(core->controller, &checkpoints);
    controller_start(core->controller);
    ended_tell_own(core->controller);
    core->tick = event_new(core->role->base, -1, EV_PERSIST, on_tick, core);
    const struct timeval every = {.tv_usec = TICK_US};
    return core->tick && event_add(core->tick, &every) == 0 ? 0 : -ENOMEM;
}

static void
core_close(struct core *core)
{
    core->web = core->notify = core->intake = NULL;
    if (core->tick) {
        event_free(core->tick);
    }
    if (core->jobs) {
        event_free(core->jobs);
        core->jobs = NULL;
    }
    if (core->acking) {
        event_free(core->acking);
        core->acking = NULL;
    }
    revisions_stop(core->revisions);
    if (core->store) {
        controller_stop(core->controller);
    }
    if (core->driver) {
        channel_flush(core->driver, FLUSH_MS); /* the last checkpoint of the audit */
    }
    core->driver = NULL;
    copies_stop(core->copies);
    store_close(core->store); /* the last commits' 'done' still see the controller */
    copies_free(core->copies);
    asks_free(core->asks);
    revisions_free(core->revisions);
    warnings_free(core->warnings);
    certificates_free(core->certificates);
    own_certificate_fini(&core->own_certificate);
    pki_ca_free(core->ca);
    controller_free(core->controller);
    memory_group_close(&core->pressure.group);
    policy_unref(core->policy);
}

int
core_role_run(struct role *role)
{
    struct core core = {.role = role, .acks = MEM_NEW(struct wire_ack)};
    role->handler = (struct channel_handler){on_message, on_close, &core};
    role->on_peer = on_peer;
    role->on_reload = on_reload;
    role->context = &core;
    own_addresses(&core);
    mem_setup_large();
    int error = core_authority(&core);
    if (!error) {
        error = role_lock_in(role);
    }
    if (!error) {
        error = core_store(&core);
    }
    if (!error) {
        error = core_signer(&core);
    }
    if (!error) {
        error = core_policy(&core);
    }
    if (!error) {
        error = core_warnings(&core);
    }
    if (!error) {
        error = core_peers_open(&core);
    }
    if (!error) {
        error = core_controller(&core);
    }
    if (!error) {
        error = role_run(role);
    }
    core_close(&core);
    free(core.acks);
    return error ? 1 : 0;
}
