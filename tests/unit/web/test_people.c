/* Accounts, sessions, back-off, cookies: each apart from the server. */
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

#include "base/clock.h"
#include "base/file.h"
#include "web/account.h"
#include "web/share.h"
#include "web/lockout.h"
#include "web/session.h"

#define SECOND 1000000ll
#define HASH "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$abcdefgh"
#define LINE "kim operator active " HASH " 2026-01-02T03:04:05Z\n"

static void
account_lines_are_strict(void **state)
{
    static const char *const bad[] = {
        "kim operator active " HASH "\n",                           /* a word is missing */
        "kim operator active " HASH " 2026-01-02T03:04:05Z more\n", /* one too many */
        "k:m operator active " HASH " 2026-01-02T03:04:05Z\n",      /* name */
        "kim root active " HASH " 2026-01-02T03:04:05Z\n",          /* role */
        "kim operator awake " HASH " 2026-01-02T03:04:05Z\n",       /* state */
        "kim operator active secret 2026-01-02T03:04:05Z\n",        /* no hash */
        "kim operator active " HASH " yesterday\n",                 /* time */
        LINE LINE,                                                  /* twice */
    };
    struct account_list list;
    char why[256];
    (void)state;
    assert_int_equal(account_parse("# people\n\n" LINE, strlen("# people\n\n" LINE), &list, why),
                     0);
    assert_int_equal(list.count, 1);
    const struct account *kim = account_find(&list, "kim");
    assert_non_null(kim);
    assert_int_equal(kim->role, ACCOUNT_OPERATOR);
    assert_false(kim->is_disabled || kim->must_change);
    assert_null(account_find(&list, "Kim"));
    account_list_fini(&list);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(account_parse(bad[i], strlen(bad[i]), &list, why), -EBADMSG);
        assert_non_null(strstr(why, "line "));
    }
    /* every beginning of a good file is a good file or an error, never anything else */
    for (size_t size = 0; size < strlen(LINE); size++) {
        if (account_parse(LINE, size, &list, why) == 0) {
            account_list_fini(&list);
        }
    }
}

static void
the_last_administrator_stays(void **state)
{
    char dir[] = "/tmp/cordon-accounts-XXXXXX", path[64], why[256];
    struct account admin = {.name = "admin", .role = ACCOUNT_ADMIN, .hash = HASH};
    struct account other = {.name = "kim", .role = ACCOUNT_VIEWER, .hash = HASH};
    struct stat info;
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/web", dir);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/web/accounts", dir);
    assert_int_equal(account_apply(dir, ACCOUNT_SET_ROLE, &admin, why), -ENOENT);
    assert_int_equal(account_apply(dir, ACCOUNT_CREATE, &admin, why), 0);
    assert_int_equal(account_apply(dir, ACCOUNT_CREATE, &admin, why), -EEXIST);
    assert_int_equal(account_apply(dir, ACCOUNT_CREATE, &other, why), 0);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(account_apply(dir, ACCOUNT_REMOVE, &admin, why), -EPERM);
    admin.is_disabled = true;
    assert_int_equal(account_apply(dir, ACCOUNT_SET_DISABLED, &admin, why), -EPERM);
    admin.role = ACCOUNT_OPERATOR;
    assert_int_equal(account_apply(dir, ACCOUNT_SET_ROLE, &admin, why), -EPERM);
    other.role = ACCOUNT_ADMIN;
    assert_int_equal(account_apply(dir, ACCOUNT_SET_ROLE, &other, why), 0);
    assert_int_equal(account_apply(dir, ACCOUNT_REMOVE, &admin, why), 0);
    assert_int_equal(account_apply(dir, ACCOUNT_REMOVE, &other, why), -EPERM);
    struct account_file *file = account_file_new(dir);
    assert_int_equal(account_file_list(file)->count, 1);
    /* a file that breaks keeps the last good list, and is not written over */
    assert_int_equal(file_write_atomic(path, "broken\n", 7, 0600), 0);
    assert_int_equal(account_file_list(file)->count, 1);
    assert_int_equal(account_apply(dir, ACCOUNT_CREATE, &admin, why), -EBADMSG);
    account_file_free(file);
    unlink(path);
    snprintf(path, sizeof(path), "%s/web/accounts.lock", dir);
    unlink(path);
    snprintf(path, sizeof(path), "%s/web", dir);
    rmdir(path);
    rmdir(dir);
}

