/* token_uses_*: when and from where tokens were used last. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "web/token.h"

#define PATH_ROOM (URL_SIZE + 32)
#define LINE_SIZE (NAME_SIZE + HOST_SIZE + TIME_TEXT_SIZE + 8)
#define PERIOD_US (60 * 1000000ll)

struct token_uses {
    char path[PATH_ROOM];
    struct token_use items[TOKENS_MAX];
    size_t count;
    bool is_changed;
    int64_t written_us; /* boot clock */
};

static struct token_use *
find(const struct token_uses *uses, const char *name)
{
    for (size_t i = 0; i < uses->count; i++) {
        if (strcmp(uses->items[i].name, name) == 0) {
            return (struct token_use *)&uses->items[i];
        }
    }
    return NULL;
}

/* "NAME TIME PEER"; what is not that is forgotten: it is told to people, nothing rests on it. */
static void
line_read(struct token_uses *uses, char *line)
{
    char *rest = NULL;
    const char *name = strtok_r(line, " ", &rest);
    const char *at = strtok_r(NULL, " ", &rest);
    const char *peer = strtok_r(NULL, " ", &rest);
    struct token_use use = {.at_us = 0};
    if (peer && uses->count < TOKENS_MAX && token_name_is_valid(name) && !find(uses, name) &&
        time_parse(at, &use.at_us) == 0) {
        snprintf(use.name, sizeof(use.name), "%s", name);
        snprintf(use.peer, sizeof(use.peer), "%s", peer);
        uses->items[uses->count++] = use;
    }
}

struct token_uses *
token_uses_open(const char *state_dir)
{
    struct token_uses *uses = MEM_NEW(struct token_uses);
    char *text = NULL, *rest = NULL;
    size_t size = 0;
    snprintf(uses->path, sizeof(uses->path), "%s/web/tokens.used", state_dir);
    if (file_read(uses->path, TOKENS_MAX * LINE_SIZE, &text, &size) == 0) {
        for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
            line_read(uses, line);
        }
    }
    free(text);
    return uses;
}

static void
write_out(struct token_uses *uses)
{
    char *text = mem_new(uses->count + 1, LINE_SIZE);
    size_t size = 0;
    for (size_t i = 0; i < uses->count; i++) {
        char at[TIME_TEXT_SIZE];
        time_format(uses->items[i].at_us, at);
        size += (size_t)snprintf(text + size, LINE_SIZE, "%s %s %s\n", uses->items[i].name, at,
                                 uses->items[i].peer);
    }
    int error = file_write_atomic(uses->path, text, size, 0600);
    if (error) {
        log_warn("web", "when tokens were used is not written", LOG_S("file", uses->path),
                 LOG_S("why", strerror(-error)));
    }
    free(text);
    uses->is_changed = false;
}

void
token_uses_free(struct token_uses *uses)
{
    if (uses && uses->is_changed) {
        write_out(uses);
    }
    free(uses);
}

void
token_uses_note(struct token_uses *uses, const struct token *token, const char *peer,
                int64_t wall_us)
{
    struct token_use *use = find(uses, token->name);
    if (!use && uses->count == TOKENS_MAX) {
        return; /* as many as there may be tokens: forgotten with the revoked ones */
    }
    if (!use) {
        use = &uses->items[uses->count++];
        snprintf(use->name, sizeof(use->name), "%s", token->name);
    }
    snprintf(use->peer, sizeof(use->peer), "%s", peer);
    use->at_us = wall_us;
    uses->is_changed = true;
}

const struct token_use *
token_uses_find(const struct token_uses *uses, const char *name)
{
    return find(uses, name);
}

void
token_uses_forget(struct token_uses *uses, const char *name)
{
    struct token_use *use = find(uses, name);
    if (use) {
        *use = uses->items[--uses->count];
        uses->is_changed = true;
    }
}

void
token_uses_tick(struct token_uses *uses, int64_t boot_us)
{
    if (uses->is_changed && boot_us - uses->written_us >= PERIOD_US) {
        uses->written_us = boot_us;
        write_out(uses);
    }
}
