/* Names in DNS messages (RFC 1035 3.1, 4.1.4).  Pure; any thread. */
#ifndef CORDON_BASE_DNS_NAME_H
#define CORDON_BASE_DNS_NAME_H

#include <stdbool.h>

#include "base/cursor.h"

#define DNS_NAME_SIZE 256 /* 253 bytes as text, and room for one that is too long to be good */

struct dns_name {
    char text[DNS_NAME_SIZE]; /* the labels' bytes as they are, whatever they are, joined by dots */
    size_t size;              /* of the text without its NUL; 0: the root */
    size_t label_count;
};

/* The name at the cursor, which then stands behind it; compression is followed through 'message',
 * sixteen times at most.  With NULL the name is only stepped over.  Returns false where it is cut
 * short, no name, or longer than one may be. */
bool dns_name_read(struct cursor *in, const struct cursor *message, struct dns_name *name);

#endif
