/* The codec by itself, on a struct that has every kind of field: what it takes, what it refuses and
 * with which words, and that what it writes it reads again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/addr.h"
#include "wire/codec.h"

enum colour { COLOUR_RED, COLOUR_GREEN };
static const char *const colour_names[] = {"red", "green", NULL};

struct inner {
    char name[8];
    uint8_t level;
};

struct thing {
    char name[8];
    bool is_on;
    int8_t small;
    uint16_t port;
    int64_t when;
    uint64_t big;
    uint8_t percent;
    enum colour colour;
    char words[3][8];
    char counted[2][8];
    size_t counted_count;
    struct mac mac;
    struct ip ip;
    struct prefix prefix;
    struct inner object;
    struct inner *pointer;
    struct inner *list;
    size_t list_count;
    struct ip *ips;
    size_t ip_count;
    struct mac *macs;
    size_t mac_count;
    uint8_t *bytes;
    size_t byte_count;
    cJSON *json;
    int64_t at_us;
    union {
        struct inner red;
        struct inner *green;
    };
};

static const struct field inner_fields[] = {
    F_TEXT(FIELD_NEEDED, struct inner, name),
    F_RANGE(FIELD_OPTIONAL, struct inner, level, 0, 9),
};

static bool
inner_check(const void *thing, char why[128])
{
    snprintf(why, 128, "bad is a bad name");
    return strcmp(((const struct inner *)thing)->name, "bad") != 0;
}

static const struct shape inner_shape = SHAPE("inner", struct inner, inner_fields, inner_check);

static const struct field thing_fields[] = {
    F_TEXT(FIELD_NEEDED, struct thing, name),
    F_BOOL(FIELD_OPTIONAL, struct thing, is_on),
    F_INT(FIELD_OPTIONAL, struct thing, small),
    F_UINT(FIELD_OPTIONAL, struct thing, port),
    F_INT(FIELD_OPTIONAL, struct thing, when),
    F_UINT(FIELD_OPTIONAL, struct thing, big),
    F_RANGE(FIELD_OPTIONAL, struct thing, percent, 1, 100),
    F_ENUM(FIELD_OPTIONAL, struct thing, colour, colour_names),
    F_TEXTS(FIELD_OPTIONAL, struct thing, words, NO_COUNT, 3),
    F_TEXTS(FIELD_OPTIONAL, struct thing, counted, offsetof(struct thing, counted_count), 2),
    F_MAC(FIELD_OPTIONAL, struct thing, mac),
    F_IP(FIELD_OPTIONAL, struct thing, ip),
    F_PREFIX(FIELD_OPTIONAL, struct thing, prefix),
    F_OBJECT(FIELD_OPTIONAL, struct thing, object, &inner_shape),
    FIELD_(FIELD_POINTER, FIELD_OPTIONAL, struct thing, pointer, .shape = &inner_shape),
    F_LIST(FIELD_OPTIONAL, struct thing, list, list_count, 3, &inner_shape),
    F_IPS(FIELD_OPTIONAL, struct thing, ips, ip_count, 2),
    F_MACS(FIELD_OPTIONAL, struct thing, macs, mac_count, 2),
    F_BYTES(FIELD_OPTIONAL, struct thing, bytes, byte_count, 6),
    F_JSON(FIELD_OPTIONAL, struct thing, json),
    FIELD_(FIELD_TIME, FIELD_OPTIONAL, struct thing, at_us, .most = 0),
    {.name = "red",
     .kind = FIELD_OBJECT,
     .optional = true,
     .at = offsetof(struct thing, red),
     .shape = &inner_shape,
     .is_tagged = true,
     .tag_at = offsetof(struct thing, colour),
     .tag = COLOUR_RED},
    {.name = "green",
     .kind = FIELD_POINTER,
     .at = offsetof(struct thing, green),
     .shape = &inner_shape,
     .is_tagged = true,
     .tag_at = offsetof(struct thing, colour),
     .tag = COLOUR_GREEN},
};
static const struct shape thing_shape = SHAPE("thing", struct thing, thing_fields, NULL);

static const char full[] =
    "{\"name\":\"n\",\"is_on\":true,\"small\":-128,\"port\":65535,\"when\":-4503599627370496,"
    "\"big\":4503599627370495,\"percent\":100,\"colour\":\"green\",\"words\":[\"a\",\"b\"],"
    "\"counted\":[\"c\",\"\"],\"mac\":\"02:00:00:00:00:01\",\"ip\":\"192.0.2.7\","
    "\"prefix\":\"2001:db8::/32\",\"object\":{\"name\":\"o\",\"level\":9},"
    "\"pointer\":{\"name\":\"p\"},\"list\":[{\"name\":\"x\"},{\"name\":\"y\",\"level\":1}],"
    "\"ips\":[\"192.0.2.8\",\"2001:db8::8\"],\"macs\":[\"02:00:00:00:00:02\"],"
    "\"bytes\":\"AAEC/w==\",\"json\":{\"any\":[1,null]},"
    "\"at_us\":\"2026-03-09T02:58:24.532140Z\",\"green\":{\"name\":\"g\"}}";

static cJSON *
parse(const char *text)
{
    cJSON *json = codec_parse(text, strlen(text));
    assert_non_null(json);
    return json;
}

/* Decodes {"name":"n" and 'members'}; on success 'thing' is the caller's to finish. */
static int
decode(const char *members, struct thing *thing, struct codec_error *error)
{
    char text[4096];
    snprintf(text, sizeof(text), "{\"name\":\"n\"%s%s}", members[0] ? "," : "", members);
    cJSON *json = parse(text);
    int result = codec_decode(&thing_shape, json, thing, error);
    cJSON_Delete(json);
    return result;
}

