/* What the line formats share: ids, sizes, line ends, texts. */
#include "lines.h"

/* One id for one line of one source, however often it comes. */
static void
test_ids(void **state)
{
    (void)state;
    struct detection a, b;
    char why[NAME_SIZE];
    assert_int_equal(parse(LINE_EVE, EVE_ALERT, &a, why), LINE_DETECTION);
    assert_int_equal(parse(LINE_EVE, EVE_ALERT, &b, why), LINE_DETECTION);
    assert_string_equal(a.id, b.id);
    assert_int_equal(strlen(a.id), strlen("line-000000000000-") + 32);
    assert_int_equal(parse(LINE_EVE, EVE_BARE, &b, why), LINE_DETECTION);
    assert_string_not_equal(a.id, b.id);
    const struct line_source other = {.name = "other", .strength = STRENGTH_STRONG};
    assert_int_equal(line_parse(LINE_EVE, EVE_ALERT, strlen(EVE_ALERT), &other, NOW_US, &b, why),
                     LINE_DETECTION);
    assert_string_not_equal(a.id, b.id);
    assert_int_equal(b.strength, STRENGTH_STRONG);
}

/* The line's own time is in its id, never the time at which it came. */
static void
test_ids_of_one_day_are_neighbours(void **state)
{
    (void)state;
    static const char timeless[] = CEF_HEADER "20|Malware URL|8|" CEF_ENDS "proto=TCP";
    const struct line_source source = {.name = "ids"};
    struct detection early, late;
    char why[NAME_SIZE], head[NAME_SIZE];
    uint8_t id[LINE_ID_SIZE];
    assert_int_equal(line_parse(LINE_CEF, timeless, strlen(timeless), &source, NOW_US, &early, why),
                     LINE_DETECTION);
    assert_int_equal(
        line_parse(LINE_CEF, timeless, strlen(timeless), &source, 2 * NOW_US, &late, why),
        LINE_DETECTION);
    assert_string_equal(early.id, late.id);
    assert_int_equal(line_parse(LINE_EVE, EVE_BARE, strlen(EVE_BARE), &source, NOW_US, &late, why),
                     LINE_DETECTION);
    snprintf(head, sizeof(head), "line-%012llx-", (unsigned long long)SEEN_US / 1000);
    assert_memory_equal(late.id, head, strlen(head));
    assert_true(line_id_parse(late.id, id));
    line_id_format(id, late.seen_us, head);
    assert_string_equal(head, late.id);
    assert_false(line_id_parse("line-0123456789ab-0123456789abcdef0123456789abcdeF", id));
    assert_false(line_id_parse("line-0123456789ab-0123456789abcdef0123456789abcde", id));
    assert_false(line_id_parse("01JQZ3NDEKTSV4RRFFQ69G5FAV", id));
}

/* Strength is the source's; what nobody declared is weak. */
static void
test_unrated_is_weak(void **state)
{
    (void)state;
    const struct line_source source = {.name = "s"};
    struct detection d;
    char why[NAME_SIZE];
    assert_int_equal(line_parse(LINE_EVE, EVE_BARE, strlen(EVE_BARE), &source, NOW_US, &d, why),
                     LINE_DETECTION);
    assert_int_equal(d.strength, STRENGTH_WEAK);
}

static void
test_oversize(void **state)
{
    (void)state;
    struct detection d;
    char why[NAME_SIZE];
    size_t size = LINE_MAX_SIZE;
    char *line = malloc(size + 1);
    memset(line, ' ', size + 1);
    memcpy(line, EVE_BARE, strlen(EVE_BARE));
    assert_int_equal(parse_size(LINE_EVE, line, size, true, &d, why), LINE_DETECTION);
    assert_int_equal(parse_size(LINE_EVE, line, size + 1, true, &d, why), LINE_REFUSED);
    assert_string_equal(why, "longer than 256 KiB");
    assert_string_equal(d.id, ""); /* nothing is left of it */
    free(line);
}

