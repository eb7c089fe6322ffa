/* Room that is held for the day the disk is full: a file beside the database.  When a commit finds
 * no room, it is given up, and the commit tried once more: a block goes on, and there is room to
 * take away what may go.  Filled again, a little at a time, once there is plenty.  Store thread. */
#ifndef CORDON_STORE_RESERVE_H
#define CORDON_STORE_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/text.h"

struct reserve {
    int fd; /* -1: not open */
    uint64_t size;
    char path[URL_SIZE + 16];
};

void reserve_init(struct reserve *reserve, const char *database);
void reserve_fini(struct reserve *reserve);
/* A part of what is still missing to 'wanted' bytes, where four times as much is free.  True: there
 * is more to do. */
bool reserve_fill(struct reserve *reserve, uint64_t wanted);
/* True: there was some, and it is free now. */
bool reserve_release(struct reserve *reserve);

#endif
