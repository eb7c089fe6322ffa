/* Suricata's EVE JSON -> detection. */
#include "base/utf8.h"
#include "lines.h"

static void
test_alert(void **state)
{
    (void)state;
    struct detection d;
    char why[NAME_SIZE];
    assert_int_equal(parse(LINE_EVE, EVE_ALERT, &d, why), LINE_DETECTION);
    assert_string_equal(d.maker, "suricata");
    assert_string_equal(d.sensor, "ids");
    assert_true(d.seen_us == SEEN_US);
    assert_true(d.first_us == SEEN_US - 4207278);
    assert_true(d.reported_us == NOW_US);
    assert_true(d.signature_id == 9000001);
    assert_string_equal(d.signature, "EXAMPLE response");
    assert_string_equal(d.category, "A Network Trojan was detected");
    assert_int_equal(d.phase, PHASE_EXFILTRATION); /* the rule's tactic before its category */
    assert_int_equal(d.severity, SEVERITY_HIGH);
    assert_int_equal(d.confidence, 90);
    assert_string_equal(d.techniques[0], "T1041");
    assert_string_equal(d.techniques[1], "T1071.001");
    assert_string_equal(d.techniques[2], "");
    assert_int_equal(d.protocol, 6);
    assert_int_equal(d.vlan, 10);
    assert_string_equal(d.server_name, "c2.example.net");
    assert_string_equal(d.url, "http://c2.example.net/a?x=1");
    assert_int_equal(d.strength, STRENGTH_WEAK);
    assert_int_equal(d.count, 1);
    assert_false(d.handshake);
}

/* The alert is about an answer: src is still who opened the connection, with all that is its. */
static void
test_turned_to_flow(void **state)
{
    (void)state;
    struct detection d;
    char why[NAME_SIZE];
    assert_int_equal(parse(LINE_EVE, EVE_ALERT, &d, why), LINE_DETECTION);
    assert_ip(&d.src.ip, "192.0.2.101");
    assert_int_equal(d.src.port, 49175);
    assert_mac(&d.src.mac, "02:00:00:00:01:01");
    assert_ip(&d.dst.ip, "203.0.113.80");
    assert_int_equal(d.dst.port, 80);
    assert_mac(&d.dst.mac, "02:00:00:00:00:fe");
    assert_int_equal(d.suspect, PARTY_SRC);
}

/* Behind a router the MACs are the router's: a source that is not adjacent has none. */
static void
test_macs_only_where_adjacent(void **state)
{
    (void)state;
    struct detection d;
    char why[NAME_SIZE];
    assert_int_equal(parse_size(LINE_EVE, EVE_ALERT, strlen(EVE_ALERT), false, &d, why),
                     LINE_DETECTION);
    assert_true(mac_is_none(&d.src.mac) && mac_is_none(&d.dst.mac));
}

static void
test_alert_without_metadata(void **state)
{
    (void)state;
    struct detection d;
    char why[NAME_SIZE];
    assert_int_equal(parse(LINE_EVE, EVE_BARE, &d, why), LINE_DETECTION);
    assert_int_equal(d.confidence, 55); /* the source's */
    assert_int_equal(d.severity, SEVERITY_LOW);
    assert_int_equal(d.phase, PHASE_UNKNOWN);
    assert_int_equal(d.suspect, PARTY_UNSAID);
    assert_string_equal(d.techniques[0], "");
    assert_ip(&d.src.ip, "203.0.113.80"); /* nobody says who opened it: as in the packet */
    assert_true(d.first_us == d.seen_us);
    assert_int_equal(d.vlan, 0);
}

static void
test_ipv6_and_target(void **state)
{
    (void)state;
    static const char line[] =
        EVE_START "\"event_type\":\"alert\",\"src_ip\":\"2001:0db8:0010:0000:0000:0000:0000:0101\","
                  "\"dest_ip\":\"2001:db8:ffff::80\",\"proto\":\"IPv6-ICMP\",\"direction\":"
                  "\"to_server\",\"alert\":{\"signature\":\"x\",\"category\":\"Detection of a "
                  "Network Scan\",\"target\":{\"ip\":\"2001:db8:ffff::80\"},\"source\":"
                  "{\"ip\":\"2001:db8:10::101\"}}}";
    struct detection d;
    char why[NAME_SIZE];
    assert_int_equal(parse(LINE_EVE, line, &d, why), LINE_DETECTION);
    assert_ip(&d.src.ip, "2001:db8:10::101");
    assert_int_equal(d.protocol, 58);
    assert_int_equal(d.phase, PHASE_DISCOVERY);
    assert_int_equal(d.suspect, PARTY_SRC); /* who scans, not who is scanned */
}

