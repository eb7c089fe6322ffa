/* The control socket between the supervisor and each role: one byte (the peer's enum wire_role) and
 * one file descriptor (that end of the pair) per message. */
#ifndef CORDON_CORDOND_CONTROL_H
#define CORDON_CORDOND_CONTROL_H

#include "base/macros.h"
#include "wire/message.h"

#define CONTROL_FD 3 /* in the child */

/* 0 or negative errno; 'fd' stays the caller's. */
int control_send(int control, enum wire_role peer, int fd) MUST_CHECK;
/* The received descriptor, -EAGAIN: nothing now, or another negative errno: the other end is gone
 * or sent nonsense. */
int control_receive(int control, enum wire_role *peer) MUST_CHECK;

#endif