static void
assert_refused(const char *members, const char *path, const char *why)
{
    struct thing thing;
    struct codec_error error;
    int result = decode(members, &thing, &error);
    if (result != -EBADMSG) {
        fail_msg("not refused: %s", members);
    }
    assert_string_equal(error.path, path);
    assert_string_equal(error.why, why);
}

static void
assert_taken(const char *members, struct thing *thing)
{
    struct codec_error error;
    if (decode(members, thing, &error)) {
        fail_msg("refused: %s: %s %s", members, error.path, error.why);
    }
}

static void
test_every_kind_is_read(void **state)
{
    (void)state;
    struct thing thing;
    struct codec_error error;
    struct ip ip;
    cJSON *json = parse(full);
    assert_int_equal(codec_decode(&thing_shape, json, &thing, &error), 0);
    cJSON_Delete(json);
    assert_string_equal(thing.name, "n");
    assert_true(thing.is_on);
    assert_int_equal(thing.small, -128);
    assert_int_equal(thing.port, 65535);
    assert_true(thing.when == -4503599627370496 && thing.big == 4503599627370495);
    assert_int_equal(thing.percent, 100);
    assert_int_equal(thing.colour, COLOUR_GREEN);
    assert_string_equal(thing.words[1], "b");
    assert_string_equal(thing.words[2], "");
    assert_int_equal(thing.counted_count, 2);
    assert_int_equal(thing.mac.b[5], 1);
    assert_true(ip_parse("192.0.2.7", &ip) && ip_is_equal(&ip, &thing.ip));
    assert_int_equal(thing.prefix.length, 32);
    assert_string_equal(thing.object.name, "o");
    assert_string_equal(thing.pointer->name, "p");
    assert_int_equal(thing.list_count, 2);
    assert_int_equal(thing.list[1].level, 1);
    assert_true(ip_parse("2001:db8::8", &ip) && ip_is_equal(&ip, &thing.ips[1]));
    assert_int_equal(thing.macs[0].b[5], 2);
    assert_int_equal(thing.byte_count, 4);
    assert_memory_equal(thing.bytes, "\x00\x01\x02\xff", 4);
    assert_true(cJSON_IsObject(thing.json));
    assert_true(thing.at_us == 1773025104532140);
    assert_string_equal(thing.green->name, "g");
    codec_fini(&thing_shape, &thing);
    assert_null(thing.list);
    assert_null(thing.json);
}

