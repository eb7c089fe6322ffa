/* What cordond.yaml says right in itself, and with which cordond could still not do its work: told
 * before the start, with line and column, and not by a role that dies again and again. */
#ifndef CORDON_CORDOND_CHECK_H
#define CORDON_CORDOND_CHECK_H

#include <stdbool.h>

/* Both are yaml_file_check functions for config_load, and call config_check first.
 *
 * check_start: what no moment and no machine could make good: an unknown driver, a switch name that
 * no certificate can have, two listeners at one address.  cordond does not start with these. */
bool check_start(void *thing, char path[128], char why[256]);
/* check_here: check_start, and the files that it names on this machine (certificates, sockets, the
 * state folder).  For --check-config only: a source whose certificate is broken is tried again
 * and again by a cordond that runs, and everything else of it works. */
bool check_here(void *thing, char path[128], char why[256]);

#endif
