#include "web/strict.h"

#include <ctype.h>
#include <string.h>

#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/util.h>

static bool
is_named(const struct evkeyval *header, const char *name)
{
    return evutil_ascii_strcasecmp(header->key, name) == 0;
}

/* A token (RFC 9110, 5.6.2): "Content-Length " is another name to us, but not to everybody. */
static bool
is_token(const char *text)
{
    const char *at = text;
    while (isalnum((unsigned char)*at) || (*at && strchr("!#$%&'*+-.^_`|~", *at))) {
        at++;
    }
    return at > text && *at == '\0';
}

static bool
has_control(const char *text)
{
    for (; *text; text++) {
        if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

static bool
is_number(const char *text)
{
    size_t size = strspn(text, "0123456789");
    return size > 0 && size < 16 && text[size] == '\0';
}

/* Headers that say how long the body is, and which host is meant. */
struct counted {
    unsigned lengths, hosts;
    bool has_body;
};

static bool
refused(struct strict_problem *problem, const char *detail, const char *where)
{
    *problem = (struct strict_problem){detail, where};
    return false;
}

static bool
header_check(const struct evkeyval *header, struct counted *counted, struct strict_problem *problem)
{
    bool is_length = is_named(header, "Content-Length");
    bool is_coding = is_named(header, "Transfer-Encoding");
    if (!is_token(header->key) || has_control(header->value)) {
        return refused(problem, "a header's name or value holds what it must not", "headers");
    }
    if (is_length && !is_number(header->value)) {
        return refused(problem, "the length is no number", "Content-Length");
    }
    if (is_coding && evutil_ascii_strcasecmp(header->value, "chunked") != 0) {
        return refused(problem, "only 'chunked' is understood", "Transfer-Encoding");
    }
    counted->lengths += is_length || is_coding;
    counted->hosts += is_named(header, "Host");
    counted->has_body = counted->has_body || is_coding ||
                        (is_length && strspn(header->value, "0") < strlen(header->value));
    return true;
}

bool
strict_check(struct evhttp_request *request, struct strict_problem *problem)
{
    const struct evkeyval *header = evhttp_request_get_input_headers(request)->tqh_first;
    enum evhttp_cmd_type command = evhttp_request_get_command(request);
    struct counted counted = {.lengths = 0};
    bool is_old = request->major == 1 && request->minor == 0;
    for (; header; header = header->next.tqe_next) {
        if (!header_check(header, &counted, problem)) {
            return false;
        }
    }
    if (counted.lengths > 1) {
        return refused(problem, "the request says its length twice", "Content-Length");
    }
    if (counted.has_body && (command == EVHTTP_REQ_GET || command == EVHTTP_REQ_HEAD)) {
        return refused(problem, "this method has no body", "Content-Length");
    }
    if (is_old && strict_is_chunked(request)) {
        return refused(problem, "HTTP/1.0 has no chunks", "Transfer-Encoding");
    }
    if (counted.hosts > 1 || (counted.hosts == 0 && !is_old)) {
        return refused(problem, "one Host is needed", "Host");
    }
    return true;
}

bool
strict_is_chunked(struct evhttp_request *request)
{
    return evhttp_find_header(evhttp_request_get_input_headers(request), "Transfer-Encoding") !=
           NULL;
}