static void
test_not_findings(void **state)
{
    (void)state;
    static const char *const types[] = {"anomaly", "flow",     "stats",   "dns", "http",
                                        "tls",     "fileinfo", "netflow", "drop"};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        char line[512], reason[NAME_SIZE];
        snprintf(line, sizeof(line), EVE_START "\"event_type\":\"%s\"," EVE_ENDS "}", types[i]);
        snprintf(reason, sizeof(reason), "event_type %s", types[i]);
        assert_fate(LINE_EVE, line, LINE_IGNORED, reason);
    }
    static const char *const anomalies[] = {"decode", "stream", "applayer"};
    for (size_t i = 0; i < COUNT_OF(anomalies); i++) {
        char line[512];
        snprintf(line, sizeof(line),
                 EVE_START "\"event_type\":\"anomaly\"," EVE_ENDS
                           ",\"anomaly\":{\"type\":\"%s\",\"event\":\"x\"},"
                           "\"alert\":{\"signature\":\"not one\"}}",
                 anomalies[i]);
        assert_fate(LINE_EVE, line, LINE_IGNORED, "event_type anomaly");
    }
}

static void
test_refused(void **state)
{
    (void)state;
    assert_fate(LINE_EVE, "", LINE_REFUSED, "not a JSON object");
    assert_fate(LINE_EVE, "hello", LINE_REFUSED, "not a JSON object");
    assert_fate(LINE_EVE, "[1]", LINE_REFUSED, "not a JSON object");
    assert_fate(LINE_EVE, EVE_ALERT "{}", LINE_REFUSED, "not a JSON object");
    assert_fate(LINE_EVE, "{}", LINE_REFUSED, "no event_type");
    assert_fate(LINE_EVE, "{\"event_type\":7}", LINE_REFUSED, "no event_type");
    assert_fate(LINE_EVE, "{\"event_type\":\"alert\"}", LINE_REFUSED, "alert without a signature");
    assert_fate(LINE_EVE, "{\"event_type\":\"alert\",\"alert\":[]}", LINE_REFUSED,
                "alert without a signature");
    assert_fate(LINE_EVE, "{\"event_type\":\"alert\",\"alert\":{\"signature\":\"x\"}}",
                LINE_REFUSED, "no usable src_ip and dest_ip");
    assert_fate(LINE_EVE,
                "{\"event_type\":\"alert\",\"alert\":{\"signature\":\"x\"}," EVE_ENDS
                ",\"timestamp\":\"yesterday\"}",
                LINE_REFUSED, "no usable timestamp");
    assert_fate(LINE_EVE, /* a clock that was never set is no time, and least of all: now */
                "{\"event_type\":\"alert\",\"alert\":{\"signature\":\"x\"}," EVE_ENDS
                ",\"timestamp\":\"1970-01-01T00:00:00.000000+0000\"}",
                LINE_REFUSED, "no usable timestamp");
    assert_fate(LINE_EVE,
                EVE_START "\"event_type\":\"alert\",\"alert\":{\"signature\":\"x\"},"
                          "\"src_ip\":\"192.0.2.256\",\"dest_ip\":\"192.0.2.1\"}",
                LINE_REFUSED, "no usable src_ip and dest_ip");
}

/* Values of other kinds than Suricata writes change nothing but their own field. */
static void
test_strange_values(void **state)
{
    (void)state;
    static const char line[] =
        EVE_START "\"event_type\":\"alert\",\"src_ip\":\"192.0.2.1\",\"dest_ip\":\"192.0.2.2\","
                  "\"src_port\":70000,\"dest_port\":-1,\"proto\":6,\"vlan\":\"ten\",\"ether\":[],"
                  "\"flow\":\"x\",\"http\":7,\"tls\":null,\"dns\":[],\"direction\":{},\"alert\":{"
                  "\"signature\":\"tab\\there\",\"severity\":1e300,\"signature_id\":-5,"
                  "\"metadata\":{\"confidence\":\"Low\",\"attack_target\":[],"
                  "\"mitre_technique_id\":\"T1041\"}}}";
    struct detection d;
    char why[NAME_SIZE];
    assert_int_equal(parse(LINE_EVE, line, &d, why), LINE_DETECTION);
    assert_int_equal(d.src.port, 0);
    assert_int_equal(d.dst.port, 0);
    assert_int_equal(d.protocol, 0);
    assert_int_equal(d.vlan, 0);
    assert_int_equal(d.severity, SEVERITY_INFO);
    assert_true(d.signature_id == 0);
    assert_int_equal(d.confidence, 40);
    assert_string_equal(d.signature, "tab?here"); /* shown to people: no control characters */
}

