/* One pass over a line of JSON gives what a tree of it gives, and takes nothing that is no JSON. */
#include <ctype.h>

#include "eve_by_tree.h"
#include "intake/pick.h"
#include "lines.h"
#include "wire/codec.h"

enum { FIRST, SECOND, INNER, LIST, PLACES };

static const struct pick_want inner_table[] = {PICK_WANT("x", INNER, NULL)};
static const struct pick_wants inner_wants = PICK_WANTS(inner_table);
static const struct pick_want table[] = {
    PICK_WANT("a", FIRST, NULL),
    PICK_WANT("b", SECOND, &inner_wants),
    PICK_WANT("l", LIST, NULL),
};
static const struct pick_wants wants = PICK_WANTS(table);

static bool
pick(const char *text, struct pick picks[PLACES])
{
    memset(picks, 0, sizeof(*picks) * PLACES);
    return pick_object(text, strlen(text), &wants, picks);
}

static void
assert_first(const char *text, const char *expected)
{
    struct pick picks[PLACES];
    char found[64];
    assert_true(pick(text, picks));
    assert_int_equal(pick_text(&picks[FIRST], found, sizeof(found)), strlen(expected));
    assert_string_equal(found, expected);
    assert_true(pick_is(&picks[FIRST], expected));
}

static void
picks_what_is_wanted(void **state)
{
    (void)state;
    struct pick picks[PLACES];
    assert_first("{\"z\":[1,{\"a\":\"no\"}],\"a\":\"yes\"}", "yes");
    assert_first(" { \"a\" :\t\"yes\" , \"b\" : { } }\r\n", "yes");
    assert_first("{\"a\":\"first\",\"a\":\"second\"}", "first");
    assert_first("{\"\\u0061\":\"by an escaped name\"}", "by an escaped name");
    assert_first("{\"a\":\"\\\"\\\\\\/\\u00e9\\u3042\\ud83d\\ude00\"}",
                 "\"\\/\xc3\xa9\xe3\x81\x82\xf0\x9f\x98\x80");
    assert_first("{\"a\":7}", "");
    assert_true(pick("{\"b\":{\"x\":1.5e1,\"y\":{\"x\":3}},\"x\":2}", picks));
    assert_true(pick_number(&picks[INNER]) == 15);
    assert_true(pick("{\"b\":\"\",\"b\":{\"x\":1}}", picks)); /* the first one has none */
    assert_int_equal(picks[INNER].kind, PICK_ABSENT);
    assert_true(pick("{}", picks));
    assert_int_equal(picks[FIRST].kind, PICK_ABSENT);
}

static void
walks_lists(void **state)
{
    (void)state;
    struct pick picks[PLACES], none = {.kind = PICK_ABSENT};
    char all[64] = "", text[16];
    assert_true(pick("{\"l\":[ \"one\" ,[2,3],\"t\\\"wo\",{}, 4 ]}", picks));
    size_t count = 0;
    for (struct pick item = pick_next(&picks[LIST], &none); item.kind != PICK_ABSENT;
         item = pick_next(&picks[LIST], &item)) {
        (void)pick_text(&item, text, sizeof(text));
        strcat(all, text);
        count++;
    }
    assert_int_equal(count, 5);
    assert_string_equal(all, "onet\"wo");
    assert_true(pick("{\"l\":[]}", picks));
    assert_int_equal(pick_first(&picks[LIST]).kind, PICK_ABSENT);
    assert_true(pick("{\"l\":\"bare\"}", picks));
    assert_int_equal(pick_first(&picks[LIST]).kind, PICK_TEXT);
    assert_int_equal(pick_next(&picks[LIST], &none).kind, PICK_ABSENT);
}

static void
cuts_texts_to_their_room(void **state)
{
    (void)state;
    struct pick picks[PLACES];
    char room[4];
    assert_true(pick("{\"a\":\"12345\"}", picks));
    assert_int_equal(pick_text(&picks[FIRST], room, sizeof(room)), 5);
    assert_string_equal(room, "123");
    assert_true(pick("{\"a\":\"\\t2\\u30423\"}", picks));
    assert_int_equal(pick_text(&picks[FIRST], room, sizeof(room)), 6);
    assert_memory_equal(room, "\t2\xe3", 4);
}

