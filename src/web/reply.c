#include "web/reply.h"

#include <string.h>

#include <event2/buffer.h>

#include "wire/said.h"
#include "wire/view_system.h"

const char *
reply_reason(unsigned status)
{
    switch (status) {
    case 200:
        return "OK";
    case 201:
        return "Created";
    default:
        return view_problem_title(status);
    }
}

void
reply_headers(struct evhttp_request *request, const char *media)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    evhttp_add_header(headers, "Content-Type", media);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    evhttp_add_header(headers, "Content-Security-Policy",
                      "default-src 'none'; frame-ancestors 'none'");
}

void
reply_bytes(struct evhttp_request *request, unsigned status, const char *media, const void *bytes,
            size_t size)
{
    struct evbuffer *body = evbuffer_new();
    reply_headers(request, media);
    if (status == 503) {
        evhttp_add_header(evhttp_request_get_output_headers(request), "Retry-After", "1");
    }
    evbuffer_add(body, bytes, size);
    evhttp_send_reply(request, (int)status, reply_reason(status), body);
    evbuffer_free(body);
}

void
reply_json(struct evhttp_request *request, unsigned status, const cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);
    bool is_problem = status >= 400 && cJSON_HasObjectItem(json, "type");
    reply_bytes(request, status, is_problem ? PROBLEM_MEDIA : JSON_MEDIA, text ? text : "null",
                text ? strlen(text) : 4);
    cJSON_free(text);
}

void
reply_problem(struct evhttp_request *request, unsigned status, const char *detail,
              const char *where, const char *advice)
{
    cJSON *json = view_problem_make(status, detail, where, advice);
    said_add(&view_problem_shape, json);
    reply_json(request, status, json);
    cJSON_Delete(json);
}
