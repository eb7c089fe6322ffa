/* The web role of cordond: joins web.h to core's channel and to the role's loop. */
#ifndef CORDON_WEB_WEB_ROLE_H
#define CORDON_WEB_WEB_ROLE_H

#include "cordond/role.h"

/* web_role_run() of cordond/role.h is here. */

#endif
