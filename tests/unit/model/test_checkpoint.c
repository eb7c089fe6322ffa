/* Signed notes: round trips, a known key, each byte changed, every prefix, and what the walk makes
 * of what others hold. */
#include "model/checkpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 300

struct fixture {
    struct checkpoint_key key;
    uint8_t secret[CHECKPOINT_SECRET_SIZE];
    struct checkpoint made;
};

static int
setup(void **state)
{
    static struct fixture f;
    uint8_t seed[CHECKPOINT_KEY_SIZE];
    assert_true(sodium_init() >= 0);
    for (size_t i = 0; i < sizeof(seed); i++) {
        seed[i] = (uint8_t)i;
    }
    checkpoint_key_make(seed, &f.key, f.secret);
    f.made = (struct checkpoint){.number = 1480, .at_us = 1773025104532140};
    memset(f.made.hash, 0x5a, sizeof(f.made.hash));
    checkpoint_sign(&f.made, &f.key, f.secret);
    *state = &f;
    return 0;
}

/* The form is that of other programs: RFC 8032's key of this seed, and C2SP's key id, worked out by
 * hand with Python's hashlib. */
static void
test_the_key_is_as_published(void **state)
{
    struct fixture *f = *state;
    struct checkpoint_key again;
    char text[CHECKPOINT_VKEY_SIZE], base64[64];
    uint8_t typed[33] = {1};
    uint8_t known[32];
    assert_int_equal(
        sodium_hex2bin(known, 32,
                       "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8", 64, NULL,
                       NULL, NULL),
        0);
    assert_memory_equal(f->key.bytes, known, 32);
    checkpoint_key_format(&f->key, text);
    memcpy(typed + 1, known, 32);
    sodium_bin2base64(base64, sizeof(base64), typed, 33, sodium_base64_VARIANT_ORIGINAL);
    assert_non_null(strstr(text, base64));
    assert_true(checkpoint_key_parse(text, &again));
    assert_string_equal(again.origin, f->key.origin);
    assert_memory_equal(again.bytes, f->key.bytes, 32);
    text[strlen(f->key.origin) + 1] ^= 1; /* the key id */
    assert_false(checkpoint_key_parse(text, &again));
    assert_false(checkpoint_key_parse("", &again));
    assert_false(checkpoint_key_parse("a+00000000+AAAA", &again));
}

static void
test_a_note_and_a_line_say_the_same(void **state)
{
    struct fixture *f = *state;
    struct checkpoint note, line;
    char text[CHECKPOINT_NOTE_SIZE], log[2 * CHECKPOINT_NOTE_SIZE], cef[2 * CHECKPOINT_NOTE_SIZE];
    checkpoint_format(&f->made, text);
    assert_true(checkpoint_parse(text, &note));
    assert_true(checkpoint_is_signed(&note, &f->key));
    checkpoint_line_format(&f->made, text);
    assert_true(strlen(text) < 300);
    snprintf(log, sizeof(log), "<37>1 2026-03-09 h cordon - - - detail=\"%s\" link=\"x\"", text);
    assert_true(checkpoint_line_find(log, &line));
    assert_true(checkpoint_is_signed(&line, &f->key));
    assert_true(checkpoint_is_same(&line, &note));
    size_t used = 0;
    for (const char *at = text; *at; at++) { /* as CEF has it */
        if (*at == '=') {
            cef[used++] = '\\';
        }
        cef[used++] = *at;
    }
    snprintf(cef + used, sizeof(cef) - used, " cs4=x");
    assert_true(checkpoint_line_find(cef, &line));
    assert_true(checkpoint_is_signed(&line, &f->key));
}

