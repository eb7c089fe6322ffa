/* What the supervisor does for a role that is locked in: who may want what, what is opened, and
 * what becomes of a line on which something else is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cordond/errand.h"

struct bench {
    char folder[64];
    struct config config;
    struct config_source sources[3];
    int lines[2]; /* the role's end, the supervisor's */
    enum wire_role role;
    size_t count; /* questions that the supervisor takes */
    int served;   /* what became of the last */
    pthread_t thread;
};

/* A port that nobody has, nor gets by chance until it is bound: below those that the kernel gives to
 * whoever connects somewhere. */
static int
port_find(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd, error;
    do {
        address.sin_port = htons((uint16_t)(10000 + arc4random_uniform(22000)));
        fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        assert_true(fd >= 0);
        error = bind(fd, (struct sockaddr *)&address, sizeof(address));
        close(fd);
    } while (error);
    return ntohs(address.sin_port);
}

static int
setup(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    snprintf(bench->folder, sizeof(bench->folder), "/tmp/cordon-errand-XXXXXX");
    *state = bench;
    if (!mkdtemp(bench->folder) ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, bench->lines)) {
        return -1;
    }
    bench->config.sources = bench->sources;
    bench->config.source_count = 3;
    snprintf(bench->config.state_dir, URL_SIZE, "%s", bench->folder);
    snprintf(bench->config.policy_file, URL_SIZE, "%s/policy.yaml", bench->folder);
    bench->sources[0].kind = SOURCE_EVE_FILE;
    snprintf(bench->sources[0].path, URL_SIZE, "%s/eve.json", bench->folder);
    bench->sources[1].kind = SOURCE_EVE_SOCKET;
    snprintf(bench->sources[1].path, URL_SIZE, "%s/eve.sock", bench->folder);
    bench->sources[2].kind = SOURCE_SYSLOG_UDP;
    snprintf(bench->sources[2].listen, NAME_SIZE, "127.0.0.1:%d", port_find());
    return 0;
}

static int
teardown(void **state)
{
    static const char *const names[] = {"policy.yaml",       "eve.json", "eve.sock",
                                        "admin.password",    "other",    "backups/last.json",
                                        "backups/one.backup"};
    struct bench *bench = *state;
    char path[128];
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", bench->folder, names[i]);
        unlink(path);
    }
    close(bench->lines[0]);
    close(bench->lines[1]);
    snprintf(path, sizeof(path), "%s/backups", bench->folder);
    rmdir(path); /* where a test made it */
    int result = rmdir(bench->folder);
    free(bench);
    return result;
}

static void
put(const struct bench *bench, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", bench->folder, name);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0600), 0);
}

static void *
supervise(void *context)
{
    struct bench *bench = context;
    char byte;
    for (size_t i = 0; i < bench->count && !bench->served; i++) {
        (void)!recv(bench->lines[1], &byte, 1, MSG_PEEK); /* waits */
        bench->served = errand_serve(&bench->config, bench->role, bench->lines[1]);
    }
    if (bench->served) {
        shutdown(bench->lines[1], SHUT_RDWR);
    }
    return NULL;
}

static int
ask(struct bench *bench, enum wire_role role, enum errand errand, size_t index, int given)
{
    bench->role = role;
    bench->count = 1;
    bench->served = 0;
    assert_int_equal(pthread_create(&bench->thread, NULL, supervise, bench), 0);
    int result = errand_ask(bench->lines[0], &bench->config, errand, index, given);
    pthread_join(bench->thread, NULL);
    return result;
}

static void
assert_reads(int fd, const char *expected)
{
    char text[64] = "";
    assert_true(fd >= 0);
    assert_int_equal(read(fd, text, sizeof(text) - 1), strlen(expected));
    assert_string_equal(text, expected);
    close(fd);
}

