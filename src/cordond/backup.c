#include "cordond/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/seal.h"
#include "cordond/bundle.h"
#include "cordond/keep.h"
#include "cordond/state.h"
#include "store/copy.h"
#include "store/merge.h"
#include "store/rescue.h"

#define PATH_ROOM (URL_SIZE + 320)
#define MEMBERS_MAX 1024
#define DEPTH_MAX 4
#define DATABASE "database.db"
#define CONFIG "cordond.yaml"
#define POLICY "policy.yaml"
#define MASTER "secret.key"
#define STATE "state/" /* the rest of the state folder, by its names there */

static int
complain(const char *why)
{
    fprintf(stderr, "cordond: %s\n", why);
    return 1;
}

static void
stamp_make(int64_t now_us, char stamp[32])
{
    time_t now_s = (time_t)(now_us / 1000000);
    struct tm utc;
    if (!gmtime_r(&now_s, &utc) || strftime(stamp, 32, "%Y%m%dT%H%M%SZ", &utc) == 0) {
        snprintf(stamp, 32, "unknown");
    }
}

/* ---- the operator's keys ---- */

static int
line_read(const char *path, char *line, size_t size, char why[256])
{
    char *text = NULL;
    size_t length = 0;
    int error = seal_check_private(path, why);
    if (error) {
        return error;
    }
    error = file_read(path, 4096, &text, &length);
    if (error) {
        snprintf(why, 256, "%.180s: %s", path, strerror(-error));
        return error;
    }
    snprintf(line, size, "%.*s", (int)strcspn(text, "\r\n"), text);
    sodium_memzero(text, length);
    free(text);
    if (line[0] == '\0') {
        snprintf(why, 256, "%.180s: its first line is empty", path);
        return -EINVAL;
    }
    return 0;
}

static int
lock_fill(const struct backup_arguments *arguments, struct bundle_lock *lock, char why[256])
{
    int error = 0;
    if (arguments->key_file) {
        error = line_read(arguments->key_file, lock->secret_key, sizeof(lock->secret_key), why);
    }
    if (!error && arguments->passphrase_file) {
        error =
            line_read(arguments->passphrase_file, lock->passphrase, sizeof(lock->passphrase), why);
    } else {
        snprintf(lock->public_key, sizeof(lock->public_key), "%.64s",
                 arguments->config->backup_key);
    }
    return error;
}

int
backup_key(const char *out)
{
    char public[BUNDLE_KEY_HEX], secret[BUNDLE_KEY_HEX], line[BUNDLE_KEY_HEX + 1];
    if (access(out, F_OK) == 0) {
        fprintf(stderr, "cordond: %s is there already, and is not overwritten\n", out);
        return 1;
    }
    int error = bundle_key_make(public, secret);
    snprintf(line, sizeof(line), "%s\n", secret);
    error = error ? error : file_write_atomic(out, line, strlen(line), 0400);
    sodium_memzero(secret, sizeof(secret));
    sodium_memzero(line, sizeof(line));
    if (error) {
        fprintf(stderr, "cordond: %s: %s\n", out, strerror(-error));
        return 1;
    }
    printf("backup_key: %s\n", public);
    fprintf(stderr,
            "Put that line into cordond.yaml. %s opens the backups: keep it elsewhere, twice, and "
            "not on this machine.\n",
            out);
    return 0;
}

/* ---- making one ---- */

struct making {
    const struct backup_arguments *arguments;
    struct bundle_writer *writer;
    struct copy_facts facts;
    struct view_backup_head head;
    size_t members;
    uint64_t bytes;
};

/* In the child, as the database's owner: the copy, and what it is. */
static int
copy_child(const char *database, int out)
{
    struct copy_facts facts;
    char copy[RESCUE_PATH_SIZE], folder[RESCUE_PATH_SIZE], why[256] = "";
    rescue_path(database, "copies/backup.db", copy);
    rescue_path(database, "copies", folder);
    int error = file_make_dirs(folder, 0700);
    error = error ? error : copy_make(database, copy, NULL, why);
    error = error ? error : copy_check(copy, &facts, why);
    if (error) {
        (void)!write(out, why, strlen(why));
        return 1;
    }
    return write(out, &facts, sizeof(facts)) == sizeof(facts) ? 0 : 1;
}

static int
become_owner(const struct stat *owner)
{
    if (geteuid() != 0 || owner->st_uid == 0) {
        return 0;
    }
    return setgroups(0, NULL) || setgid(owner->st_gid) || setuid(owner->st_uid) ? -errno : 0;
}

