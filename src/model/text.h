/* Sizes of the texts in model structs, with the NUL.  Longer input is refused where it enters,
 * never cut silently. */
#ifndef CORDON_MODEL_TEXT_H
#define CORDON_MODEL_TEXT_H

#include "base/id.h"

#define NAME_SIZE 64  /* switches, ports, sensors, sources, policies, permit sets, accounts */
#define HOST_SIZE 256 /* host and domain names (RFC 1035: 253 characters) */
#define TEXT_SIZE 512 /* reasons, signatures, errors */
#define URL_SIZE 1024

/* Of a text that is kept as a pointer, NULL where there is none.  Never NULL. */
static inline const char *
text_or_empty(const char *text)
{
    return text ? text : "";
}

#endif