/* The whole list: what is not on it is refused. */
static void
test_each_role_has_its_own_errands(void **state)
{
    static const bool allowed[ROLE_COUNT][ERRAND_COUNT] = {
        [ROLE_CORE] = {[ERRAND_POLICY_READ] = true,
                       [ERRAND_POLICY_WRITE] = true,
                       [ERRAND_BACKUP] = true,
                       [ERRAND_BACKUP_RESULT] = true,
                       [ERRAND_BACKUP_FILE] = true,
                       [ERRAND_KEY_CHECK] = true},
        [ROLE_INTAKE] = {[ERRAND_SOURCE_FILE] = true,
                         [ERRAND_SOURCE_ROTATED] = true,
                         [ERRAND_SOURCE_WATCH] = true,
                         [ERRAND_SOURCE_LISTEN] = true,
                         [ERRAND_SOURCE_CERT] = true,
                         [ERRAND_SOURCE_KEY] = true,
                         [ERRAND_SOURCE_CA] = true},
        [ROLE_WEB] = {[ERRAND_PASSWORD_FORGET] = true},
    };
    (void)state;
    for (int role = 0; role < ROLE_COUNT; role++) {
        for (int errand = 0; errand < ERRAND_COUNT; errand++) {
            assert_int_equal(errand_is_allowed((enum wire_role)role, (enum errand)errand),
                             allowed[role][errand]);
        }
    }
}

static void
test_the_policy_file_is_read_and_written(void **state)
{
    struct bench *bench = *state;
    put(bench, "policy.yaml", "old");
    assert_int_equal(chmod(bench->config.policy_file, 0640), 0);
    assert_reads(ask(bench, ROLE_CORE, ERRAND_POLICY_READ, 0, -1), "old");
    int fd = memfd_create("policy", MFD_CLOEXEC);
    assert_int_equal(write(fd, "new text", 8), 8);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(ask(bench, ROLE_CORE, ERRAND_POLICY_WRITE, 0, fd), 0);
    close(fd);
    struct stat found;
    assert_int_equal(stat(bench->config.policy_file, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0640);
    assert_reads(ask(bench, ROLE_CORE, ERRAND_POLICY_READ, 0, -1), "new text");
    /* nothing given, or what is no plain file */
    assert_int_equal(ask(bench, ROLE_CORE, ERRAND_POLICY_WRITE, 0, -1), -EINVAL);
    assert_int_equal(ask(bench, ROLE_CORE, ERRAND_POLICY_WRITE, 0, bench->lines[0]), -EINVAL);
    assert_reads(ask(bench, ROLE_CORE, ERRAND_POLICY_READ, 0, -1), "new text");
}

static void
test_sources_are_opened_by_number(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(ask(bench, ROLE_INTAKE, ERRAND_SOURCE_FILE, 0, -1), -ENOENT);
    put(bench, "eve.json", "line");
    assert_reads(ask(bench, ROLE_INTAKE, ERRAND_SOURCE_FILE, 0, -1), "line");
    assert_int_equal(ask(bench, ROLE_INTAKE, ERRAND_SOURCE_ROTATED, 0, -1), -ENOENT);
    /* not what the source is, and not one of ours */
    assert_int_equal(ask(bench, ROLE_INTAKE, ERRAND_SOURCE_FILE, 1, -1), -EINVAL);
    assert_int_equal(ask(bench, ROLE_INTAKE, ERRAND_SOURCE_KEY, 0, -1), -EINVAL);
    assert_int_equal(ask(bench, ROLE_INTAKE, ERRAND_SOURCE_FILE, 3, -1), -EINVAL);
    for (size_t i = 1; i < 3; i++) {
        int fd = ask(bench, ROLE_INTAKE, ERRAND_SOURCE_LISTEN, i, -1);
        int type = 0;
        socklen_t size = sizeof(type);
        assert_true(fd >= 0);
        assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size), 0);
        assert_int_equal(type, i == 1 ? SOCK_STREAM : SOCK_DGRAM);
        close(fd);
    }
}

