#include "web/account.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "web/token.h"

#define PATH_ROOM 512
#define FILE_MAX (ACCOUNTS_MAX * 400)
#define LINE_MAX_SIZE 400

static const char *const state_names[] = {"active", "initial", "disabled"};

bool
account_name_is_valid(const char *name)
{
    return token_name_is_valid(name) && strlen(name) < NAME_SIZE - sizeof("account:");
}

static const char *
state_of(const struct account *account)
{
    return state_names[account->is_disabled ? 2 : account->must_change ? 1 : 0];
}

static bool
state_parse(const char *text, struct account *account)
{
    account->is_disabled = strcmp(text, "disabled") == 0;
    account->must_change = strcmp(text, "initial") == 0;
    return account->is_disabled || account->must_change || strcmp(text, "active") == 0;
}

/* "source:ldap:" and so on; NULL: local. */
static const char *
source_prefix(enum account_source source, char prefix[32])
{
    snprintf(prefix, 32, "source:%s:", account_source_names[source]);
    return source == ACCOUNT_LOCAL ? crypto_pwhash_argon2id_STRPREFIX : prefix;
}

static bool
hash_parse(const char *text, struct account *account)
{
    for (int i = 0; i < ACCOUNT_SOURCE_COUNT && strlen(text) < ACCOUNT_HASH_SIZE; i++) {
        char room[32];
        const char *prefix = source_prefix((enum account_source)i, room);
        size_t size = strlen(prefix);
        if (strncmp(text, prefix, size) != 0) {
            continue;
        }
        account->source = (enum account_source)i;
        return i == ACCOUNT_LOCAL ||
               (strlen(text + size) == ACCOUNT_SUBJECT_HEX &&
                strspn(text + size, "0123456789abcdef") == ACCOUNT_SUBJECT_HEX);
    }
    return false;
}

void
account_subject_hash(enum account_source source, const char *subject, char hash[ACCOUNT_HASH_SIZE])
{
    uint8_t bytes[crypto_hash_sha256_BYTES];
    char prefix[32], hex[ACCOUNT_SUBJECT_HEX + 1];
    crypto_hash_sha256(bytes, (const uint8_t *)subject, strlen(subject));
    sodium_bin2hex(hex, sizeof(hex), bytes, ACCOUNT_SUBJECT_HEX / 2);
    snprintf(hash, ACCOUNT_HASH_SIZE, "%s%s", source_prefix(source, prefix), hex);
}

/* One line without its newline; modified in place. */
static const char *
line_parse(char *line, struct account *account)
{
    char *words[5] = {0}, *rest = NULL;
    size_t count = 0;
    for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        if (count == COUNT_OF(words)) {
            count++;
            break;
        }
        words[count++] = word;
    }
    *account = (struct account){0};
    if (count != COUNT_OF(words)) {
        return "needs exactly NAME ROLE STATE HASH CREATED";
    }
    if (!account_name_is_valid(words[0])) {
        return "the name may hold letters, digits, '.', '_' and '-' only";
    }
    if (!account_role_parse(words[1], &account->role)) {
        return "the role must be viewer, operator, admin or auditor";
    }
    if (!state_parse(words[2], account)) {
        return "the state must be active, initial or disabled";
    }
    if (!hash_parse(words[3], account)) {
        return "the hash must be one of argon2id, or name a source";
    }
    if (time_parse(words[4], &account->created_us) != 0) {
        return "the time must be RFC 3339";
    }
    snprintf(account->name, sizeof(account->name), "%s", words[0]);
    snprintf(account->hash, sizeof(account->hash), "%s", words[3]);
    return NULL;
}

int
account_parse(const char *text, size_t size, struct account_list *list, char why[256])
{
    *list = (struct account_list){.items = mem_new(ACCOUNTS_MAX, sizeof(struct account))};
    unsigned number = 0;
    const char *problem = NULL;
    for (size_t at = 0; at < size && !problem;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - text) - at : size - at;
        char line[LINE_MAX_SIZE];
        struct account account;
        number++;
        if (length >= sizeof(line) || memchr(text + at, '\0', length)) {
            problem = "the line is too long or holds a NUL";
        } else if (length > 0 && text[at] != '#') {
            memcpy(line, text + at, length);
            line[length] = '\0';
            problem =
                list->count == ACCOUNTS_MAX ? "too many accounts" : line_parse(line, &account);
            if (!problem && account_find(list, account.name)) {
                problem = "that account stands there twice";
            } else if (!problem) {
                list->items[list->count++] = account;
            }
        }
        at += length + 1;
    }
    if (!problem) {
        return 0;
    }
    snprintf(why, 256, "line %u: %s", number, problem);
    account_list_fini(list);
    return -EBADMSG;
}

