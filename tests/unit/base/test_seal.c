/* Secrets at rest: what is sealed opens with its key, purpose and name only; a key file that others
 * could read is refused; a rotation that is cut off anywhere loses nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/seal.h"

static char folder[64], key[96], path[96], other[96];
static const char canary[] = "canary-4711-correct-horse";

static int
setup(void **state)
{
    char why[256];
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/cordon-seal-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(key, sizeof(key), "%s/secret.key", folder);
    snprintf(path, sizeof(path), "%s/notify.sealed", folder);
    snprintf(other, sizeof(other), "%s/other.sealed", folder);
    assert_int_equal(seal_prepare(key, why), 0);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    unlink(key);
    unlink(path);
    unlink(other);
    return rmdir(folder);
}

static struct seal *
opened(enum seal_purpose purpose)
{
    char why[256] = "";
    struct seal *seal = NULL;
    if (seal_open(key, purpose, &seal, why)) {
        fail_msg("%s", why);
    }
    return seal;
}

static void
canary_put(const char *where, enum seal_purpose purpose)
{
    struct seal *seal = opened(purpose);
    assert_int_equal(seal_write(seal, where, canary, strlen(canary)), 0);
    seal_free(seal);
}

/* The error of opening it; 0: it holds the canary. */
static int
canary_get(const char *where, enum seal_purpose purpose)
{
    char *bytes = NULL;
    size_t size = 0;
    struct seal *seal = opened(purpose);
    int error = seal_read(seal, where, 4096, &bytes, &size);
    if (!error) {
        assert_int_equal(size, strlen(canary));
        assert_string_equal(bytes, canary);
    }
    seal_bytes_free(bytes);
    seal_free(seal);
    return error;
}

static void
test_it_opens_again_and_shows_nothing(void **state)
{
    (void)state;
    struct stat found;
    char *bytes;
    size_t size;
    canary_put(path, SEAL_NOTIFY);
    assert_int_equal(canary_get(path, SEAL_NOTIFY), 0);
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 07777, 0600);
    assert_int_equal(stat(key, &found), 0);
    assert_int_equal(found.st_mode & 07777, 0400);
    assert_int_equal(file_read(path, 65536, &bytes, &size), 0);
    assert_null(memmem(bytes, size, "canary", 6));
    free(bytes);
}

static void
test_another_purpose_or_name_does_not_open_it(void **state)
{
    (void)state;
    canary_put(path, SEAL_NOTIFY);
    for (int purpose = 0; purpose < SEAL_PURPOSE_COUNT; purpose++) {
        if (purpose != SEAL_NOTIFY) {
            assert_int_equal(canary_get(path, (enum seal_purpose)purpose), -EBADMSG);
        }
    }
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(canary_get(other, SEAL_NOTIFY), -EBADMSG);
    assert_int_equal(canary_get(path, SEAL_NOTIFY), -ENOENT);
}

/* Every bit of the file counts; every shorter file is refused. */
static void
test_an_altered_or_cut_file_is_refused(void **state)
{
    (void)state;
    char *bytes;
    size_t size;
    canary_put(path, SEAL_NOTIFY);
    assert_int_equal(file_read(path, 65536, &bytes, &size), 0);
    for (size_t bit = 0; bit < size * 8; bit++) {
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
        assert_int_equal(file_write_atomic(path, bytes, size, 0600), 0);
        assert_int_not_equal(canary_get(path, SEAL_NOTIFY), 0);
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
    }
    for (size_t cut = 0; cut < size; cut++) {
        assert_int_equal(file_write_atomic(path, bytes, cut, 0600), 0);
        assert_int_not_equal(canary_get(path, SEAL_NOTIFY), 0);
    }
    assert_int_equal(file_write_atomic(path, bytes, size, 0600), 0);
    assert_int_equal(canary_get(path, SEAL_NOTIFY), 0);
    free(bytes);
}

static void
refused(int error, const char *words)
{
    char why[256] = "";
    struct seal *seal = NULL;
    assert_int_equal(seal_prepare(key, why), error);
    assert_non_null(strstr(why, words));
    assert_non_null(strstr(why, key));
    assert_int_equal(seal_open(key, SEAL_NOTIFY, &seal, why), error);
    assert_null(seal);
}

