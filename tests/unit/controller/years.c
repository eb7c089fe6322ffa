#include "years.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

uint64_t system_bytes, others_bytes;

int
statvfs(const char *path, struct statvfs *found)
{
    uint64_t used = others_bytes;
    for (int i = 0; i < 2; i++) {
        char name[256];
        struct stat file;
        snprintf(name, sizeof(name), "%s%s", path, i == 0 ? "" : "-wal");
        used += stat(name, &file) == 0 ? (uint64_t)file.st_size : 0;
    }
    *found = (struct statvfs){.f_frsize = 1, .f_blocks = system_bytes};
    found->f_bavail = used < system_bytes ? system_bytes - used : 0;
    return 0;
}

static void
on_answer(void *context, const struct wire_answer *answer)
{
    struct fixture *f = context;
    cJSON_Delete(f->body);
    f->body = cJSON_Duplicate(answer->body, true);
    free(f->bytes);
    f->bytes = answer->bytes ? strndup((const char *)answer->bytes, answer->byte_count) : NULL;
    f->status = answer->status;
}

unsigned
ask(struct fixture *f, const char *op, const char *role, const char *parameters)
{
    struct wire_ask asked = {
        .number = 1, .account = "account:dpo", .parameters = cJSON_Parse(parameters)};
    assert_non_null(asked.parameters);
    snprintf(asked.op, sizeof(asked.op), "%s", op);
    snprintf(asked.role, sizeof(asked.role), "%s", role);
    f->status = 0;
    asks_handle(f->asks, &asked, on_answer, f);
    campus_settle(&f->campus);
    cJSON_Delete(asked.parameters);
    return f->status;
}

int64_t
number(struct fixture *f, const char *sql)
{
    return campus_number(&f->campus, sql, NULL);
}

void
tamper(struct fixture *f, const char *sql)
{
    campus_tamper(&f->campus, sql);
}

void
signer_set(struct fixture *f)
{
    const struct checkpoint_settings settings = {.signer = &f->signer};
    controller_set_checkpoints(f->campus.controller, &settings);
}

void
asks_begin(struct fixture *f)
{
    const struct ask_settings settings = {.controller = f->campus.controller};
    f->asks = asks_new(&settings);
    assert_non_null(f->asks);
}

int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    system_bytes = UINT64_C(1) << 40;
    others_bytes = 0;
    static const uint8_t seed[CHECKPOINT_KEY_SIZE] = {7};
    campus_open(&f->campus);
    checkpoint_key_make(seed, &f->signer.key, f->signer.secret);
    signer_set(f);
    asks_begin(f);
    *state = f;
    return 0;
}

int
teardown(void **state)
{
    struct fixture *f = *state;
    asks_free(f->asks);
    campus_close(&f->campus);
    cJSON_Delete(f->body);
    free(f->bytes);
    free(f);
    return 0;
}

void
restart(struct fixture *f)
{
    asks_free(f->asks);
    campus_restart(&f->campus);
    signer_set(f);
    asks_begin(f);
}

void
later(struct fixture *f, int64_t us)
{
    clock_fake_advance(&f->campus.clock, us);
    campus_pass(&f->campus, 20 * SECOND);
}

void
breathe(struct fixture *f)
{
    usleep(1000);
    event_base_loop(f->campus.base, EVLOOP_NONBLOCK);
}

void
client(struct fixture *f, uint8_t mac)
{
    char ip[32], name[16];
    snprintf(ip, sizeof(ip), "10.1.0.%u", mac);
    snprintf(name, sizeof(name), "c%u", mac);
    campus_client(&f->campus, "e1", "p2", mac, ip, name);
    campus_settle(&f->campus);
}

void
detect(struct fixture *f, const char *id, const char *ip)
{
    assert_true(campus_detect(&f->campus, id, ip, STRENGTH_STRONG));
    campus_settle(&f->campus);
}

void
rows_put(struct fixture *f, int count)
{
    for (int i = 0; i < count; i++) {
        struct store_change *change = store_change_new();
        store_put_audit(change, clock_wall_us(&f->campus.clock.clock), "account:ann",
                        "session.open", "object", "a row of long ago");
        store_submit(f->campus.store, change, NULL, NULL);
    }
    campus_settle(&f->campus);
}
