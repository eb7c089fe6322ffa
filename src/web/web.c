#include "web/web.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/seal.h"
#include "cordond/config.h"
#include "web/asker.h"
#include "web/asset.h"
#include "web/enrol.h"
#include "web/share.h"
#include "web/strict.h"
#include "web/export.h"
#include "web/listen.h"
#include "web/listeners.h"
#include "web/may.h"
#include "web/openapi.h"
#include "web/peer.h"
#include "web/people.h"
#include "web/query.h"
#include "web/reply.h"
#include "web/route.h"
#include "web/event_lines.h"
#include "wire/said.h"
#include "wire/view_system.h"

#define CONNECTIONS_DEFAULT 512
#define TICK_MS 250

struct web {
    struct event_base *base;
    struct web_settings settings;
    const struct clock *clock;
    struct listen *listen;
    struct people *people;
    struct asker *asker;
    struct listeners *listeners;
    struct exports *exports;
    struct enrol *enrol;
    struct sse_memory *memory;
    struct shares *shares; /* of callers, and of addresses that show no right */
    struct event *tick;
    char *openapi;
    uint64_t requests, refused, unauthorised, over_share;
    struct log_limit unauthorised_limit;
};

/* One request on its way to core and back. */
struct exchange {
    struct web *web;
    struct evhttp_request *request;
    const struct route *route;
};

static void
refuse(struct web *web, struct evhttp_request *request, unsigned status, const char *detail,
       const char *where, const char *advice)
{
    web->refused++;
    reply_problem(request, status, detail, where, advice);
}

/* Our own counters, after core's. */
static void
reply_metrics(struct web *web, struct evhttp_request *request, const struct wire_answer *answer)
{
    struct evbuffer *text = evbuffer_new();
    if (answer->bytes) {
        evbuffer_add(text, answer->bytes, answer->byte_count);
    }
    const struct {
        const char *name, *type, *help;
        uint64_t value;
    } own[] = {
        {"cordon_web_core_connected", "gauge", "core answers", asker_is_connected(web->asker)},
        {"cordon_web_connections", "gauge", "open connections", listen_connections(web->listen)},
        {"cordon_web_connections_total", "counter", "connections accepted",
         listen_accepted(web->listen)},
        {"cordon_web_strangers_closed_total", "counter",
         "connections closed that sent no valid token in time, or held up others",
         listen_strangers_closed(web->listen)},
        {"cordon_web_requests_total", "counter", "requests", web->requests},
        {"cordon_web_refused_total", "counter", "requests refused here", web->refused},
        {"cordon_web_unauthorised_total", "counter", "requests without a valid token",
         web->unauthorised},
        {"cordon_web_enrol_failures_total", "counter", "device enrolments that failed",
         enrol_failures(web->enrol)},
        {"cordon_web_over_share_total", "counter",
         "requests refused because one account or address sent too many", web->over_share},
        {"cordon_web_asks_waiting", "gauge", "asks on their way", asker_waiting(web->asker)},
        {"cordon_web_listeners", "gauge", "listeners to events", listeners_count(web->listeners)},
        {"cordon_web_listeners_dropped_total", "counter", "listeners that read too slowly",
         listeners_dropped(web->listeners)},
    };
    for (size_t i = 0; i < COUNT_OF(own); i++) {
        evbuffer_add_printf(text, "# HELP %s %s\n# TYPE %s %s\n%s %" PRIu64 "\n", own[i].name,
                            own[i].help, own[i].name, own[i].type, own[i].name, own[i].value);
    }
    size_t size = evbuffer_get_length(text);
    reply_bytes(request, 200, "text/plain; version=0.0.4", evbuffer_pullup(text, -1), size);
    evbuffer_free(text);
}

static void
add_location(const struct exchange *exchange, const struct wire_answer *answer)
{
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(answer->body, "id");
    char location[URL_SIZE];
    if (answer->status == 201 && cJSON_IsString(id)) {
        snprintf(location, sizeof(location), "%s/%.100s", exchange->route->path, id->valuestring);
        evhttp_add_header(evhttp_request_get_output_headers(exchange->request), "Location",
                          location);
    }
}

/* A page of a file: how to go on stands beside it. */
static void
reply_csv(struct evhttp_request *request, const struct route *route, const cJSON *body)
{
    static const struct {
        const char *member, *header;
    } beside[] = {{"next", "X-Cordon-Next"}, {"total", "X-Cordon-Total"}};
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(body, "csv");
    for (size_t i = 0; i < COUNT_OF(beside); i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(body, beside[i].member);
        if (cJSON_IsString(item)) {
            evhttp_add_header(headers, beside[i].header, item->valuestring);
        }
    }
    evhttp_add_header(headers, "Content-Disposition", "attachment; filename=\"endpoints.csv\"");
    reply_bytes(request, 200, route->media, text->valuestring, strlen(text->valuestring));
}