static void
test_a_key_file_that_is_not_ours_alone_is_refused(void **state)
{
    (void)state;
    static const mode_t bad[] = {0440, 0404, 0420, 0402, 0401, 0410, 0666, 0777};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(chmod(key, bad[i]), 0);
        refused(-EPERM, "chmod 400");
    }
    assert_int_equal(chmod(key, 0600), 0);
    struct seal *seal = opened(SEAL_NOTIFY); /* its owner may write it */
    seal_free(seal);
    assert_int_equal(link(key, other), 0);
    refused(-EMLINK, "second name");
    assert_int_equal(unlink(other), 0);
    assert_int_equal(rename(key, other), 0);
    assert_int_equal(symlink(other, key), 0);
    refused(-ELOOP, "link");
    assert_int_equal(unlink(key), 0);
    assert_int_equal(mkdir(key, 0700), 0);
    refused(-EINVAL, "plain file");
    assert_int_equal(rmdir(key), 0);
    assert_int_equal(mkfifo(key, 0600), 0);
    refused(-EINVAL, "plain file"); /* and it does not hang */
    assert_int_equal(unlink(key), 0);
    for (size_t size = 0; size < 6 * SEAL_KEY_SIZE; size++) { /* one key, or up to four */
        char junk[6 * SEAL_KEY_SIZE] = "";
        if (size == 0 || size % SEAL_KEY_SIZE != 0 || size > 4 * SEAL_KEY_SIZE) {
            assert_int_equal(file_write_atomic(key, junk, size, 0400), 0);
            refused(-EBADMSG, "size");
        }
    }
    assert_int_equal(rename(other, key), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(key, 65534, 65534), 0);
        refused(-EPERM, "another user");
    }
}

static void
test_a_lost_key_is_told_from_an_altered_file(void **state)
{
    (void)state;
    char why[256];
    canary_put(path, SEAL_NOTIFY);
    assert_int_equal(unlink(key), 0);
    assert_int_equal(seal_prepare(key, why), 0);
    assert_int_equal(canary_get(path, SEAL_NOTIFY), -EKEYREJECTED);
}

static void
test_a_rotation_seals_all_anew(void **state)
{
    (void)state;
    const struct seal_file files[] = {{path, SEAL_NOTIFY}, {other, SEAL_ACCOUNTS}};
    char why[256], *before, *after;
    size_t size;
    canary_put(path, SEAL_NOTIFY);
    canary_put(other, SEAL_ACCOUNTS);
    assert_int_equal(file_read(key, 64, &before, &size), 0);
    bool is_new = false;
    assert_int_equal(seal_rotate(key, files, 2, &is_new, why), 0);
    assert_true(is_new);
    assert_int_equal(file_read(key, 64, &after, &size), 0);
    assert_int_equal(size, SEAL_KEY_SIZE);
    assert_memory_not_equal(before, after, SEAL_KEY_SIZE);
    assert_int_equal(canary_get(path, SEAL_NOTIFY), 0);
    assert_int_equal(canary_get(other, SEAL_ACCOUNTS), 0);
    assert_int_equal(file_write_atomic(key, before, SEAL_KEY_SIZE, 0400), 0);
    assert_int_equal(canary_get(path, SEAL_NOTIFY), -EKEYREJECTED); /* the former opens nothing */
    free(before);
    free(after);
}