static void
passwords(void **state)
{
    char why[256], hash[ACCOUNT_HASH_SIZE], first[FIRST_PASSWORD_SIZE];
    (void)state;
    assert_false(account_password_is_good("kim", "short", why));
    assert_false(account_password_is_good("kim", "aaaaaaaaaaaaaaaa", why));
    assert_false(account_password_is_good("administrator", "Administrator", why));
    assert_true(account_password_is_good("kim", "正しい馬電池ホチキス針金", why)); /* characters */
    assert_false(account_password_is_good("kim", "正しい馬電池", why));
    account_password_make(first);
    assert_int_equal(strlen(first), FIRST_PASSWORD_SIZE - 1);
    assert_true(account_password_is_good("kim", first, why));
    assert_int_equal(account_password_hash(first, hash), 0);
    assert_non_null(strstr(hash, "$argon2id$"));
    assert_true(account_password_matches(hash, first));
    first[0]++;
    assert_false(account_password_matches(hash, first));
    assert_false(account_password_matches("", first));
}

static void
guessing_costs_ever_more_time(void **state)
{
    struct lockout *lockout = lockout_new(5, 1);
    int64_t now = 1000 * SECOND;
    (void)state;
    for (int i = 0; i < 4; i++) {
        lockout_failed(lockout, "kim", now);
        assert_int_equal(lockout_wait_us(lockout, "kim", now), 0);
    }
    lockout_failed(lockout, "kim", now);
    assert_int_equal(lockout_wait_us(lockout, "kim", now), SECOND);
    assert_int_equal(lockout_wait_us(lockout, "kim", now + SECOND / 2), SECOND / 2);
    assert_int_equal(lockout_wait_us(lockout, "kim", now + SECOND), 0);
    assert_int_equal(lockout_wait_us(lockout, "lee", now), 0);
    lockout_failed(lockout, "kim", now);
    assert_int_equal(lockout_wait_us(lockout, "kim", now), 2 * SECOND);
    for (int i = 0; i < 100; i++) {
        lockout_failed(lockout, "kim", now);
    }
    assert_int_equal(lockout_wait_us(lockout, "kim", now), LOCKOUT_MOST_US);
    now += LOCKOUT_FORGET_US + 1;
    lockout_failed(lockout, "kim", now);
    assert_int_equal(lockout_wait_us(lockout, "kim", now), 0);
    lockout_succeeded(lockout, "kim");
    assert_int_equal(lockout_count(lockout), 0);
    lockout_free(lockout);
}

static void
a_torn_line_of_failures_is_nobodys(void **state)
{
    char path[] = "/tmp/cordon_torn_XXXXXX", text[200];
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    const struct clock *clock = clock_system();
    int size = snprintf(text, sizeof(text), "%lld 9 %032d\n%lld 9 0123456789abcdef012345678901\n",
                        (long long)clock_wall_us(clock), 1, (long long)clock_wall_us(clock));
    assert_int_equal(write(fd, text, (size_t)size), size);
    close(fd);
    struct lockout *lockout = lockout_new(5, 1);
    lockout_keep(lockout, path, clock);
    assert_int_equal(lockout_count(lockout), 1); /* the whole one */
    lockout_free(lockout);
    unlink(path);
}

/* An address is a whole building: somebody there mistypes each hour, for weeks. */
static void
who_mistypes_now_and_then_waits_for_nothing(void **state)
{
    struct lockout *lockout = lockout_new(5, 1);
    int64_t now = 1000 * SECOND;
    (void)state;
    for (int i = 0; i < 500; i++) {
        now += 59 * 60 * SECOND;
        lockout_failed(lockout, "192.0.2.1", now);
        assert_int_equal(lockout_wait_us(lockout, "192.0.2.1", now), 0);
    }
    /* Whoever guesses is silent for no quarter of an hour. */
    for (int i = 0; i < 40; i++) {
        now += LOCKOUT_HALVE_US - 1;
        lockout_failed(lockout, "192.0.2.1", now);
    }
    assert_int_equal(lockout_wait_us(lockout, "192.0.2.1", now), LOCKOUT_MOST_US);
    now += LOCKOUT_MOST_US;
    lockout_failed(lockout, "192.0.2.1", now);
    assert_true(lockout_wait_us(lockout, "192.0.2.1", now) >= LOCKOUT_MOST_US / 2);
    lockout_free(lockout);
}

