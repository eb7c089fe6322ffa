/* One passage at a time goes its way:
 *
 *   a person's text ──parse──▶ commit ──▶ apply ──▶ write the file ──▶ answered
 *   SIGHUP ──read the file, parse──▶ commit ──▶ apply
 *                          └─ is ours, not good, or not there: noted, or written again
 */
#include "controller/revisions.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "controller/worker_thread.h"
#include "wire/yaml_file.h"

#define FILE_ACCOUNT "file"
#define SETTING_FILE "policy_file" /* SHA-256 of what we last read or wrote there */

struct revisions {
    struct revisions_settings settings;
    struct worker_thread *aside;
    struct revision running;
    char *text; /* owned: of the running one */
    char known[SHA256_TEXT_SIZE];
    enum policy_file_state state;
    struct policy_error problem; /* of the file; text "": none */
    bool is_busy;                /* one is on its way */
    bool is_due;                 /* SIGHUP came meanwhile */
    bool has_stopped;
};

struct passage {
    struct revisions *revisions;
    bool is_file;    /* the text is the file's */
    bool is_rewrite; /* of what runs, to the file only */
    bool overwrites; /* also what was changed there by hand */
    char *text;      /* owned */
    size_t size;
    char known[SHA256_TEXT_SIZE];
    struct revision revision; /* as it will be stored */
    int64_t restores;
    struct policy *policy; /* owned reference */
    struct policy_error error;
    int result;
    save_done_fn *done; /* NULL: nobody waits */
    void *context;
};

static void
digest(const char *text, size_t size, char hex[SHA256_TEXT_SIZE])
{
    uint8_t hash[SHA256_SIZE];
    crypto_hash_sha256(hash, (const uint8_t *)text, size);
    sodium_bin2hex(hex, SHA256_TEXT_SIZE, hash, sizeof(hash));
}

/* ---- what is said of the file ---- */

static void
told(struct revisions *r)
{
    if (r->settings.publish && !r->has_stopped) {
        r->settings.publish(r->settings.context, &r->running);
    }
}

static void
file_is_good(struct revisions *r)
{
    r->state = POLICY_FILE_SAME;
    r->problem = (struct policy_error){.line = 0};
}

static void
file_is_bad(struct revisions *r, enum policy_file_state state, const struct policy_error *error)
{
    r->state = state;
    r->problem = *error;
    log_error("core",
              state == POLICY_FILE_REFUSED
                  ? "the policy file is refused; the running policy stays"
                  : "the policy file is not in step with the running policy",
              LOG_S("file", r->settings.file), LOG_I("line", error->line),
              LOG_I("column", error->column), LOG_S("why", error->text));
}

static void
file_error(const struct revisions *r, const char *what, int result, struct policy_error *error)
{
    *error = (struct policy_error){.line = 0};
    if (result == -ESTALE) {
        snprintf(error->text, sizeof(error->text),
                 "%.300s was changed by hand and is not overwritten", r->settings.file);
    } else if (strcmp(what, "write") == 0 && (result == -EPERM || result == -EACCES)) {
        snprintf(error->text, sizeof(error->text),
                 "%.300s cannot be written: it and its folder must belong to root, their group may "
                 "be any",
                 r->settings.file);
    } else {
        snprintf(error->text, sizeof(error->text), "cannot %s %.300s: %s", what, r->settings.file,
                 strerror(-result));
    }
}

/* ---- passages ---- */

static void reload_when_due(struct revisions *r);

static struct passage *
passage_new(struct revisions *r, bool is_file)
{
    struct passage *passage = MEM_NEW(struct passage);
    passage->revisions = r;
    passage->is_file = is_file;
    memcpy(passage->known, r->known, sizeof(passage->known));
    return passage;
}

/* Answers who waits, and lets the next one begin. */
static void
passage_end(struct passage *passage, enum save_result result)
{
    struct revisions *r = passage->revisions;
    r->is_busy = false;
    if (passage->done) {
        passage->done(passage->context, result, &passage->error);
    }
    policy_unref(passage->policy);
    free(passage->text);
    free(passage);
    reload_when_due(r);
}

static int
text_read(const struct revisions *r, size_t limit, char **text, size_t *size)
{
    return r->settings.read ? r->settings.read(r->settings.context, limit, text, size)
                            : file_read(r->settings.file, limit, text, size);
}