/* A power cut between the two files: the second cannot be written, and everything can be read. */
static void
test_a_rotation_that_breaks_off_loses_nothing(void **state)
{
    (void)state;
    char nowhere[128], why[256], *bytes;
    size_t size;
    snprintf(nowhere, sizeof(nowhere), "%s/other.sealed", folder);
    canary_put(path, SEAL_NOTIFY);
    canary_put(other, SEAL_ACCOUNTS);
    assert_int_equal(file_read(other, 4096, &bytes, &size), 0);
    bytes[size - 1] = (char)(bytes[size - 1] ^ 1);
    assert_int_equal(file_write_atomic(other, bytes, size, 0600), 0);
    const struct seal_file files[] = {{path, SEAL_NOTIFY}, {nowhere, SEAL_ACCOUNTS}};
    bool is_new = false;
    assert_int_equal(seal_rotate(key, files, 2, &is_new, why), -EBADMSG);
    assert_non_null(strstr(why, "other.sealed"));
    assert_int_equal(canary_get(path, SEAL_NOTIFY), 0); /* under the new one already */
    bytes[size - 1] = (char)(bytes[size - 1] ^ 1);
    assert_int_equal(file_write_atomic(other, bytes, size, 0600), 0);
    assert_int_equal(canary_get(other, SEAL_ACCOUNTS), 0); /* under the former one still */
    is_new = true;
    assert_int_equal(seal_rotate(key, files, 2, &is_new, why), 0);
    assert_false(is_new); /* what was cut off is ended */
    assert_int_equal(canary_get(path, SEAL_NOTIFY), 0);
    assert_int_equal(canary_get(other, SEAL_ACCOUNTS), 0);
    free(bytes);
    assert_int_equal(file_read(key, 64, &bytes, &size), 0);
    assert_int_equal(size, SEAL_KEY_SIZE);
    free(bytes);
}

/* A backup's key beside the present one: both open, then the backup's alone. */
static void
test_a_key_that_is_joined_opens_what_the_former_one_sealed(void **state)
{
    (void)state;
    const struct seal_file files[] = {{path, SEAL_NOTIFY}, {other, SEAL_ACCOUNTS}};
    char former[128], why[256], *bytes;
    size_t size;
    snprintf(former, sizeof(former), "%s/former.key", folder);
    canary_put(path, SEAL_NOTIFY);
    assert_int_equal(rename(key, former), 0);
    assert_int_equal(seal_prepare(key, why), 0);
    canary_put(other, SEAL_ACCOUNTS);
    assert_int_equal(canary_get(path, SEAL_NOTIFY), -EKEYREJECTED);
    assert_int_equal(seal_join(key, former, why), 0);
    assert_int_equal(canary_get(path, SEAL_NOTIFY), 0);
    assert_int_equal(canary_get(other, SEAL_ACCOUNTS), 0);
    assert_int_equal(seal_settle(key, files, 2, why), 0);
    assert_int_equal(file_read(key, 256, &bytes, &size), 0);
    assert_int_equal(size, SEAL_KEY_SIZE);
    free(bytes);
    assert_int_equal(canary_get(path, SEAL_NOTIFY), 0);
    assert_int_equal(canary_get(other, SEAL_ACCOUNTS), 0);
    assert_int_equal(seal_join(key, key, why), 0); /* the same: nothing */
    assert_int_equal(seal_join(key, "/nowhere/key", why), 0);
    assert_int_equal(file_read(key, 256, &bytes, &size), 0);
    assert_int_equal(size, SEAL_KEY_SIZE);
    free(bytes);
    assert_int_equal(unlink(former), 0);
}

/* The error of taking 'plain' over into 'path'. */
static int
taken_over(const char *plain, bool is_newer, bool expected)
{
    char why[256] = "";
    bool is_taken = !expected;
    struct seal *seal = opened(SEAL_NOTIFY);
    int error = seal_take_over(seal, plain, path, is_newer, &is_taken, why);
    assert_int_equal(is_taken, expected);
    assert_true(!error || strstr(why, folder));
    seal_free(seal);
    return error;
}