static int
database_copy(const char *database, struct copy_facts *facts, char why[256])
{
    struct stat owner;
    int lines[2], status = 0;
    char said[sizeof(*facts) + 256];
    if (lstat(database, &owner) < 0 || !S_ISREG(owner.st_mode) || pipe2(lines, O_CLOEXEC) < 0) {
        int error = errno ? -errno : -EINVAL;
        snprintf(why, 256, "%.180s: %s", database, strerror(-error));
        return error;
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        _exit(become_owner(&owner) ? 2 : copy_child(database, lines[1]));
    }
    close(lines[1]);
    size_t used = 0;
    for (ssize_t got; used < sizeof(said) - 1 &&
                      (got = read(lines[0], said + used, sizeof(said) - 1 - used)) > 0;) {
        used += (size_t)got;
    }
    close(lines[0]);
    said[used] = '\0';
    if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status) ||
        WEXITSTATUS(status) != 0 || used != sizeof(*facts)) {
        snprintf(why, 256, "the database cannot be copied: %.200s",
                 WIFEXITED(status) && WEXITSTATUS(status) == 1 ? said : "look into the log");
        return -EIO;
    }
    memcpy(facts, said, sizeof(*facts));
    return 0;
}

/* Only plain files, and through no link but root's: a role may write in its folder. */
static int
member_add(struct making *making, const char *path, const char *name, char why[256])
{
    int fd = file_open_plain(path);
    if (fd < 0) {
        snprintf(why, 256, "%.150s: %s", path,
                 fd == -ELOOP ? "a link of another user's is not followed: make it root's"
                              : strerror(-fd));
        return fd;
    }
    int error = ++making->members > MEMBERS_MAX ? -EFBIG : 0;
    if (error) {
        snprintf(why, 256, "the state folder holds more files than a backup may");
    } else {
        error = bundle_add(making->writer, name, fd, why);
    }
    close(fd);
    return error;
}

/* Not part of a backup, nor taken from an earlier one that has it: core's own (the database is in
 * it already), who is signed in, locks, what is being written.  'below': "" or "FOLDER/". */
static bool
is_passed_over(const char *below, const char *name, int depth)
{
    static const char *const own[] = {"core", "lock", "run", "set-aside", "backups", "secret.key"};
    const char *dot = strrchr(name, '.');
    bool is_own = strcmp(below, "web/") == 0 &&
                  (strcmp(name, "sessions") == 0 || strncmp(name, "failures.", 9) == 0);
    for (size_t i = 0; i < COUNT_OF(own) && depth == 0; i++) {
        is_own = is_own || strcmp(name, own[i]) == 0;
    }
    return is_own || name[0] == '.' || strncmp(name, "restore.", 8) == 0 ||
           (dot && (strcmp(dot, ".lock") == 0 || strcmp(dot, ".new") == 0));
}

static int
folder_add(struct making *making, const char *folder, const char *below, int depth, char why[256])
{
    DIR *list = opendir(folder);
    int error = list ? 0 : -errno;
    if (error) {
        snprintf(why, 256, "%.180s: %s", folder, strerror(-error));
    }
    for (struct dirent *at; !error && list && (at = readdir(list)) != NULL;) {
        char path[PATH_ROOM], name[PATH_ROOM];
        struct stat found;
        snprintf(path, sizeof(path), "%.1000s/%.255s", folder, at->d_name);
        snprintf(name, sizeof(name), "%.1000s%.255s", below, at->d_name);
        if (is_passed_over(below + strlen(STATE), at->d_name, depth) || lstat(path, &found) < 0) {
            continue;
        }
        if (S_ISDIR(found.st_mode) && depth < DEPTH_MAX) {
            strncat(name, "/", sizeof(name) - strlen(name) - 1);
            error = folder_add(making, path, name, depth + 1, why);
        } else if (S_ISREG(found.st_mode) && bundle_name_check(name)) {
            error = member_add(making, path, name, why);
        }
    }
    if (list) {
        closedir(list);
    }
    return error;
}