static int
text_write(const struct revisions *r, const char *text)
{
    return r->settings.write ? r->settings.write(r->settings.context, text, strlen(text))
                             : file_replace(r->settings.file, text, strlen(text));
}

/* Beside the loop. */
static void
file_write(void *argument)
{
    struct passage *passage = argument;
    const struct revisions *r = passage->revisions; /* its settings do not change */
    char hex[SHA256_TEXT_SIZE];
    char *there = NULL;
    size_t size = 0;
    int error = text_read(r, YAML_SIZE_MAX, &there, &size);
    bool is_there = error == 0;
    if (is_there) {
        digest(there, size, hex);
        free(there);
    }
    if (error && error != -ENOENT) {
        passage->result = error;
        return;
    }
    bool is_known =
        !is_there || strcmp(hex, passage->known) == 0 || strcmp(hex, passage->revision.sha256) == 0;
    passage->result = is_known || passage->overwrites ? text_write(r, passage->text) : -ESTALE;
}

static void
known_store(struct revisions *r, const char *hex)
{
    struct store_change *change = store_change_new();
    memcpy(r->known, hex, sizeof(r->known));
    store_put_setting(change, SETTING_FILE, hex);
    store_submit(r->settings.store, change, NULL, NULL); /* lost: the next start finds it out */
}

static void
on_file_written(void *argument)
{
    struct passage *passage = argument;
    struct revisions *r = passage->revisions;
    struct policy_error error;
    if (passage->result) {
        file_error(r, "write", passage->result, &error);
        file_is_bad(r, passage->result == -ESTALE ? POLICY_FILE_CHANGED : POLICY_FILE_UNWRITTEN,
                    &error);
    } else {
        file_is_good(r);
        known_store(r, passage->revision.sha256);
    }
    told(r);
    passage_end(passage, SAVE_DONE);
}

/* The running revision's text, which it holds, goes to the file. */
static void
passage_write(struct passage *passage)
{
    struct revisions *r = passage->revisions;
    memcpy(passage->known, r->known, sizeof(passage->known));
    if (!worker_thread_do(r->aside, file_write, on_file_written, passage)) {
        passage->result = -EBUSY;
        on_file_written(passage);
    }
}

static void
run_revision(struct revisions *r, struct passage *passage)
{
    r->running = passage->revision;
    free(r->text);
    r->text = mem_strdup(passage->text);
    r->settings.apply(r->settings.context, passage->policy);
    log_info("core", "policy loaded", LOG_I("revision", passage->revision.number),
             LOG_S("account", passage->revision.account));
}

static void
on_committed(void *argument, int error)
{
    struct passage *passage = argument;
    struct revisions *r = passage->revisions;
    if (r->has_stopped) {
        passage_end(passage, SAVE_FAILED); /* the next start finds it, and writes the file */
        return;
    }
    if (error) {
        log_error("core", "a policy could not be stored; the running policy stays",
                  LOG_S("why", strerror(-error)));
        snprintf(passage->error.text, sizeof(passage->error.text), "it could not be stored: %s",
                 strerror(-error));
        passage_end(passage, SAVE_FAILED);
        return;
    }
    if (!passage->is_rewrite) {
        run_revision(r, passage);
    }
    if (!passage->is_file) {
        told(r);
        passage_write(passage);
        return;
    }
    memcpy(r->known, passage->revision.sha256, sizeof(r->known));
    file_is_good(r);
    told(r);
    passage_end(passage, SAVE_DONE);
}

static void
revision_fill(struct revisions *r, struct passage *passage)
{
    struct revision *revision = &passage->revision;
    revision->number = r->running.number + (passage->is_rewrite ? 0 : 1);
    revision->at_us = clock_wall_us(r->settings.clock);
    revision->size = (uint32_t)strlen(passage->text);
    digest(passage->text, revision->size, revision->sha256);
    if (passage->is_file) {
        snprintf(revision->account, sizeof(revision->account), FILE_ACCOUNT);
        snprintf(revision->reason, sizeof(revision->reason), "read from %.400s", r->settings.file);
    }
}

