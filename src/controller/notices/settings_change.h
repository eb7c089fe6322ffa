/* A change of the notification settings: the notify role keeps the secrets first, then the settings
 * and their audit row are committed, then they hold (controller_notify_set() of inspect.h and
 * controller_secrets() of controller.h).  Part of notices.h; core's loop thread. */
#ifndef CORDON_CONTROLLER_NOTICES_SETTINGS_CHANGE_H
#define CORDON_CONTROLLER_NOTICES_SETTINGS_CHANGE_H

#include "controller/notices/notices.h"

#define NOTICES_SETTING "notifications" /* its row in the store */

/* The notify role ended: what waits for it to keep secrets has failed. */
void settings_change_gone(struct notices *notices);
/* One that is on its way: forgotten, nobody is told. */
void settings_change_free(struct notices *notices);

#endif
