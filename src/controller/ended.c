#include "controller/ended.h"

#include <stdio.h>
#include <stdlib.h>

#define AGAIN_US INT64_C(60000000) /* one that ends all the time is told once a minute */

void
ended_tell_own(struct controller *controller)
{
    const char *how = getenv(ENDED_ENV);
    if (how) {
        char detail[TEXT_SIZE];
        snprintf(detail, sizeof(detail),
                 "the process ended by itself (%.20s) and was started again", how);
        controller_tell(controller, NOTICE_PROCESS, SEVERITY_MEDIUM, "core", detail);
    }
}

void
ended_joined(struct ended *ended, struct controller *controller, enum wire_role role)
{
    if (role >= ROLE_COUNT) {
        return;
    }
    int64_t now_us = clock_boot_us(clock_system());
    int64_t *told_us = &ended->of[role].told_us;
    if (ended->of[role].was_there && (*told_us == 0 || now_us - *told_us > AGAIN_US)) {
        *told_us = now_us;
        controller_tell(controller, NOTICE_PROCESS, SEVERITY_MEDIUM, wire_role_names[role],
                        "the process ended by itself and was started again");
    }
    ended->of[role].was_there = true;
}