void
account_list_fini(struct account_list *list)
{
    free(list->items);
    *list = (struct account_list){0};
}

struct account *
account_find(const struct account_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].name, name) == 0) {
            return &list->items[i];
        }
    }
    return NULL;
}

bool
account_password_is_good(const char *name, const char *password, char why[256])
{
    size_t characters = 0;
    for (const char *at = password; *at; at++) {
        characters += ((unsigned char)*at & 0xc0) != 0x80;
    }
    if (characters < PASSWORD_LEAST) {
        snprintf(why, 256, "a password needs at least %d characters", PASSWORD_LEAST);
        return false;
    }
    if (strcasecmp(password, name) == 0 ||
        strspn(password, (const char[]){password[0], '\0'}) == strlen(password)) {
        snprintf(why, 256, "that password would be guessed first");
        return false;
    }
    return true;
}

int
account_password_hash(const char *password, char hash[ACCOUNT_HASH_SIZE])
{
    _Static_assert(ACCOUNT_HASH_SIZE >= crypto_pwhash_STRBYTES, "room for a hash");
    return crypto_pwhash_str_alg(hash, password, strlen(password),
                                 crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                 crypto_pwhash_MEMLIMIT_INTERACTIVE, crypto_pwhash_ALG_ARGON2ID13)
               ? -ENOMEM
               : 0;
}

bool
account_password_matches(const char *hash, const char *password)
{
    return crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
}

void
account_password_make(char password[FIRST_PASSWORD_SIZE])
{
    /* no letters that look like another */
    static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
    for (size_t i = 0; i + 1 < FIRST_PASSWORD_SIZE; i++) {
        password[i] = i % 6 == 5 ? '-' : letters[randombytes_uniform(sizeof(letters) - 1)];
    }
    password[FIRST_PASSWORD_SIZE - 1] = '\0';
}

/* ---- changes ---- */

static bool
can_administer(const struct account_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].role == ACCOUNT_ADMIN && !list->items[i].is_disabled &&
            list->items[i].source == ACCOUNT_LOCAL) { /* whom no other server can keep out */
            return true;
        }
    }
    return false;
}

/* Who it is there must be the same as ever: a name that changed hands gets nobody in. */
static int
source_change(struct account *there, const struct account *account, char why[256])
{
    if (there->source != account->source || strcmp(there->hash, account->hash) != 0) {
        snprintf(why, 256, "the account '%s' is somebody else's", account->name);
        return -EEXIST;
    }
    there->role = account->role;
    return 0;
}

static int
list_change(struct account_list *list, enum account_change change, const struct account *account,
            char why[256])
{
    struct account *there = account_find(list, account->name);
    bool could = can_administer(list);
    if (change == ACCOUNT_FROM_SOURCE && there) {
        return source_change(there, account, why);
    }
    bool is_new = change == ACCOUNT_CREATE || change == ACCOUNT_FROM_SOURCE;
    if (is_new ? there != NULL : there == NULL) {
        snprintf(why, 256, there ? "there is an account '%s' already" : "there is no account '%s'",
                 account->name);
        return there ? -EEXIST : -ENOENT;
    }
    if (is_new) {
        if (list->count == ACCOUNTS_MAX) {
            snprintf(why, 256, "there are %d accounts: remove one first", ACCOUNTS_MAX);
            return -E2BIG;
        }
        list->items[list->count++] = *account;
        return 0;
    }
    if (change == ACCOUNT_SET_ROLE) {
        there->role = account->role;
    } else if (change == ACCOUNT_SET_DISABLED) {
        there->is_disabled = account->is_disabled;
    } else if (change == ACCOUNT_SET_PASSWORD && there->source != ACCOUNT_LOCAL) {
        snprintf(why, 256, "this account's password is not kept here");
        return -EPERM;
    } else if (change == ACCOUNT_SET_PASSWORD) {
        memcpy(there->hash, account->hash, sizeof(there->hash));
        there->must_change = account->must_change;
    } else {
        *there = list->items[--list->count];
    }
    if (could && !can_administer(list)) {
        snprintf(why, 256, "'%s' is the last administrator", account->name);
        return -EPERM;
    }
    return 0;
}

static char *
list_text(const struct account_list *list, size_t *size)
{
    char *text = mem_new(list->count + 1, LINE_MAX_SIZE);
    *size = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct account *account = &list->items[i];
        char created[TIME_TEXT_SIZE];
        time_format(account->created_us, created);
        *size += (size_t)snprintf(text + *size, LINE_MAX_SIZE, "%s %s %s %s %s\n", account->name,
                                  account_role_names[account->role], state_of(account),
                                  account->hash, created);
    }
    return text;
}

