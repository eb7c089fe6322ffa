/* Syslog: the header (RFC 3164, RFC 5424), and finding messages in a TCP stream (RFC 6587).  Pure.
 */
#ifndef CORDON_INTAKE_SYSLOG_H
#define CORDON_INTAKE_SYSLOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

/* The message behind PRI, time, host, tag and structured data: the first '{' (EVE JSON), "CEF:" or
 * "@cee:" of the text, since relays write headers of every kind.  'size' 0: there is none. */
void syslog_content(const char *message, size_t size, const char **content, size_t *content_size);

enum syslog_frame {
    SYSLOG_FRAME_NONE, /* not whole yet */
    SYSLOG_FRAME_WHOLE,
    SYSLOG_FRAME_BROKEN, /* nonsense, or longer than 'limit': close the connection */
};
/* The first message in a stream: octet counting ("123 <142>..."), else up to a line feed.  'used'
 * is what to drop from the stream afterwards. */
enum syslog_frame syslog_frame_find(const char *stream, size_t size, size_t limit,
                                    const char **message, size_t *message_size, size_t *used);

#endif