static void
test_tls(void **state)
{
    (void)state;
    static const char line[] =
        EVE_START "\"event_type\":\"alert\"," EVE_ENDS
                  ",\"alert\":{\"signature\":\"x\"},\"tls\":{\"sni\":\"c2.example.net\","
                  "\"ja3\":{\"hash\":\"0123456789abcdef0123456789abcdef\"},"
                  "\"ja4\":\"t13d1516h2_8daaf6152771_b186095e22b6\"}}";
    struct detection d;
    char why[NAME_SIZE];
    assert_int_equal(parse(LINE_EVE, line, &d, why), LINE_DETECTION);
    assert_string_equal(d.server_name, "c2.example.net");
    assert_string_equal(d.ja3, "0123456789abcdef0123456789abcdef");
    assert_string_equal(d.ja4, "t13d1516h2_8daaf6152771_b186095e22b6");
}

/* A line that was cut anywhere is no detection; with the whole line it is one. */
static void
test_every_prefix(void **state)
{
    (void)state;
    static const char *const lines[] = {EVE_ALERT, EVE_BARE};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct detection d;
        char why[NAME_SIZE];
        size_t whole = strlen(lines[i]);
        for (size_t size = 0; size < whole; size++) {
            assert_int_equal(parse_size(LINE_EVE, lines[i], size, true, &d, why), LINE_REFUSED);
            assert_string_equal(why, "not a JSON object");
        }
        assert_int_equal(parse_size(LINE_EVE, lines[i], whole, true, &d, why), LINE_DETECTION);
    }
}

/* What an attacker can put into one value: the reason stays text that can be shown. */
static void
test_reason_is_plain(void **state)
{
    (void)state;
    struct detection d;
    char why[NAME_SIZE];
    assert_int_equal(parse(LINE_EVE, "{\"event_type\":\"a\\nb\\u001b[2J\"}", &d, why),
                     LINE_IGNORED);
    assert_string_equal(why, "event_type a?b?[2J");
    for (size_t before = 0; before < 2; before++) {
        char line[128];
        size_t used =
            (size_t)snprintf(line, sizeof(line), "{\"event_type\":\"%s", before ? "a" : "");
        for (size_t i = 0; i < 30; i++, used += 2) {
            memcpy(line + used, "\xc3\xa4", 2);
        }
        memcpy(line + used, "\"}", 3);
        assert_int_equal(parse(LINE_EVE, line, &d, why), LINE_IGNORED);
        size_t size = strlen(why);
        size_t whole = 0;
        while (whole < size && utf8_size(why + whole, size - whole) > 0) {
            whole += utf8_size(why + whole, size - whole);
        }
        assert_int_equal(whole, size); /* no half character at the end */
    }
}

static void
a_proxy_says_for_whom_it_asked(void **state)
{
    (void)state;
    static const struct {
        const char *more, *client;
    } cases[] = {
        {"\"xff\": \"192.0.2.7\"", "192.0.2.7"},
        {"\"http\": {\"xff\": \"203.0.113.1, 192.0.2.8\"}", "192.0.2.8"},
        {"\"xff\": \"192.0.2.7\", \"http\": {\"xff\": \"192.0.2.8\"}", "192.0.2.7"},
        {"\"xff\": \"2001:db8::7\"", "2001:db8::7"},
        {"\"xff\": \"192.0.2.7, unknown\"", NULL},
        {"\"xff\": \"192.0.2.7:4711\"", NULL},
        {"\"xff\": 7", NULL},
        {"\"other\": 1", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[512];
        char why[NAME_SIZE];
        struct detection d;
        struct ip client = {{0}};
        snprintf(line, sizeof(line),
                 "{\"timestamp\": \"2026-03-09T02:58:24.000000+0000\", \"event_type\": \"alert\","
                 " \"src_ip\": \"192.0.2.200\", \"dest_ip\": \"203.0.113.9\", \"proto\": \"TCP\","
                 " \"alert\": {\"signature\": \"x\", \"signature_id\": 1, \"severity\": 1}, %s}",
                 cases[i].more);
        assert_int_equal(parse(LINE_EVE, line, &d, why), LINE_DETECTION);
        assert_true(!cases[i].client || ip_parse(cases[i].client, &client));
        assert_true(ip_is_equal(&d.forwarded_for, &client));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_proxy_says_for_whom_it_asked),
        cmocka_unit_test(test_alert),
        cmocka_unit_test(test_turned_to_flow),
        cmocka_unit_test(test_macs_only_where_adjacent),
        cmocka_unit_test(test_alert_without_metadata),
        cmocka_unit_test(test_ipv6_and_target),
        cmocka_unit_test(test_not_findings),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_strange_values),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_reason_is_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
