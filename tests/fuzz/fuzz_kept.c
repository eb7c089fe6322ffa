/* Any bytes as what an edge keeps on its disk (STATE_DIR/desired.jsonl, remaining): read at
 * start, put in force, written anew, and read again to the same. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "edge/desired.h"
#include "fake_datapath.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static char dir[64];

static void
folder_remove(void)
{
    static const char *const names[] = {"desired.jsonl", "remaining"};
    char path[128];
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
}

static bool
on_observed(void *context, const struct wire_observed *observed)
{
    (void)context;
    (void)observed;
    return true;
}

static void
on_release(void *context, const struct rule *rule)
{
    (void)context;
    (void)rule;
}

static void
put(const char *name, const uint8_t *bytes, size_t size)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    if (!file || (size && fwrite(bytes, 1, size, file) != size)) {
        abort();
    }
    fclose(file);
}

/* Rules in force after a start with what the folder holds. */
static size_t
start(struct datapath *datapath, const struct clock *clock)
{
    static const struct desired_handler handler = {on_observed, on_release, NULL};
    char why[256];
    struct desired *desired = desired_new(datapath, "e1", dir, clock, &handler);
    size_t count = desired_load(desired, why) ? SIZE_MAX : datapath->count;
    desired_free(desired);
    return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct clock_fake clock;
    clock_fake_init(&clock, 1700000000000000);
    if (!dir[0]) {
        log_setup("fuzz", LOG_TEXT, (enum log_level)(LOG_ERROR + 1)); /* it complains much */
        snprintf(dir, sizeof(dir), "/dev/shm/cordon-fuzz-XXXXXX");
        if (!mkdtemp(dir)) {
            abort();
        }
        atexit(folder_remove);
    }
    const uint8_t *cut = size ? memchr(bytes, '\0', size) : NULL;
    size_t first = cut ? (size_t)(cut - bytes) : size;
    put("desired.jsonl", bytes, first);
    put("remaining", cut ? cut + 1 : bytes, cut ? size - first - 1 : 0);
    static struct datapath *datapath; /* made once: it is large */
    datapath = datapath ? datapath : fake_new();
    datapath_keep_unknown(datapath, false);
    if (datapath_set(datapath, NULL, 0, NULL)) {
        abort();
    }
    size_t once = start(datapath, &clock.clock);
    if (start(datapath, &clock.clock) != once) {
        abort(); /* what was written at the first start says something else */
    }
    return 0;
}