static void
test_every_prefix_and_every_changed_byte_is_refused(void **state)
{
    struct fixture *f = *state;
    struct checkpoint read;
    char whole[CHECKPOINT_NOTE_SIZE], text[CHECKPOINT_NOTE_SIZE];
    checkpoint_format(&f->made, whole);
    for (size_t i = 0; i < strlen(whole); i++) {
        memcpy(text, whole, sizeof(text));
        text[i] = '\0';
        assert_false(checkpoint_parse(text, &read));
        memcpy(text, whole, sizeof(text));
        text[i] ^= 1;
        if (checkpoint_parse(text, &read) && checkpoint_is_signed(&read, &f->key)) {
            fail_msg("byte %zu does not matter", i);
        }
    }
    checkpoint_line_format(&f->made, whole);
    for (size_t i = 0; i < strlen(whole); i++) {
        memcpy(text, whole, sizeof(text));
        text[i] = '\0';
        if (checkpoint_line_find(text, &read)) {
            assert_false(checkpoint_is_signed(&read, &f->key));
        }
        memcpy(text, whole, sizeof(text));
        text[i] ^= 1;
        if (checkpoint_line_find(text, &read) && checkpoint_is_signed(&read, &f->key)) {
            fail_msg("byte %zu of the line does not matter", i);
        }
    }
}

static void
test_another_key_signs_nothing_of_ours(void **state)
{
    struct fixture *f = *state;
    struct checkpoint_key other;
    uint8_t secret[CHECKPOINT_SECRET_SIZE], seed[CHECKPOINT_KEY_SIZE] = {7};
    struct checkpoint forged = f->made;
    checkpoint_key_make(seed, &other, secret);
    checkpoint_sign(&forged, &other, secret);
    assert_false(checkpoint_is_signed(&forged, &f->key));
    snprintf(forged.origin, sizeof(forged.origin), "%s", f->key.origin);
    memcpy(forged.key_id, f->made.key_id, 4);
    assert_false(checkpoint_is_signed(&forged, &f->key));
}

/* ---- the walk ---- */

struct log {
    struct audit_fields fields[ROWS];
    uint8_t hashes[ROWS][AUDIT_HASH_SIZE];
    size_t count;
};

static void
log_write(struct log *log, size_t from, size_t count, int64_t since_us, const char *detail)
{
    uint8_t last[AUDIT_HASH_SIZE] = {0};
    if (from > 0) {
        memcpy(last, log->hashes[from - 1], sizeof(last));
    }
    log->count = count;
    for (size_t i = from; i < count; i++) {
        log->fields[i] = (struct audit_fields){.number = (int64_t)i + 1,
                                               .at_us = since_us + (int64_t)i * 1000,
                                               .account = "a",
                                               .action = "b",
                                               .object = "c",
                                               .detail = detail};
        audit_hash(last, &log->fields[i], last);
        memcpy(log->hashes[i], last, sizeof(last));
    }
}

static void
hold(const struct log *log, size_t number, struct audit_held *held)
{
    *held = (struct audit_held){
        .number = (int64_t)number, .at_us = log->fields[number - 1].at_us + 500, .by = "e1"};
    memcpy(held->hash, log->hashes[number - 1], AUDIT_HASH_SIZE);
}

static struct audit_chain
walk(const struct log *log, struct audit_held *held, size_t count)
{
    struct audit_chain chain;
    audit_chain_begin(&chain);
    audit_chain_hold(&chain, held, count);
    for (size_t i = 0; i < log->count; i++) {
        if (!audit_chain_take(&chain, &log->fields[i], log->hashes[i])) {
            break;
        }
    }
    audit_chain_end(&chain);
    return chain;
}

static void
test_what_others_hold_is_compared(void **state)
{
    static struct log log;
    struct audit_held held[3];
    (void)state;
    log_write(&log, 0, 250, 0, "as it was");
    for (size_t i = 0; i < 3; i++) {
        hold(&log, 250 - 70 * i, &held[i]); /* in any order */
    }
    assert_int_equal(walk(&log, held, 3).fault, AUDIT_SOUND);

    log.count = 200; /* the end was cut off */
    struct audit_chain chain = walk(&log, held, 3);
    assert_int_equal(chain.fault, AUDIT_CUT);
    assert_int_equal(chain.bad_number, 201);
    assert_non_null(strstr(chain.what, "e1 holds a checkpoint of row 250"));

    log_write(&log, 150, 250, 0, "another story"); /* made anew, with the same times */
    chain = walk(&log, held, 3);
    assert_int_equal(chain.fault, AUDIT_REWRITTEN);
    assert_int_equal(chain.bad_number, 111); /* 110 was the last that was vouched for */
}

