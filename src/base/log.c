#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"

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

#define LINE_TAIL 16 /* kept free for what closes a line: a quote, the mark of a cut, the end */

struct line {
    char text[LINE_SIZE];
    size_t used;
    bool is_cut; /* something did not fit: nothing more is added */
};

/* All of 'text' or nothing, so that no character and no escape is torn. */
static void
line_add(struct line *line, const char *text, size_t size)
{
    line->is_cut = line->is_cut || line->used + size > sizeof(line->text) - LINE_TAIL;
    if (!line->is_cut) {
        memcpy(line->text + line->used, text, size);
        line->used += size;
    }
}

static void
line_text(struct line *line, const char *text)
{
    line_add(line, text, strlen(text));
}

/* Into the room that line_add() leaves. */
static void
line_close(struct line *line, const char *text)
{
    size_t size = strlen(text);
    memcpy(line->text + line->used, text, size);
    line->used += size;
}

/* As in a JSON string, which also keeps a hostile value on its line and visible in text.  Bytes
 * that are no UTF-8 would make the line invalid for whoever collects it. */
static void
line_escaped(struct line *line, const char *text)
{
    size_t left = strlen(text);
    while (left > 0 && !line->is_cut) {
        char escaped[8];
        unsigned char first = (unsigned char)text[0];
        size_t size = utf8_size(text, left);
        if (size == 0) {
            line_text(line, "\\ufffd");
            size = 1;
        } else if (utf8_is_plain(text, size) && first != '"' && first != '\\') {
            line_add(line, text, size);
        } else if (first == '"' || first == '\\') {
            snprintf(escaped, sizeof(escaped), "\\%c", first);
            line_text(line, escaped);
        } else { /* C0 and DEL, or C1, whose second byte is its number */
            snprintf(escaped, sizeof(escaped), "\\u%04x", (unsigned char)text[size - 1]);
            line_text(line, escaped);
        }
        text += size;
        left -= size;
    }
}

/* Cut short where it does not fit, left out where not even its name does. */
static void
line_value(struct line *line, const struct log_value *value, bool is_json)
{
    char number[24];
    size_t before = line->used;
    snprintf(number, sizeof(number), "%lld", (long long)value->number);
    line_text(line, is_json ? ",\"" : " ");
    line_text(line, value->name);
    line_text(line, is_json ? "\":" : "=");
    line_text(line, value->text ? "\"" : number);
    if (line->is_cut) {
        line->used = before;
    } else if (value->text) {
        line_escaped(line, value->text);
        line_close(line, "\"");
    }
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
        line_text(line, "{\"time\":\"");
        line_text(line, time);
        line_text(line, "\"");
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
    if (line.is_cut) {
        line_close(&line, is_json ? ",\"cut\":true" : " cut=true");
    }
    line_close(&line, is_json ? "}\n" : "\n");
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
