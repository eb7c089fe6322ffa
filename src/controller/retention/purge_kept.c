#include "controller/retention/purge_kept.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define HEAD_SIZE (128 + NAME_SIZE)

static void
name_format(const char *job_id, char name[SETTING_NAME_SIZE])
{
    snprintf(name, SETTING_NAME_SIZE, PURGE_SETTING "%s", job_id);
}

/* "SUBJECT before started\nACCOUNT", and a line for each value: none has a control character. */
void
purge_keep(struct store_change *change, const struct job *job, const struct purge_kept *kept)
{
    char name[SETTING_NAME_SIZE], value[HEAD_SIZE + SUBJECT_VALUES_MAX * (HOST_SIZE + 1)];
    size_t used = (size_t)snprintf(value, HEAD_SIZE, "%s %" PRId64 " %" PRId64 "\n%s",
                                   purge_subject_names[kept->subject], kept->before_us,
                                   job->started_us, job->account);
    for (size_t i = 0; i < kept->about.count; i++) {
        used += (size_t)snprintf(value + used, sizeof(value) - used, "\n%s", kept->about.values[i]);
    }
    name_format(job->id, name);
    store_put_setting(change, name, value);
    sodium_memzero(value, sizeof(value));
}

void
purge_forget(struct store_change *change, const char *job_id)
{
    char name[SETTING_NAME_SIZE];
    name_format(job_id, name);
    store_put_setting(change, name, "");
}

static bool
subject_parse(const char *word, enum purge_subject *subject)
{
    for (int i = 0; i < PURGE_SUBJECT_COUNT; i++) {
        if (strcmp(purge_subject_names[i], word) == 0) {
            *subject = (enum purge_subject)i;
            return true;
        }
    }
    return false;
}

static bool
values_parse(const char *at, struct sweep_subject *about)
{
    while (*at == '\n') {
        char one[HOST_SIZE];
        size_t size = strcspn(++at, "\n");
        if (size >= sizeof(one)) {
            return false;
        }
        snprintf(one, sizeof(one), "%.*s", (int)size, at);
        if (!sweep_subject_add(about, one)) {
            return false;
        }
        at += size;
    }
    return true;
}

bool
purge_kept_parse(const char *name, const char *value, struct job *job, struct purge_kept *kept)
{
    char word[32] = "";
    int used = 0;
    *kept = (struct purge_kept){.before_us = 0};
    *job = (struct job){.state = JOB_RUNNING};
    if (strncmp(name, PURGE_SETTING, strlen(PURGE_SETTING)) != 0 ||
        sscanf(value, "%31s %" SCNd64 " %" SCNd64 "%n", word, &kept->before_us, &job->started_us,
               &used) != 3 ||
        value[used] != '\n' || !subject_parse(word, &kept->subject)) {
        return false;
    }
    const char *account = value + used + 1;
    int size = (int)strcspn(account, "\n");
    snprintf(job->id, sizeof(job->id), "%s", name + strlen(PURGE_SETTING));
    snprintf(job->account, sizeof(job->account), "%.*s", size, account);
    /* With nobody named, everything would go that is older than "whenever". */
    return job->id[0] && values_parse(account + size, &kept->about) &&
           (kept->subject == PURGE_OLDER ? kept->before_us > 0 : kept->about.count > 0);
}
