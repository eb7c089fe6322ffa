#include "cli/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <curl/header.h>

#include "base/mem.h"

#define ANSWER_MAX (16 * 1024 * 1024)
#define LINE_MAX_BYTES (1024 * 1024)

struct client {
    CURL *curl;
    struct curl_slist *headers;
    char *url;
    long patience_s;
    char error[CURL_ERROR_SIZE];
};

struct client *
client_new(const struct client_settings *settings)
{
    struct client *client = MEM_NEW(struct client);
    size_t size = strlen(settings->token) + 32;
    char *header = mem_new(size, 1);
    client->url = mem_strdup(settings->url);
    client->patience_s = 30;
    client->curl = curl_easy_init();
    snprintf(header, size, "Authorization: Bearer %s", settings->token);
    client->headers = settings->token[0] ? curl_slist_append(NULL, header) : NULL;
    memset(header, 0, size);
    free(header);
    if (!client->curl) {
        client_free(client);
        return NULL;
    }
    curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, client->error);
    curl_easy_setopt(client->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(client->curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(client->curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(client->curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(client->curl, CURLOPT_CONNECTTIMEOUT, 5L);
    curl_easy_setopt(client->curl, CURLOPT_PROXY, ""); /* never hand the token to a proxy */
    if (settings->ca && settings->ca[0]) {
        curl_easy_setopt(client->curl, CURLOPT_CAINFO, settings->ca);
    }
    return client;
}

void
client_free(struct client *client)
{
    if (client) {
        curl_slist_free_all(client->headers);
        curl_easy_cleanup(client->curl);
        free(client->url);
        free(client);
    }
}

static size_t
on_bytes(char *bytes, size_t one, size_t size, void *context)
{
    struct client_answer *answer = context;
    size *= one;
    if (answer->size + size > ANSWER_MAX) {
        return 0; /* ends the transfer with an error */
    }
    answer->bytes = mem_resize(answer->bytes, answer->size + size + 1, 1);
    memcpy(answer->bytes + answer->size, bytes, size);
    answer->size += size;
    answer->bytes[answer->size] = '\0';
    return size;
}

static void
set_path(struct client *client, const char *path)
{
    size_t size = strlen(client->url) + strlen(path) + 1;
    char *url = mem_new(size, 1);
    size_t end = strlen(client->url);
    while (end > 0 && client->url[end - 1] == '/') {
        end--;
    }
    snprintf(url, size, "%.*s%s", (int)end, client->url, path);
    curl_easy_setopt(client->curl, CURLOPT_URL, url); /* copied */
    free(url);
}

/* The result of a transfer; 'status' is 0 and 'why' says why where there was no answer. */
static void
perform(struct client *client, long *status, char why[256])
{
    client->error[0] = '\0';
    CURLcode code = curl_easy_perform(client->curl);
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, status);
    if (code != CURLE_OK) {
        *status = 0;
        snprintf(why, 256, "%.200s", client->error[0] ? client->error : curl_easy_strerror(code));
    }
}

void
client_ask(struct client *client, const char *path, const cJSON *body, struct client_answer *answer)
{
    char *text = body ? cJSON_PrintUnformatted(body) : NULL;
    struct curl_slist *headers = NULL;
    *answer = (struct client_answer){0};
    for (struct curl_slist *each = client->headers; each; each = each->next) {
        headers = curl_slist_append(headers, each->data);
    }
    set_path(client, path);
    curl_easy_setopt(client->curl, CURLOPT_TIMEOUT, client->patience_s);
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, answer);
    if (text) {
        headers = curl_slist_append(headers, "Content-Type: application/json");
        headers = curl_slist_append(headers, "Expect:");
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, text);
    } else {
        curl_easy_setopt(client->curl, CURLOPT_HTTPGET, 1L);
    }
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    perform(client, &answer->status, answer->why);
    const char *media = NULL;
    curl_easy_getinfo(client->curl, CURLINFO_CONTENT_TYPE, &media);
    snprintf(answer->media, sizeof(answer->media), "%s", media ? media : "");
    struct curl_header *next = NULL;
    if (curl_easy_header(client->curl, "X-Cordon-Next", 0, CURLH_HEADER, -1, &next) == CURLHE_OK) {
        snprintf(answer->next, sizeof(answer->next), "%s", next->value);
    }
    if (strstr(answer->media, "json") && answer->bytes) {
        answer->json = cJSON_ParseWithLength(answer->bytes, answer->size);
    }
    curl_slist_free_all(headers);
    cJSON_free(text);
}

