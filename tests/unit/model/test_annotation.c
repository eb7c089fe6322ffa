/* What people say of machines: what is taken, what is tidied, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "model/annotation.h"

static struct annotation
tagged(const char *const *tags, size_t count)
{
    struct annotation a = {.tag_count = count};
    for (size_t i = 0; i < count; i++) {
        snprintf(a.tags[i], TAG_SIZE, "%s", tags[i]);
    }
    return a;
}

static void
test_spaces_and_doubles_go(void **state)
{
    (void)state;
    const char *const tags[] = {" ward 3 ", "", "Ward 3", "\xe3\x80\x80\xe7\x97\x85\xe6\xa3\x9f "};
    struct annotation a = tagged(tags, COUNT_OF(tags));
    char why[128] = "";
    snprintf(a.note, sizeof(a.note), "  by the window ");
    snprintf(a.owner, sizeof(a.owner),
             "\xe3\x80\x80"
             "Ann Example\xe3\x80\x80");
    snprintf(a.owner_email, sizeof(a.owner_email), " ann@example.org ");
    assert_true(annotation_tidy(&a, why));
    assert_int_equal(a.tag_count, 2);
    assert_string_equal(a.tags[0], "ward 3");
    assert_string_equal(a.tags[1], "\xe7\x97\x85\xe6\xa3\x9f");
    assert_string_equal(a.tags[2], "");
    assert_string_equal(a.note, "by the window");
    assert_string_equal(a.owner, "Ann Example");
    assert_string_equal(a.owner_email, "ann@example.org");
    struct annotation again = a;
    assert_true(annotation_tidy(&again, why));
    assert_true(annotation_is_equal(&a, &again));
}

static void
test_what_cannot_be_kept_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"a,b", "a;b", "a\nb", "a\x7f", "a\xe2\x80\xae", "\xc3"};
    char why[128];
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct annotation a = tagged(&bad[i], 1);
        assert_false(annotation_tidy(&a, why));
        assert_non_null(strstr(why, "tag 1"));
    }
    struct annotation a = {.note = "line one\nline two"};
    assert_false(annotation_tidy(&a, why));
    assert_non_null(strstr(why, "note"));
    a = (struct annotation){.owner = "Ann\tB"};
    assert_false(annotation_tidy(&a, why));
    assert_non_null(strstr(why, "owner"));
    a = (struct annotation){.owner_email = "ann"};
    assert_false(annotation_tidy(&a, why));
    assert_non_null(strstr(why, "owner_email"));
}

/* Mail is sent there: nothing may end the address, or add another one. */
static void
test_email(void **state)
{
    (void)state;
    static const char *const good[] = {"a@b", "ann.o+x@mail.example.org", "a'b@x.jp"};
    static const char *const bad[] = {
        "",      "@",     "a@",    "@b",   "a b@c", "a@b c", "a@b,c@d",
        "<a@b>", "a@b@c", "a@b\n", "a@.b", "a@b.",  "a@b;c", "\xe3\x81\x82@b"};
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_true(email_is_valid(good[i]));
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (email_is_valid(bad[i])) {
            fail_msg("'%s' was taken", bad[i]);
        }
    }
}

static void
test_equal_and_empty(void **state)
{
    (void)state;
    struct annotation empty = {.version = 3, .changed_us = 9, .changed_by = "ann"};
    assert_true(annotation_is_empty(&empty));
    const char *const tags[] = {"x"};
    const struct annotation said[] = {{.class = CLASS_PHONE},
                                      tagged(tags, 1),
                                      {.note = "n"},
                                      {.owner = "o"},
                                      {.owner_email = "a@b"}};
    for (size_t i = 0; i < COUNT_OF(said); i++) {
        assert_false(annotation_is_empty(&said[i]));
        for (size_t j = 0; j < COUNT_OF(said); j++) {
            assert_int_equal(annotation_is_equal(&said[i], &said[j]), i == j);
        }
        assert_false(annotation_is_equal(&said[i], &empty));
    }
    struct annotation a = said[1], b = said[1];
    b.version = 7;
    assert_true(annotation_is_equal(&a, &b));
    snprintf(b.tags[0], TAG_SIZE, "y");
    assert_false(annotation_is_equal(&a, &b));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spaces_and_doubles_go),
        cmocka_unit_test(test_what_cannot_be_kept_is_refused),
        cmocka_unit_test(test_email),
        cmocka_unit_test(test_equal_and_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
