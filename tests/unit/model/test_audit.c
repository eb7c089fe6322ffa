/* The walk through the chain of hashes: what each way of tampering with the rows looks like. */
#include "model/audit_chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define ROWS 12

struct row {
    struct audit_fields fields;
    uint8_t hash[AUDIT_HASH_SIZE];
};

struct log {
    struct row rows[ROWS + 1];
    size_t count;
};

static char details[ROWS + 1][16];

/* As the store writes them: rows 1 to 12. */
static struct log
log_write(void)
{
    struct log log = {.count = ROWS};
    uint8_t last[AUDIT_HASH_SIZE] = {0};
    for (size_t i = 0; i < ROWS; i++) {
        struct row *row = &log.rows[i];
        snprintf(details[i], sizeof(details[i]), "reason %zu", i + 1);
        row->fields = (struct audit_fields){.number = (int64_t)i + 1,
                                            .at_us = (int64_t)i * 1000,
                                            .account = "account:ann",
                                            .action = "release",
                                            .object = "01X",
                                            .detail = details[i]};
        audit_hash(last, &row->fields, row->hash);
        memcpy(last, row->hash, sizeof(last));
    }
    return log;
}

static void
row_drop(struct log *log, size_t index)
{
    log->count--;
    memmove(&log->rows[index], &log->rows[index + 1], (log->count - index) * sizeof(struct row));
}

static struct audit_chain
walk_from(struct audit_chain chain, const struct log *log)
{
    bool goes_on = true;
    for (size_t i = 0; i < log->count && goes_on; i++) {
        goes_on = audit_chain_take(&chain, &log->rows[i].fields, log->rows[i].hash);
    }
    audit_chain_end(&chain);
    return chain;
}

static void
shows(const struct log *log, enum audit_fault fault, int64_t bad)
{
    struct audit_chain chain;
    audit_chain_begin(&chain);
    chain = walk_from(chain, log);
    if (chain.fault != fault || chain.bad_number != bad) {
        fail_msg("%s at row %d (%s), not %s at row %d", audit_fault_names[chain.fault],
                 (int)chain.bad_number, chain.what, audit_fault_names[fault], (int)bad);
    }
    if (fault != AUDIT_SOUND) {
        assert_int_equal(chain.checked, fault == AUDIT_REMOVED && bad > 5 ? 4 : chain.checked);
        assert_true(chain.what[0] != '\0');
    }
}

static void
a_sound_one_is_sound(void **state)
{
    struct log log = log_write();
    (void)state;
    shows(&log, AUDIT_SOUND, 0);
    log.count = 0;
    shows(&log, AUDIT_SOUND, 0);
}

static void
each_field_counts(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        struct log log = log_write();
        struct audit_fields *fields = &log.rows[6].fields;
        fields->at_us += i == 0;
        fields->account = i == 1 ? "account:bob" : fields->account;
        fields->action = i == 2 ? "extend" : fields->action;
        fields->object = i == 3 ? "01Y" : fields->object;
        fields->detail = i == 4 ? "" : fields->detail;
        log.rows[6].hash[31] ^= i == 5;
        shows(&log, AUDIT_EDITED, 7);
    }
    /* moving a letter from one field to the next is an edit, too */
    struct log log = log_write();
    log.rows[6].fields.account = "account:annr";
    log.rows[6].fields.action = "elease";
    shows(&log, AUDIT_EDITED, 7);
    /* a row without a text, or without a hash */
    log = log_write();
    log.rows[6].fields.object = NULL;
    shows(&log, AUDIT_EDITED, 7);
}

/* Whoever edits a row and computes its hash again is seen at the row behind it. */
static void
an_edit_with_its_hash_shows_at_the_next(void **state)
{
    struct log log = log_write();
    (void)state;
    log.rows[6].fields.account = "account:bob";
    audit_hash(log.rows[5].hash, &log.rows[6].fields, log.rows[6].hash);
    shows(&log, AUDIT_EDITED, 8);
}

static void
removed_rows_show(void **state)
{
    struct log log = log_write();
    (void)state;
    row_drop(&log, 4);
    shows(&log, AUDIT_REMOVED, 6);
    row_drop(&log, 4);
    shows(&log, AUDIT_REMOVED, 7);
    log = log_write();
    row_drop(&log, 0); /* the beginning */
    shows(&log, AUDIT_REMOVED, 2);
}

static void
removed_and_renumbered_rows_show(void **state)
{
    struct log log = log_write();
    (void)state;
    row_drop(&log, 4);
    row_drop(&log, 4);
    for (size_t i = 4; i < log.count; i++) {
        log.rows[i].fields.number -= 2;
    }
    shows(&log, AUDIT_REMOVED, 5);
}