/* Core only says; what is known of it is found here. */
static void
answer_say(const struct route *route, const struct wire_answer *answer)
{
    const struct op_info *op = &op_table[route->op];
    cJSON *items = cJSON_GetObjectItemCaseSensitive(answer->body, "items");
    if (answer->status >= 400) {
        said_add(&view_problem_shape, answer->body);
    } else if (op->is_list) {
        said_add_each(op->answer, items);
    } else if (op->answer) {
        said_add(op->answer, answer->body);
    }
}

static void
on_answer(void *context, const struct wire_answer *answer)
{
    struct exchange *exchange = context;
    struct evhttp_request *request = exchange->request;
    if (exchange->route->kind == ROUTE_METRICS) {
        reply_metrics(exchange->web, request, answer);
    } else if (exchange->route->kind == ROUTE_CSV && answer->status == 200 &&
               cJSON_IsString(cJSON_GetObjectItemCaseSensitive(answer->body, "csv"))) {
        reply_csv(request, exchange->route, answer->body);
    } else if (answer->bytes && answer->status == 200) {
        reply_bytes(request, 200, exchange->route->media ? exchange->route->media : JSON_MEDIA,
                    answer->bytes, answer->byte_count);
    } else if (answer->body) {
        add_location(exchange, answer);
        answer_say(exchange->route, answer);
        reply_json(request, answer->status, answer->body);
    } else {
        reply_problem(request, 500, "core answered without a body", NULL,
                      "look into the log of cordond");
    }
    free(exchange);
}

static void
ask(struct web *web, struct evhttp_request *request, const struct route *route,
    const struct caller *caller, cJSON *parameters)
{
    struct exchange *exchange = MEM_NEW(struct exchange);
    *exchange = (struct exchange){.web = web, .request = request, .route = route};
    asker_ask(web->asker, caller->account, caller->role, route->op, parameters, on_answer,
              exchange);
}

static void
refuse_field(struct web *web, struct evhttp_request *request, const struct codec_error *error)
{
    refuse(web, request, 422, error->why, error->path,
           "GET " API_PREFIX "/openapi.json says what is accepted");
}

/* The JSON object in the body; NULL: refused already. */
static cJSON *
read_body(struct web *web, struct evhttp_request *request)
{
    const char *media =
        evhttp_find_header(evhttp_request_get_input_headers(request), "Content-Type");
    size_t media_size = media ? strcspn(media, "; ") : 0;
    struct evbuffer *body = evhttp_request_get_input_buffer(request);
    size_t size = evbuffer_get_length(body);
    if (media_size != strlen(JSON_MEDIA) ||
        evutil_ascii_strncasecmp(media, JSON_MEDIA, media_size)) {
        refuse(web, request, 415, "the body must be " JSON_MEDIA, "Content-Type",
               "send Content-Type: " JSON_MEDIA);
        return NULL;
    }
    const char *text = (const char *)evbuffer_pullup(body, -1);
    cJSON *json = size > 0 ? codec_parse(text, size) : NULL;
    if (!json || !cJSON_IsObject(json)) {
        cJSON_Delete(json);
        refuse(web, request, 400, "the body is not one JSON object, or too deeply nested", "body",
               "send one JSON object");
        return NULL;
    }
    return json;
}

/* The parameters from path, query and body, checked; NULL: refused already. */
static cJSON *
read_parameters(struct web *web, struct evhttp_request *request, const struct route *route,
                const char *id)
{
    const struct shape *shape = op_table[route->op].parameters;
    const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
    struct codec_error error = {0};
    cJSON *json;
    if (route->method == METHOD_GET) {
        json = query_read(shape, query, &error);
        if (!json) {
            refuse(web, request, 400, error.why, error.path, "check the query string");
            return NULL;
        }
    } else {
        if (query && query[0]) {
            refuse(web, request, 400, "parameters of a POST belong into the body", "query", NULL);
            return NULL;
        }
        json = read_body(web, request);
        if (!json) {
            return NULL;
        }
    }
    bool fits = true;
    if (route->kind == ROUTE_TEST) {
        cJSON *parsed =
            event_lines_parse(json, web->settings.parse_line, web->settings.config, &error);
        cJSON_Delete(json);
        json = parsed;
        fits = parsed != NULL;
    } else if (id[0] && !query_add_id(json, id)) {
        snprintf(error.path, sizeof(error.path), "id");
        snprintf(error.why, sizeof(error.why), "stands in the path already");
        fits = false;
    } else {
        fits = query_check(shape, json, &error);
    }
    if (!fits) {
        cJSON_Delete(json);
        refuse_field(web, request, &error);
        return NULL;
    }
    return json;
}