static void
test_the_first_password_is_forgotten(void **state)
{
    struct bench *bench = *state;
    char path[128];
    snprintf(path, sizeof(path), "%s/admin.password", bench->folder);
    put(bench, "admin.password", "secret");
    assert_int_equal(ask(bench, ROLE_WEB, ERRAND_PASSWORD_FORGET, 0, -1), 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(ask(bench, ROLE_WEB, ERRAND_PASSWORD_FORGET, 0, -1), 0);
}

/* Only what is for the operator's key alone, and only what lies there. */
static void
test_the_last_backup_is_opened_where_it_is_encrypted(void **state)
{
    struct bench *bench = *state;
    static const struct {
        const char *last;
        int result;
    } cases[] = {
        {"{\"at\":\"2026-01-01T00:00:00Z\",\"secrets\":false,\"file\":\"/x/one.backup\"}", -EPERM},
        {"{\"at\":\"2026-01-01T00:00:00Z\",\"secrets\":true,\"file\":\"/x/one.backup\","
         "\"problem\":\"full\"}",
         -EPERM},
        {"{\"at\":\"2026-01-01T00:00:00Z\",\"secrets\":true,\"file\":\"one\"}", -EPERM},
        {"{\"at\":\"2026-01-01T00:00:00Z\",\"secrets\":true,\"file\":\"/etc/passwd\"}", -ENOENT},
        {"not JSON", -EPERM},
    };
    char folder[128];
    snprintf(folder, sizeof(folder), "%s/backups", bench->folder);
    assert_int_equal(ask(bench, ROLE_CORE, ERRAND_BACKUP_FILE, 0, -1), -ENOENT);
    assert_int_equal(mkdir(folder, 0700), 0);
    put(bench, "backups/one.backup", "sealed");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put(bench, "backups/last.json", cases[i].last);
        assert_int_equal(ask(bench, ROLE_CORE, ERRAND_BACKUP_FILE, 0, -1), cases[i].result);
    }
    put(bench, "backups/last.json",
        "{\"at\":\"2026-01-01T00:00:00Z\",\"secrets\":true,\"file\":\"/elsewhere/one.backup\"}");
    assert_reads(ask(bench, ROLE_CORE, ERRAND_BACKUP_FILE, 0, -1), "sealed");
}

/* A role that was taken over asks for another's: nothing is done, and it never asks again. */
static void
test_another_roles_errand_cuts_the_line(void **state)
{
    struct bench *bench = *state;
    put(bench, "policy.yaml", "kept");
    put(bench, "other", "bad");
    char path[128];
    snprintf(path, sizeof(path), "%s/other", bench->folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(ask(bench, ROLE_WEB, ERRAND_POLICY_WRITE, 0, fd), -EPIPE);
    assert_int_equal(bench->served, -EPERM);
    close(fd);
    char *text;
    size_t size;
    assert_int_equal(file_read(bench->config.policy_file, 64, &text, &size), 0);
    assert_string_equal(text, "kept");
    free(text);
    assert_true(errand_ask(bench->lines[0], &bench->config, ERRAND_PASSWORD_FORGET, 0, -1) < 0);
}

static void
test_nonsense_cuts_the_line(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(errand_serve(&bench->config, ROLE_CORE, bench->lines[1]), 0); /* nothing yet */
    assert_int_equal(send(bench->lines[0], "x", 1, 0), 1);
    assert_int_equal(errand_serve(&bench->config, ROLE_CORE, bench->lines[1]), -EBADMSG);
    const uint64_t large[8] = {0};
    assert_int_equal(send(bench->lines[0], large, sizeof(large), 0), sizeof(large));
    assert_int_equal(errand_serve(&bench->config, ROLE_CORE, bench->lines[1]), -EBADMSG);
    const uint32_t unknown[4] = {1, 0, ERRAND_COUNT, 0};
    assert_int_equal(send(bench->lines[0], unknown, sizeof(unknown), 0), sizeof(unknown));
    assert_int_equal(errand_serve(&bench->config, ROLE_CORE, bench->lines[1]), -EPERM);
}

/* The supervisor was slow once: its answer is not taken for that of the next question. */
static void
test_an_answer_that_came_too_late_is_let_go(void **state)
{
    struct bench *bench = *state;
    put(bench, "policy.yaml", "policy");
    const uint32_t earlier[4] = {7, 0, ERRAND_PASSWORD_FORGET, 0};
    assert_int_equal(send(bench->lines[0], earlier, sizeof(earlier), 0), sizeof(earlier));
    assert_int_equal(errand_serve(&bench->config, ROLE_WEB, bench->lines[1]), 0);
    assert_reads(ask(bench, ROLE_CORE, ERRAND_POLICY_READ, 0, -1), "policy");
}

int
main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(test_each_role_has_its_own_errands),
        EACH(test_the_policy_file_is_read_and_written),
        EACH(test_sources_are_opened_by_number),
        EACH(test_the_first_password_is_forgotten),
        EACH(test_the_last_backup_is_opened_where_it_is_encrypted),
        EACH(test_another_roles_errand_cuts_the_line),
        EACH(test_nonsense_cuts_the_line),
        EACH(test_an_answer_that_came_too_late_is_let_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