/* The revision and its audit row, or neither. */
static void
passage_commit(struct passage *passage, void (*done)(void *argument, int error), void *context)
{
    struct revisions *r = passage->revisions;
    const struct revision *revision = &passage->revision;
    const char *action = passage->is_rewrite ? "policy.write_file"
                         : passage->restores ? "policy.restore"
                                             : "policy.save";
    char object[NAME_SIZE], detail[TEXT_SIZE + NAME_SIZE], as[NAME_SIZE] = "";
    struct store_change *change = store_change_new();
    revision_fill(r, passage);
    snprintf(object, sizeof(object), "revision %lld", (long long)revision->number);
    if (passage->restores) {
        snprintf(as, sizeof(as), "as revision %lld: ", (long long)passage->restores);
    }
    snprintf(detail, sizeof(detail), "%s%s", as, revision->reason);
    if (!passage->is_rewrite) {
        store_put_revision(change, revision, passage->text);
    }
    store_put_audit(change, revision->at_us, revision->account, action, object, detail);
    if (passage->is_file) {
        store_put_setting(change, SETTING_FILE, revision->sha256);
    }
    store_submit(r->settings.store, change, done, context);
}

/* ---- a person's text ---- */

static void
text_work(void *argument)
{
    struct passage *passage = argument;
    passage->result =
        policy_parse(passage->text, strlen(passage->text), &passage->policy, &passage->error);
}

static bool
is_running_already(const struct revisions *r, const char *text)
{
    return strcmp(r->text, text) == 0;
}

static bool
fits(const struct revisions *r, const struct policy *policy, struct policy_error *error)
{
    return !r->settings.fits || r->has_stopped ||
           r->settings.fits(r->settings.context, policy, error);
}

static void
on_text_parsed(void *argument)
{
    struct passage *passage = argument;
    bool is_good =
        passage->result == 0 &&
        (passage->is_rewrite || fits(passage->revisions, passage->policy, &passage->error));
    if (!is_good || passage->revisions->has_stopped) {
        passage_end(passage, SAVE_WRONG);
        return;
    }
    passage_commit(passage, on_committed, passage);
}

static void
refuse(save_done_fn *done, void *context, enum save_result result, const char *why)
{
    struct policy_error error = {.line = 0};
    snprintf(error.text, sizeof(error.text), "%s", why);
    done(context, result, &error);
}

/* NULL: it may begin. */
static const char *
save_conflict(const struct revisions *r, const struct save *save, char why[TEXT_SIZE])
{
    if (r->is_busy) {
        return "another change of the policy is being stored at this moment";
    }
    if (save->base && save->base != r->running.number) {
        snprintf(why, TEXT_SIZE, "revision %lld was stored by %.60s in the meantime: %.300s",
                 (long long)r->running.number, r->running.account, r->running.reason);
        return why;
    }
    return is_running_already(r, save->text) && !save->overwrites
               ? "this text runs already: nothing is to be stored"
               : NULL;
}

void
revisions_save(struct revisions *r, const struct save *save, save_done_fn *done, void *context)
{
    char why[TEXT_SIZE];
    const char *conflict = save_conflict(r, save, why);
    if (conflict) {
        refuse(done, context, SAVE_CONFLICT, conflict);
        return;
    }
    struct passage *passage = passage_new(r, false);
    passage->text = mem_strdup(save->text);
    passage->restores = save->restores;
    passage->overwrites = save->overwrites;
    passage->is_rewrite = is_running_already(r, save->text);
    passage->done = done;
    passage->context = context;
    snprintf(passage->revision.account, sizeof(passage->revision.account), "%s", save->account);
    snprintf(passage->revision.reason, sizeof(passage->revision.reason), "%s", save->reason);
    r->is_busy = true;
    if (!worker_thread_do(r->aside, text_work, on_text_parsed, passage)) {
        snprintf(passage->error.text, sizeof(passage->error.text),
                 "too many texts are being checked");
        passage_end(passage, SAVE_FAILED);
    }
}

void
revisions_restore(struct revisions *r, const struct save *save, save_done_fn *done, void *context)
{
    struct revision revision;
    char *text = NULL;
    if (save->restores <= 0 ||
        store_read_revision(r->settings.store, save->restores, &revision, &text)) {
        refuse(done, context, SAVE_UNKNOWN, "no such revision is kept");
        return;
    }
    struct save whole = *save;
    whole.text = text;
    revisions_save(r, &whole, done, context);
    free(text);
}

/* ---- checks ---- */