static void
test_what_is_written_is_read_again(void **state)
{
    (void)state;
    struct thing thing, again;
    struct codec_error error;
    cJSON *json = parse(full);
    assert_int_equal(codec_decode(&thing_shape, json, &thing, &error), 0);
    cJSON *written = codec_encode(&thing_shape, &thing);
    assert_true(cJSON_Compare(json, written, true));
    char *text = cJSON_PrintUnformatted(written);
    assert_string_equal(text, full); /* also the order, and each number's digits */
    cJSON *read = parse(text);
    assert_int_equal(codec_decode(&thing_shape, read, &again, &error), 0);
    assert_true(again.big == thing.big && again.when == thing.when && again.at_us == thing.at_us);
    codec_fini(&thing_shape, &thing);
    codec_fini(&thing_shape, &again);
    cJSON_free(text);
    cJSON_Delete(json);
    cJSON_Delete(written);
    cJSON_Delete(read);
}

/* Nothing of it is the other's any more: that is changed, and finished first. */
static void
test_a_copy_stands_alone(void **state)
{
    (void)state;
    struct thing thing, copy;
    struct codec_error error;
    cJSON *json = parse(full);
    assert_int_equal(codec_decode(&thing_shape, json, &thing, &error), 0);
    codec_copy(&thing_shape, &thing, &copy);
    thing.green->name[0] = thing.pointer->name[0] = thing.list[1].name[0] = '\0';
    memset(thing.ips, 0, thing.ip_count * sizeof(*thing.ips));
    memset(thing.macs, 0, thing.mac_count * sizeof(*thing.macs));
    memset(thing.bytes, 0, thing.byte_count);
    codec_fini(&thing_shape, &thing);
    cJSON *written = codec_encode(&thing_shape, &copy);
    assert_true(cJSON_Compare(json, written, true));
    codec_fini(&thing_shape, &copy);
    cJSON_Delete(json);
    cJSON_Delete(written);
}

static void
test_zero_optional_fields_are_left_out(void **state)
{
    (void)state;
    struct thing thing;
    assert_taken("\"is_on\":false,\"small\":0,\"list\":[],\"ips\":[],\"bytes\":\"\",\"words\":[]",
                 &thing);
    cJSON *written = codec_encode(&thing_shape, &thing);
    char *text = cJSON_PrintUnformatted(written);
    assert_string_equal(text, "{\"name\":\"n\"}");
    cJSON_free(text);
    cJSON_Delete(written);
    codec_fini(&thing_shape, &thing);
    /* A needed field is written even when it is empty: its absence would be refused. */
    memset(&thing, 0, sizeof(thing));
    written = codec_encode(&thing_shape, &thing);
    assert_non_null(cJSON_GetObjectItemCaseSensitive(written, "name"));
    cJSON_Delete(written);
}

static void
test_names_are_checked(void **state)
{
    (void)state;
    struct thing thing;
    struct codec_error error;
    cJSON *json = parse("{}");
    assert_int_equal(codec_decode(&thing_shape, json, &thing, &error), -EBADMSG);
    assert_string_equal(error.path, "name");
    assert_string_equal(error.why, "is missing");
    cJSON_Delete(json);
    assert_refused("\"nome\":1", "nome", "is not known here");
    assert_refused("\"Port\":1", "Port", "is not known here"); /* case matters */
    assert_refused("\"type\":\"thing\"", "type", "is not known here");
    assert_refused("\"\\u001b[2J\":1", "?", "is not known here"); /* nothing for terminals */
    assert_refused("\"port\":1,\"port\":1", "port", "stands twice");
    assert_refused("\"object\":{\"name\":\"a\",\"x\":1}", "object.x", "is not known here");
    assert_refused("\"object\":{}", "object.name", "is missing");
    assert_refused("\"object\":{\"name\":\"a\",\"name\":\"a\"}", "object.name", "stands twice");
    assert_refused("\"list\":[{\"name\":\"a\"},{\"level\":1}]", "list[1].name", "is missing");
    assert_refused("\"list\":[{\"name\":\"a\"},{\"name\":\"bad\"}]", "list[1]",
                   "bad is a bad name");
}