static int
members_add(struct making *making, const char *database, char why[256])
{
    const struct backup_arguments *arguments = making->arguments;
    const struct config *config = arguments->config;
    char copy[RESCUE_PATH_SIZE];
    rescue_path(database, "copies/backup.db", copy);
    int error = member_add(making, copy, DATABASE, why);
    if (!error && access(config->policy_file, F_OK) == 0) {
        error = member_add(making, config->policy_file, POLICY, why);
    }
    if (!error && access(arguments->config_path, F_OK) == 0) {
        error = member_add(making, arguments->config_path, CONFIG, why);
    }
    if (!error && making->head.has_secrets) {
        error = member_add(making, config->secret_key_file, MASTER, why);
        error = error ? error : folder_add(making, config->state_dir, STATE, 0, why);
    }
    return error;
}

static int
making_run(struct making *making, const char *file, char why[256])
{
    struct bundle_lock lock = {.public_key = ""};
    char database[PATH_ROOM];
    snprintf(database, sizeof(database), "%s/core/cordon.db", making->arguments->config->state_dir);
    int error = lock_fill(making->arguments, &lock, why);
    error = error ? error : database_copy(database, &making->facts, why);
    if (error) {
        return error;
    }
    struct view_backup_head *head = &making->head;
    *head = (struct view_backup_head){.schema = making->facts.schema,
                                      .epoch = making->facts.epoch,
                                      .at_us = clock_wall_us(clock_system()),
                                      .audit_number = making->facts.audit_number,
                                      .live = making->facts.live,
                                      .has_secrets = lock.public_key[0] || lock.passphrase[0]};
    snprintf(head->version, sizeof(head->version), "%s", CORDON_VERSION);
    audit_hash_format(making->facts.audit_hash, head->audit_hash);
    error = bundle_create(file, head, &lock, &making->writer, why);
    sodium_memzero(&lock, sizeof(lock));
    if (!error) {
        error = members_add(making, database, why);
        if (error) {
            bundle_abort(making->writer);
        }
    }
    return error ? error : bundle_commit(making->writer, &making->bytes, why);
}

/* For core, by an errand. */
static void
result_leave(const char *folder, const struct view_backup_result *result)
{
    char path[PATH_ROOM + 16];
    cJSON *json = codec_encode(&view_backup_result_shape, result);
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    snprintf(path, sizeof(path), "%s/last.json", folder);
    int error = text ? file_write_atomic(path, text, strlen(text), 0600) : -ENOMEM;
    if (error) {
        log_error("backup", "its result could not be left", LOG_S("file", path),
                  LOG_S("why", strerror(-error)));
    }
    cJSON_free(text);
}

static int
is_one(const struct dirent *at)
{
    size_t size = strlen(at->d_name);
    return strncmp(at->d_name, "cordon-", 7) == 0 && size > 14 &&
           strcmp(at->d_name + size - 7, ".backup") == 0;
}

/* Their names say the time: the oldest come first. */
static void
oldest_remove(const char *folder, unsigned keep)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, is_one, alphasort);
    for (int i = 0; i < count; i++) {
        char path[PATH_ROOM * 2];
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
        if (keep > 0 && i < count - (int)keep) {
            unlink(path);
        }
        free(names[i]);
    }
    free(names);
}

static void
said(const struct view_backup_result *result)
{
    printf("%s\n", result->file);
    fprintf(stderr, "%s\n",
            result->has_secrets
                ? "It holds everything, also the secrets: only the operator's key or the "
                  "passphrase opens it."
                : "It holds database, configuration and policy, readable by anybody. Left out: "
                  "the master key and what it seals, private keys, accounts and tokens (backup_key "
                  "in cordond.yaml, or --passphrase-file, takes them in).");
}

int
backup_make(const struct backup_arguments *arguments)
{
    struct making making = {.arguments = arguments};
    struct view_backup_result result = {.at_us = clock_wall_us(clock_system())};
    char folder[PATH_ROOM], file[PATH_ROOM + 64], stamp[32];
    snprintf(folder, sizeof(folder), "%s/" BACKUP_FOLDER, arguments->config->state_dir);
    stamp_make(result.at_us, stamp);
    snprintf(file, sizeof(file), "%s/cordon-%s.backup", folder, stamp);
    if (arguments->file) {
        snprintf(file, sizeof(file), "%s", arguments->file);
    }
    int error = file_make_dirs(folder, 0700);
    if (error) {
        snprintf(result.problem, sizeof(result.problem), "%.180s: %s", folder, strerror(-error));
    } else {
        error = making_run(&making, file, result.problem);
    }
    snprintf(result.file, sizeof(result.file), "%.1000s", file);
    result.bytes = making.bytes;
    result.has_secrets = making.head.has_secrets;
    if (!error) {
        oldest_remove(folder, arguments->keep);
    }
    if (arguments->leaves_result) {
        result_leave(folder, &result);
    }
    if (error) {
        return complain(result.problem);
    }
    said(&result);
    return 0;
}