void
client_set_patience(struct client *client, long seconds)
{
    client->patience_s = seconds;
}

struct saving {
    struct client *client;
    FILE *file;
    struct client_answer *answer;
};

static size_t
on_saved(char *bytes, size_t one, size_t size, void *context)
{
    struct saving *saving = context;
    long status = 0;
    curl_easy_getinfo(saving->client->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) {
        return on_bytes(bytes, one, size, saving->answer);
    }
    return fwrite(bytes, one, size, saving->file) * one;
}

void
client_save(struct client *client, const char *path, FILE *file, struct client_answer *answer)
{
    struct saving saving = {.client = client, .file = file, .answer = answer};
    *answer = (struct client_answer){0};
    set_path(client, path);
    curl_easy_setopt(client->curl, CURLOPT_TIMEOUT, 0L);
    /* As long as it takes; but silence means that the server is gone. */
    curl_easy_setopt(client->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(client->curl, CURLOPT_LOW_SPEED_TIME, 45L);
    curl_easy_setopt(client->curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, client->headers);
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, on_saved);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &saving);
    perform(client, &answer->status, answer->why);
    if (answer->bytes) {
        answer->json = cJSON_ParseWithLength(answer->bytes, answer->size);
    }
}

void
client_answer_fini(struct client_answer *answer)
{
    cJSON_Delete(answer->json);
    free(answer->bytes);
    *answer = (struct client_answer){0};
}

struct following {
    bool (*on_line)(void *context, const char *line);
    void *context;
    char *line;
    size_t size;
    bool is_ended;
};

static size_t
on_stream(char *bytes, size_t one, size_t size, void *context)
{
    struct following *following = context;
    size *= one;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != '\n') {
            if (following->size + 1 >= LINE_MAX_BYTES) {
                return 0;
            }
            following->line[following->size++] = bytes[i];
            continue;
        }
        following->line[following->size] = '\0';
        following->size = 0;
        if (!following->on_line(following->context, following->line)) {
            following->is_ended = true;
            return 0;
        }
    }
    return size;
}

long
client_follow(struct client *client, const char *path, const char *last_id,
              bool (*on_line)(void *context, const char *line), void *context, char why[256])
{
    struct following following = {
        .on_line = on_line, .context = context, .line = mem_new(LINE_MAX_BYTES, 1)};
    struct curl_slist *headers = curl_slist_append(NULL, "Accept: text/event-stream");
    char header[256];
    long status = 0;
    for (struct curl_slist *each = client->headers; each; each = each->next) {
        headers = curl_slist_append(headers, each->data);
    }
    if (last_id && last_id[0]) {
        snprintf(header, sizeof(header), "Last-Event-ID: %.200s", last_id);
        headers = curl_slist_append(headers, header);
    }
    set_path(client, path);
    curl_easy_setopt(client->curl, CURLOPT_TIMEOUT, 0L);
    /* The server says an event "alive" every 15 s: silence means that it is gone. */
    curl_easy_setopt(client->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(client->curl, CURLOPT_LOW_SPEED_TIME, 45L);
    curl_easy_setopt(client->curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, on_stream);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &following);
    perform(client, &status, why);
    curl_slist_free_all(headers);
    free(following.line);
    return following.is_ended ? 200 : status;
}

char *
client_escape(const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:";
    char *out = mem_new(strlen(text) * 3 + 1, 1);
    size_t used = 0;
    for (; *text; text++) {
        if (strchr(plain, *text)) {
            out[used++] = *text;
        } else {
            used += (size_t)sprintf(out + used, "%%%02X", (unsigned char)*text);
        }
    }
    return out;
}
