#include "web/token.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#define LINE_SIZE (TOKEN_SCOPE_SIZE + 400)
#define TOKEN_FILE_MAX (TOKENS_MAX * LINE_SIZE)
#define TOKEN_PREFIX "cordon_"
#define TOKEN_RANDOM 32
#define PATH_ROOM (URL_SIZE + 32)

void
token_hash(const char *text, uint8_t hash[TOKEN_HASH_SIZE])
{
    unsigned size = TOKEN_HASH_SIZE;
    if (EVP_Digest(text, strlen(text), hash, &size, EVP_sha256(), NULL) != 1) {
        abort(); /* no SHA-256: nothing may be let in */
    }
}

bool
token_name_is_valid(const char *name)
{
    size_t size = strlen(name);
    if (size == 0 || size >= NAME_SIZE - sizeof("token:")) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (!isalnum((unsigned char)name[i]) && !strchr("._-", name[i])) {
            return false;
        }
    }
    return true;
}

static bool
hex_parse(const char *text, uint8_t hash[TOKEN_HASH_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    if (strlen(text) != 2 * TOKEN_HASH_SIZE) {
        return false;
    }
    for (size_t i = 0; i < TOKEN_HASH_SIZE; i++) {
        const char *high = strchr(digits, text[2 * i]);
        const char *low = strchr(digits, text[2 * i + 1]);
        if (!high || !low) {
            return false;
        }
        hash[i] = (uint8_t)(((high - digits) << 4) | (low - digits));
    }
    return true;
}

static void
hex_format(const uint8_t hash[TOKEN_HASH_SIZE], char text[2 * TOKEN_HASH_SIZE + 1])
{
    for (size_t i = 0; i < TOKEN_HASH_SIZE; i++) {
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
    }
}

bool
token_scope_parse(const char *text, struct token *token, char why[256])
{
    char copy[TOKEN_SCOPE_SIZE], *rest = NULL;
    token->is_read_only = strcmp(text, "read") == 0;
    token->op_count = 0;
    if (token->is_read_only || strcmp(text, "all") == 0) {
        return true;
    }
    if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy)) {
        snprintf(why, 256, "the scope is too long");
        return false;
    }
    for (char *name = strtok_r(copy, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        if (token->op_count == TOKEN_SCOPE_OPS) {
            snprintf(why, 256, "a scope may name %d operations", TOKEN_SCOPE_OPS);
            return false;
        }
        if (!op_parse(name, &token->ops[token->op_count++])) {
            snprintf(why, 256, "there is no operation '%.60s'", name);
            return false;
        }
    }
    if (token->op_count == 0) {
        snprintf(why, 256, "a scope names an operation at least");
    }
    return token->op_count > 0;
}

void
token_scope_format(const struct token *token, char text[TOKEN_SCOPE_SIZE])
{
    size_t used = 0;
    snprintf(text, TOKEN_SCOPE_SIZE, "%s", token->is_read_only ? "read" : "all");
    for (size_t i = 0; i < token->op_count && used < TOKEN_SCOPE_SIZE; i++) {
        used += (size_t)snprintf(text + used, TOKEN_SCOPE_SIZE - used, "%s%s", i ? "," : "",
                                 op_table[token->ops[i]].name);
    }
}

bool
token_is_expired(const struct token *token, int64_t wall_us)
{
    return token->expires_us != 0 && wall_us >= token->expires_us;
}

bool
token_allows(const struct token *token, enum op op, bool reads)
{
    bool is_named = token->op_count == 0;
    for (size_t i = 0; i < token->op_count; i++) { /* earlier versions let scopes name any */
        is_named = is_named || (token->ops[i] == op && !op_gives_rights(op));
    }
    return is_named && (reads || !token->is_read_only);
}

static const char *
limits_parse(const char *expires, const char *scope, struct token *token)
{
    char why[256];
    if (expires && strcmp(expires, "never") != 0 &&
        (time_parse(expires, &token->expires_us) != 0 || token->expires_us <= 0)) {
        return "the expiry must be RFC 3339 or 'never'";
    }
    if (scope && !token_scope_parse(scope, token, why)) {
        return "the scope must be all, read or names of operations";
    }
    return NULL;
}

/* One line without its newline; modified in place. */
static const char *
line_parse(char *line, struct token *token)
{
    char *rest = NULL;
    const char *name = strtok_r(line, " ", &rest);
    const char *role = strtok_r(NULL, " ", &rest);
    const char *hash = strtok_r(NULL, " ", &rest);
    const char *created = strtok_r(NULL, " ", &rest);
    const char *expires = strtok_r(NULL, " ", &rest);
    const char *scope = strtok_r(NULL, " ", &rest);
    *token = (struct token){0};
    if (!created || strtok_r(NULL, " ", &rest)) {
        return "needs exactly NAME ROLE SHA256-HEX CREATED EXPIRES SCOPE";
    }
    if (!token_name_is_valid(name)) {
        return "the name may hold letters, digits, '.', '_' and '-' only";
    }
    if (!account_role_parse(role, &token->role)) {
        return "the role must be viewer, operator, admin or auditor";
    }
    if (!hex_parse(hash, token->hash)) {
        return "the hash must be 64 lower-case hex digits";
    }
    if (time_parse(created, &token->created_us) != 0) {
        return "the time must be RFC 3339";
    }
    snprintf(token->name, sizeof(token->name), "%s", name);
    return limits_parse(expires, scope, token);
}