/* ---- restoring ---- */

struct restoring {
    const struct backup_arguments *arguments;
    char from[PATH_ROOM];  /* unpacked */
    char aside[PATH_ROOM]; /* what is there now */
    size_t replaced;
    uint64_t exported; /* rows that the exported audit added */
};

/* It belongs to whom its folder belongs: the role that needs it. */
static int
owner_adopt(const char *path)
{
    char folder[PATH_ROOM * 2];
    struct stat owner;
    snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
    if (geteuid() != 0) {
        return 0;
    }
    return stat(folder, &owner) < 0 || lchown(path, owner.st_uid, owner.st_gid) < 0 ? -errno : 0;
}

static int
file_move(const char *from, const char *to, char why[256])
{
    char folder[PATH_ROOM];
    snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(to, '/') - to), to);
    int error = file_make_dirs(folder, 0700);
    error = error ? error : file_carry(from, to);
    error = error ? error : owner_adopt(to);
    error = error ? error : file_sync_folder(to);
    if (error) {
        snprintf(why, 256, "%.100s cannot go to %.100s: %s", from, to, strerror(-error));
    }
    return error;
}

/* The present one is set aside, then the backup's takes its place. */
static int
file_replace_by(struct restoring *restoring, const char *unpacked, const char *name,
                const char *target, char why[256])
{
    char kept[PATH_ROOM * 2];
    struct stat found;
    int error = 0;
    snprintf(kept, sizeof(kept), "%s/%s", restoring->aside, name);
    if (lstat(target, &found) == 0) {
        error = file_move(target, kept, why);
    }
    error = error ? error : file_move(unpacked, target, why);
    restoring->replaced += !error;
    return error;
}

/* A backup of an earlier release has in the clear what is sealed here by now: the next start seals
 * it. */
static int
sealed_aside(struct restoring *restoring, const char *name, char why[256])
{
    const char *sealed = keep_sealed_name(name);
    char path[PATH_ROOM * 2], aside[PATH_ROOM * 2];
    if (!sealed) {
        return 0;
    }
    snprintf(path, sizeof(path), "%s/%s", restoring->arguments->config->state_dir, sealed);
    snprintf(aside, sizeof(aside), "%s/%s", restoring->aside, sealed);
    return access(path, F_OK) == 0 ? file_move(path, aside, why) : 0;
}

static int
folder_restore(struct restoring *restoring, const char *below, int depth, char why[256])
{
    char folder[PATH_ROOM * 2];
    const char *state = restoring->arguments->config->state_dir;
    snprintf(folder, sizeof(folder), "%s/" STATE "%s", restoring->from, below);
    DIR *list = opendir(folder);
    int error = 0;
    for (struct dirent *at; !error && list && (at = readdir(list)) != NULL;) {
        char name[PATH_ROOM], path[PATH_ROOM * 3], target[PATH_ROOM * 2];
        struct stat found;
        if (is_passed_over(below, at->d_name, depth)) {
            continue;
        }
        snprintf(name, sizeof(name), "%.1000s%.255s", below, at->d_name);
        snprintf(path, sizeof(path), "%s%s", folder, at->d_name);
        snprintf(target, sizeof(target), "%s/%s", state, name);
        if (lstat(path, &found) == 0 && S_ISDIR(found.st_mode) && depth < DEPTH_MAX) {
            strncat(name, "/", sizeof(name) - strlen(name) - 1);
            error = folder_restore(restoring, name, depth + 1, why);
        } else if (S_ISREG(found.st_mode)) {
            error = sealed_aside(restoring, name, why);
            error = error ? error : file_replace_by(restoring, path, name, target, why);
        }
    }
    if (list) {
        closedir(list);
    }
    return error;
}

static bool
is_equal(const char *a, const char *b)
{
    char *one = NULL, *two = NULL;
    size_t one_size = 0, two_size = 0;
    bool is_same = file_read(a, 16u << 20, &one, &one_size) == 0 &&
                   file_read(b, 16u << 20, &two, &two_size) == 0 && one_size == two_size &&
                   memcmp(one, two, one_size) == 0;
    free(one);
    free(two);
    return is_same;
}

