/* Tokens: the file's text is parsed strictly, only hashes are kept, names are unique, and a file
 * that goes wrong keeps the last good list. */
#include "web/token.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

#define HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define CREATED "2026-03-09T02:58:24.000000Z"

static char folder[64];
static struct clock_fake fake;

static int
setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/cordon-token-XXXXXX");
    clock_fake_init(&fake, 1773025104000000);
    char web[80];
    snprintf(web, sizeof(web), "%s/web", mkdtemp(folder));
    return mkdir(web, 0700);
}

static int
teardown(void **state)
{
    static const char *const names[] = {"web/tokens", "web/tokens.lock", "admin.token"};
    char path[128];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    snprintf(path, sizeof(path), "%s/web", folder);
    rmdir(path);
    return rmdir(folder);
}

/* As token_add, of an unlimited token. */
static int
add(const char *name, enum account_role role, char text[TOKEN_TEXT_SIZE], char why[256])
{
    struct token token = {.role = role, .created_us = clock_wall_us(&fake.clock)};
    snprintf(token.name, sizeof(token.name), "%s", name);
    return token_add(folder, &token, text, why);
}

static void
reads_good_lines(void **state)
{
    static const char text[] = "# people\nalice admin " HASH " " CREATED "\n\nbob-2 viewer " HASH
                               " " CREATED; /* no newline at the end */
    struct token_list list;
    char why[256];
    (void)state;
    assert_int_equal(token_parse(text, sizeof(text) - 1, &list, why), 0);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.tokens[0].name, "alice");
    assert_int_equal(list.tokens[0].role, ACCOUNT_ADMIN);
    assert_int_equal(list.tokens[0].created_us, 1773025104000000);
    assert_int_equal(list.tokens[1].role, ACCOUNT_VIEWER);
    /* HASH is the SHA-256 of the empty text. */
    assert_ptr_not_equal(token_find(&list, ""), NULL);
    assert_ptr_equal(token_find(&list, "x"), NULL);
    token_list_fini(&list);
}

static void
refuses_bad_lines(void **state)
{
    static const char *const bad[] = {
        "alice admin " HASH,                     /* too few */
        "alice admin " HASH " " CREATED " more", /* no expiry */
        "alice admin " HASH " " CREATED " 1969-12-31T23:59:59Z",
        "alice admin " HASH " " CREATED " never some", /* no scope */
        "alice admin " HASH " " CREATED " never links.list,,no.such",
        "alice admin " HASH " " CREATED " never ,",
        "alice admin " HASH " " CREATED " never all more", /* too many */
        "al/ice admin " HASH " " CREATED,                  /* name */
        "alice root " HASH " " CREATED,                    /* role */
        "alice admin E3B0 " CREATED,                       /* hash */
        "alice admin " HASH "00 " CREATED,                 /* hash too long */
        "alice admin " HASH " yesterday",                  /* time */
    };
    char why[256];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct token_list list;
        assert_int_equal(token_parse(bad[i], strlen(bad[i]), &list, why), -EBADMSG);
        assert_memory_equal(why, "line 1: ", 8);
        assert_null(list.tokens);
    }
}

/* Every prefix of a good file is either good with fewer tokens or refused, never a crash or a
 * token that was not there. */
static void
reads_every_prefix(void **state)
{
    static const char text[] =
        "alice admin " HASH " " CREATED "\nbob viewer " HASH " " CREATED "\n";
    char why[256];
    (void)state;
    for (size_t size = 0; size < sizeof(text); size++) {
        struct token_list list;
        if (token_parse(text, size, &list, why) == 0) {
            assert_true(list.count <= 2);
            assert_true(list.count == 0 || strcmp(list.tokens[0].name, "alice") == 0);
            token_list_fini(&list);
        }
    }
}

static void
adds_and_finds(void **state)
{
    char text[TOKEN_TEXT_SIZE];
    char other[TOKEN_TEXT_SIZE];
    char why[256];
    char path[128];
    struct stat status;
    char *kept = NULL;
    size_t size = 0;
    (void)state;
    assert_int_equal(add("demo", ACCOUNT_OPERATOR, text, why), 0);
    assert_int_equal(add("demo", ACCOUNT_ADMIN, other, why), -EEXIST);
    assert_int_equal(add("a b", ACCOUNT_ADMIN, other, why), -EINVAL);
    assert_int_equal(add("second", ACCOUNT_VIEWER, other, why), 0);
    assert_string_not_equal(text, other);
    snprintf(path, sizeof(path), "%s/web/tokens", folder);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(file_read(path, 4096, &kept, &size), 0);
    assert_null(strstr(kept, text)); /* only its hash is kept */
    free(kept);
    struct token_file *file = token_file_new(folder);
    const struct token *token = token_file_find(file, text);
    assert_non_null(token);
    assert_string_equal(token->name, "demo");
    assert_int_equal(token->role, ACCOUNT_OPERATOR);
    assert_null(token_file_find(file, "cordon_wrong"));
    assert_null(token_file_find(file, ""));
    token_file_free(file);
}