static void
reordered_rows_show(void **state)
{
    struct log log = log_write();
    struct row row = log.rows[4];
    (void)state;
    log.rows[4] = log.rows[5]; /* lines of a file */
    log.rows[5] = row;
    shows(&log, AUDIT_REORDERED, 6);
    log.rows[4].fields.number = 5; /* rows of a table, whose numbers stay */
    log.rows[5].fields.number = 6;
    shows(&log, AUDIT_REORDERED, 5);
    log = log_write(); /* far apart; only what they say is exchanged */
    const char *detail = log.rows[3].fields.detail;
    int64_t at_us = log.rows[3].fields.at_us;
    log.rows[3].fields.detail = log.rows[10].fields.detail;
    log.rows[3].fields.at_us = log.rows[10].fields.at_us;
    log.rows[10].fields.detail = detail;
    log.rows[10].fields.at_us = at_us;
    shows(&log, AUDIT_REORDERED, 4);
}

static void
inserted_rows_show(void **state)
{
    struct log log = log_write();
    (void)state;
    memmove(&log.rows[5], &log.rows[4], (log.count - 4) * sizeof(struct row));
    log.count++;
    log.rows[4].fields.detail = "never written";
    for (size_t i = 5; i < log.count; i++) {
        log.rows[i].fields.number++;
    }
    audit_hash(log.rows[3].hash, &log.rows[4].fields, log.rows[4].hash);
    shows(&log, AUDIT_EDITED, 6); /* its hash was computed: what stands behind it does not fit */
    log.rows[4].hash[0] ^= 1;
    shows(&log, AUDIT_INSERTED, 5);
}

/* What the rows alone cannot show: only what was noted elsewhere can. */
static void
a_cut_end_shows_by_what_was_noted(void **state)
{
    struct log log = log_write();
    struct audit_chain chain;
    uint8_t newest[AUDIT_HASH_SIZE];
    (void)state;
    memcpy(newest, log.rows[ROWS - 1].hash, sizeof(newest));
    log.count -= 3;
    shows(&log, AUDIT_SOUND, 0);
    audit_chain_begin(&chain);
    audit_chain_want(&chain, newest);
    chain = walk_from(chain, &log);
    assert_int_equal(chain.fault, AUDIT_CUT);
    assert_int_equal(chain.bad_number, 10);
    audit_chain_begin(&chain);
    audit_chain_tip(&chain, ROWS, newest);
    assert_int_equal(walk_from(chain, &log).fault, AUDIT_CUT);
    /* an older hash, and rows that were added since: sound */
    audit_chain_begin(&chain);
    audit_chain_want(&chain, log.rows[3].hash);
    audit_chain_tip(&chain, 8, log.rows[7].hash);
    assert_int_equal(walk_from(chain, &log).fault, AUDIT_SOUND);
}

static void
a_chain_made_anew_shows_by_what_was_noted(void **state)
{
    struct log log = log_write();
    struct audit_chain chain;
    uint8_t newest[AUDIT_HASH_SIZE];
    (void)state;
    memcpy(newest, log.rows[ROWS - 1].hash, sizeof(newest));
    log.rows[6].fields.account = "account:bob";
    for (size_t i = 6; i < ROWS; i++) {
        audit_hash(log.rows[i - 1].hash, &log.rows[i].fields, log.rows[i].hash);
    }
    shows(&log, AUDIT_SOUND, 0); /* said honestly: without a note it cannot be seen */
    audit_chain_begin(&chain);
    audit_chain_want(&chain, newest);
    assert_int_equal(walk_from(chain, &log).fault, AUDIT_CUT);
    audit_chain_begin(&chain);
    audit_chain_tip(&chain, ROWS, newest);
    assert_int_equal(walk_from(chain, &log).fault, AUDIT_CUT);
}

static void
hashes_as_text(void **state)
{
    uint8_t hash[AUDIT_HASH_SIZE];
    char text[AUDIT_HEX_SIZE], again[AUDIT_HEX_SIZE];
    struct log log = log_write();
    (void)state;
    audit_hash_format(log.rows[0].hash, text);
    assert_true(audit_hash_parse(text, hash));
    assert_memory_equal(hash, log.rows[0].hash, sizeof(hash));
    audit_hash_format(hash, again);
    assert_string_equal(text, again);
    text[5] = 'g';
    assert_false(audit_hash_parse(text, hash));
    assert_false(audit_hash_parse("", hash));
    assert_false(audit_hash_parse("00", hash));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_one_is_sound),
        cmocka_unit_test(each_field_counts),
        cmocka_unit_test(an_edit_with_its_hash_shows_at_the_next),
        cmocka_unit_test(removed_rows_show),
        cmocka_unit_test(removed_and_renumbered_rows_show),
        cmocka_unit_test(reordered_rows_show),
        cmocka_unit_test(inserted_rows_show),
        cmocka_unit_test(a_cut_end_shows_by_what_was_noted),
        cmocka_unit_test(a_chain_made_anew_shows_by_what_was_noted),
        cmocka_unit_test(hashes_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
