/* The steps of the schema, one behind the other with a NUL in between: tests/net/test_upgrade.py
 * makes databases of earlier releases of them. */
#include <stdio.h>
#include <string.h>

#include "store/schema.h"

int
main(void)
{
    for (size_t i = 0; i < schema_version; i++) {
        if (fwrite(schema_steps[i], strlen(schema_steps[i]) + 1, 1, stdout) != 1) {
            return 1;
        }
    }
    return 0;
}