/* A person wrote those: what is there is never replaced. */
static int
written_restore(struct restoring *restoring, const char *name, const char *target, char why[256])
{
    char path[PATH_ROOM * 2], kept[PATH_ROOM * 2];
    snprintf(path, sizeof(path), "%s/%s", restoring->from, name);
    if (access(path, F_OK) < 0 || is_equal(path, target)) {
        return 0;
    }
    if (access(target, F_OK) < 0) {
        return file_move(path, target, why);
    }
    snprintf(kept, sizeof(kept), "%s/%s.of-the-backup", restoring->aside, name);
    int error = file_move(path, kept, why);
    if (!error) {
        fprintf(stderr, "%s is another than the backup's and stays; the backup's one is %s\n",
                target, kept);
    }
    return error;
}

/* The backup's, which also opens what was sealed here since, until that is sealed anew. */
static int
master_restore(struct restoring *restoring, const char *key, char why[256])
{
    const char *target = restoring->arguments->config->secret_key_file;
    if (seal_join(key, target, why)) { /* the present one is damaged: what it sealed is lost */
        fprintf(stderr, "cordond: %s; what only it opens, and the backup has not, stays sealed\n",
                why);
    }
    if (is_equal(key, target)) {
        return 0;
    }
    if (strncmp(target, CONFIG_CREDENTIALS, strlen(CONFIG_CREDENTIALS)) == 0) {
        snprintf(why, 256,
                 "the master key comes from systemd, and the backup has another: restore "
                 "with secret_key_file elsewhere, then 'cordond key rotate', and make "
                 "that key the credential");
        return -EROFS;
    }
    return file_replace_by(restoring, key, MASTER, target, why);
}

static int
secrets_restore(struct restoring *restoring, const struct view_backup_head *head, char why[256])
{
    const struct config *config = restoring->arguments->config;
    char key[PATH_ROOM * 2];
    snprintf(key, sizeof(key), "%s/" MASTER, restoring->from);
    if (access(key, F_OK) < 0) {
        return 0;
    }
    if (strcmp(head->locked, "none") == 0) { /* ours never has secrets then */
        snprintf(why, 256,
                 "the backup is not locked and brings a key of its own: somebody made it");
        return -EKEYREJECTED;
    }
    int error = chmod(key, 0400) < 0 ? -errno : 0;
    error = error ? error : master_restore(restoring, key, why);
    error = error ? error : folder_restore(restoring, "", 0, why);
    /* What is sealed here and was not in the backup: with the one key that is left. */
    if (!error && keep_seal_anew(config->state_dir, config->secret_key_file, NULL, why)) {
        fprintf(stderr,
                "cordond: not everything is sealed with the backup's key yet: %s; then run "
                "'cordond key rotate'\n",
                why);
    }
    return error;
}

static int
database_restore(struct restoring *restoring, const struct view_backup_head *head,
                 struct rescue *rescue, char why[256])
{
    char database[PATH_ROOM], unpacked[PATH_ROOM * 2], cause[128], at[TIME_TEXT_SIZE];
    snprintf(database, sizeof(database), "%s/core/cordon.db",
             restoring->arguments->config->state_dir);
    snprintf(unpacked, sizeof(unpacked), "%s/" DATABASE, restoring->from);
    time_format(head->at_us, at);
    snprintf(cause, sizeof(cause), "by hand, from the backup of %s", at);
    if (restoring->exported > 0) {
        size_t used = strlen(cause);
        snprintf(cause + used, sizeof(cause) - used, " and %llu rows of an exported audit",
                 (unsigned long long)restoring->exported);
    }
    int error =
        rescue_restore(database, unpacked, cause, clock_wall_us(clock_system()), rescue, why);
    static const char *const beside[] = {"cordon.db", "cordon.db.made", "aside"};
    for (size_t i = 0; !error && i < COUNT_OF(beside); i++) {
        char path[RESCUE_PATH_SIZE];
        rescue_path(database, beside[i], path);
        error = access(path, F_OK) == 0 ? owner_adopt(path) : 0;
        if (error) {
            snprintf(why, 256, "%.180s: %s", path, strerror(-error));
        }
    }
    return error;
}