static void
test_roots_that_are_no_objects(void **state)
{
    (void)state;
    static const char *const texts[] = {"[]", "1", "null", "\"name\"", "true"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct thing thing;
        struct codec_error error;
        cJSON *json = parse(texts[i]);
        assert_int_equal(codec_decode(&thing_shape, json, &thing, &error), -EBADMSG);
        assert_string_equal(error.why, "not an object");
        cJSON_Delete(json);
    }
}

static void
test_a_message_may_have_one_type(void **state)
{
    (void)state;
    struct thing thing;
    struct codec_error error;
    cJSON *json = parse("{\"type\":\"thing\",\"name\":\"n\"}");
    assert_int_equal(codec_decode_message(&thing_shape, json, &thing, &error), 0);
    codec_fini(&thing_shape, &thing);
    cJSON_Delete(json);
    json = parse("{\"type\":\"thing\",\"name\":\"n\",\"type\":\"other\"}");
    assert_int_equal(codec_decode_message(&thing_shape, json, &thing, &error), -EBADMSG);
    assert_string_equal(error.path, "type");
    cJSON_Delete(json);
}

static void
test_wrong_types_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *why;
    } rows[] = {
        {"is_on", "not true or false"},
        {"small", "not a whole number"},
        {"port", "not a whole number"},
        {"colour", "not a text"},
        {"words", "not a list"},
        {"counted", "not a list"},
        {"mac", "not an address"},
        {"ip", "not an address"},
        {"prefix", "not an address or prefix (are host bits set?)"},
        {"object", "not an object"},
        {"pointer", "not an object"},
        {"list", "not a list"},
        {"ips", "not a list"},
        {"macs", "not a list"},
        {"bytes", "not base64"},
        {"at_us", "not a time like 2026-03-09T02:58:24Z"},
    };
    static const char *const values[] = {"null", "{\"name\":1}", "[[]]", "\"\\u00e9\"",
                                         "7",    "true"};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        unsigned refused = 0;
        for (size_t j = 0; j < COUNT_OF(values); j++) {
            char members[128];
            struct thing thing;
            struct codec_error error;
            snprintf(members, sizeof(members), "\"%s\":%s", rows[i].name, values[j]);
            if (decode(members, &thing, &error) == 0) {
                codec_fini(&thing_shape, &thing);
                continue;
            }
            assert_int_equal(strncmp(error.path, rows[i].name, strlen(rows[i].name)), 0);
            refused++;
        }
        /* Only the number and the true or false have one right value each in the list. */
        bool has_right = strcmp(rows[i].name, "is_on") == 0 || strcmp(rows[i].name, "small") == 0 ||
                         strcmp(rows[i].name, "port") == 0;
        assert_int_equal(refused, COUNT_OF(values) - has_right);
        char members[128];
        snprintf(members, sizeof(members), "\"%s\":null", rows[i].name);
        assert_refused(members, rows[i].name, rows[i].why);
    }
}

static void
test_ranges_of_numbers(void **state)
{
    (void)state;
    struct thing thing;
    assert_refused("\"small\":128", "small", "out of range");
    assert_refused("\"small\":-129", "small", "out of range");
    assert_refused("\"port\":65536", "port", "out of range");
    assert_refused("\"port\":-1", "port", "out of range");
    assert_refused("\"percent\":0", "percent", "out of range");
    assert_refused("\"percent\":101", "percent", "out of range");
    assert_refused("\"big\":-1", "big", "out of range");
    assert_refused("\"port\":1.5", "port", "not a whole number");
    assert_refused("\"port\":\"1\"", "port", "not a whole number");
    assert_refused("\"when\":1e300", "when", "not a whole number");
    assert_refused("\"when\":1e999", "when", "not a whole number");
    assert_refused("\"object\":{\"name\":\"a\",\"level\":10}", "object.level", "out of range");
    assert_taken("\"small\":127,\"port\":0,\"percent\":1,\"big\":1e3", &thing);
    assert_int_equal(thing.small, 127);
    assert_int_equal(thing.big, 1000);
    codec_fini(&thing_shape, &thing);
}

