/* Small files: read up to a limit, written whole or not at all, nothing left beside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/macros.h"

static char folder[32];
static char path[64]; /* of a file in it */

static int
folder_make(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/cordon-file-XXXXXX");
    if (!mkdtemp(folder)) {
        return -1;
    }
    snprintf(path, sizeof(path), "%s/file", folder);
    return 0;
}

static int
folder_drop(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder); /* fails where a test left something */
}

static size_t
entries(void)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    while (readdir(dir)) {
        count++;
    }
    closedir(dir);
    return count - 2; /* . and .. */
}

static void
assert_holds(const char *bytes, size_t size)
{
    char *read;
    size_t read_size;
    assert_int_equal(file_read(path, size, &read, &read_size), 0);
    assert_int_equal(read_size, size);
    assert_memory_equal(read, bytes, size);
    assert_int_equal(read[size], '\0');
    free(read);
}

static void
what_is_written_is_read(void **state)
{
    (void)state;
    assert_int_equal(file_write_atomic(path, "hello", 5, 0600), 0);
    assert_holds("hello", 5);
    assert_int_equal(file_write_atomic(path, "a\0b", 3, 0600), 0); /* shorter, with a NUL */
    assert_holds("a\0b", 3);
    assert_int_equal(file_write_atomic(path, "", 0, 0600), 0);
    assert_holds("", 0);
    assert_int_equal(entries(), 1);
}

/* Sizes around those at which the reader's buffer grows. */
static void
any_size_is_read(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 4094, 4095, 4096, 4097, 8191, 8192, 100000};
    char *bytes = malloc(100000);
    assert_non_null(bytes);
    for (size_t i = 0; i < 100000; i++) {
        bytes[i] = (char)(i * 7);
    }
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        assert_int_equal(file_write_atomic(path, bytes, sizes[i], 0600), 0);
        assert_holds(bytes, sizes[i]);
    }
    free(bytes);
}

static void
more_than_the_limit_is_refused(void **state)
{
    (void)state;
    char *bytes = NULL;
    size_t size;
    char large[9000] = "";
    assert_int_equal(file_write_atomic(path, "hello", 5, 0600), 0);
    assert_int_equal(file_read(path, 4, &bytes, &size), -EFBIG);
    assert_int_equal(file_read(path, 0, &bytes, &size), -EFBIG);
    assert_int_equal(file_write_atomic(path, large, sizeof(large), 0600), 0);
    assert_int_equal(file_read(path, sizeof(large) - 1, &bytes, &size), -EFBIG);
    assert_int_equal(file_read("/dev/zero", 100000, &bytes, &size), -EFBIG); /* has no end */
    assert_null(bytes);
}

static void
what_cannot_be_read_says_why(void **state)
{
    (void)state;
    char *bytes = NULL;
    size_t size;
    assert_int_equal(file_read(path, 100, &bytes, &size), -ENOENT);
    assert_int_equal(file_read(folder, 100, &bytes, &size), -EISDIR);
    assert_null(bytes);
}

static void
the_mode_is_as_asked_whatever_the_umask(void **state)
{
    (void)state;
    static const mode_t modes[] = {0600, 0644, 0666, 0400};
    mode_t kept = umask(0077);
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        struct stat about;
        assert_int_equal(file_write_atomic(path, "x", 1, modes[i]), 0);
        assert_int_equal(stat(path, &about), 0);
        assert_int_equal(about.st_mode & 07777, modes[i]);
    }
    umask(kept);
}

/* Who has the old one open keeps the old bytes: it was replaced, not written over. */
static void
the_old_file_is_replaced_not_changed(void **state)
{
    (void)state;
    char old[4] = "";
    assert_int_equal(file_write_atomic(path, "old", 3, 0600), 0);
    FILE *reader = fopen(path, "re");
    assert_non_null(reader);
    assert_int_equal(file_write_atomic(path, "new", 3, 0600), 0);
    assert_int_equal(fread(old, 1, 3, reader), 3);
    assert_string_equal(old, "old");
    fclose(reader);
    assert_holds("new", 3);
}