static void
reply_health(struct web *web, struct evhttp_request *request)
{
    bool is_up = asker_is_connected(web->asker);
    struct view_health health = {0};
    snprintf(health.status, sizeof(health.status), "%s", is_up ? "ok" : "core is away");
    snprintf(health.version, sizeof(health.version), "%s", CORDON_VERSION);
    cJSON *json = codec_encode(&view_health_shape, &health);
    reply_json(request, is_up ? 200 : 503, json);
    cJSON_Delete(json);
}

static void
listen_to_events(struct web *web, struct evhttp_request *request, const struct caller *caller)
{
    const char *last_id =
        evhttp_find_header(evhttp_request_get_input_headers(request), "Last-Event-ID");
    if (listeners_count(web->listeners) >= LISTENERS_MAX) {
        refuse(web, request, 503, "too many listeners", NULL, "try again later");
        return;
    }
    reply_headers(request, "text/event-stream");
    evhttp_add_header(evhttp_request_get_output_headers(request), "X-Accel-Buffering", "no");
    if (!listeners_add(web->listeners, request, web->memory, last_id, caller->session_number,
                       caller->role)) {
        evhttp_send_error(request, 503, NULL);
    }
}

/* False: refused already: 'key' has sent more than its share. */
static bool
is_within_share(struct web *web, struct evhttp_request *request, const char *key)
{
    int64_t wait = share_take(web->shares, key, config_requests_per_s(web->settings.config),
                              clock_boot_us(web->clock));
    char seconds[24];
    if (wait == 0) {
        return true;
    }
    web->over_share++;
    snprintf(seconds, sizeof(seconds), "%lld", (long long)(wait + 999999) / 1000000);
    evhttp_add_header(evhttp_request_get_output_headers(request), "Retry-After", seconds);
    refuse(web, request, 429, "too many requests", NULL, "wait as long as Retry-After says");
    return false;
}

/* Of whoever shows no right: by address, else one could make them by the thousand. */
static bool
is_within_address(struct web *web, struct evhttp_request *request)
{
    char peer[IP_TEXT_SIZE], network[NAME_SIZE], key[HOST_SIZE];
    peer_of(web->settings.config, request, peer);
    peer_key(peer, network);
    snprintf(key, sizeof(key), "address %s", network);
    return is_within_share(web, request, key);
}

/* False: refused already. */
static bool
find_caller(struct web *web, struct evhttp_request *request, struct caller *caller)
{
    struct caller_problem problem;
    uint64_t swallowed = 0;
    char peer[IP_TEXT_SIZE];
    if (people_find(web->people, request, caller, &problem)) {
        return is_within_share(web, request, caller->account);
    }
    if (!is_within_address(web, request)) {
        return false;
    }
    web->unauthorised++;
    peer_of(web->settings.config, request, peer);
    if (log_limit_pass(&web->unauthorised_limit, clock_boot_us(web->clock), &swallowed)) {
        log_warn("web", "request that shows nobody's right", LOG_S("why", problem.detail),
                 LOG_S("peer", peer), LOG_I("swallowed", swallowed));
    }
    if (problem.status == 401) {
        evhttp_add_header(evhttp_request_get_output_headers(request), "WWW-Authenticate",
                          "Bearer realm=\"cordon\"");
    }
    refuse(web, request, problem.status, problem.detail, problem.where, problem.advice);
    return false;
}

/* False: refused already. */
static bool
is_permitted(struct web *web, struct evhttp_request *request, const struct route *route,
             const struct caller *caller)
{
    struct may_not why;
    if (may(route, caller, &why)) {
        return true;
    }
    refuse(web, request, 403, why.detail, why.where, why.advice);
    return false;
}

static void
serve_device(struct web *web, struct evhttp_request *request)
{
    if (!enrol_may(web->enrol, request)) {
        return;
    }
    cJSON *body = read_body(web, request);
    if (!body) {
        enrol_failed(web->enrol, request);
    } else {
        enrol_serve(web->enrol, request, body);
        cJSON_Delete(body);
    }
}