/* Whatever number is taken comes out of text, struct and text again as the same number. */
static void
test_large_numbers_are_exact(void **state)
{
    (void)state;
    static const int64_t numbers[] = {1741489104532141,  2251799813685249,  4503599627370495,
                                      4503599627370497,  4503599627370499,  9007199254740991,
                                      -4503599627370497, -9007199254740991, 9007199254740992,
                                      -9007199254740992};
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        char members[64];
        struct thing thing;
        struct codec_error error;
        snprintf(members, sizeof(members), "\"when\":%lld", (long long)numbers[i]);
        assert_taken(members, &thing);
        cJSON *json = codec_encode(&thing_shape, &thing);
        char *text = cJSON_PrintUnformatted(json);
        codec_fini(&thing_shape, &thing);
        cJSON *read = parse(text);
        assert_int_equal(codec_decode(&thing_shape, json, &thing, &error), 0); /* not as text */
        assert_true(thing.when == numbers[i]);
        assert_int_equal(codec_decode(&thing_shape, read, &thing, &error), 0);
        if (thing.when != numbers[i]) {
            fail_msg("%lld became %s", (long long)numbers[i], text);
        }
        cJSON_free(text);
        cJSON_Delete(json);
        cJSON_Delete(read);
    }
}

static void
test_a_counter_beyond_the_exact_is_still_taken(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {9007199254740993, 1ULL << 62, UINT64_MAX};
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        struct thing thing = {.name = "n", .big = numbers[i]};
        struct codec_error error;
        cJSON *json = codec_encode(&thing_shape, &thing);
        assert_int_equal(codec_decode(&thing_shape, json, &thing, &error), 0);
        assert_true(thing.big == 9007199254740992);
        cJSON_Delete(json);
    }
    struct thing thing;
    assert_refused("\"big\":9007199254740994", "big", "not a whole number");
    assert_refused("\"when\":-9007199254740994", "when", "not a whole number");
    assert_taken("\"big\":9007199254740992", &thing);
}

static void
test_sizes_of_texts_and_lists(void **state)
{
    (void)state;
    struct thing thing;
    assert_refused("\"object\":{\"name\":\"12345678\"}", "object.name", "too long");
    assert_refused("\"words\":[\"a\",\"12345678\"]", "words", "too long");
    assert_refused("\"words\":[\"a\",\"b\",\"c\",\"d\"]", "words", "too many items");
    assert_refused("\"counted\":[\"a\",\"b\",\"c\"]", "counted", "too many items");
    assert_refused("\"list\":[{\"name\":\"a\"},{\"name\":\"a\"},{\"name\":\"a\"},{\"name\":\"a\"}]",
                   "list", "too many items");
    assert_refused("\"ips\":[\"::1\",\"::1\",\"::1\"]", "ips", "too many items");
    assert_refused("\"bytes\":\"AAECAwQFBg==\"", "bytes", "too long"); /* seven */
    assert_refused("\"words\":[1]", "words", "not a text");
    assert_refused("\"ips\":[\"x\"]", "ips", "not an address");
    assert_taken("\"object\":{\"name\":\"1234567\"},\"bytes\":\"AAECAwQF\"", &thing);
    assert_int_equal(thing.byte_count, 6);
    codec_fini(&thing_shape, &thing);
}

static void
test_texts_are_plain(void **state)
{
    (void)state;
    struct thing thing;
    assert_refused("\"object\":{\"name\":\"a\\nb\"}", "object.name",
                   "has control characters or is not UTF-8");
    assert_refused("\"object\":{\"name\":\"\\u007f\"}", "object.name",
                   "has control characters or is not UTF-8");
    assert_refused("\"object\":{\"name\":\"\xc3\"}", "object.name",
                   "has control characters or is not UTF-8");
    assert_refused("\"object\":{\"name\":\"\xff\"}", "object.name",
                   "has control characters or is not UTF-8");
    assert_taken("\"object\":{\"name\":\"\xe6\x97\xa5\xe6\x9c\xac\"}", &thing);
    assert_string_equal(thing.object.name, "\xe6\x97\xa5\xe6\x9c\xac");
    codec_fini(&thing_shape, &thing);
    /* What a struct holds otherwise is made plain: never send what the receiver must refuse. */
    struct thing dirty = {.name = "a\x01\xff"};
    cJSON *json = codec_encode(&thing_shape, &dirty);
    assert_string_equal(cJSON_GetObjectItemCaseSensitive(json, "name")->valuestring, "a??");
    cJSON_Delete(json);
}