/* An old copy that was put back, and has grown since: the younger rows say where it begins. */
static void
test_an_old_copy_says_from_which_row_on(void **state)
{
    static struct log log;
    struct audit_held held[2];
    (void)state;
    log_write(&log, 0, 250, 0, "as it was");
    hold(&log, 100, &held[0]);
    hold(&log, 250, &held[1]);
    log_write(&log, 131, 140, 90000000, "after");
    struct audit_chain chain = walk(&log, held, 2);
    assert_int_equal(chain.fault, AUDIT_CUT);
    assert_int_equal(chain.bad_number, 132);
    log_write(&log, 131, 280, 90000000, "after");
    chain = walk(&log, held, 2);
    assert_int_equal(chain.fault, AUDIT_REWRITTEN);
    assert_int_equal(chain.bad_number, 132);
    /* what was signed since does not vouch for what was before */
    struct audit_held more[3] = {held[0], held[1]};
    hold(&log, 240, &more[2]);
    chain = walk(&log, more, 3);
    assert_int_equal(chain.fault, AUDIT_REWRITTEN);
    assert_int_equal(chain.bad_number, 132);
}

/* The row that tells of a restore explains what went with it, and nothing else. */
static void
test_an_honest_restore_is_no_alarm(void **state)
{
    static struct log log;
    struct audit_held held[3];
    (void)state;
    log_write(&log, 0, 250, 0, "as it was");
    hold(&log, 100, &held[0]);
    hold(&log, 250, &held[1]);
    log_write(&log, 131, 132, 90000000, "from the copy of March");
    log.fields[131].action = AUDIT_RESTORED;
    audit_hash(log.hashes[130], &log.fields[131], log.hashes[131]);
    log_write(&log, 132, 260, 90001000, "after");
    struct audit_chain chain = walk(&log, held, 2);
    assert_int_equal(chain.fault, AUDIT_SOUND);
    assert_int_equal(chain.lost, 1);
    hold(&log, 255, &held[2]); /* signed after it: that must be there */
    assert_int_equal(walk(&log, held, 3).fault, AUDIT_SOUND);
    log.count = 250;
    chain = walk(&log, held, 3);
    assert_int_equal(chain.fault, AUDIT_CUT);
    assert_int_equal(chain.bad_number, 251);
    log.count = 260;
    held[0].hash[0] ^= 1; /* of a row before the restore: it explains nothing */
    assert_int_equal(walk(&log, held, 3).fault, AUDIT_REWRITTEN);
}

static void
test_a_pruned_chain_begins_at_its_anchor(void **state)
{
    static struct log log;
    struct audit_held held[2];
    struct audit_chain chain;
    (void)state;
    log_write(&log, 0, 250, 0, "as it was");
    hold(&log, 50, &held[0]);
    hold(&log, 220, &held[1]);
    audit_chain_begin(&chain);
    audit_chain_anchor(&chain, 100, log.hashes[99]);
    audit_chain_hold(&chain, held, 2);
    for (size_t i = 100; i < 250; i++) {
        assert_true(audit_chain_take(&chain, &log.fields[i], log.hashes[i]));
    }
    audit_chain_end(&chain);
    assert_int_equal(chain.fault, AUDIT_SOUND);
    assert_int_equal(chain.checked, 250);
    assert_int_equal(held[1].state, HELD_FITS);

    audit_chain_begin(&chain); /* more is gone than the anchor says */
    audit_chain_anchor(&chain, 100, log.hashes[99]);
    assert_true(audit_chain_take(&chain, &log.fields[110], log.hashes[110]));
    audit_chain_end(&chain);
    assert_int_equal(chain.fault, AUDIT_REMOVED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_key_is_as_published),
        cmocka_unit_test(test_a_note_and_a_line_say_the_same),
        cmocka_unit_test(test_every_prefix_and_every_changed_byte_is_refused),
        cmocka_unit_test(test_another_key_signs_nothing_of_ours),
        cmocka_unit_test(test_what_others_hold_is_compared),
        cmocka_unit_test(test_an_old_copy_says_from_which_row_on),
        cmocka_unit_test(test_an_honest_restore_is_no_alarm),
        cmocka_unit_test(test_a_pruned_chain_begins_at_its_anchor),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