struct check {
    struct revisions *revisions;
    char *text; /* owned */
    bool is_to_run;
    struct policy *policy;
    struct policy_error error;
    check_done_fn *done;
    void *context;
};

static void
check_work(void *argument)
{
    struct check *check = argument;
    if (policy_parse(check->text, strlen(check->text), &check->policy, &check->error)) {
        check->policy = NULL;
    }
}

static void
on_checked(void *argument)
{
    struct check *check = argument;
    bool is_good = check->policy &&
                   (!check->is_to_run || fits(check->revisions, check->policy, &check->error));
    check->done(check->context, is_good ? check->policy : NULL, &check->error);
    policy_unref(check->policy);
    free(check->text);
    free(check);
}

bool
revisions_check(struct revisions *r, const char *text, bool is_to_run, check_done_fn *done,
                void *context)
{
    struct check *check = MEM_NEW(struct check);
    *check = (struct check){.revisions = r,
                            .text = mem_strdup(text),
                            .is_to_run = is_to_run,
                            .done = done,
                            .context = context};
    if (!worker_thread_do(r->aside, check_work, on_checked, check)) {
        free(check->text);
        free(check);
        return false;
    }
    return true;
}

/* ---- the file ---- */

static bool
is_ours(const struct passage *passage)
{
    return strcmp(passage->revision.sha256, passage->known) == 0;
}

/* Beside the loop: 'result' is of reading, 'policy' NULL and 'error' of parsing. */
static void
file_work(void *argument)
{
    struct passage *passage = argument;
    passage->result =
        text_read(passage->revisions, POLICY_TEXT_MAX, &passage->text, &passage->size);
    if (passage->result) {
        passage->text = NULL;
        return;
    }
    digest(passage->text, passage->size, passage->revision.sha256);
    if (!is_ours(passage) &&
        policy_parse(passage->text, passage->size, &passage->policy, &passage->error)) {
        passage->policy = NULL;
    }
}

/* The file lacks what runs: it could not be written before, or is gone. */
static void
write_again(struct revisions *r)
{
    struct passage *passage = passage_new(r, false);
    passage->text = mem_strdup(r->text);
    passage->revision = r->running;
    r->is_busy = true;
    passage_write(passage);
}

static void
on_file_read(void *argument)
{
    struct passage *passage = argument;
    struct revisions *r = passage->revisions;
    bool is_running =
        passage->result == 0 && strcmp(passage->revision.sha256, r->running.sha256) == 0;
    bool is_behind =
        passage->result == -ENOENT || (passage->result == 0 && is_ours(passage) && !is_running);
    if (r->has_stopped) {
        passage_end(passage, SAVE_FAILED);
        return;
    }
    if (passage->policy && !is_running) {
        passage_commit(passage, on_committed, passage);
        return;
    }
    if (is_running) {
        file_is_good(r);
        memcpy(r->known, r->running.sha256, sizeof(r->known));
        log_info("core", "the policy file holds the running policy");
    } else if (passage->result && !is_behind) {
        file_error(r, "read", passage->result, &passage->error);
        file_is_bad(r, POLICY_FILE_UNREADABLE, &passage->error);
    } else if (!is_behind) {
        file_is_bad(r, POLICY_FILE_REFUSED, &passage->error);
    }
    told(r);
    passage_end(passage, SAVE_DONE);
    if (is_behind && !r->is_busy) {
        write_again(r);
    }
}

void
revisions_reload(struct revisions *r)
{
    if (r->is_busy) {
        r->is_due = true; /* after what is on its way */
        return;
    }
    r->is_due = false;
    struct passage *passage = passage_new(r, true);
    r->is_busy = true;
    if (!worker_thread_do(r->aside, file_work, on_file_read, passage)) {
        passage->result = -EBUSY;
        on_file_read(passage);
    }
}

static void
reload_when_due(struct revisions *r)
{
    if (r->is_due && !r->has_stopped) {
        revisions_reload(r);
    }
}

/* ---- start and end ---- */

struct committing {
    bool is_done;
    int error;
};

static void
on_first_committed(void *context, int error)
{
    struct committing *committing = context;
    committing->is_done = true;
    committing->error = error;
}