static void
test_what_lay_in_the_clear_is_sealed_and_goes(void **state)
{
    (void)state;
    char link_path[128];
    snprintf(link_path, sizeof(link_path), "%s/held", folder);
    assert_int_equal(taken_over(other, false, false), 0); /* there is none */
    assert_int_equal(file_write_atomic(other, canary, strlen(canary), 0644), 0);
    assert_int_equal(taken_over(other, false, false), -EPERM); /* others could read it: told */
    assert_int_equal(chmod(other, 0600), 0);
    int fd = open(other, O_RDONLY | O_CLOEXEC); /* sees what becomes of the bytes */
    assert_int_equal(taken_over(other, false, true), 0);
    assert_int_equal(canary_get(path, SEAL_NOTIFY), 0);
    assert_int_not_equal(access(other, F_OK), 0);
    char left[sizeof(canary)] = "", zeros[sizeof(canary)] = "";
    assert_int_equal(pread(fd, left, sizeof(left), 0), strlen(canary));
    assert_memory_equal(left, zeros, sizeof(zeros));
    close(fd);
    /* Cut off before it was removed: the same again, nothing is doubted. */
    assert_int_equal(file_write_atomic(other, canary, strlen(canary), 0600), 0);
    assert_int_equal(taken_over(other, false, true), 0);
    /* Another one: only a person's newer one counts. */
    assert_int_equal(file_write_atomic(other, "another", 7, 0600), 0);
    assert_int_equal(taken_over(other, false, false), -EEXIST);
    assert_int_equal(canary_get(path, SEAL_NOTIFY), 0);
    assert_int_equal(access(other, F_OK), 0);
    assert_int_equal(file_write_atomic(other, canary, strlen(canary), 0600), 0);
    assert_int_equal(file_write_atomic(path, "damaged", 7, 0600), 0);
    assert_int_equal(taken_over(other, true, true), 0);
    assert_int_equal(canary_get(path, SEAL_NOTIFY), 0);
    /* Never through a link. */
    assert_int_equal(file_write_atomic(link_path, canary, strlen(canary), 0600), 0);
    assert_int_equal(symlink(link_path, other), 0);
    assert_int_equal(taken_over(other, true, false), -ELOOP);
    assert_int_equal(unlink(link_path), 0);
}

/* Whoever owns the folder gives somebody's file the name of one that was cut off. */
static void
test_nobodys_other_file_is_overwritten(void **state)
{
    (void)state;
    char gone[128], victim[128], left[sizeof(canary)] = "";
    snprintf(victim, sizeof(victim), "%s/victim", folder);
    snprintf(gone, sizeof(gone), "%s.gone", other);
    assert_int_equal(file_write_atomic(victim, canary, strlen(canary), 0600), 0);
    for (int kind = 0; kind < 3; kind++) {
        static const int errors[] = {-EMLINK, -ELOOP, -EPERM};
        int error = kind == 0   ? link(victim, gone)
                    : kind == 1 ? symlink(victim, gone)
                                : file_write_atomic(gone, canary, strlen(canary), 0644);
        assert_int_equal(error, 0);
        assert_int_equal(taken_over(other, false, false), errors[kind]);
        int fd = open(kind == 2 ? gone : victim, O_RDONLY | O_CLOEXEC);
        assert_int_equal(read(fd, left, sizeof(left)), strlen(canary));
        assert_string_equal(left, canary);
        close(fd);
        assert_int_equal(unlink(gone), 0);
    }
    /* What was cut off indeed goes. */
    assert_int_equal(rename(victim, gone), 0);
    assert_int_equal(taken_over(other, false, false), 0);
    assert_int_not_equal(access(gone, F_OK), 0);
}

static void
test_private_files_of_others_are_checked(void **state)
{
    (void)state;
    char why[256];
    assert_int_equal(file_write_atomic(path, "key", 3, 0600), 0);
    assert_int_equal(seal_check_private(path, why), 0);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(seal_check_private(path, why), -EPERM);
    assert_non_null(strstr(why, "chmod"));
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_it_opens_again_and_shows_nothing),
        CASE(test_another_purpose_or_name_does_not_open_it),
        CASE(test_an_altered_or_cut_file_is_refused),
        CASE(test_a_key_file_that_is_not_ours_alone_is_refused),
        CASE(test_a_lost_key_is_told_from_an_altered_file),
        CASE(test_a_rotation_seals_all_anew),
        CASE(test_a_rotation_that_breaks_off_loses_nothing),
        CASE(test_a_key_that_is_joined_opens_what_the_former_one_sealed),
        CASE(test_what_lay_in_the_clear_is_sealed_and_goes),
        CASE(test_nobodys_other_file_is_overwritten),
        CASE(test_private_files_of_others_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
