/* Structured log to stderr: one line per event, JSON or text, always with time, level, program,
 * subject area and message, then named values.
 *
 *     log_warn("intake", "line refused", LOG_S("source", name), LOG_I("line", n));
 *
 * The stage that knows the story logs it, once.  Whatever a packet or a peer can trigger goes
 * through a log_limit.  Thread safe.
 *
 * A line is valid UTF-8 without control characters, whatever is in its message and values, and at
 * most 4096 bytes: what does not fit is left off and "cut" says so.  Names, areas and the program
 * are our own words and are not escaped. */
#ifndef CORDON_BASE_LOG_H
#define CORDON_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_TEXT, LOG_JSON };

struct log_value {
    const char *name;
    const char *text; /* NULL: 'number' counts */
    int64_t number;
};

#define LOG_S(name_, text_) ((struct log_value){.name = (name_), .text = (text_)})
#define LOG_I(name_, number_) ((struct log_value){.name = (name_), .number = (int64_t)(number_)})
#define LOG_END ((struct log_value){.name = NULL})

/* Once, before the first thread; 'program' is borrowed for ever. */
void log_setup(const char *program, enum log_format format, enum log_level least);
void log_write(enum log_level level, const char *area, const char *message,
               const struct log_value *values);

#define LOG_AT(level, area, ...) LOG_AT_(level, area, __VA_ARGS__, LOG_END)
#define LOG_AT_(level, area, message, ...)                                                         \
    log_write(level, area, message, (const struct log_value[]){__VA_ARGS__})
#define log_debug(area, ...) LOG_AT(LOG_DEBUG, area, __VA_ARGS__)
#define log_info(area, ...) LOG_AT(LOG_INFO, area, __VA_ARGS__)
#define log_warn(area, ...) LOG_AT(LOG_WARN, area, __VA_ARGS__)
#define log_error(area, ...) LOG_AT(LOG_ERROR, area, __VA_ARGS__)

/* At most 'burst' lines, then one per 'period_us'; tells how many it swallowed in between. */
struct log_limit {
    int64_t period_us;
    uint32_t burst;
    uint32_t left;
    int64_t refilled_us;
    uint64_t swallowed;
};
/* True: log now ('*swallowed' lines were not).  'now_us' is the boot clock. */
bool log_limit_pass(struct log_limit *limit, int64_t now_us, uint64_t *swallowed);

#endif