static void
serve(struct web *web, struct evhttp_request *request, const struct route *route, const char *id)
{
    struct caller caller = {0};
    if (route->is_open && !is_within_address(web, request)) {
        return;
    }
    if (route->kind == ROUTE_HEALTH) {
        reply_health(web, request);
        return;
    }
    if (route->kind == ROUTE_OPENAPI) {
        reply_bytes(request, 200, JSON_MEDIA, web->openapi, strlen(web->openapi));
        return;
    }
    if (!route->is_open &&
        (!find_caller(web, request, &caller) || !is_permitted(web, request, route, &caller))) {
        return;
    }
    if (!route->is_open) {
        listen_know(web->listen, request);
    }
    if (route->kind == ROUTE_ENROL) {
        serve_device(web, request);
        return;
    }
    if (route->kind == ROUTE_EVENTS) {
        listen_to_events(web, request, &caller);
        return;
    }
    cJSON *parameters = read_parameters(web, request, route, id);
    if (parameters && route->kind == ROUTE_EXPORT) {
        exports_begin(web->exports, request, route, &caller, parameters);
    } else if (parameters && route->kind == ROUTE_PEOPLE) {
        people_serve(web->people, request, route, route->is_open ? NULL : &caller, parameters);
        cJSON_Delete(parameters);
    } else if (parameters) {
        ask(web, request, route, &caller, parameters);
    }
}

static const char *
method_name(struct evhttp_request *request)
{
    switch (evhttp_request_get_command(request)) {
    case EVHTTP_REQ_GET:
        return "GET";
    case EVHTTP_REQ_POST:
        return "POST";
    default:
        return "OTHER";
    }
}

/* The console's files need no account: they are the same for everybody. */
static const struct asset *
find_asset(struct evhttp_request *request, const char *path)
{
    enum evhttp_cmd_type command = evhttp_request_get_command(request);
    bool reads = command == EVHTTP_REQ_GET || command == EVHTTP_REQ_HEAD;
    return reads && path ? asset_find(path) : NULL;
}

static void
on_request(struct evhttp_request *request, void *context)
{
    struct web *web = context;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
    const struct route *route = NULL;
    char id[HOST_SIZE];
    char allow[32];
    web->requests++;
    struct strict_problem problem;
    bool is_doubtful = !strict_check(request, &problem);
    if (is_doubtful || strict_is_chunked(request)) {
        /* What comes behind it on this connection may have been meant to be part of it. */
        evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close");
    }
    if (is_doubtful) {
        refuse(web, request, 400, problem.detail, problem.where, NULL);
        return;
    }
    const struct asset *asset = find_asset(request, path);
    if (asset) {
        asset_reply(request, asset);
        return;
    }
    switch (route_find(method_name(request), path ? path : "", &route, id, allow)) {
    case ROUTE_FOUND:
        serve(web, request, route, id);
        break;
    case ROUTE_WRONG_METHOD:
        evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", allow);
        refuse(web, request, 405, "this path does not know that method", "method", allow);
        break;
    case ROUTE_UNKNOWN:
        refuse(web, request, 404, "there is no such path", "path",
               "GET " API_PREFIX "/openapi.json lists all paths");
        break;
    }
}

static void
on_tick(evutil_socket_t fd, short what, void *context)
{
    struct web *web = context;
    (void)fd, (void)what;
    listen_tick(web->listen);
    asker_tick(web->asker);
    listeners_tick(web->listeners);
    people_tick(web->people);
}

static void
on_session_end(void *context, uint64_t session_number)
{
    listeners_end(((struct web *)context)->listeners, session_number);
}

static void
start_tick(struct web *web)
{
    struct timeval period = {.tv_usec = TICK_MS * 1000};
    web->tick = event_new(web->base, -1, EV_PERSIST, on_tick, web);
    if (!web->tick || event_add(web->tick, &period) != 0) {
        abort(); /* out of memory at start */
    }
}

static int
listen_begin(struct web *web, char why[256])
{
    const struct web_settings *settings = &web->settings;
    const struct listen_settings listen = {
        .clock = web->clock,
        .address = settings->listen,
        .cert = settings->cert,
        .key = settings->key,
        .master = settings->secret_key_file,
        .connection_limit =
            settings->connection_limit ? settings->connection_limit : CONNECTIONS_DEFAULT,
        .on_request = on_request,
        .context = web,
    };
    return listen_new(web->base, &listen, &web->listen, why);
}

