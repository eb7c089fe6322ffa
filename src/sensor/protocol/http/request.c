#include "sensor/protocol/http/request.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/macros.h"
#include "base/utf8.h"

#define HEADERS_MAX 100

static const char *const methods[] = {"GET",    "POST",    "HEAD",  "PUT",   "CONNECT",
                                      "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"};

/* A whole method and a blank at the start, or what may become one. */
static enum parsed
method_read(const char *text, size_t size, char method[16])
{
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        size_t wanted = strlen(methods[i]);
        size_t there = size < wanted ? size : wanted;
        if (memcmp(text, methods[i], there) != 0) {
            continue;
        }
        if (size <= wanted) {
            return PARSED_MORE;
        }
        if (text[wanted] == ' ') {
            memcpy(method, methods[i], wanted + 1);
            return PARSED_YES;
        }
    }
    return PARSED_NO;
}

static void
put(char *to, size_t room, const char *from, size_t size)
{
    size_t used = size < room ? size : room - 1;
    memcpy(to, from, used);
    to[used] = '\0';
    utf8_make_plain(to, used);
}

/* Lower case, without the port and user: "C2.Example.NET:8080" -> "c2.example.net". */
static void
host_put(char to[HOST_SIZE], const char *from, size_t size)
{
    const char *end = from + size;
    const char *user = memchr(from, '@', size);
    if (user) {
        from = user + 1;
        size = (size_t)(end - from);
    }
    const char *close = size && *from == '[' ? memchr(from, ']', size) : NULL;
    const char *colon = close ? NULL : memchr(from, ':', size);
    if (close) {
        from++;
        end = close;
    } else if (colon) {
        end = colon;
    }
    put(to, HOST_SIZE, from, (size_t)(end - from));
    for (char *at = to; *at; at++) {
        *at = (char)tolower((unsigned char)*at);
    }
}

static void
header_read(const char *line, size_t size, struct http_request *request)
{
    static const char host[] = "host:", agent[] = "user-agent:";
    const char *value;
    size_t name_size;
    bool is_host = size > sizeof(host) - 1 && strncasecmp(line, host, sizeof(host) - 1) == 0;
    bool is_agent = size > sizeof(agent) - 1 && strncasecmp(line, agent, sizeof(agent) - 1) == 0;
    if (!is_host && !is_agent) {
        return;
    }
    name_size = is_host ? sizeof(host) - 1 : sizeof(agent) - 1;
    value = line + name_size;
    size -= name_size;
    while (size > 0 && (*value == ' ' || *value == '\t')) {
        value++;
        size--;
    }
    if (is_host && !request->host[0]) {
        host_put(request->host, value, size);
    } else if (is_agent) {
        put(request->user_agent, sizeof(request->user_agent), value, size);
    }
}

/* Of the absolute form (RFC 9112 3.2.2): the host is in the target itself. */
static void
target_host(const char *target, struct http_request *request)
{
    static const char scheme[] = "http://";
    if (strncasecmp(target, scheme, sizeof(scheme) - 1) == 0) {
        const char *start = target + sizeof(scheme) - 1;
        host_put(request->host, start, strcspn(start, "/?#"));
    } else if (strcmp(request->method, "CONNECT") == 0) {
        host_put(request->host, target, strlen(target));
    }
}

enum parsed
http_parse(const uint8_t *bytes, size_t size, struct http_request *request)
{
    const char *text = (const char *)bytes, *end = text + size;
    char method[sizeof(request->method)] = "";
    enum parsed start = method_read(text, size, method);
    if (start != PARSED_YES) {
        return start; /* the usual end: nothing was touched */
    }
    memset(request, 0, sizeof(*request));
    memcpy(request->method, method, sizeof(method));
    const char *line_end = memchr(text, '\n', size);
    if (!line_end) {
        return PARSED_MORE;
    }
    const char *target = text + strlen(request->method) + 1;
    const char *blank = memchr(target, ' ', (size_t)(line_end - target));
    if (!blank || line_end - blank < 6 || memcmp(blank + 1, "HTTP/", 5) != 0) {
        return PARSED_NO;
    }
    put(request->path, sizeof(request->path), target, (size_t)(blank - target));
    target_host(request->path, request);
    const char *at = line_end + 1;
    for (int i = 0; i < HEADERS_MAX; i++) {
        line_end = memchr(at, '\n', (size_t)(end - at));
        if (!line_end) {
            return request->host[0] ? PARSED_YES : PARSED_MORE;
        }
        size_t line = (size_t)(line_end - at);
        line -= line > 0 && at[line - 1] == '\r';
        if (line == 0) {
            return PARSED_YES;
        }
        header_read(at, line, request);
        at = line_end + 1;
    }
    return PARSED_YES;
}