/* A copy of the database alone is taken as it is. */
static int
unpack(struct restoring *restoring, const char *file, struct view_backup_head *head, char why[256])
{
    static const char sqlite[] = "SQLite format 3";
    struct bundle_lock lock = {.public_key = ""};
    char start[sizeof(sqlite)] = "", database[PATH_ROOM * 2];
    FILE *opened = fopen(file, "re");
    bool is_plain = opened && fread(start, sizeof(start), 1, opened) == 1 &&
                    memcmp(start, sqlite, sizeof(sqlite)) == 0;
    if (opened) {
        fclose(opened);
    }
    snprintf(database, sizeof(database), "%s/" DATABASE, restoring->from);
    int error = 0;
    if (is_plain) {
        *head = (struct view_backup_head){.at_us = clock_wall_us(clock_system())};
        error = file_make_dirs(restoring->from, 0700);
        error = error ? error : copy_make(file, database, NULL, why);
    } else {
        error = lock_fill(restoring->arguments, &lock, why);
        error = error ? error : bundle_unpack(file, &lock, restoring->from, head, why);
        sodium_memzero(&lock, sizeof(lock));
    }
    /* Everything is looked at before anything is touched. */
    error = error ? error : copy_check(database, NULL, why);
    const char *exported = restoring->arguments->audit_file;
    return error || !exported ? error
                              : merge_exported(database, exported, &restoring->exported, why);
}

static int
restore_all(struct restoring *restoring, const struct view_backup_head *head, struct rescue *rescue,
            char why[256])
{
    const struct backup_arguments *arguments = restoring->arguments;
    int error = written_restore(restoring, POLICY, arguments->config->policy_file, why);
    error = error ? error : written_restore(restoring, CONFIG, arguments->config_path, why);
    error = error ? error : secrets_restore(restoring, head, why);
    return error ? error : database_restore(restoring, head, rescue, why);
}

static void
folder_remove(const char *folder, int depth)
{
    DIR *list = opendir(folder);
    for (struct dirent *at; list && (at = readdir(list)) != NULL;) {
        char path[PATH_ROOM * 2];
        struct stat found;
        if (strcmp(at->d_name, ".") == 0 || strcmp(at->d_name, "..") == 0) {
            continue;
        }
        snprintf(path, sizeof(path), "%s/%s", folder, at->d_name);
        if (lstat(path, &found) == 0 && S_ISDIR(found.st_mode) && depth < 8) {
            folder_remove(path, depth + 1);
        } else {
            unlink(path);
        }
    }
    if (list) {
        closedir(list);
    }
    rmdir(folder);
}

int
backup_restore(const struct backup_arguments *arguments)
{
    const char *state = arguments->config->state_dir;
    struct restoring restoring = {.arguments = arguments};
    struct view_backup_head head = {.at_us = 0};
    struct rescue rescue = {.merged = 0};
    char why[256] = "", stamp[32];
    stamp_make(clock_wall_us(clock_system()), stamp);
    snprintf(restoring.from, sizeof(restoring.from), "%s/restore.%ld", state, (long)getpid());
    snprintf(restoring.aside, sizeof(restoring.aside), "%s/set-aside/%s", state, stamp);
    int error = state_make(state, why);
    error = error ? error : keep_lock(state, why);
    error = error ? error : unpack(&restoring, arguments->file, &head, why);
    if (error) {
        folder_remove(restoring.from, 0);
        fprintf(stderr, "cordond: %s\nNothing was changed.\n", why[0] ? why : strerror(-error));
        return 1;
    }
    error = restore_all(&restoring, &head, &rescue, why);
    folder_remove(restoring.from, 0);
    if (error) {
        fprintf(stderr, "cordond: %s\nWhat was there is in %s.\n", why, restoring.aside);
        return 1;
    }
    printf("Restored: schema %llu, epoch %llu, %llu containments in force or pending; %llu newer "
           "rows of the audit were kept.\n",
           (unsigned long long)head.schema, (unsigned long long)head.epoch,
           (unsigned long long)head.live, (unsigned long long)rescue.merged);
    if (arguments->audit_file) {
        printf("%llu rows of the audit were taken from %s.\n",
               (unsigned long long)restoring.exported, arguments->audit_file);
    }
    printf("The database that was there: %s\n", rescue.aside[0] ? rescue.aside : "none");
    if (rescue.purges > 0) {
        printf("%llu purges had begun when the backup was made. A restore deletes nothing: they do "
               "not go on; begin them again where they are still wanted.\n",
               (unsigned long long)rescue.purges);
    }
    if (restoring.replaced > 0) {
        printf("%zu other files were replaced; those that were there: %s\n", restoring.replaced,
               restoring.aside);
    }
    puts("Start cordond now. Nothing is taken from the switches: what they hold and this database "
         "does not know is listed as unproven (cordonctl unproven) until a person decides.");
    return 0;
}