int
web_new(struct event_base *base, const struct web_settings *settings, const struct clock *clock,
        struct web **out, char why[256])
{
    struct web *web = MEM_NEW(struct web);
    web->base = base;
    web->settings = *settings;
    web->clock = clock;
    web->unauthorised_limit = (struct log_limit){.period_us = 10 * 1000000, .burst = 5, .left = 5};
    int error = listen_begin(web, why);
    if (error != 0) {
        free(web);
        return error;
    }
    struct seal *seal = NULL;
    error = seal_open(settings->secret_key_file, SEAL_ACCOUNTS, &seal, why);
    if (error == 0 && settings->lock_in && (error = settings->lock_in(settings->context)) != 0) {
        snprintf(why, 256, "it cannot be locked in: %s", strerror(-error));
    }
    if (error != 0) {
        seal_free(seal);
        listen_free(web->listen);
        free(web);
        return error;
    }
    struct asker_port port = {.send = settings->send, .context = settings->context};
    web->asker = asker_new(clock, &port);
    web->listeners = listeners_new(clock);
    web->exports = exports_new(web->asker);
    web->enrol = enrol_new(clock, web->asker, settings->config);
    web->memory = sse_memory_new();
    web->shares = shares_new();
    web->openapi = openapi_text();
    const struct people_settings people = {.base = base,
                                           .clock = clock,
                                           .state_dir = settings->state_dir,
                                           .config = settings->config,
                                           .seal = seal,
                                           .login = settings->login,
                                           .login_context = settings->context,
                                           .asker = web->asker,
                                           .on_session_end = on_session_end,
                                           .context = web,
                                           .forget_password = settings->forget_password,
                                           .forget_context = settings->context};
    error = people_new(&people, &web->people, why);
    start_tick(web);
    if (error != 0) {
        web_free(web);
        return error;
    }
    *out = web;
    return 0;
}

void
web_free(struct web *web)
{
    if (!web) {
        return;
    }
    event_free(web->tick);
    people_free(web->people);
    asker_free(web->asker);
    exports_free(web->exports);
    enrol_free(web->enrol);
    listeners_free(web->listeners);
    listen_free(web->listen);
    sse_memory_free(web->memory);
    shares_free(web->shares);
    free(web->openapi);
    free(web);
}

static void
tell_gap(struct web *web, const char *why)
{
    struct evbuffer *frame = evbuffer_new();
    sse_gap(frame, why);
    listeners_send(web->listeners, NULL, ACCOUNT_ROLE_COUNT, frame);
    evbuffer_free(frame);
}

void
web_core_joined(struct web *web)
{
    char run[ID_SIZE];
    id_make(clock_wall_us(web->clock), run);
    sse_memory_new_run(web->memory, run);
    asker_set_connected(web->asker, true);
    tell_gap(web, "core was joined anew");
}

void
web_renew(struct web *web, const struct wire_renew *renew)
{
    if (!listen_renew(web->listen, renew->der, renew->der_size)) {
        log_error("web", "the new certificate of our own is not of our key: not used", LOG_END);
    }
}

void
web_core_gone(struct web *web)
{
    asker_set_connected(web->asker, false);
}

void
web_answer(struct web *web, const struct wire_answer *answer)
{
    asker_answer(web->asker, answer);
}

void
web_event(struct web *web, const struct wire_event *event)
{
    const struct shape *shape = openapi_topic(event->topic);
    if (shape) {
        said_add(shape, event->body);
    }
    char *data = cJSON_PrintUnformatted(event->body);
    if (!sse_memory_put(web->memory, event->sequence, event->topic, data ? data : "null")) {
        tell_gap(web, "events were lost on the way from core");
    }
    cJSON_free(data);
    if (event_reduce(event->topic, event->body)) {
        data = cJSON_PrintUnformatted(event->body);
        sse_memory_reduce(web->memory, data ? data : "null");
        cJSON_free(data);
    }
    struct evbuffer *frame = evbuffer_new();
    for (int role = 0; role < ACCOUNT_ROLE_COUNT; role++) {
        sse_memory_newest(web->memory, (enum account_role)role, frame);
        listeners_send(web->listeners, event->topic, (enum account_role)role, frame);
    }
    evbuffer_free(frame);
}

void
web_login_answer(struct web *web, const struct wire_login_result *result)
{
    people_login_answer(web->people, result);
}

void
web_login_gone(struct web *web)
{
    people_login_gone(web->people);
}

uint16_t
web_port(const struct web *web)
{
    return listen_port(web->listen);
}