static void
test_line_ends(void **state)
{
    (void)state;
    struct detection d;
    char why[NAME_SIZE];
    assert_int_equal(parse(LINE_EVE, EVE_ALERT "\r", &d, why), LINE_DETECTION);
    assert_int_equal(parse(LINE_CEF, CEF_CALLBACK "\r", &d, why), LINE_DETECTION);
    assert_ip(&d.interested_ip, "192.0.2.101"); /* the last value of the line */
}

/* A NUL ends nothing: what stands behind it is not lost in silence. */
static void
test_nul(void **state)
{
    (void)state;
    static const char behind[] = EVE_ALERT "\0{}";
    static const char within[] = EVE_START "\"event_type\":\"alert\0\"}";
    static const char value[] = CEF_HEADER "1|a\0b|8|src=192.0.2.1 cat=c\0d";
    struct detection d;
    char why[NAME_SIZE];
    assert_int_equal(parse_size(LINE_EVE, behind, sizeof(behind) - 1, true, &d, why), LINE_REFUSED);
    assert_int_equal(parse_size(LINE_EVE, within, sizeof(within) - 1, true, &d, why), LINE_REFUSED);
    assert_int_equal(parse_size(LINE_CEF, value, sizeof(value) - 1, true, &d, why), LINE_DETECTION);
    assert_string_equal(d.signature, "a?b");
    assert_string_equal(d.category, "c?d");
    assert_int_equal(parse(LINE_EVE,
                           EVE_START "\"event_type\":\"alert\"," EVE_ENDS
                                     ",\"alert\":{\"signature\":\"a\\u0000b\"}}",
                           &d, why),
                     LINE_REFUSED);
}

static void
test_put(void **state)
{
    (void)state;
    char to[8];
    line_put(to, sizeof(to), "1234567", 7);
    assert_string_equal(to, "1234567");
    line_put(to, sizeof(to), "12345678", 8);
    assert_string_equal(to, "1234...");
    line_put(to, sizeof(to),
             "123\xc3\xa4"
             "567",
             8);
    assert_string_equal(to, "123..."); /* the character is whole or not there */
    line_put(to, sizeof(to), "a\x1b\x7f\xff\n", 5);
    assert_string_equal(to, "a????");
    line_put(to, sizeof(to), "", 0);
    assert_string_equal(to, "");
}

static void
test_techniques(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",         "1041",       "T104",  "T10411", "T1041.",
                                        "T1041.01", "T1041.0011", "t1041", "T1041x"};
    struct detection d = {.count = 0};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        line_add_technique(&d, wrong[i]);
    }
    assert_string_equal(d.techniques[0], "");
    static const char *const right[] = {"T1041", "T1071.001", "T1041", "T0003", "T0004", "T0005"};
    for (size_t i = 0; i < COUNT_OF(right); i++) {
        line_add_technique(&d, right[i]);
    }
    assert_string_equal(d.techniques[0], "T1041");
    assert_string_equal(d.techniques[1], "T1071.001");
    assert_string_equal(d.techniques[2], "T0003"); /* once each */
    assert_string_equal(d.techniques[3], "T0004"); /* and no more than there is room for */
}

static void
test_names(void **state)
{
    (void)state;
    assert_int_equal(line_protocol("tcp"), 6);
    assert_int_equal(line_protocol("IPv6-ICMP"), 58);
    assert_int_equal(line_protocol("47"), 47);
    assert_int_equal(line_protocol("256"), 0);
    assert_int_equal(line_protocol("-1"), 0);
    assert_int_equal(line_protocol("HTTP"), 0);
    assert_int_equal(line_protocol(""), 0);
    assert_int_equal(line_phase_of_tactic("TA0011"), PHASE_C2);
    assert_int_equal(line_phase_of_tactic("TA00111"), PHASE_UNKNOWN);
    assert_int_equal(line_phase_of_tactic(""), PHASE_UNKNOWN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_ids_of_one_day_are_neighbours),
        cmocka_unit_test(test_unrated_is_weak),
        cmocka_unit_test(test_oversize),
        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_put),
        cmocka_unit_test(test_techniques),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