static void
a_flood_of_names_takes_no_memory(void **state)
{
    struct lockout *lockout = lockout_new(1, 1);
    char key[32];
    (void)state;
    lockout_failed(lockout, "first", 1);
    for (int i = 0; i < LOCKOUT_KEYS_MAX; i++) {
        snprintf(key, sizeof(key), "name%d", i);
        lockout_failed(lockout, key, 2 + i);
    }
    assert_int_equal(lockout_count(lockout), LOCKOUT_KEYS_MAX);
    assert_int_equal(lockout_wait_us(lockout, "first", 3), 0); /* the oldest made room */
    assert_int_not_equal(lockout_wait_us(lockout, key, 2 + LOCKOUT_KEYS_MAX), 0);
    lockout_free(lockout);
}

/* Whoever is guessed at stays so, whatever else fails meanwhile. */
static void
a_flood_of_names_forgets_nobody(void **state)
{
    struct lockout *lockout = lockout_new(5, 1);
    int64_t now = 1000 * SECOND;
    char key[32];
    (void)state;
    for (int i = 0; i < 12; i++) {
        lockout_failed(lockout, "kim", now);
    }
    int64_t wait = lockout_wait_us(lockout, "kim", now);
    assert_int_equal(wait, 128 * SECOND);
    for (int i = 0; i < 2 * LOCKOUT_KEYS_MAX; i++) {
        snprintf(key, sizeof(key), "name%d", i);
        lockout_failed(lockout, key, now + i);
    }
    assert_int_equal(lockout_count(lockout), LOCKOUT_KEYS_MAX);
    assert_int_equal(lockout_wait_us(lockout, "kim", now), wait);
    /* nor does one between each two guesses: lee is new in a table that is full */
    now += SECOND;
    for (int i = 0; i < 8; i++) {
        lockout_failed(lockout, "lee", now);
        snprintf(key, sizeof(key), "between%d", i);
        lockout_failed(lockout, key, now);
    }
    assert_true(lockout_wait_us(lockout, "lee", now) >= 8 * SECOND);
    /* but nobody waits who failed once */
    lockout_failed(lockout, "max", now);
    assert_true(lockout_wait_us(lockout, "max", now) <= SECOND);
    lockout_free(lockout);
}

static void
what_lapsed_makes_room_first(void **state)
{
    struct lockout *lockout = lockout_new(1, 1);
    char key[32];
    (void)state;
    for (int i = 0; i < LOCKOUT_KEYS_MAX; i++) {
        snprintf(key, sizeof(key), "name%d", i);
        lockout_failed(lockout, key, 1);
        lockout_failed(lockout, key, i == 7 ? 1 : LOCKOUT_FORGET_US);
        lockout_failed(lockout, key, i == 7 ? 1 : LOCKOUT_FORGET_US);
    }
    for (int i = 0; i < 9; i++) {
        lockout_failed(lockout, "name7", 1); /* most of all, and long ago */
    }
    lockout_failed(lockout, "new", LOCKOUT_FORGET_US + 2);
    assert_int_equal(lockout_wait_us(lockout, "name7", 2), 0);
    assert_true(lockout_wait_us(lockout, "name8", LOCKOUT_FORGET_US) > 0);
    lockout_free(lockout);
}

static void
tries_at_the_same_time_are_counted(void **state)
{
    struct lockout *one = lockout_new(5, 1), *many = lockout_new(5, 5);
    (void)state;
    assert_true(lockout_begin(one, "kim", 0));
    assert_false(lockout_begin(one, "kim", 0));
    assert_true(lockout_begin(one, "lee", 0)); /* nobody else pays */
    lockout_end(one, "kim");
    assert_true(lockout_begin(one, "kim", 0));
    lockout_end(one, "nobody");
    assert_false(lockout_begin(one, "kim", 0));
    /* as many as could fail for nothing */
    lockout_failed(many, "kim", 0);
    lockout_failed(many, "kim", 0);
    for (int i = 0; i < 3; i++) {
        assert_true(lockout_begin(many, "kim", 0));
    }
    assert_false(lockout_begin(many, "kim", 0));
    lockout_end(many, "kim");
    assert_true(lockout_begin(many, "kim", 0));
    for (int i = 0; i < 3; i++) {
        lockout_end(many, "kim");
    }
    for (int i = 0; i < 20; i++) {
        lockout_failed(many, "kim", 0);
    }
    assert_true(
        lockout_begin(many, "kim", 0)); /* one at a time; how long it waits is asked before */
    assert_false(lockout_begin(many, "kim", 0));
    lockout_free(one);
    lockout_free(many); /* with what is under way */
}

