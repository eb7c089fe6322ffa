/* The stable hash is FNV-1a for ever; the keyed one differs in every process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/macros.h"

/* From the test suite of FNV's authors (draft-eastlake-fnv, 64 bits, 1a). */
static void
the_stable_hash_is_fnv_1a(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t hash;
    } cases[] = {{"", UINT64_C(0xcbf29ce484222325)},
                 {"a", UINT64_C(0xaf63dc4c8601ec8c)},
                 {"b", UINT64_C(0xaf63df4c8601f1a5)},
                 {"foobar", UINT64_C(0x85944171f73967e8)}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_true(hash_stable(cases[i].text, strlen(cases[i].text)) == cases[i].hash);
    }
    assert_true(hash_stable("a\0b", 3) != hash_stable("a\0c", 3)); /* goes on behind a NUL */
}

static void
the_keyed_hash_is_not_the_stable_one(void **state)
{
    (void)state;
    assert_true(hash_bytes("foobar", 6) == hash_bytes("foobar", 6));
    assert_true(hash_bytes("foobar", 6) == hash_text("foobar"));
    assert_true(hash_bytes("foobar", 6) != hash_stable("foobar", 6));
}

/* Every byte of every length counts, also those behind the last whole word. */
static void
each_byte_counts(void **state)
{
    (void)state;
    uint8_t bytes[33] = {0};
    for (size_t size = 1; size <= sizeof(bytes); size++) {
        uint64_t before = hash_bytes(bytes, size);
        assert_true(before != hash_bytes(bytes, size - 1));
        for (size_t i = 0; i < size; i++) {
            bytes[i] ^= 1;
            assert_true(hash_bytes(bytes, size) != before);
            bytes[i] ^= 1;
        }
    }
}

/* Runs this program anew for its hash: a forked child would share the key that was drawn. */
static uint64_t
hash_of_a_new_process(void)
{
    char self[256], command[300], line[32] = "";
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
    assert_true(size > 0);
    self[size] = '\0';
    snprintf(command, sizeof(command), "'%s' say", self);
    FILE *said = popen(command, "re");
    assert_non_null(said);
    assert_non_null(fgets(line, sizeof(line), said));
    assert_int_equal(pclose(said), 0);
    return strtoull(line, NULL, 16);
}

static void
each_process_has_its_own_key(void **state)
{
    (void)state;
    uint64_t mine = hash_text("foobar"), first = hash_of_a_new_process();
    assert_true(mine != first);
    assert_true(first != hash_of_a_new_process());
}

int
main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "say") == 0) {
        printf("%llx\n", (unsigned long long)hash_text("foobar"));
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_stable_hash_is_fnv_1a),
        cmocka_unit_test(the_keyed_hash_is_not_the_stable_one),
        cmocka_unit_test(each_byte_counts),
        cmocka_unit_test(each_process_has_its_own_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