static void
a_failed_write_leaves_the_old_and_nothing_beside(void **state)
{
    (void)state;
    char missing[96];
    snprintf(missing, sizeof(missing), "%s/none/file", folder);
    assert_int_equal(file_write_atomic(missing, "x", 1, 0600), -ENOENT);
    assert_int_equal(mkdir(path, 0700), 0); /* a folder stands where the file should go */
    assert_int_equal(file_write_atomic(path, "x", 1, 0600), -EISDIR);
    assert_int_equal(entries(), 1);
    assert_int_equal(rmdir(path), 0);
    char too_long[PATH_MAX + 1];
    memset(too_long, 'a', sizeof(too_long) - 1);
    too_long[sizeof(too_long) - 1] = '\0';
    assert_int_equal(file_write_atomic(too_long, "x", 1, 0600), -ENAMETOOLONG);
}

static void
a_name_without_a_folder_is_beside_us(void **state)
{
    (void)state;
    char here[PATH_MAX];
    assert_non_null(getcwd(here, sizeof(here)));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(file_write_atomic("file", "x", 1, 0600), 0);
    assert_int_equal(chdir(here), 0);
    assert_holds("x", 1);
}

static void
folders_are_made_with_their_parents(void **state)
{
    (void)state;
    static const char *const ways[] = {"/a/b", "/a/b/", "//a//b", "/./a/b"};
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        char below[64], plain[64];
        struct stat about;
        snprintf(below, sizeof(below), "%s%s", folder, ways[i]);
        assert_int_equal(file_make_dirs(below, 0700), 0);
        assert_int_equal(file_make_dirs(below, 0700), 0); /* there already */
        snprintf(plain, sizeof(plain), "%s/a/b", folder);
        assert_int_equal(stat(plain, &about), 0);
        assert_int_equal(about.st_mode & 0777, 0700);
        assert_int_equal(rmdir(plain), 0);
        snprintf(plain, sizeof(plain), "%s/a", folder);
        assert_int_equal(rmdir(plain), 0);
    }
    assert_int_equal(file_make_dirs("/", 0700), 0);
}

static void
folders_that_cannot_be_made_say_why(void **state)
{
    (void)state;
    char below[96], too_long[PATH_MAX + 1];
    assert_int_equal(file_write_atomic(path, "x", 1, 0600), 0);
    assert_int_equal(file_make_dirs(path, 0700), -ENOTDIR);
    snprintf(below, sizeof(below), "%s/below", path);
    assert_int_equal(file_make_dirs(below, 0700), -ENOTDIR);
    assert_int_equal(file_make_dirs("", 0700), -ENOENT);
    memset(too_long, 'a', sizeof(too_long) - 1);
    too_long[sizeof(too_long) - 1] = '\0';
    assert_int_equal(file_make_dirs(too_long, 0700), -ENAMETOOLONG);
}

static void
one_at_a_time_has_a_lock(void **state)
{
    (void)state;
    int first = -1, second = -1;
    assert_int_equal(file_lock_folder(folder, &first), 0);
    assert_int_equal(file_lock_folder(folder, &second), -EWOULDBLOCK);
    close(first);
    assert_int_equal(file_lock_folder(folder, &second), 0);
    close(second);
    assert_int_equal(file_lock_folder(path, &first), -ENOENT);
}