int
token_parse(const char *text, size_t size, struct token_list *list, char why[256])
{
    *list = (struct token_list){.tokens = mem_new(TOKENS_MAX, sizeof(struct token))};
    unsigned number = 0;
    const char *problem = NULL;
    for (size_t at = 0; at < size && !problem;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - text) - at : size - at;
        char line[LINE_SIZE];
        number++;
        if (length >= sizeof(line) || memchr(text + at, '\0', length)) {
            problem = "the line is too long or holds a NUL";
        } else if (length > 0 && text[at] != '#') {
            memcpy(line, text + at, length);
            line[length] = '\0';
            problem = list->count == TOKENS_MAX ? "too many tokens"
                                                : line_parse(line, &list->tokens[list->count]);
            list->count += !problem;
        }
        at += length + 1;
    }
    if (!problem) {
        return 0;
    }
    snprintf(why, 256, "line %u: %s", number, problem);
    token_list_fini(list);
    return -EBADMSG;
}

void
token_list_fini(struct token_list *list)
{
    free(list->tokens);
    *list = (struct token_list){0};
}

const struct token *
token_find(const struct token_list *list, const char *text)
{
    uint8_t hash[TOKEN_HASH_SIZE];
    const struct token *found = NULL;
    token_hash(text, hash);
    for (size_t i = 0; i < list->count; i++) {
        if (CRYPTO_memcmp(hash, list->tokens[i].hash, sizeof(hash)) == 0) {
            found = &list->tokens[i];
        }
    }
    return found;
}

static int
token_make(char text[TOKEN_TEXT_SIZE])
{
    uint8_t random[TOKEN_RANDOM];
    unsigned char base64[64];
    if (RAND_bytes(random, sizeof(random)) != 1) {
        return -EIO;
    }
    int size = EVP_EncodeBlock(base64, random, sizeof(random));
    for (int i = 0; i < size; i++) {
        base64[i] = base64[i] == '+' ? '-' : base64[i] == '/' ? '_' : base64[i];
    }
    base64[size - 1] = '\0'; /* the one '=' of 32 bytes */
    snprintf(text, TOKEN_TEXT_SIZE, TOKEN_PREFIX "%.48s", base64);
    return 0;
}

/* The file's text with one more line; NULL with 'error' set. */
static char *
text_with(const char *old, size_t old_size, const struct token *token, size_t *size)
{
    char hash[2 * TOKEN_HASH_SIZE + 1];
    char created[TIME_TEXT_SIZE], expires[TIME_TEXT_SIZE] = "never";
    char scope[TOKEN_SCOPE_SIZE], line[LINE_SIZE];
    hex_format(token->hash, hash);
    time_format(token->created_us, created);
    if (token->expires_us) {
        time_format(token->expires_us, expires);
    }
    token_scope_format(token, scope);
    int length = snprintf(line, sizeof(line), "%s %s %s %s %s %s\n", token->name,
                          account_role_names[token->role], hash, created, expires, scope);
    char *text = mem_new(old_size + (size_t)length + 2, 1);
    memcpy(text, old, old_size);
    *size = old_size;
    if (old_size > 0 && old[old_size - 1] != '\n') {
        text[(*size)++] = '\n';
    }
    memcpy(text + *size, line, (size_t)length);
    *size += (size_t)length;
    return text;
}

/* With the lock held. */
static int
token_append(const char *path, const struct token *token, char why[256])
{
    char *old = NULL;
    size_t old_size = 0;
    struct token_list list = {0};
    int error = file_read(path, TOKEN_FILE_MAX, &old, &old_size);
    if (error == -ENOENT) {
        old = mem_new(1, 1);
        error = 0;
    }
    if (error == 0) {
        error = token_parse(old, old_size, &list, why);
    } else {
        snprintf(why, 256, "%.200s: %s", path, strerror(-error));
    }
    for (size_t i = 0; error == 0 && i < list.count; i++) {
        if (strcmp(list.tokens[i].name, token->name) == 0) {
            snprintf(why, 256, "there is a token '%s' already", token->name);
            error = -EEXIST;
        }
    }
    if (error == 0) {
        size_t size = 0;
        char *text = text_with(old, old_size, token, &size);
        error = file_write_atomic(path, text, size, 0600);
        if (error != 0) {
            snprintf(why, 256, "%.200s: %s", path, strerror(-error));
        }
        free(text);
    }
    token_list_fini(&list);
    free(old);
    return error;
}

