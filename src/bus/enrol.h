/* How a device gets its first certificate: makes its key here, where it stays, asks the controller
 * with a one-time token, and writes OUT/NAME.key, OUT/NAME.pem and OUT/ca.pem, as pki_issue does.
 *
 * The controller is known by the fingerprint of its authority alone, which came with the token: by
 * name or address it could be anybody.  An answer that is lost loses nothing: the key is on disk
 * before it is asked, and the same key gets the same certificate as long as the token lives.
 *
 * Blocks: before the program's loop. */
#ifndef CORDON_BUS_ENROL_H
#define CORDON_BUS_ENROL_H

#include "base/macros.h"

struct enrol_settings {
    const char *role; /* "edge", "sensor" */
    const char *url;  /* "https://192.0.2.10:8443" */
    const char *name;
    const char *token;     /* "-": the first line of standard input */
    const char *authority; /* "sha256:..." */
    const char *out;       /* folder */
};

/* 0; or negative errno, 'why' says what to do.  -EPERM: the controller refused. */
int enrol_device(const struct enrol_settings *settings, char why[512]) MUST_CHECK;
/* The same as a command: tells people, returns the exit status. */
int enrol_command(const struct enrol_settings *settings, const char *program);

#endif
