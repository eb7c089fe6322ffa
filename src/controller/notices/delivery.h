/* What the notify role says of messages: delivered or not, and of the tests that people ask for
 * (controller_notify_joined(), controller_notify_gone(), controller_notice_result() of controller.h
 * and controller_notify_test() of inspect.h).  Part of notices.h; core's loop thread. */
#ifndef CORDON_CONTROLLER_NOTICES_DELIVERY_H
#define CORDON_CONTROLLER_NOTICES_DELIVERY_H

#include "controller/notices/notices.h"

/* Questions that nobody has answered: forgotten, nobody is told. */
void delivery_free(struct notices *notices);

#endif