static void
test_base64(void **state)
{
    (void)state;
    static const char *const bad[] = {"A",     "AA",   "AAA",  "AA=A", "====",     "A===",
                                      "AAAA=", "AA A", "AA-_", "=AAA", " AAAA   ", "AA==AAAA"};
    struct thing thing;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char members[64];
        snprintf(members, sizeof(members), "\"bytes\":\"%s\"", bad[i]);
        assert_refused(members, "bytes", "not base64");
    }
    assert_taken("\"bytes\":\"aGk=\"", &thing);
    assert_int_equal(thing.byte_count, 2);
    assert_memory_equal(thing.bytes, "hi", 2);
    codec_fini(&thing_shape, &thing);
}

static void
test_enum_names_and_addresses(void **state)
{
    (void)state;
    assert_refused("\"colour\":\"blue\"", "colour", "not one of the known words: red, green");
    assert_refused("\"colour\":\"\"", "colour", "not one of the known words: red, green");
    assert_refused("\"colour\":\"Green\"", "colour", "not one of the known words: red, green");
    assert_refused("\"colour\":1", "colour", "not a text");
    assert_refused("\"prefix\":\"192.0.2.7/24\"", "prefix",
                   "not an address or prefix (are host bits set?)");
    assert_refused("\"prefix\":\"192.0.2.0/33\"", "prefix",
                   "not an address or prefix (are host bits set?)");
    assert_refused("\"ip\":\"192.0.2.256\"", "ip", "not an address");
    assert_refused("\"mac\":\"02:00:00:00:00\"", "mac", "not an address");
}

static void
test_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us; /* -1: refused */
    } rows[] = {
        {"1970-01-01T00:00:01Z", 1000000},
        {"2026-03-09T02:58:24Z", 1773025104000000},
        {"2026-03-09T02:58:24.5Z", 1773025104500000},
        {"2026-03-09T11:58:24+09:00", 1773025104000000},
        {"2026-03-09 02:58:24", -1},
        {"2026-03-09T02:58:24", -1},
        {"2026-13-09T02:58:24Z", -1},
        {"2026-02-30T02:58:24Z", -1},
        {"2026-03-09T24:58:24Z", -1},
        {"2026-03-09T02:58:24Zx", -1},
        {"", -1},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char members[64];
        struct thing thing;
        snprintf(members, sizeof(members), "\"at_us\":\"%s\"", rows[i].text);
        if (rows[i].us < 0) {
            assert_refused(members, "at_us", "not a time like 2026-03-09T02:58:24Z");
            continue;
        }
        assert_taken(members, &thing);
        assert_true(thing.at_us == rows[i].us);
        codec_fini(&thing_shape, &thing);
    }
}

static void
test_tagged_unions(void **state)
{
    (void)state;
    struct thing thing;
    assert_taken("\"red\":{\"name\":\"r\"}", &thing); /* absent colour: the first */
    assert_string_equal(thing.red.name, "r");
    codec_fini(&thing_shape, &thing);
    assert_taken("\"green\":{\"name\":\"g\"},\"colour\":\"green\"", &thing); /* any order */
    assert_string_equal(thing.green->name, "g");
    codec_fini(&thing_shape, &thing);
    assert_refused("\"colour\":\"green\"", "green", "is missing");
    assert_refused("\"colour\":\"green\",\"green\":{\"name\":\"g\"},\"red\":{\"name\":\"r\"}",
                   "red", "does not belong to this kind");
    assert_refused("\"green\":{\"name\":\"g\"}", "green", "does not belong to this kind");
    assert_refused("\"colour\":\"green\",\"green\":{\"name\":\"bad\"}", "green",
                   "bad is a bad name");
}

/* Half of the lists are made when something wrong is met: all of them must be freed again, and the
 * struct is zero (run under the address sanitizer). */