static void
refuses_what_is_no_json(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "[]",
                                        "7",
                                        "{",
                                        "{\"a\"",
                                        "{\"a\":",
                                        "{\"a\":}",
                                        "{\"a\":1",
                                        "{\"a\":1,}",
                                        "{,}",
                                        "{a:1}",
                                        "{'a':1}",
                                        "{\"a\":1}}",
                                        "{\"a\":1} x",
                                        "{}{}",
                                        "{\"a\" 1}",
                                        "{\"a\":1 \"b\":2}",
                                        "{\"a\":[1,]}",
                                        "{\"a\":[1}",
                                        "{\"a\":[}",
                                        "{\"a\":tru}",
                                        "{\"a\":nul",
                                        "{\"a\":truefalse}",
                                        "{\"a\":\"\\x\"}",
                                        "{\"a\":\"\\",
                                        "{\"a\":\"\\\"}",
                                        "{\"a\":\"\\u12\"}",
                                        "{\"a\":\"\\u12g4\"}",
                                        "{\"a\":\"\\u0000\"}",
                                        "{\"a\":\"\\ud800\"}",
                                        "{\"a\":\"\\udc00\"}",
                                        "{\"a\":\"\\ud800\\u0041\"}",
                                        "{\"a\":\"\\ud83d\\ude0\"}",
                                        "{\"a\":-}",
                                        "{\"a\":01}",
                                        "{\"a\":1.}",
                                        "{\"a\":.5}",
                                        "{\"a\":+1}",
                                        "{\"a\":1e}",
                                        "{\"a\":1e+}",
                                        "{\"a\":0x10}",
                                        "{\"a\":NaN}",
                                        "{\"a\":Infinity}",
                                        "\xef\xbb\xbf{}",
                                        "{\"a\":1}\v",
                                        "{\v\"a\":1}",
                                        "{\"\\ud800\":1}"};
    struct pick picks[PLACES];
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        if (pick(texts[i], picks)) {
            fail_msg("taken: %s", texts[i]);
        }
    }
    static const char nul[] = "{\"a\":\"1\0002\"}";
    assert_false(pick_object(nul, sizeof(nul) - 1, &wants, picks));
}

static void
is_bounded(void **state)
{
    (void)state;
    struct pick picks[PLACES];
    char deep[256];
    for (int depth = PICK_DEPTH_MAX - 1; depth <= PICK_DEPTH_MAX; depth++) { /* and the object */
        snprintf(deep, sizeof(deep), "{\"a\":%.*s%.*s}", depth, "[[[[[[[[[[[[[[[[[[", depth,
                 "]]]]]]]]]]]]]]]]]]");
        assert_int_equal(pick(deep, picks), depth < PICK_DEPTH_MAX);
    }
    for (int digits = PICK_NUMBER_MAX; digits <= PICK_NUMBER_MAX + 1; digits++) {
        snprintf(deep, sizeof(deep), "{\"a\":1%0*d}", digits - 1, 7);
        assert_int_equal(pick(deep, picks), digits == PICK_NUMBER_MAX);
    }
}

/* ---- against the tree ---- */

/* Takes cJSON what RFC 8259 does not have: a control character as a blank, or 01, 1., 1.e5? */
static bool
is_only_lenient(const char *line, size_t size)
{
    bool is_text = false;
    for (size_t i = 0; i < size; i++) {
        char c = line[i];
        char before = i > 0 ? line[i - 1] : ' ', after = i + 1 < size ? line[i + 1] : ' ';
        bool is_blank = (unsigned char)c < ' ' && c != '\t' && c != '\r' && c != '\n';
        bool is_zero_first =
            c == '0' && !strchr("0123456789.eE+-", before) && after >= '0' && after <= '9';
        bool is_minus_zero = c == '0' && before == '-' && after >= '0' && after <= '9';
        bool is_bare_point =
            c == '.' && !(isdigit((unsigned char)after) && isdigit((unsigned char)before));
        if (!is_text && (is_blank || is_zero_first || is_minus_zero || is_bare_point)) {
            return true;
        }
        i += is_text && c == '\\';
        is_text = c == '"' ? !is_text : is_text;
    }
    return false;
}

