#include "web/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "base/mem.h"
#include "web/reply.h"
#include "web/token.h"

#define EXPORTS_MAX 16 /* beyond: 503 */

struct export
{
    struct exports *owner;
    struct evhttp_request *request; /* NULL: the client has gone */
    bool is_used, is_asking, is_started;
    enum op op;
    char account[NAME_SIZE];
    enum account_role role;
    int format;        /* enum audit_format */
    char run[ID_SIZE]; /* core's name of it, for the next part */
};

struct exports {
    struct asker *asker;
    struct export places[EXPORTS_MAX];
};

struct exports *
exports_new(struct asker *asker)
{
    struct exports *exports = MEM_NEW(struct exports);
    exports->asker = asker;
    return exports;
}

static struct evhttp_connection *
connection_leave(struct export *export)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(export->request);
    if (connection) {
        evhttp_connection_set_closecb(connection, NULL, NULL);
    }
    export->request = NULL;
    return connection;
}

void
exports_free(struct exports *exports)
{
    for (size_t i = 0; exports && i < EXPORTS_MAX; i++) {
        struct export *export = &exports->places[i];
        if (export->is_used && export->request && export->is_started) {
            connection_leave(export);
        }
    }
    free(exports);
}

/* In the middle of the file there is no status any more: the connection ends without the last
 * chunk, and the client sees that the file is not whole. */
static void
export_drop(struct export *export)
{
    struct evhttp_connection *connection = connection_leave(export);
    export->is_used = false;
    if (connection) {
        evhttp_connection_free(connection);
    }
}

static void
on_closed(struct evhttp_connection *connection, void *context)
{
    struct export *export = context;
    struct evhttp_request *request = export->request;
    (void)connection;
    export->request = NULL;
    export->is_used = export->is_asking;
    /* evhttp took the request off a connection that failed: then it is ours to free. */
    if (request && !evhttp_request_get_connection(request)) {
        evhttp_send_reply_end(request);
    }
}

/* 'part': the first one; core says the name of a backup. */
static void
start(struct export *export, const cJSON *part)
{
    static const char *const media[AUDIT_FORMAT_COUNT] = {
        "application/x-ndjson", "text/csv; charset=utf-8", "text/plain; charset=utf-8"};
    static const char *const suffix[AUDIT_FORMAT_COUNT] = {"jsonl", "csv", "cef"};
    char name[NAME_SIZE + 32];
    const cJSON *file = cJSON_GetObjectItemCaseSensitive(part, "name");
    if (export->op == OP_BACKUP_DOWNLOAD) {
        bool is_plain = cJSON_IsString(file) && token_name_is_valid(file->valuestring);
        reply_headers(export->request, "application/octet-stream");
        snprintf(name, sizeof(name), "attachment; filename=\"%s\"",
                 is_plain ? file->valuestring : "cordon.backup");
    } else {
        reply_headers(export->request, media[export->format]);
        snprintf(name, sizeof(name), "attachment; filename=\"cordon-audit.%s\"",
                 suffix[export->format]);
    }
    evhttp_add_header(evhttp_request_get_output_headers(export->request), "Content-Disposition",
                      name);
    evhttp_connection_set_closecb(evhttp_request_get_connection(export->request), on_closed,
                                  export);
    evhttp_send_reply_start(export->request, 200, "OK");
    export->is_started = true;
}

static void ask_part(struct export *export, cJSON *parameters);

static void
on_taken(struct evhttp_connection *connection, void *context)
{
    struct export *export = context;
    (void)connection;
    if (export->is_used && export->request && !export->is_asking) {
        cJSON *parameters = cJSON_CreateObject();
        cJSON_AddStringToObject(parameters, "run", export->run);
        ask_part(export, parameters);
    }
}

static void
on_part(void *context, const struct wire_answer *answer)
{
    struct export *export = context;
    const cJSON *run = cJSON_GetObjectItemCaseSensitive(answer->body, "run");
    export->is_asking = false;
    if (!export->request) { /* the client has gone: core forgets the run in a while */
        export->is_used = false;
        return;
    }
    if (answer->status != 200 && export->is_started) {
        export_drop(export);
        return;
    }
    if (answer->status != 200) {
        reply_json(export->request, answer->status, answer->body);
        export->is_used = false;
        return;
    }
    if (!export->is_started) {
        start(export, answer->body);
    }
    struct evbuffer *part = evbuffer_new();
    evbuffer_add(part, answer->bytes, answer->byte_count);
    if (cJSON_IsString(run)) {
        snprintf(export->run, sizeof(export->run), "%s", run->valuestring);
        evhttp_send_reply_chunk_with_cb(export->request, part, on_taken, export);
    } else {
        struct evhttp_request *request = export->request;
        connection_leave(export);
        export->is_used = false;
        evhttp_send_reply_chunk(request, part);
        evhttp_send_reply_end(request);
    }
    evbuffer_free(part);
}

static void
ask_part(struct export *export, cJSON *parameters)
{
    export->is_asking = true;
    asker_ask(export->owner->asker, export->account, export->role, export->op, parameters, on_part,
              export);
}

void
exports_begin(struct exports *exports, struct evhttp_request *request, const struct route *route,
              const struct caller *caller, cJSON *parameters)
{
    struct export *export = NULL;
    const cJSON *format = cJSON_GetObjectItemCaseSensitive(parameters, "format");
    for (size_t i = 0; i < EXPORTS_MAX && !export; i++) {
        export = exports->places[i].is_used ? NULL : &exports->places[i];
    }
    if (!export) {
        cJSON_Delete(parameters);
        reply_problem(request, 503, "too many exports are under way", NULL,
                      "try again in a minute");
        return;
    }
    *export = (struct export){.owner = exports,
                              .request = request,
                              .is_used = true,
                              .op = route->op,
                              .role = caller->role};
    memcpy(export->account, caller->account, sizeof(export->account));
    for (int i = 0; cJSON_IsString(format) && i < AUDIT_FORMAT_COUNT; i++) {
        export->format =
            strcmp(audit_format_names[i], format->valuestring) == 0 ? i : export->format;
    }
    ask_part(export, parameters);
}
