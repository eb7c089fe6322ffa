/* Which lines were stored lately (intake/known.h), against a list that is searched: the newest
 * 'limit' ids and no other, also where they share their chains. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "intake/known.h"

#define LIMIT 100
#define POOL 400
#define STEPS 20000

static void
id_of(unsigned number, uint8_t id[LINE_ID_SIZE])
{
    memset(id, 0, LINE_ID_SIZE);
    id[0] = (uint8_t)(number % 5); /* chains of many */
    memcpy(id + 8, &number, sizeof(number));
}

static void
the_newest_are_known_and_no_others(void **state)
{
    (void)state;
    struct known_lines *known = known_new(LIMIT);
    unsigned newest[LIMIT];
    size_t count = 0;
    srand(3);
    for (size_t step = 0; step < STEPS; step++) {
        uint8_t id[LINE_ID_SIZE];
        unsigned number = (unsigned)rand() % POOL;
        size_t place = 0;
        while (place < count && newest[place] != number) {
            place++;
        }
        id_of(number, id);
        assert_int_equal(known_has(known, id), place < count);
        if (rand() % 2) {
            continue;
        }
        known_add(known, id);
        if (place == count && count == LIMIT) { /* the oldest makes room */
            memmove(&newest[0], &newest[1], (LIMIT - 1) * sizeof(newest[0]));
            newest[LIMIT - 1] = number;
        } else if (place == count) {
            newest[count++] = number;
        }
        assert_true(known_has(known, id));
    }
    assert_int_equal(count, LIMIT);
    known_free(known);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_are_known_and_no_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