/* At start nothing else goes on: the file's revision is waited for. */
static void
import(struct revisions *r, struct passage *passage)
{
    struct committing committing = {.is_done = false};
    int64_t before = r->running.number;
    passage_commit(passage, on_first_committed, &committing);
    while (!committing.is_done) {
        event_base_loop(r->settings.base, EVLOOP_ONCE);
    }
    r->running = passage->revision;
    free(r->text);
    r->text = mem_strdup(passage->text);
    memcpy(r->known, r->running.sha256, sizeof(r->known));
    if (committing.error) { /* it runs all the same: there may be no other */
        r->running.number = before;
        snprintf(passage->error.text, sizeof(passage->error.text), "it could not be stored: %s",
                 strerror(-committing.error));
        file_is_bad(r, POLICY_FILE_CHANGED, &passage->error);
    }
}

static void
on_setting(void *context, const char *name, const char *value)
{
    struct revisions *r = context;
    if (strcmp(name, SETTING_FILE) == 0) {
        snprintf(r->known, sizeof(r->known), "%s", value);
    }
}

/* The stored one as 'policy'; NULL: none, or a release of another age stored it. */
static struct policy *
stored_parse(struct revisions *r)
{
    struct policy *policy = NULL;
    struct policy_error error;
    if (r->running.number && policy_parse(r->text, strlen(r->text), &policy, &error)) {
        log_error("core", "the stored policy is no good one for this release",
                  LOG_I("revision", r->running.number), LOG_I("line", error.line),
                  LOG_S("why", error.text));
        r->known[0] = '\0'; /* then the file counts, even if it is an old one */
        return NULL;
    }
    return policy;
}

/* Decides what runs; 0, or negative errno with passage->error. */
static int
start(struct revisions *r, struct passage *passage, struct policy **policy)
{
    *policy = stored_parse(r);
    memcpy(passage->known, r->known, sizeof(passage->known));
    file_work(passage);
    bool is_same =
        *policy && passage->result == 0 && strcmp(passage->revision.sha256, r->running.sha256) == 0;
    bool is_behind =
        passage->result == -ENOENT || (passage->result == 0 && is_ours(passage) && !is_same);
    if (passage->result) {
        file_error(r, "read", passage->result, &passage->error);
    }
    if (is_same) {
        memcpy(r->known, r->running.sha256, sizeof(r->known));
        return 0;
    }
    if (passage->policy) {
        import(r, passage);
        policy_unref(*policy);
        *policy = policy_ref(passage->policy);
        return 0;
    }
    if (!*policy) {
        return passage->result ? passage->result : -EINVAL;
    }
    if (is_behind) {
        write_again(r);
    } else {
        file_is_bad(r, passage->result ? POLICY_FILE_UNREADABLE : POLICY_FILE_REFUSED,
                    &passage->error);
    }
    return 0;
}

int
revisions_open(const struct revisions_settings *settings, struct revisions **out,
               struct policy **policy, struct policy_error *why)
{
    struct revisions *r = MEM_NEW(struct revisions);
    struct passage passage = {.revisions = r, .is_file = true};
    const struct store_loader loader = {.on_setting = on_setting, .context = r};
    r->settings = *settings;
    memset(why, 0, sizeof(*why));
    int error = worker_thread_new(settings->base, &r->aside);
    if (!error) {
        error = store_load(settings->store, &loader);
    }
    int found = error ? error : store_read_revision(settings->store, 0, &r->running, &r->text);
    error = found == -ENOENT ? 0 : found;
    if (error) {
        snprintf(why->text, sizeof(why->text), "the stored policies cannot be read: %s",
                 strerror(-error));
    } else {
        error = start(r, &passage, policy);
        *why = passage.error;
    }
    policy_unref(passage.policy);
    free(passage.text);
    if (error) {
        revisions_stop(r);
        revisions_free(r);
        return error;
    }
    *out = r;
    return 0;
}

void
revisions_stop(struct revisions *r)
{
    if (r) {
        r->has_stopped = true;
        worker_thread_free(r->aside);
        r->aside = NULL;
    }
}

void
revisions_free(struct revisions *r)
{
    if (r) {
        free(r->text);
        free(r);
    }
}

void
revisions_view(const struct revisions *r, struct revisions_view *view)
{
    *view = (struct revisions_view){.running = &r->running,
                                    .text = r->text,
                                    .file = r->settings.file,
                                    .state = r->state,
                                    .problem = r->problem.text[0] ? &r->problem : NULL};
}
