/* What core needs for a large site, without its switches: seconds to load what was stored, and the
 * memory that it takes then.
 *
 * usage: core_load FOLDER     (made by console_data; its policy.yaml is read too) */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "controller/ask/inspect.h"
#include "controller/controller.h"

static bool
send_desired(void *context, const struct wire_desired *desired)
{
    (void)context, (void)desired;
    return false;
}

static bool
send_read_back(void *context, const struct wire_read_back *question)
{
    (void)context, (void)question;
    return false;
}

static double
now_s(void)
{
    return (double)clock_boot_us(clock_system()) / 1e6;
}

static long
resident_mib(void)
{
    long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &total, &resident) != 2) {
        resident = 0;
    }
    if (file) {
        fclose(file);
    }
    return resident / 256;
}

static struct policy *
policy_of(const char *folder)
{
    char path[512];
    char *text = NULL;
    size_t size = 0;
    struct policy *policy = NULL;
    struct policy_error error = {.line = 0};
    snprintf(path, sizeof(path), "%s/policy.yaml", folder);
    if (file_read(path, 1 << 20, &text, &size) || policy_parse(text, size, &policy, &error)) {
        fprintf(stderr, "core_load: %s: %s\n", path, error.text);
    }
    free(text);
    return policy;
}

static int
measure(struct event_base *base, const char *folder, struct policy *policy)
{
    char path[512], why[256] = "";
    struct store *store = NULL;
    const struct controller_settings settings = {.mirrors = NULL};
    const struct controller_ports ports = {.send_desired = send_desired,
                                           .send_read_back = send_read_back};
    snprintf(path, sizeof(path), "%s/cordon.db", folder);
    double begun_s = now_s();
    if (store_open(path, base, &store, why)) {
        fprintf(stderr, "core_load: %s: %s\n", path, why);
        return 1;
    }
    double opened_s = now_s();
    long before = resident_mib();
    struct controller *controller =
        controller_new(&settings, clock_system(), store, policy, &ports);
    int error = controller_load(controller);
    double loaded_s = now_s();
    malloc_trim(0);
    printf("{\"figure\": \"core: load %zu endpoints, %zu containments, s (database opened in)\", "
           "\"value\": \"%.2f (%.2f)\", \"goal\": \"< 3 until verified\"}\n",
           topology_endpoint_count(controller_topology(controller)),
           controller_containment_count(controller), loaded_s - opened_s, opened_s - begun_s);
    printf("{\"figure\": \"core: memory for them, MiB resident (before)\", "
           "\"value\": \"%ld (%ld)\", \"goal\": \"< 143 (150 MB)\"}\n",
           resident_mib(), before);
    store_close(store);
    controller_free(controller);
    return error ? 1 : 0;
}

int
main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: core_load FOLDER\n");
        return 2;
    }
    log_setup("core_load", LOG_TEXT, LOG_ERROR);
    struct event_base *base = event_base_new();
    struct policy *policy = policy_of(argv[1]);
    int status = policy ? measure(base, argv[1], policy) : 1;
    policy_unref(policy);
    event_base_free(base);
    return status;
}