/* /dev/shm is another file system than /tmp nearly everywhere. */
static void
a_file_is_carried_to_another_file_system(void **state)
{
    (void)state;
    char there[] = "/dev/shm/cordon-carry-XXXXXX", target[sizeof(there) + 8];
    char *text = NULL;
    size_t size = 0;
    struct stat here, other;
    if (!mkdtemp(there) || stat(there, &other) || stat(folder, &here) ||
        here.st_dev == other.st_dev) {
        rmdir(there);
        skip();
    }
    snprintf(target, sizeof(target), "%s/x", there);
    assert_int_equal(file_write_atomic(path, "carried", 7, 0640), 0);
    assert_int_equal(rename(path, target), -1); /* which is why */
    assert_int_equal(errno, EXDEV);
    assert_int_equal(file_carry(path, target), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(stat(target, &other), 0);
    assert_int_equal(other.st_mode & 0777, 0640);
    assert_int_equal(file_read(target, 100, &text, &size), 0);
    assert_int_equal(size, 7);
    assert_memory_equal(text, "carried", 7);
    free(text);
    assert_int_equal(file_carry(target, "/nowhere/at/all"), -ENOENT);
    assert_int_equal(access(target, F_OK), 0); /* a failed one is where it was */
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(file_carry(path, target), -ELOOP);
    assert_int_equal(access(target, F_OK), 0);
    unlink(target);
    rmdir(there);
}

static void
links_of_others_are_not_followed(void **state)
{
    (void)state;
    char link[300], second[300];
    snprintf(link, sizeof(link), "%s.link", path);
    snprintf(second, sizeof(second), "%s.second", path);
    assert_int_equal(file_write_atomic(path, "text", 4, 0600), 0);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(symlink(strrchr(link, '/') + 1, second), 0); /* beside it */
    int fd = file_open_plain(second);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(file_open_plain(folder), -EINVAL);
    if (geteuid() == 0) {
        assert_int_equal(lchown(link, 12345, 12345), 0);
        assert_int_equal(file_open_plain(second), -ELOOP);
        assert_int_equal(file_open_plain(link), -ELOOP);
    }
    unlink(link);
    unlink(second);
    assert_int_equal(symlink(link, link), 0);
    assert_int_equal(file_open_plain(link), -ELOOP);
    unlink(link);
    assert_int_equal(file_open_plain(link), -ENOENT);
}

/* A process that has ended, whose number nobody has yet. */
static pid_t
dead_pid(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        _exit(0);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return pid;
}

static void
put(const char *name, long pid, const char *end, char made[128])
{
    char digits[24] = "";
    if (pid >= 0) {
        snprintf(digits, sizeof(digits), "%ld", pid);
    }
    snprintf(made, 128, "%s/%s%s%s", folder, name, digits, end);
    FILE *file = fopen(made, "we");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

/* What a kill leaves goes at the next start; nothing else, whatever it is called. */
static void
what_a_cut_write_left_goes(void **state)
{
    char made[128], other[128], stays[12][128];
    size_t count = 0;
    long dead = (long)dead_pid();
    (void)state;
    put("identity.pem.", dead, ".new", made);
    put("identity.pem.", (long)getpid(), ".new", made); /* that number was another's before */
    put("identity.pem.", (long)getppid(), ".new", stays[count++]); /* is at work */
    put("identity.pem.0", dead, ".new", stays[count++]);
    put("identity.pem.", dead, ".news", stays[count++]);
    put("identity.pem", dead, ".new", stays[count++]);
    put("identity.pem.", -1, ".new", stays[count++]);
    put("", dead, ".new", stays[count++]);
    put(".", dead, ".new", stays[count++]);
    put("identity.pem.12345678", dead, ".new", stays[count++]);
    put("identity.pem", -1, "", stays[count++]);
    /* by a second name, and through a link */
    put("other", -1, "", other);
    snprintf(stays[count], 128, "%s/a.pem.%ld.new", folder, dead);
    assert_int_equal(link(other, stays[count++]), 0);
    snprintf(stays[count], 128, "%s/b.pem.%ld.new", folder, dead);
    assert_int_equal(symlink(stays[8], stays[count++]), 0);
    assert_int_equal(entries(), count + 3);
    file_clear_unfinished(folder);
    assert_int_equal(entries(), count + 1);
    /* nor in a folder that a link leads to */
    put("identity.pem.", dead, ".new", made);
    snprintf(path, sizeof(path), "%s.link", folder);
    assert_int_equal(symlink(folder, path), 0);
    file_clear_unfinished(path);
    assert_int_equal(access(made, F_OK), 0);
    assert_int_equal(unlink(made) | unlink(other), 0);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(unlink(stays[i]), 0);
    }
}

int
main(void)
{
#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_make, folder_drop)
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(what_is_written_is_read),
        WITH_FOLDER(any_size_is_read),
        WITH_FOLDER(more_than_the_limit_is_refused),
        WITH_FOLDER(what_cannot_be_read_says_why),
        WITH_FOLDER(the_mode_is_as_asked_whatever_the_umask),
        WITH_FOLDER(the_old_file_is_replaced_not_changed),
        WITH_FOLDER(a_failed_write_leaves_the_old_and_nothing_beside),
        WITH_FOLDER(a_name_without_a_folder_is_beside_us),
        WITH_FOLDER(folders_are_made_with_their_parents),
        WITH_FOLDER(folders_that_cannot_be_made_say_why),
        WITH_FOLDER(one_at_a_time_has_a_lock),
        WITH_FOLDER(a_file_is_carried_to_another_file_system),
        WITH_FOLDER(links_of_others_are_not_followed),
        WITH_FOLDER(what_a_cut_write_left_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
