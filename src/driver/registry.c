/* Every driver, by hand. */
#include "driver/driver.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "driver/dummy.h"
#include "driver/edge.h"

static const struct driver *const drivers[] = {&driver_edge, &driver_dummy};

const struct driver *
driver_find(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(drivers); i++) {
        if (strcmp(drivers[i]->name, name) == 0) {
            return drivers[i];
        }
    }
    return NULL;
}

void
driver_names(char names[128])
{
    size_t used = 0;
    for (size_t i = 0; i < COUNT_OF(drivers) && used < 128; i++) {
        used += (size_t)snprintf(names + used, 128 - used, "%s%s", i ? ", " : "", drivers[i]->name);
    }
}
