/* One HTTPS client of the API, over libcurl: checks the server against the CA file, sends the
 * token, takes JSON, bytes or a stream of events. */
#ifndef CORDON_CLI_CLIENT_H
#define CORDON_CLI_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <cjson/cJSON.h>

#include "base/macros.h"

struct client_settings {
    const char *url; /* https://host:8443 */
    const char *token;
    const char *ca; /* PEM file; NULL: the system's */
};

struct client_answer {
    long status; /* HTTP; 0: not reachable, 'why' says why */
    char why[256];
    char media[128];
    char next[128]; /* X-Cordon-Next: where a file in pages goes on; "": its end */
    char *bytes;    /* owned; NUL-terminated beyond 'size' */
    size_t size;
    cJSON *json; /* owned; NULL: no JSON */
};

struct client;

/* NULL: libcurl could not be set up. */
struct client *client_new(const struct client_settings *settings);
void client_free(struct client *client);
/* 'body' NULL: GET; otherwise POST.  Fill-in with client_answer_fini. */
void client_ask(struct client *client, const char *path, const cJSON *body,
                struct client_answer *answer);
/* How long the next answers may take (30 s at first). */
void client_set_patience(struct client *client, long seconds);
/* Writes the bytes of a good answer to 'file' as they come, however many; others are in 'answer'.
 */
void client_save(struct client *client, const char *path, FILE *file, struct client_answer *answer);
void client_answer_fini(struct client_answer *answer);
/* Follows a stream line by line until the server or 'on_line' (false) ends it.  The status, or 0
 * with 'why'. */
long client_follow(struct client *client, const char *path, const char *last_id,
                   bool (*on_line)(void *context, const char *line), void *context, char why[256]);
/* 'text' percent-encoded as one path segment or query value; freed with free(). */
char *client_escape(const char *text);

#endif
