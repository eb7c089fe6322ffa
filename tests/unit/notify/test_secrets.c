/* Secrets: kept sealed, for one place each, and forgotten for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "notify/secrets.h"
#include "wire/notify.h"

static char folder[64], path[96], key_path[96];

static int
setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/cordon-secrets-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/notify.secrets", folder);
    snprintf(key_path, sizeof(key_path), "%s/notify.key", folder);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    unlink(path);
    unlink(key_path);
    return rmdir(folder);
}

static struct notify_channel
mail(void)
{
    return (struct notify_channel){
        .name = "mail", .kind = NOTIFY_EMAIL, .user = "cordon", .host = "mail.hospital.example"};
}

static void
put(struct secrets *secrets, const struct notify_channel *channel, const char *value)
{
    struct wire_secret secret = {.number = 1};
    char why[TEXT_SIZE];
    snprintf(secret.channel, sizeof(secret.channel), "%s", channel->name);
    snprintf(secret.value, sizeof(secret.value), "%s", value);
    notify_place(channel, secret.place);
    assert_int_equal(secrets_put(secrets, &secret, why), 0);
    assert_string_equal(why, "");
}

static struct secrets *
opened(void)
{
    char why[TEXT_SIZE];
    struct secrets *secrets = secrets_open(folder, why);
    assert_string_equal(why, "");
    return secrets;
}

static void
test_a_secret_outlives_the_process_and_is_readable_by_nobody(void **state)
{
    (void)state;
    struct notify_channel channel = mail();
    char value[NOTIFY_SECRET_SIZE];
    struct secrets *secrets = opened();
    assert_true(secrets_find(secrets, &channel, value));
    assert_string_equal(value, "");
    put(secrets, &channel, "correct horse");
    secrets_free(secrets);
    const char *const paths[] = {path, key_path};
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        struct stat found;
        char *bytes;
        size_t size;
        assert_int_equal(stat(paths[i], &found), 0);
        assert_int_equal(found.st_mode & 0777, 0600);
        assert_int_equal(file_read(paths[i], 65536, &bytes, &size), 0);
        assert_null(memmem(bytes, size, "correct", 7));
        assert_null(memmem(bytes, size, "mail", 4));
        free(bytes);
    }
    secrets = opened();
    assert_true(secrets_find(secrets, &channel, value));
    assert_string_equal(value, "correct horse");
    secrets_free(secrets);
}

static void
test_it_counts_for_its_place_only(void **state)
{
    (void)state;
    struct notify_channel channel = mail();
    char value[NOTIFY_SECRET_SIZE];
    struct secrets *secrets = opened();
    put(secrets, &channel, "correct horse");
    struct notify_channel others[] = {mail(), mail(), mail(), mail()};
    snprintf(others[0].host, sizeof(others[0].host), "mail.elsewhere.example");
    others[1].port = 2587;
    others[2].security = NOTIFY_PLAIN;
    snprintf(others[3].user, sizeof(others[3].user), "root");
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        assert_false(secrets_find(secrets, &others[i], value));
        assert_string_equal(value, "");
    }
    channel.digest_min = 5; /* what is no place changes nothing */
    assert_true(secrets_find(secrets, &channel, value));
    assert_string_equal(value, "correct horse");
    secrets_free(secrets);
}

static void
test_it_is_forgotten(void **state)
{
    (void)state;
    struct notify_channel channel = mail();
    char value[NOTIFY_SECRET_SIZE];
    struct wire_secrets list = {.number = 0};
    struct secrets *secrets = opened();
    put(secrets, &channel, "correct horse");
    secrets_list(secrets, &list);
    assert_int_equal(list.channel_count, 1);
    assert_string_equal(list.channels[0], "mail");
    put(secrets, &channel, "");
    secrets_free(secrets);
    secrets = opened();
    assert_true(secrets_find(secrets, &channel, value));
    assert_string_equal(value, "");
    list = (struct wire_secrets){.number = 0};
    secrets_list(secrets, &list);
    assert_int_equal(list.channel_count, 0);
    secrets_free(secrets);
}

static void
test_another_key_or_an_altered_file_is_told(void **state)
{
    (void)state;
    struct notify_channel channel = mail();
    char value[NOTIFY_SECRET_SIZE], why[TEXT_SIZE];
    struct secrets *secrets = opened();
    put(secrets, &channel, "correct horse");
    secrets_free(secrets);
    char *bytes;
    size_t size;
    assert_int_equal(file_read(path, 65536, &bytes, &size), 0);
    bytes[size - 1] ^= 1;
    assert_int_equal(file_write_atomic(path, bytes, size, 0600), 0);
    free(bytes);
    secrets = secrets_open(folder, why);
    assert_non_null(strstr(why, "give the secrets again"));
    assert_true(secrets_find(secrets, &channel, value));
    assert_string_equal(value, "");
    put(secrets, &channel, "again"); /* and can be */
    secrets_free(secrets);
    secrets = opened();
    assert_true(secrets_find(secrets, &channel, value));
    assert_string_equal(value, "again");
    secrets_free(secrets);
}

static void
test_there_is_a_limit(void **state)
{
    (void)state;
    struct secrets *secrets = opened();
    char why[TEXT_SIZE];
    int error = 0;
    for (int i = 0; !error && i < 1000; i++) {
        struct wire_secret secret = {.place = "p", .value = "v"};
        snprintf(secret.channel, sizeof(secret.channel), "c%d", i);
        error = secrets_put(secrets, &secret, why);
    }
    assert_int_equal(error, -ENOSPC);
    secrets_free(secrets);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_a_secret_outlives_the_process_and_is_readable_by_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(test_it_counts_for_its_place_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_it_is_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_key_or_an_altered_file_is_told, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_there_is_a_limit, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
