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
#include "base/seal.h"
#include <sodium.h>
#include "notify/secrets.h"
#include "wire/notify.h"

static char folder[64], notify[96], path[128], key_path[96], former[96], former_key[96];

static int
setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/cordon-secrets-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(notify, sizeof(notify), "%s/notify", folder);
    snprintf(path, sizeof(path), "%s/notify/secrets.sealed", folder);
    snprintf(key_path, sizeof(key_path), "%s/secret.key", folder);
    snprintf(former, sizeof(former), "%s/notify/notify.secrets", folder);
    snprintf(former_key, sizeof(former_key), "%s/notify/notify.key", folder);
    char why[256];
    assert_int_equal(seal_prepare(key_path, why), 0);
    return mkdir(notify, 0700);
}

static int
teardown(void **state)
{
    (void)state;
    unlink(path);
    unlink(key_path);
    unlink(former);
    unlink(former_key);
    rmdir(notify);
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
    struct wire_secret secret = {.place = ""};
    char why[TEXT_SIZE];
    snprintf(secret.channel, sizeof(secret.channel), "%s", channel->name);
    snprintf(secret.value, sizeof(secret.value), "%s", value);
    notify_place(channel, secret.place);
    assert_int_equal(secrets_put(secrets, &secret, 1, why), 0);
    assert_string_equal(why, "");
}

static struct secrets *
opened(void)
{
    char why[TEXT_SIZE];
    struct secrets *secrets = secrets_open(folder, key_path, why);
    assert_string_equal(why, "");
    secrets_load(secrets, why);
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
        assert_int_equal(found.st_mode & 0777, i == 0 ? 0600 : 0400);
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
    secrets = secrets_open(folder, key_path, why);
    secrets_load(secrets, why);
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

/* Two secrets in one change, and there is no place for the file: neither is kept, in memory or on
 * disk. */
static void
test_a_change_is_kept_whole_or_not_at_all(void **state)
{
    (void)state;
    struct notify_channel channels[2] = {mail(), mail()};
    struct wire_secret change[2] = {{.channel = "mail", .value = "first"},
                                    {.channel = "hook", .value = "second"}};
    char value[NOTIFY_SECRET_SIZE], why[TEXT_SIZE], aside[128];
    snprintf(channels[1].name, sizeof(channels[1].name), "hook");
    for (size_t i = 0; i < 2; i++) {
        notify_place(&channels[i], change[i].place);
    }
    struct secrets *secrets = opened();
    put(secrets, &channels[0], "before");
    snprintf(aside, sizeof(aside), "%s.aside", notify);
    assert_int_equal(rename(notify, aside), 0);
    assert_int_not_equal(secrets_put(secrets, change, 2, why), 0);
    assert_non_null(strstr(why, "cannot be written"));
    assert_true(secrets_find(secrets, &channels[0], value));
    assert_string_equal(value, "before");
    assert_true(secrets_find(secrets, &channels[1], value));
    assert_string_equal(value, "");
    assert_int_equal(rename(aside, notify), 0);
    assert_int_equal(secrets_put(secrets, change, 2, why), 0);
    secrets_free(secrets);
    secrets = opened();
    assert_true(secrets_find(secrets, &channels[0], value));
    assert_string_equal(value, "first");
    assert_true(secrets_find(secrets, &channels[1], value));
    assert_string_equal(value, "second");
    secrets_free(secrets);
}

/* As releases before the master key wrote them. */
static void
test_what_an_earlier_release_kept_is_taken_over(void **state)
{
    (void)state;
    struct notify_channel channel = mail();
    char place[URL_SIZE + NAME_SIZE], text[4096], value[NOTIFY_SECRET_SIZE];
    uint8_t key[crypto_secretbox_KEYBYTES], sealed[4200];
    notify_place(&channel, place);
    snprintf(text, sizeof(text),
             "{\"items\":[{\"channel\":\"mail\",\"place\":\"%s\",\"value\":\"old horse\"}]}",
             place);
    crypto_secretbox_keygen(key);
    randombytes_buf(sealed, crypto_secretbox_NONCEBYTES);
    crypto_secretbox_easy(sealed + crypto_secretbox_NONCEBYTES, (uint8_t *)text, strlen(text),
                          sealed, key);
    size_t size = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + strlen(text);
    assert_int_equal(file_write_atomic(former, sealed, size, 0600), 0);
    assert_int_equal(file_write_atomic(former_key, key, sizeof(key), 0600), 0);
    for (int i = 0; i < 2; i++) { /* the second time from the new file */
        struct secrets *secrets = opened();
        assert_true(secrets_find(secrets, &channel, value));
        assert_string_equal(value, "old horse");
        secrets_free(secrets);
        assert_int_equal(access(former, F_OK), -1);
        assert_int_equal(access(former_key, F_OK), -1);
    }
}

static void
test_without_a_good_key_nothing_is_kept_and_it_says_so(void **state)
{
    (void)state;
    struct wire_secret secret = {.channel = "mail", .place = "p", .value = "v"};
    char why[TEXT_SIZE];
    assert_int_equal(chmod(key_path, 0444), 0);
    struct secrets *secrets = secrets_open(folder, key_path, why);
    assert_non_null(strstr(why, "chmod 400"));
    assert_int_not_equal(secrets_put(secrets, &secret, 1, why), 0);
    assert_non_null(strstr(why, "chmod 400"));
    assert_int_equal(access(path, F_OK), -1);
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
        error = secrets_put(secrets, &secret, 1, why);
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
        cmocka_unit_test_setup_teardown(test_a_change_is_kept_whole_or_not_at_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_an_earlier_release_kept_is_taken_over, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_without_a_good_key_nothing_is_kept_and_it_says_so,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_there_is_a_limit, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