static void
compare(const char *line, size_t size)
{
    struct detection picked, wanted;
    char why[NAME_SIZE] = "", wanted_why[NAME_SIZE] = "";
    memset(&picked, 0, sizeof(picked));
    memset(&wanted, 0, sizeof(wanted));
    char *copy = malloc(size ? size : 1); /* its own size: the sanitizer sees a byte too far */
    memcpy(copy, line, size);
    enum line_result result = eve_parse(copy, size, true, &picked, why);
    enum line_result by_tree = eve_by_tree(copy, size, true, &wanted, wanted_why);
    free(copy);
    if (result == LINE_REFUSED && strcmp(why, "not a JSON object") == 0 &&
        strcmp(wanted_why, why) != 0 && is_only_lenient(line, size)) {
        return;
    }
    if (result != by_tree || strcmp(why, wanted_why) != 0 ||
        (result == LINE_DETECTION && memcmp(&picked, &wanted, sizeof(picked)) != 0)) {
        fail_msg("%d (%s), by tree %d (%s): %.*s", result, why, by_tree, wanted_why, (int)size,
                 line);
    }
}

static const char *const lines[] = {
    EVE_ALERT,
    EVE_BARE,
    EVE_START "\"event_type\":\"dns\"," EVE_ENDS "}",
    EVE_START "\"event_type\":\"alert\"," EVE_ENDS
              ",\"vlan\":[],\"alert\":{\"signature\":\"\\u30a2 \\\"x\\\" \\ud83d\\ude00\","
              "\"severity\":2.0,\"signature_id\":2e3,\"metadata\":{\"confidence\":\"Low\"},"
              "\"target\":{\"ip\":\"203.0.113.80\"},\"source\":{\"ip\":\"192.0.2.101\"}},"
              "\"dns\":{\"query\":[{\"rrname\":\"a.example\"},{\"rrname\":\"b.example\"}]},"
              "\"tls\":{\"sni\":\"\",\"ja3\":{\"hash\":\"00ff\"},\"ja4\":\"t13d\"}}",
    EVE_START "\"event_type\":\"alert\"," EVE_ENDS
              ",\"alert\":{\"signature\":\"s\",\"category\":\"A Network Trojan was detected\"},"
              "\"dns\":{\"rrname\":\"c.example\"},\"http\":{\"hostname\":\"h.example\","
              "\"url\":\"http:\\/\\/h.example\\/x\"},\"http\":7}",
};

/* Every beginning, and every byte turned into each of many others. */
static void
gives_what_a_tree_gives(void **state)
{
    (void)state;
    static const char others[] = "\"\\{}[]:,0123456789.-+eEu ntf\x01\x7f\xff\xe3";
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        size_t size = strlen(lines[i]);
        char *line = malloc(size + 1);
        for (size_t at = 0; at <= size; at++) {
            compare(lines[i], at);
        }
        for (size_t at = 0; at < size; at++) {
            for (size_t j = 0; j < sizeof(others); j++) { /* NUL too */
                memcpy(line, lines[i], size + 1);
                line[at] = others[j];
                compare(line, size);
            }
            memcpy(line, lines[i], at); /* left out */
            memcpy(line + at, lines[i] + at + 1, size - at);
            compare(line, size - 1);
        }
        free(line);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(picks_what_is_wanted),
        cmocka_unit_test(walks_lists),
        cmocka_unit_test(cuts_texts_to_their_room),
        cmocka_unit_test(refuses_what_is_no_json),
        cmocka_unit_test(is_bounded),
        cmocka_unit_test(gives_what_a_tree_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