/* With the lock held. */
static int
file_change(const char *path, enum account_change change, const struct account *account,
            char why[256])
{
    char *old = NULL;
    size_t old_size = 0;
    struct account_list list = {0};
    int error = file_read(path, FILE_MAX, &old, &old_size);
    if (error == -ENOENT) {
        old = mem_new(1, 1);
        error = 0;
    }
    if (error != 0) {
        snprintf(why, 256, "%.200s: %s", path, strerror(-error));
        return error;
    }
    error = account_parse(old, old_size, &list, why);
    error = error ? error : list_change(&list, change, account, why);
    if (error == 0) {
        size_t size;
        char *text = list_text(&list, &size);
        error = file_write_atomic(path, text, size, 0600);
        if (error != 0) {
            snprintf(why, 256, "%.200s: %s", path, strerror(-error));
        }
        free(text);
    }
    account_list_fini(&list);
    free(old);
    return error;
}

int
account_apply(const char *state_dir, enum account_change change, const struct account *account,
              char why[256])
{
    char path[PATH_ROOM], lock[PATH_ROOM];
    int error;
    if (!account_name_is_valid(account->name)) {
        snprintf(why, 256, "'%s': a name may hold letters, digits, '.', '_' and '-' only",
                 account->name);
        return -EINVAL;
    }
    snprintf(path, sizeof(path), "%s/web/accounts", state_dir);
    snprintf(lock, sizeof(lock), "%s/web/accounts.lock", state_dir);
    int fd = file_lock_wait(lock);
    if (fd < 0) {
        error = fd;
        snprintf(why, 256, "%.200s: %s", lock, strerror(-error));
    } else {
        error = file_change(path, change, account, why);
    }
    if (fd >= 0) {
        close(fd);
    }
    return error;
}

int
account_prepare(const char *state_dir, const struct clock *clock, char why[256])
{
    char path[PATH_ROOM], password[FIRST_PASSWORD_SIZE + 1];
    struct account account = {.name = "admin",
                              .role = ACCOUNT_ADMIN,
                              .must_change = true,
                              .created_us = clock_wall_us(clock)};
    snprintf(path, sizeof(path), "%s/web/accounts", state_dir);
    if (access(path, F_OK) == 0) {
        return 0;
    }
    account_password_make(password);
    if (account_password_hash(password, account.hash)) {
        snprintf(why, 256, "not enough memory to hash a password");
        return -ENOMEM;
    }
    /* the password first: an account whose password nobody knows would lock everybody out */
    snprintf(path, sizeof(path), "%s/admin.password", state_dir);
    size_t size = strlen(password);
    password[size] = '\n';
    int error = file_write_atomic(path, password, size + 1, 0600);
    sodium_memzero(password, sizeof(password));
    if (error != 0) {
        snprintf(why, 256, "%.200s: %s", path, strerror(-error));
        return error;
    }
    return account_apply(state_dir, ACCOUNT_CREATE, &account, why);
}

/* ---- the file as web sees it ---- */

struct account_file {
    char path[PATH_ROOM];
    struct account_list list;
    struct timespec changed;
    ino_t inode;
    off_t size;
    bool is_bad; /* said so already */
};

struct account_file *
account_file_new(const char *state_dir)
{
    struct account_file *file = MEM_NEW(struct account_file);
    snprintf(file->path, sizeof(file->path), "%s/web/accounts", state_dir);
    return file;
}

void
account_file_free(struct account_file *file)
{
    if (file) {
        account_list_fini(&file->list);
        free(file);
    }
}

static void
account_file_read(struct account_file *file)
{
    char *text = NULL, why[256] = "";
    size_t size = 0;
    struct account_list list;
    int error = file_read(file->path, FILE_MAX, &text, &size);
    if (error != 0) {
        snprintf(why, sizeof(why), "%s", strerror(-error));
    } else {
        error = account_parse(text, size, &list, why);
    }
    free(text);
    if (error == 0) {
        account_list_fini(&file->list);
        file->list = list;
    } else if (!file->is_bad) {
        log_error("web", "account file not read: the last good one stays",
                  LOG_S("file", file->path), LOG_S("why", why));
    }
    file->is_bad = error != 0;
}

const struct account_list *
account_file_list(struct account_file *file)
{
    struct stat now;
    if (stat(file->path, &now) != 0) {
        now = (struct stat){0};
    }
    if (now.st_ino != file->inode || now.st_size != file->size ||
        now.st_mtim.tv_sec != file->changed.tv_sec ||
        now.st_mtim.tv_nsec != file->changed.tv_nsec) {
        file->inode = now.st_ino;
        file->size = now.st_size;
        file->changed = now.st_mtim;
        account_file_read(file);
    }
    return &file->list;
}
