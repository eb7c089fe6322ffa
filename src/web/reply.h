/* Answers to HTTP requests: JSON, problems (RFC 9457), bytes; always with the headers that keep
 * browsers and proxies from guessing or keeping.  Each call ends the request. */
#ifndef CORDON_WEB_REPLY_H
#define CORDON_WEB_REPLY_H

#include <event2/http.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#define JSON_MEDIA "application/json"
#define PROBLEM_MEDIA "application/problem+json"

void reply_headers(struct evhttp_request *request, const char *media);
void reply_bytes(struct evhttp_request *request, unsigned status, const char *media,
                 const void *bytes, size_t size);
void reply_json(struct evhttp_request *request, unsigned status, const cJSON *json);
void reply_problem(struct evhttp_request *request, unsigned status, const char *detail,
                   const char *where, const char *advice);
const char *reply_reason(unsigned status);

#endif
