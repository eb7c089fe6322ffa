/* Where the API is and how to ask it: options, then CORDON_URL, CORDON_TOKEN, CORDON_TOKEN_FILE and
 * CORDON_CA, then /etc/cordon/cordonctl.yaml (keys url, token_file, ca). */
#ifndef CORDON_CLI_SETTINGS_H
#define CORDON_CLI_SETTINGS_H

#include "base/macros.h"
#include "model/text.h"

#define SETTINGS_FILE "/etc/cordon/cordonctl.yaml"
#define SETTINGS_URL "https://localhost:8443"

struct settings {
    char url[URL_SIZE];
    char token_file[URL_SIZE];
    char token[512];
    char ca[URL_SIZE];
};

/* 'settings' holds what options gave ("" elsewhere) and gets the rest; 'file' NULL: the default,
 * which need not exist.  0 or negative errno, then 'why' says what and where. */
int settings_complete(struct settings *settings, const char *file, char why[512]) MUST_CHECK;

#endif
