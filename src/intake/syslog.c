#include "intake/syslog.h"

#include <string.h>

#include "base/macros.h"

#define COUNT_DIGITS_MAX 7

void
syslog_content(const char *message, size_t size, const char **content, size_t *content_size)
{
    static const char *const starts[] = {"CEF:", "@cee:", "{"};
    const char *first = NULL;
    for (size_t i = 0; i < COUNT_OF(starts); i++) {
        const char *at = memmem(message, size, starts[i], strlen(starts[i]));
        if (at && (!first || at < first)) {
            first = at;
        }
    }
    const char *end = message + size;
    while (first && end > first && (end[-1] == '\n' || end[-1] == '\r' || end[-1] == '\0')) {
        end--;
    }
    *content = first ? first : message;
    *content_size = first ? (size_t)(end - first) : 0;
}

/* "123 " at the start: the digits' value, and where the message begins; 0: not that form. */
static size_t
count_read(const char *stream, size_t size, size_t *begin)
{
    size_t count = 0, i = 0;
    while (i < size && i < COUNT_DIGITS_MAX && stream[i] >= '0' && stream[i] <= '9') {
        count = count * 10 + (size_t)(stream[i++] - '0');
    }
    if (i == 0 || i >= size || stream[i] != ' ' || stream[0] == '0') {
        return 0;
    }
    *begin = i + 1;
    return count;
}

enum syslog_frame
syslog_frame_find(const char *stream, size_t size, size_t limit, const char **message,
                  size_t *message_size, size_t *used)
{
    size_t begin;
    size_t count =
        size > 0 && stream[0] >= '1' && stream[0] <= '9' ? count_read(stream, size, &begin) : 0;
    if (count > limit) {
        return SYSLOG_FRAME_BROKEN;
    }
    if (count > 0) {
        if (size - begin < count) {
            return SYSLOG_FRAME_NONE;
        }
        *message = stream + begin;
        *message_size = count;
        *used = begin + count;
        return SYSLOG_FRAME_WHOLE;
    }
    const char *end = memchr(stream, '\n', size);
    if (!end) {
        return size > limit ? SYSLOG_FRAME_BROKEN : SYSLOG_FRAME_NONE;
    }
    *message = stream;
    *message_size = (size_t)(end - stream);
    *used = *message_size + 1;
    return *message_size > limit ? SYSLOG_FRAME_BROKEN : SYSLOG_FRAME_WHOLE;
}