static void
first_start_makes_an_admin(void **state)
{
    char path[128];
    char why[256];
    char *text = NULL;
    size_t size = 0;
    struct stat status;
    (void)state;
    assert_int_equal(token_prepare(folder, &fake.clock, why), 0);
    snprintf(path, sizeof(path), "%s/admin.token", folder);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(file_read(path, 4096, &text, &size), 0);
    text[size - 1] = '\0'; /* the newline */
    struct token_file *file = token_file_new(folder);
    const struct token *token = token_file_find(file, text);
    assert_non_null(token);
    assert_int_equal(token->role, ACCOUNT_ADMIN);
    /* A second start changes nothing. */
    assert_int_equal(token_prepare(folder, &fake.clock, why), 0);
    assert_non_null(token_file_find(file, text));
    free(text);
    token_file_free(file);
}

static void
keeps_the_last_good_list(void **state)
{
    char text[TOKEN_TEXT_SIZE];
    char path[128];
    char why[256];
    (void)state;
    assert_int_equal(add("demo", ACCOUNT_ADMIN, text, why), 0);
    struct token_file *file = token_file_new(folder);
    assert_non_null(token_file_find(file, text));
    snprintf(path, sizeof(path), "%s/web/tokens", folder);
    assert_int_equal(file_write_atomic(path, "rubbish\n", 8, 0600), 0);
    assert_non_null(token_file_find(file, text));
    /* An empty file is a good one: nobody. */
    assert_int_equal(file_write_atomic(path, "", 0, 0600), 0);
    assert_null(token_file_find(file, text));
    token_file_free(file);
}

static void
limits_are_kept(void **state)
{
    static const char text[] = "a viewer " HASH " " CREATED " 2026-03-09T02:58:25Z read\n"
                               "b admin " HASH " " CREATED " never links.list,policy.save\n"
                               "c admin " HASH " " CREATED " never all\n";
    struct token_list list;
    char why[256], made[TOKEN_TEXT_SIZE], scope[TOKEN_SCOPE_SIZE];
    (void)state;
    assert_int_equal(token_parse(text, sizeof(text) - 1, &list, why), 0);
    const struct token *a = &list.tokens[0], *b = &list.tokens[1], *c = &list.tokens[2];
    assert_false(token_is_expired(a, 1773025104999999));
    assert_true(token_is_expired(a, 1773025105000000));
    assert_false(token_is_expired(b, INT64_MAX));
    assert_true(token_allows(a, OP_LINK_LIST, true));
    assert_false(token_allows(a, OP_LINK_LIST, false));
    assert_true(token_allows(b, OP_LINK_LIST, true) && token_allows(b, OP_POLICY_SAVE, false));
    assert_false(token_allows(b, OP_POLICY_SHOW, true));
    assert_true(token_allows(c, OP_POLICY_SAVE, false));
    token_scope_format(b, scope);
    assert_string_equal(scope, "links.list,policy.save");
    /* the longest scope fits into a line, and comes back as it was */
    struct token longest = {.role = ACCOUNT_ADMIN, .expires_us = a->expires_us};
    for (size_t i = 0; i < TOKEN_SCOPE_OPS; i++) {
        longest.ops[longest.op_count++] = OP_NOTIFICATIONS_SHOW;
    }
    token_list_fini(&list);
    snprintf(longest.name, sizeof(longest.name), "longest");
    assert_int_equal(token_add(folder, &longest, made, why), 0);
    struct token_file *file = token_file_new(folder);
    const struct token *found = token_file_find(file, made);
    assert_non_null(found);
    assert_int_equal(found->op_count, TOKEN_SCOPE_OPS);
    assert_int_equal(found->expires_us, longest.expires_us);
    token_file_free(file);
}

static void
uses_are_kept(void **state)
{
    struct token token = {.name = "soar"};
    char path[128];
    (void)state;
    struct token_uses *uses = token_uses_open(folder);
    assert_null(token_uses_find(uses, "soar"));
    token_uses_note(uses, &token, "192.0.2.1", 1773025104000000);
    token_uses_note(uses, &token, "192.0.2.2", 1773025105000000);
    token_uses_free(uses);
    uses = token_uses_open(folder);
    const struct token_use *use = token_uses_find(uses, "soar");
    assert_non_null(use);
    assert_string_equal(use->peer, "192.0.2.2");
    assert_int_equal(use->at_us, 1773025105000000);
    token_uses_forget(uses, "soar");
    token_uses_free(uses);
    uses = token_uses_open(folder);
    assert_null(token_uses_find(uses, "soar"));
    token_uses_free(uses);
    snprintf(path, sizeof(path), "%s/web/tokens.used", folder);
    assert_int_equal(unlink(path), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_good_lines),
        cmocka_unit_test(refuses_bad_lines),
        cmocka_unit_test(reads_every_prefix),
        cmocka_unit_test_setup_teardown(adds_and_finds, setup, teardown),
        cmocka_unit_test_setup_teardown(first_start_makes_an_admin, setup, teardown),
        cmocka_unit_test_setup_teardown(limits_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(uses_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(keeps_the_last_good_list, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
