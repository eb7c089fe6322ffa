/* What the kernel says of our control group's memory, of both versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/memory.h"

static const char old[] =
    "12:pids:/system.slice\n5:cpu,memory:/system.slice/cordond.service\n0::/x\n";
static const char new[] = "0::/system.slice/cordond.service\n";

static void
test_our_group_is_found(void **state)
{
    (void)state;
    char path[64];
    assert_true(memory_group_find(old, true, path, sizeof(path)));
    assert_string_equal(path, "/system.slice/cordond.service");
    assert_true(memory_group_find(old, false, path, sizeof(path)));
    assert_string_equal(path, "/x");
    assert_true(memory_group_find(new, false, path, sizeof(path)));
    assert_string_equal(path, "/system.slice/cordond.service");
    assert_false(memory_group_find(new, true, path, sizeof(path)));
    assert_false(memory_group_find(new, false, path, 8));
    for (size_t i = 0; i + 1 < sizeof(new); i++) { /* cut anywhere */
        char text[sizeof(new)];
        memcpy(text, new, i);
        text[i] = '\0';
        (void)memory_group_find(text, false, path, sizeof(path));
    }
}

static void
test_a_number_is_found_by_its_whole_name(void **state)
{
    (void)state;
    const char *text = "cache 1\ninactive_file 4096\ntotal_inactive_file 8192\n";
    assert_int_equal(memory_stat_find(text, "inactive_file"), 4096);
    assert_int_equal(memory_stat_find(text, "total_inactive_file"), 8192);
    assert_int_equal(memory_stat_find(text, "cach"), 0);
    assert_int_equal(memory_stat_find("", "cache"), 0);
}

static void
test_no_group_is_no_limit(void **state)
{
    (void)state;
    uint64_t limit, used;
    struct memory_group group = {-1, -1, -1};
    assert_false(memory_group_read(&group, &limit, &used));
    memory_group_open(&group); /* whatever this machine has: it must not fail */
    (void)memory_group_read(&group, &limit, &used);
    memory_group_close(&group);
    assert_int_equal(group.limit_fd, -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_our_group_is_found),
        cmocka_unit_test(test_a_number_is_found_by_its_whole_name),
        cmocka_unit_test(test_no_group_is_no_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
