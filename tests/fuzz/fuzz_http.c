/* Any bytes as the head of a request; what comes out is bounded text.  More bytes never turn a
 * "no" into something else. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sensor/protocol/http/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
is_text(const char *text, size_t room)
{
    size_t used = strnlen(text, room);
    if (used == room) {
        abort();
    }
    for (size_t i = 0; i < used; i++) {
        if ((uint8_t)text[i] < ' ') {
            abort();
        }
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct http_request request, half;
    enum parsed parsed = http_parse(bytes, size, &request);
    if (http_parse(bytes, size / 2, &half) == PARSED_NO && parsed != PARSED_NO) {
        abort();
    }
    if (parsed == PARSED_YES) {
        is_text(request.method, sizeof(request.method));
        is_text(request.host, sizeof(request.host));
        is_text(request.path, sizeof(request.path));
        is_text(request.user_agent, sizeof(request.user_agent));
    }
    return 0;
}