static void
test_nothing_is_left_after_a_refusal(void **state)
{
    (void)state;
    struct thing thing, zero;
    struct codec_error error;
    memset(&zero, 0, sizeof(zero));
    assert_int_equal(decode("\"pointer\":{\"name\":\"p\"},\"list\":[{\"name\":\"x\"},{}],"
                            "\"ips\":[\"::1\"]",
                            &thing, &error),
                     -EBADMSG);
    assert_memory_equal(&thing, &zero, sizeof(thing));
    assert_int_equal(
        decode("\"ips\":[\"::1\"],\"bytes\":\"AAAA\",\"json\":[1],\"at_us\":1", &thing, &error),
        -EBADMSG);
    assert_memory_equal(&thing, &zero, sizeof(thing));
    codec_fini(&thing_shape, NULL);
}

static cJSON *
nested(unsigned depth)
{
    char text[256] = "";
    for (unsigned i = 0; i < depth; i++) {
        text[i] = '[';
        text[2 * depth - 1 - i] = ']';
    }
    text[2 * depth] = '\0';
    return codec_parse(text, strlen(text));
}

static void
test_parse_bounds_depth_and_size(void **state)
{
    (void)state;
    cJSON *json = nested(WIRE_DEPTH_MAX);
    assert_non_null(json);
    cJSON_Delete(json);
    assert_null(nested(WIRE_DEPTH_MAX + 1));
    json = parse("\"[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[[\""); /* brackets in a text */
    cJSON_Delete(json);
    char *large = mem_new(WIRE_FRAME_MAX + 2, 1);
    memset(large, ' ', WIRE_FRAME_MAX + 1);
    memcpy(large, "{}", 2);
    json = codec_parse(large, WIRE_FRAME_MAX);
    assert_non_null(json);
    cJSON_Delete(json);
    assert_null(codec_parse(large, WIRE_FRAME_MAX + 1));
    free(large);
}

