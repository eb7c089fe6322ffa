/* A disk that cannot be written to: full, read-only or broken.  Nothing new is decided then and
 * nothing is let go, because nothing is acknowledged that is not durable; people are told without
 * the database, and it goes on by itself when a write succeeds.  Loop thread. */
#ifndef CORDON_CONTROLLER_UNSTORED_H
#define CORDON_CONTROLLER_UNSTORED_H

#include <stdbool.h>
#include <stdint.h>

struct controller;

struct unstored {
    int64_t since_us; /* boot: it has failed since; 0: it works */
    bool is_told;
    int error; /* negative errno */
};

/* Once a second. */
void unstored_tick(struct controller *controller);

#endif