static void
shares_refill(void **state)
{
    struct shares *shares = shares_new();
    int64_t now = 1000 * SECOND;
    char key[32];
    (void)state;
    for (int i = 0; i < 10 * SHARE_BURST; i++) {
        assert_int_equal(share_take(shares, "kim", 10, now), 0);
    }
    int64_t wait = share_take(shares, "kim", 10, now);
    assert_true(wait > 0 && wait <= SECOND / 10 + 1);
    assert_int_equal(share_take(shares, "lee", 10, now), 0); /* nobody else pays */
    assert_int_not_equal(share_take(shares, "kim", 10, now + wait / 2), 0);
    assert_int_equal(share_take(shares, "kim", 10, now + wait), 0);
    assert_int_not_equal(share_take(shares, "kim", 10, now + wait), 0);
    now += 3600 * SECOND; /* never more than a burst, however long nothing came */
    for (int i = 0; i < 10 * SHARE_BURST; i++) {
        assert_int_equal(share_take(shares, "kim", 10, now), 0);
    }
    assert_int_not_equal(share_take(shares, "kim", 10, now), 0);
    for (int i = 0; i < SHARE_KEYS_MAX + 10; i++) {
        snprintf(key, sizeof(key), "address %d", i);
        assert_int_equal(share_take(shares, key, 10, now + i), 0);
    }
    assert_int_equal(shares_count(shares), SHARE_KEYS_MAX);
    shares_free(shares);
}

static const struct session_origin origin = {.peer = "192.0.2.1", .agent = "Lynx\x1b/2"};
static unsigned ended;

static void
on_end(void *context, const struct session *session)
{
    (void)context, (void)session;
    ended++;
}

static void
sessions_live_and_end(void **state)
{
    struct clock_fake fake;
    struct account kim = {.name = "kim", .role = ACCOUNT_OPERATOR};
    char one[SESSION_TEXT_SIZE], two[SESSION_TEXT_SIZE];
    (void)state;
    clock_fake_init(&fake, 1700000000 * SECOND);
    struct sessions *sessions = sessions_new(&fake.clock, on_end, NULL);
    ended = 0;
    const struct session *session = sessions_open(sessions, &kim, &origin, one);
    assert_non_null(sessions_open(sessions, &kim, &origin, two));
    assert_string_not_equal(one, two);
    assert_int_equal(strlen(one), 43);
    assert_string_not_equal(session->csrf, one);
    assert_ptr_equal(sessions_find(sessions, one), session);
    assert_null(sessions_find(sessions, "guessed"));
    assert_int_equal(sessions_expire_us(sessions, session), 1700000000 * SECOND + SESSION_LIFE_US);
    /* unused for half an hour: over; used meanwhile: not */
    clock_fake_advance(&fake, SESSION_IDLE_US - SECOND);
    assert_non_null(sessions_find(sessions, one));
    clock_fake_advance(&fake, 2 * SECOND);
    assert_null(sessions_find(sessions, two));
    assert_non_null(sessions_find(sessions, one));
    assert_int_equal(ended, 1);
    /* however much it is used, once its life is over */
    for (int64_t t = 0; t < SESSION_LIFE_US; t += SESSION_IDLE_US / 2) {
        clock_fake_advance(&fake, SESSION_IDLE_US / 2);
        (void)sessions_find(sessions, one);
    }
    assert_null(sessions_find(sessions, one));
    assert_int_equal(sessions_count_of(sessions, "kim"), 0);
    assert_int_equal(ended, 2);
    sessions_free(sessions);
}

/* Whoever can write nonsense into the file crashes nobody. */
static void
sessions_are_read_with_care(void **state)
{
    static const char *const bad[] = {"\n", "1 kim\n", "x kim viewer -- a b c d e f\n",
                                      "1 kim viewer -- a b 1 2 p - more and more\n"};
    struct clock_fake fake;
    char path[] = "/tmp/cordon-sessions-XXXXXX";
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    clock_fake_init(&fake, 1700000000 * SECOND);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(file_write_atomic(path, bad[i], strlen(bad[i]), 0600), 0);
        struct sessions *sessions = sessions_new(&fake.clock, NULL, NULL);
        sessions_keep(sessions, path);
        assert_int_equal(sessions_count_of(sessions, "kim"), 0);
        sessions_free(sessions);
    }
    unlink(path);
}