static void
test_parse_takes_one_value_and_nothing_more(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",        "{",   "{}{}", "{} x",        "{\"a\":1,}",  "{'a':1}",     "[1 2]",
        "{\"a\"}", "nul", "01x",  "\"\\u0000\"", "\"\\u00zz\"", "\"\\ud800\"", "{\"a\":NaN}",
        "//x\n{}"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        cJSON *json = codec_parse(bad[i], strlen(bad[i]));
        if (json) {
            fail_msg("taken: %s", bad[i]);
        }
    }
    assert_null(codec_parse("{}\0", 3));
    assert_null(codec_parse("\"a\0b\"", 5));
    cJSON *json = parse(" \t\r\n{\"a\": \"\\\\u0000\"} \n"); /* an escaped backslash, then digits */
    assert_string_equal(cJSON_GetObjectItemCaseSensitive(json, "a")->valuestring, "\\u0000");
    cJSON_Delete(json);
}

/* Every text cut short anywhere is refused, never half read. */
static void
test_every_prefix_is_refused(void **state)
{
    (void)state;
    for (size_t size = 0; size < strlen(full); size++) {
        char *cut = malloc(size + 1); /* its own size: a read beyond is seen by the sanitizer */
        assert_non_null(cut);
        memcpy(cut, full, size);
        assert_null(codec_parse(cut, size));
        free(cut);
    }
}

struct page {
    char *text;
    char *note;
};
static const struct field page_fields[] = {
    F_LINES(FIELD_NEEDED, struct page, text, 8),
    F_LINES(FIELD_OPTIONAL, struct page, note, 8),
};
static const struct shape page_shape = SHAPE("page", struct page, page_fields, NULL);

static void
texts_of_several_lines(void **state)
{
    (void)state;
    static const struct {
        const char *json, *why; /* NULL: taken */
    } cases[] = {
        {"{\"text\":\"a\\n\\tb\\r\\n\"}", NULL},
        {"{\"text\":\"\",\"note\":\"12345678\"}", NULL},
        {"{\"text\":\"123456789\"}", "too long"},
        {"{\"text\":\"a\\u000b\"}", "has control characters"},
        {"{\"text\":\"\\u202e\"}", "has control characters"},
        {"{\"text\":[]}", "not a text"},
        {"{}", "is missing"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct page page;
        struct codec_error error;
        cJSON *json = parse(cases[i].json);
        int result = codec_decode(&page_shape, json, &page, &error);
        assert_int_equal(result, cases[i].why ? -EBADMSG : 0);
        if (result) {
            assert_memory_equal(error.why, cases[i].why, strlen(cases[i].why));
        } else {
            cJSON *again = codec_encode(&page_shape, &page);
            assert_true(cJSON_Compare(json, again, true));
            cJSON_Delete(again);
            codec_fini(&page_shape, &page);
            assert_null(page.text);
        }
        cJSON_Delete(json);
    }
    /* What cannot be sent is made fit, and NULL is the empty text. */
    struct page page = {.note = (char *)"a\x1b\xff\nlonger than it may be"};
    cJSON *json = codec_encode(&page_shape, &page);
    char *text = cJSON_PrintUnformatted(json);
    assert_string_equal(text, "{\"text\":\"\",\"note\":\"a??\\nlong\"}");
    cJSON_free(text);
    cJSON_Delete(json);
}

struct label {
    char *text;
    char *note;
};
static const struct field label_fields[] = {
    F_STRING(FIELD_NEEDED, struct label, text, 8),
    F_STRING(FIELD_OPTIONAL, struct label, note, 8),
};
static const struct shape label_shape = SHAPE("label", struct label, label_fields, NULL);

static void
texts_of_their_own_size(void **state)
{
    (void)state;
    static const struct {
        const char *json, *why; /* NULL: taken */
    } cases[] = {
        {"{\"text\":\"12345678\",\"note\":\"a\"}", NULL},
        {"{\"text\":\"\"}", NULL},
        {"{\"text\":\"123456789\"}", "too long"},
        {"{\"text\":\"a\\n\"}", "has control characters"},
        {"{\"text\":7}", "not a text"},
        {"{\"note\":\"a\"}", "is missing"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct label label;
        struct codec_error error;
        cJSON *json = parse(cases[i].json);
        int result = codec_decode(&label_shape, json, &label, &error);
        assert_int_equal(result, cases[i].why ? -EBADMSG : 0);
        if (result) {
            assert_memory_equal(error.why, cases[i].why, strlen(cases[i].why));
        } else {
            cJSON *again = codec_encode(&label_shape, &label);
            assert_true(cJSON_Compare(json, again, true));
            cJSON_Delete(again);
            codec_fini(&label_shape, &label);
            assert_null(label.text);
        }
        cJSON_Delete(json);
    }
    struct label label = {.note = (char *)"a\x1b\xff"
                                          "longer than it may be"};
    cJSON *json = codec_encode(&label_shape, &label);
    char *text = cJSON_PrintUnformatted(json);
    assert_string_equal(text, "{\"text\":\"\",\"note\":\"a??longe\"}");
    cJSON_free(text);
    cJSON_Delete(json);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_is_read),
        cmocka_unit_test(test_what_is_written_is_read_again),
        cmocka_unit_test(test_a_copy_stands_alone),
        cmocka_unit_test(test_zero_optional_fields_are_left_out),
        cmocka_unit_test(test_names_are_checked),
        cmocka_unit_test(test_roots_that_are_no_objects),
        cmocka_unit_test(test_a_message_may_have_one_type),
        cmocka_unit_test(test_wrong_types_are_refused),
        cmocka_unit_test(test_ranges_of_numbers),
        cmocka_unit_test(test_large_numbers_are_exact),
        cmocka_unit_test(test_a_counter_beyond_the_exact_is_still_taken),
        cmocka_unit_test(test_sizes_of_texts_and_lists),
        cmocka_unit_test(test_texts_are_plain),
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_enum_names_and_addresses),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_tagged_unions),
        cmocka_unit_test(test_nothing_is_left_after_a_refusal),
        cmocka_unit_test(test_parse_bounds_depth_and_size),
        cmocka_unit_test(test_parse_takes_one_value_and_nothing_more),
        cmocka_unit_test(test_every_prefix_is_refused),
        cmocka_unit_test(texts_of_several_lines),
        cmocka_unit_test(texts_of_their_own_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
