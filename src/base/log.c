#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define LINE_SIZE 4096

static struct {
    const char *program;
    enum log_format format;
    enum log_level least;
} setup = {.program = "cordon", .format = LOG_TEXT, .least = LOG_INFO};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void
log_setup(const char *program, enum log_format format, enum log_level least)
{
    setup.program = program;
    setup.format = format;
    setup.least = least;
}

struct line {
    char text[LINE_SIZE];
    size_t used;
};

/* Leaves room for the mark of a cut line and the line end. */
static void
line_add(struct line *line, const char *text, size_t size)
{
    size_t room = sizeof(line->text) - line->used - 8;
    size_t fits = size < room ? size : room;
    memcpy(line->text + line->used, text, fits);
    line->used += fits;
}

static void
line_text(struct line *line, const char *text)
{
    line_add(line, text, strlen(text));
}

/* As in a JSON string, which also keeps a hostile value on its line and visible in text. */
static void
line_escaped(struct line *line, const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        char escaped[8];
        if (*at == '"' || *at == '\\') {
            snprintf(escaped, sizeof(escaped), "\\%c", *at);
            line_text(line, escaped);
        } else if (*at < 0x20 || *at == 0x7f) {
            snprintf(escaped, sizeof(escaped), "\\u%04x", *at);
            line_text(line, escaped);
        } else {
            line_add(line, (const char *)at, 1);
        }
    }
}

static void
line_quoted(struct line *line, const char *text)
{
    line_text(line, "\"");
    line_escaped(line, text);
    line_text(line, "\"");
}

static void
line_value(struct line *line, const struct log_value *value, bool is_json)
{
    char number[24];
    line_text(line, is_json ? "," : " ");
    if (is_json) {
        line_quoted(line, value->name);
    } else {
        line_text(line, value->name);
    }
    line_text(line, is_json ? ":" : "=");
    if (value->text) {
        line_quoted(line, value->text);
        return;
    }
    snprintf(number, sizeof(number), "%lld", (long long)value->number);
    line_text(line, number);
}

static void
line_head(struct line *line, enum log_level level, const char *area, const char *message)
{
    char time[TIME_TEXT_SIZE];
    time_format(clock_wall_us(clock_system()), time);
    if (setup.format == LOG_JSON) {
        const struct log_value head[] = {LOG_S("level", level_names[level]),
                                         LOG_S("program", setup.program), LOG_S("area", area),
                                         LOG_S("message", message)};
        line_text(line, "{\"time\":");
        line_quoted(line, time);
        for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++) {
            line_value(line, &head[i], true);
        }
        return;
    }
    char head[128];
    snprintf(head, sizeof(head), "%s %-5s %s %s: ", time, level_names[level], setup.program, area);
    line_text(line, head);
    line_escaped(line, message);
}

void
log_write(enum log_level level, const char *area, const char *message,
          const struct log_value *values)
{
    if (level < setup.least) {
        return;
    }
    struct line line = {.used = 0};
    bool is_json = setup.format == LOG_JSON;
    line_head(&line, level, area, message);
    for (; values->name; values++) {
        line_value(&line, values, is_json);
    }
    memcpy(line.text + line.used, is_json ? "}\n" : "\n", is_json ? 2 : 1);
    line.used += is_json ? 2 : 1;
    /* One write per line: lines of several threads and processes do not mix. */
    ssize_t written = write(STDERR_FILENO, line.text, line.used);
    (void)written; /* nowhere to say that logging failed */
}

bool
log_limit_pass(struct log_limit *limit, int64_t now_us, uint64_t *swallowed)
{
    *swallowed = 0;
    if (limit->refilled_us == 0) {
        limit->left = limit->burst;
        limit->refilled_us = now_us;
    }
    int64_t due = limit->period_us > 0 ? (now_us - limit->refilled_us) / limit->period_us : 0;
    if (due > 0) {
        uint64_t left = limit->left + (uint64_t)due;
        limit->left = left > limit->burst ? limit->burst : (uint32_t)left;
        limit->refilled_us += due * limit->period_us;
    }
    if (limit->left == 0) {
        limit->swallowed++;
        return false;
    }
    limit->left--;
    *swallowed = limit->swallowed;
    limit->swallowed = 0;
    return true;
}