static void
sessions_outlive_the_process(void **state)
{
    struct clock_fake fake;
    struct account kim = {.name = "kim", .role = ACCOUNT_OPERATOR}, lee = {.name = "lee"};
    char one[SESSION_TEXT_SIZE], two[SESSION_TEXT_SIZE], old[SESSION_TEXT_SIZE];
    char path[] = "/tmp/cordon-sessions-XXXXXX", *text = NULL;
    size_t size = 0;
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    clock_fake_init(&fake, 1700000000 * SECOND);
    struct sessions *sessions = sessions_new(&fake.clock, NULL, NULL);
    sessions_keep(sessions, path);
    const struct session_origin must = {
        .peer = "192.0.2.9", .must_enrol = true, .proof = {1, 2, [SESSION_PROOF_SIZE - 1] = 3}};
    assert_non_null(sessions_open(sessions, &lee, &origin, old));
    clock_fake_advance(&fake, SESSION_IDLE_US - 10 * SECOND);
    assert_non_null(sessions_open(sessions, &kim, &origin, one));
    const struct session *second = sessions_open(sessions, &kim, &must, two);
    assert_non_null(second);
    uint64_t number = second->number;
    assert_int_equal(file_read(path, 100000, &text, &size), 0);
    assert_null(strstr(text, one)); /* what the browser holds is not in it */
    free(text);
    /* the process dies, and another one begins: its boot clock is another one's, too */
    struct clock_fake later;
    clock_fake_init(&later, clock_wall_us(&fake.clock) + 20 * SECOND);
    struct sessions *again = sessions_new(&later.clock, NULL, NULL);
    sessions_keep(again, path);
    assert_null(sessions_find(again, old)); /* unused too long meanwhile */
    const struct session *found = sessions_find(again, two);
    assert_non_null(found);
    assert_true(found->must_enrol && found->number == number && found->role == ACCOUNT_OPERATOR);
    assert_string_equal(found->peer, "192.0.2.9");
    assert_string_equal(found->csrf, second->csrf);
    assert_memory_equal(found->proof, must.proof, SESSION_PROOF_SIZE);
    assert_string_equal(sessions_find(again, one)->agent, "Lynx?/2");
    assert_false(sessions_find(again, one)->must_enrol);
    assert_int_equal(sessions_expire_us(again, found),
                     clock_wall_us(&later.clock) - 20 * SECOND + SESSION_LIFE_US);
    sessions_end(again, found); /* signed out: over for ever */
    struct sessions *third = sessions_new(&later.clock, NULL, NULL);
    sessions_keep(third, path);
    assert_null(sessions_find(third, two));
    assert_non_null(sessions_find(third, one));
    sessions_free(third);
    sessions_free(again);
    /* a clock that went back does not make them younger */
    clock_fake_init(&later, 1600000000 * SECOND);
    third = sessions_new(&later.clock, NULL, NULL);
    sessions_keep(third, path);
    assert_null(sessions_find(third, one));
    sessions_free(third);
    sessions_free(sessions);
    unlink(path);
}

static void
sessions_are_bounded(void **state)
{
    struct clock_fake fake;
    struct account kim = {.name = "kim"}, lee = {.name = "lee"};
    char first[SESSION_TEXT_SIZE], other[SESSION_TEXT_SIZE], text[SESSION_TEXT_SIZE];
    (void)state;
    clock_fake_init(&fake, 1700000000 * SECOND);
    struct sessions *sessions = sessions_new(&fake.clock, on_end, NULL);
    assert_non_null(sessions_open(sessions, &lee, &origin, other));
    assert_non_null(sessions_open(sessions, &kim, &origin, first));
    for (int i = 0; i < SESSIONS_PER_ACCOUNT; i++) {
        assert_non_null(sessions_open(sessions, &kim, &origin, text));
    }
    assert_int_equal(sessions_count_of(sessions, "kim"), SESSIONS_PER_ACCOUNT);
    assert_null(sessions_find(sessions, first));
    assert_non_null(sessions_find(sessions, other));
    sessions_end_of(sessions, "kim", 0);
    assert_int_equal(sessions_count_of(sessions, "kim"), 0);
    assert_non_null(sessions_find(sessions, other));
    sessions_free(sessions);
}

static void
cookies(void **state)
{
    char value[SESSION_TEXT_SIZE];
    (void)state;
    assert_true(cookie_find("a=b; __Host-cordon=abc-_9; c=d", SESSION_COOKIE, value));
    assert_string_equal(value, "abc-_9");
    assert_true(cookie_find("__Host-cordon=x", SESSION_COOKIE, value));
    static const char *const none[] = {
        "",
        "a=b",
        "__Host-cordon",
        "__Host-cordon=",
        "x__Host-cordon=a",
        "__Host-cordonx=a",
        "__Host-cordon=a b",
        "__Host-cordon=\"a\"",
        "__host-cordon=a",
        "__Host-cordon=a; __Host-cordon=b", /* somebody planted one */
        "__Host-cordon=0123456789012345678901234567890123456789012345678901234567890",
    };
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        assert_false(cookie_find(none[i], SESSION_COOKIE, value));
    }
    assert_false(cookie_find(NULL, SESSION_COOKIE, value));
}