/* The text without the lines of that token; true: there was one. */
static bool
text_without(char *text, size_t *size, const char *name)
{
    size_t name_size = strlen(name), kept = 0;
    bool is_found = false;
    for (size_t at = 0; at < *size;) {
        const char *end = memchr(text + at, '\n', *size - at);
        size_t length = end ? (size_t)(end - text) - at + 1 : *size - at;
        bool is_it = length > name_size && strncmp(text + at, name, name_size) == 0 &&
                     text[at + name_size] == ' ';
        is_found = is_found || is_it;
        if (!is_it) {
            memmove(text + kept, text + at, length);
            kept += length;
        }
        at += length;
    }
    *size = kept;
    return is_found;
}

/* With the lock held. */
static int
token_take_out(const char *path, const struct token *token, char why[256])
{
    char *text = NULL;
    size_t size = 0;
    int error = file_read(path, TOKEN_FILE_MAX, &text, &size);
    if (error == 0 && !text_without(text, &size, token->name)) {
        snprintf(why, 256, "there is no token '%s'", token->name);
        free(text);
        return -ENOENT;
    }
    error = error ? error : file_write_atomic(path, text, size, 0600);
    if (error != 0) {
        snprintf(why, 256, "%.200s: %s", path, strerror(-error));
    }
    free(text);
    return error;
}

/* Calls 'change' with the file's lock held. */
static int
file_change(const char *state_dir, const struct token *token,
            int (*change)(const char *path, const struct token *token, char why[256]),
            char why[256])
{
    char path[PATH_ROOM];
    char lock[PATH_ROOM];
    int error;
    snprintf(path, sizeof(path), "%s/web/tokens", state_dir);
    snprintf(lock, sizeof(lock), "%s/web/tokens.lock", state_dir);
    int fd = file_lock_wait(lock);
    if (fd < 0) {
        error = fd;
        snprintf(why, 256, "%.200s: %s", lock, strerror(-error));
    } else {
        error = change(path, token, why);
    }
    if (fd >= 0) {
        close(fd);
    }
    return error;
}

int
token_add(const char *state_dir, struct token *token, char text[TOKEN_TEXT_SIZE], char why[256])
{
    if (!token_name_is_valid(token->name)) {
        snprintf(why, 256, "'%s': a name may hold letters, digits, '.', '_' and '-' only",
                 token->name);
        return -EINVAL;
    }
    int error = token_make(text);
    if (error != 0) {
        snprintf(why, 256, "no random bytes");
        return error;
    }
    token_hash(text, token->hash);
    return file_change(state_dir, token, token_append, why);
}

int
token_remove(const char *state_dir, const char *name, char why[256])
{
    struct token token = {0};
    if (!token_name_is_valid(name)) {
        snprintf(why, 256, "there is no token '%s'", name);
        return -ENOENT;
    }
    snprintf(token.name, sizeof(token.name), "%s", name);
    return file_change(state_dir, &token, token_take_out, why);
}

int
token_prepare(const char *state_dir, const struct clock *clock, char why[256])
{
    char path[PATH_ROOM];
    char text[TOKEN_TEXT_SIZE + 1];
    snprintf(path, sizeof(path), "%s/web/tokens", state_dir);
    if (access(path, F_OK) == 0) {
        return 0;
    }
    struct token token = {
        .name = "admin", .role = ACCOUNT_ADMIN, .created_us = clock_wall_us(clock)};
    int error = token_add(state_dir, &token, text, why);
    if (error != 0) {
        return error;
    }
    snprintf(path, sizeof(path), "%s/admin.token", state_dir);
    size_t size = strlen(text);
    text[size] = '\n';
    error = file_write_atomic(path, text, size + 1, 0600);
    if (error != 0) {
        snprintf(why, 256, "%.200s: %s", path, strerror(-error));
    }
    return error;
}

struct token_file {
    char path[PATH_ROOM];
    struct token_list list;
    struct timespec changed;
    ino_t inode;
    off_t size;
    bool is_bad; /* said so already */
};

struct token_file *
token_file_new(const char *state_dir)
{
    struct token_file *file = MEM_NEW(struct token_file);
    snprintf(file->path, sizeof(file->path), "%s/web/tokens", state_dir);
    return file;
}

void
token_file_free(struct token_file *file)
{
    if (file) {
        token_list_fini(&file->list);
        free(file);
    }
}

static void
token_file_read(struct token_file *file)
{
    char *text = NULL;
    size_t size = 0;
    char why[256] = "";
    struct token_list list;
    int error = file_read(file->path, TOKEN_FILE_MAX, &text, &size);
    if (error != 0) {
        snprintf(why, sizeof(why), "%s", strerror(-error));
    } else {
        error = token_parse(text, size, &list, why);
    }
    free(text);
    if (error == 0) {
        token_list_fini(&file->list);
        file->list = list;
    } else if (!file->is_bad) {
        log_error("web", "token file not read: the last good one stays", LOG_S("file", file->path),
                  LOG_S("why", why));
    }
    file->is_bad = error != 0;
}

const struct token_list *
token_file_list(struct token_file *file)
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
        token_file_read(file);
    }
    return &file->list;
}

const struct token *
token_file_find(struct token_file *file, const char *text)
{
    return token_find(token_file_list(file), text);
}
