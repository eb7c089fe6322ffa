#include "controller/recovery/unstored.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "controller/notices/notices.h"
#include "controller/state.h"

#define SECOND_US INT64_C(1000000)
#define TOLD_US (2 * SECOND_US) /* not for one that failed by itself */
#define SETTING "probe"         /* what is written to see whether the disk is back */

static void
probe(struct controller *controller)
{
    char value[32];
    snprintf(value, sizeof(value), "%" PRId64, clock_wall_us(controller->clock));
    struct store_change *change = store_change_new();
    store_put_setting(change, SETTING, value);
    store_submit(controller->store, change, NULL, NULL);
}

static void
tell(struct controller *controller, enum severity severity, const char *what, int error)
{
    char detail[TEXT_SIZE];
    snprintf(detail, sizeof(detail), "%s%s%s", what, error ? ": " : "",
             error ? strerror(-error) : "");
    log_error("controller", error ? "ALARM: the disk" : "the disk", LOG_S("detail", detail));
    notices_tell_unstored(controller, NOTICE_STORE, severity, detail);
}

void
unstored_tick(struct controller *controller)
{
    struct unstored *unstored = &controller->unstored;
    int64_t now_us = clock_boot_us(controller->clock);
    int error = store_failing(controller->store);
    if (error) {
        unstored->since_us = unstored->since_us ? unstored->since_us : now_us;
        unstored->error = error;
        if (!unstored->is_told && now_us - unstored->since_us >= TOLD_US) {
            unstored->is_told = true;
            tell(controller, SEVERITY_HIGH,
                 "the database could not be stored on the disk: nothing new is decided, what is in "
                 "force stays",
                 error);
        }
        probe(controller);
        return;
    }
    if (unstored->is_told) {
        tell(controller, SEVERITY_LOW, "the database is stored again", 0);
    }
    *unstored = (struct unstored){.since_us = 0};
}