/* Whoever can end web gets no new guesses for it; nor does a clock that is set. */
static void
failures_outlive_the_process(void **state)
{
    (void)state;
    struct clock_fake fake;
    char path[] = "/tmp/cordon-failures-XXXXXX";
    close(mkstemp(path));
    clock_fake_init(&fake, 1700000000 * SECOND);
    fake.boot_now_us = 500 * SECOND;
    struct lockout *lockout = lockout_new(5, 1);
    lockout_keep(lockout, path, &fake.clock);
    for (int i = 0; i < 9; i++) {
        lockout_failed(lockout, "kim", clock_boot_us(&fake.clock));
    }
    lockout_failed(lockout, "lee\n1 0 kim", clock_boot_us(&fake.clock));
    for (int i = 0; i < 5; i++) {
        lockout_failed(lockout, "jo", clock_boot_us(&fake.clock));
    }
    lockout_succeeded(lockout, "jo");
    int64_t wait = lockout_wait_us(lockout, "kim", clock_boot_us(&fake.clock));
    assert_int_equal(wait, 16 * SECOND);
    lockout_free(lockout); /* as a crash leaves it: nothing is written at the end */
    for (int run = 0; run < 3; run++) {
        clock_fake_advance(&fake, SECOND);
        fake.wall_now_us -= run == 2 ? 3600 * SECOND : 0;
        lockout = lockout_new(5, 1);
        lockout_keep(lockout, path, &fake.clock);
        int64_t now = clock_boot_us(&fake.clock);
        assert_int_equal(lockout_count(lockout), 2);
        assert_int_equal(lockout_wait_us(lockout, "jo", now), 0);
        assert_int_equal(lockout_wait_us(lockout, "kim", now),
                         run == 2 ? wait : wait - (run + 1) * SECOND);
        lockout_free(lockout);
    }
    lockout = lockout_new(5, 1); /* and it goes on from there */
    lockout_keep(lockout, path, &fake.clock);
    lockout_failed(lockout, "kim", clock_boot_us(&fake.clock));
    assert_int_equal(lockout_wait_us(lockout, "kim", clock_boot_us(&fake.clock)), 32 * SECOND);
    /* However many come, the file stays small. */
    for (int i = 0; i < 5 * LOCKOUT_KEYS_MAX; i++) {
        lockout_failed(lockout, "lee", clock_boot_us(&fake.clock));
    }
    struct stat found;
    assert_int_equal(stat(path, &found), 0);
    assert_true(found.st_size < 100 * 4 * LOCKOUT_KEYS_MAX);
    lockout_free(lockout);
    /* What is no line of ours is passed over. */
    FILE *file = fopen(path, "we");
    fputs("\n\xff\n1 2\n9 9 zz\n99999999999999999999 4294967296 00\n", file);
    fclose(file);
    lockout = lockout_new(5, 1);
    lockout_keep(lockout, path, &fake.clock);
    assert_int_equal(lockout_count(lockout), 0);
    lockout_free(lockout);
    unlink(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(account_lines_are_strict),
        cmocka_unit_test(the_last_administrator_stays),
        cmocka_unit_test(passwords),
        cmocka_unit_test(guessing_costs_ever_more_time),
        cmocka_unit_test(failures_outlive_the_process),
        cmocka_unit_test(a_torn_line_of_failures_is_nobodys),
        cmocka_unit_test(who_mistypes_now_and_then_waits_for_nothing),
        cmocka_unit_test(a_flood_of_names_takes_no_memory),
        cmocka_unit_test(a_flood_of_names_forgets_nobody),
        cmocka_unit_test(what_lapsed_makes_room_first),
        cmocka_unit_test(tries_at_the_same_time_are_counted),
        cmocka_unit_test(shares_refill),
        cmocka_unit_test(sessions_live_and_end),
        cmocka_unit_test(sessions_outlive_the_process),
        cmocka_unit_test(sessions_are_read_with_care),
        cmocka_unit_test(sessions_are_bounded),
        cmocka_unit_test(cookies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
