#include "cli/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "wire/yaml_file.h"

static const struct field settings_fields[] = {
    {.name = "url",
     .kind = FIELD_TEXT,
     .optional = true,
     .at = offsetof(struct settings, url),
     .size = URL_SIZE},
    {.name = "token_file",
     .kind = FIELD_TEXT,
     .optional = true,
     .at = offsetof(struct settings, token_file),
     .size = URL_SIZE},
    {.name = "ca",
     .kind = FIELD_TEXT,
     .optional = true,
     .at = offsetof(struct settings, ca),
     .size = URL_SIZE},
};
static const struct shape settings_shape =
    SHAPE("cordonctl", struct settings, settings_fields, NULL);

/* The first that is given: what is there, the environment, the file. */
static int
choose(char *value, size_t room, const char *variable, const char *from_file, char why[512])
{
    const char *from_environment = getenv(variable);
    const char *chosen = from_environment && from_environment[0] ? from_environment : from_file;
    if (value[0]) {
        return 0;
    }
    if (strlen(chosen) >= room) {
        snprintf(why, 512, "%s is longer than %zu bytes", variable, room - 1);
        return -EINVAL;
    }
    memcpy(value, chosen, strlen(chosen) + 1);
    return 0;
}

static int
read_token(struct settings *settings, char why[512])
{
    char *text = NULL;
    size_t size = 0;
    if (settings->token[0] || !settings->token_file[0]) {
        return 0;
    }
    int error = file_read(settings->token_file, sizeof(settings->token) - 1, &text, &size);
    if (error != 0) {
        snprintf(why, 512, "token file %.300s: %s", settings->token_file, strerror(-error));
        return error;
    }
    size = strcspn(text, "\r\n \t");
    memcpy(settings->token, text, size);
    settings->token[size] = '\0';
    memset(text, 0, size);
    free(text);
    return 0;
}

int
settings_complete(struct settings *settings, const char *file, char why[512])
{
    struct settings from_file = {0};
    struct yaml_file_error error;
    const char *path = file ? file : SETTINGS_FILE;
    if (file || access(path, R_OK) == 0) {
        if (yaml_file_load(path, &settings_shape, &from_file, &error) != 0) {
            snprintf(why, 512, "%.200s:%u:%u: %.200s", path, error.line, error.column, error.text);
            return -EINVAL;
        }
    }
    int result = choose(settings->url, sizeof(settings->url), "CORDON_URL",
                        from_file.url[0] ? from_file.url : SETTINGS_URL, why);
    if (result == 0) {
        result = choose(settings->ca, sizeof(settings->ca), "CORDON_CA", from_file.ca, why);
    }
    /* A token file that an option names counts more than a token in the environment. */
    if (result == 0 && !settings->token_file[0]) {
        result = choose(settings->token, sizeof(settings->token), "CORDON_TOKEN", "", why);
    }
    if (result == 0) {
        result = choose(settings->token_file, sizeof(settings->token_file), "CORDON_TOKEN_FILE",
                        from_file.token_file, why);
    }
    if (result == 0 && strncmp(settings->url, "https://", 8) != 0) {
        snprintf(why, 512, "'%.300s' is not an https:// address", settings->url);
        result = -EINVAL;
    }
    return result == 0 ? read_token(settings, why) : result;
}
