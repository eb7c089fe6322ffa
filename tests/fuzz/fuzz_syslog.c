/* Any bytes as a syslog stream: framing always makes progress, and never points outside. */
#include <stdint.h>
#include <stdlib.h>

#include "intake/syslog.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *at = (const char *)bytes, *end = at + size;
    const char *message, *content;
    size_t message_size, content_size, used;
    while (at < end && syslog_frame_find(at, (size_t)(end - at), 4096, &message, &message_size,
                                         &used) == SYSLOG_FRAME_WHOLE) {
        if (used == 0 || used > (size_t)(end - at) || message < at ||
            message + message_size > end) {
            abort();
        }
        syslog_content(message, message_size, &content, &content_size);
        if (content < message || content + content_size > message + message_size) {
            abort();
        }
        at += used;
    }
    return 0;
}
