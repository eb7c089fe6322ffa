/* CEF, with the keys of Deep Discovery Inspector -> detection. */
#include "lines.h"

#define OTHER "CEF:0|Example|Gateway|1|x|Something|"

static void
test_callback(void **state)
{
    (void)state;
    struct detection d;
    char why[NAME_SIZE];
    assert_int_equal(parse(LINE_CEF, CEF_CALLBACK, &d, why), LINE_DETECTION);
    assert_string_equal(d.maker, "deep-discovery");
    assert_string_equal(d.sensor, "ids");
    assert_string_equal(d.signature, "Malware URL requested | type 1");
    assert_true(d.signature_id == 20);
    assert_int_equal(d.severity, SEVERITY_HIGH);
    assert_int_equal(d.phase, PHASE_C2);
    assert_string_equal(d.category, "Callback");
    assert_true(d.seen_us == 1741489104000000LL); /* 11:58:24 at +09:00 */
    assert_true(d.reported_us == NOW_US);
    assert_int_equal(d.protocol, 6);
    assert_int_equal(d.vlan, 10);
    assert_int_equal(d.count, 3);
    assert_int_equal(d.confidence, 55);
}

static void
test_ends(void **state)
{
    (void)state;
    struct detection d;
    char why[NAME_SIZE];
    assert_int_equal(parse(LINE_CEF, CEF_CALLBACK, &d, why), LINE_DETECTION);
    assert_ip(&d.src.ip, "192.0.2.101");
    assert_int_equal(d.src.port, 12121);
    assert_mac(&d.src.mac, "02:00:00:00:01:01");
    assert_string_equal(d.src.host, "pc-101");
    assert_ip(&d.dst.ip, "203.0.113.80");
    assert_int_equal(d.dst.port, 80);
    assert_mac(&d.dst.mac, "02:00:00:00:00:fe");
    assert_string_equal(d.dst.host, "c2.example.net");
    assert_ip(&d.interested_ip, "192.0.2.101");
    assert_int_equal(d.suspect, PARTY_SRC);
    assert_string_equal(d.server_name, "c2.example.net");
    assert_string_equal(d.url, "http://c2.example.net/a/setting.doc?x=1");
    assert_string_equal(d.indicator, d.url);
    assert_int_equal(parse_size(LINE_CEF, CEF_CALLBACK, strlen(CEF_CALLBACK), false, &d, why),
                     LINE_DETECTION);
    assert_true(mac_is_none(&d.src.mac) && mac_is_none(&d.dst.mac));
}

/* The host to act on is the receiver: the server is then the other end. */
static void
test_interested_is_the_receiver(void **state)
{
    (void)state;
    static const char line[] = CEF_HEADER
        "1|Exploit|6|deviceDirection=0 src=203.0.113.80 shost=evil.example.net dst=192.0.2.101 "
        "dhost=pc-101 sourceTranslatedAddress=192.0.2.101";
    struct detection d;
    char why[NAME_SIZE];
    assert_int_equal(parse(LINE_CEF, line, &d, why), LINE_DETECTION);
    assert_int_equal(d.suspect, PARTY_DST);
    assert_string_equal(d.server_name, "evil.example.net");
    assert_int_equal(d.severity, SEVERITY_MEDIUM);
    assert_true(d.seen_us == NOW_US); /* no time in it */
}

static void
test_ipv6(void **state)
{
    (void)state;
    static const char line[] =
        CEF_HEADER "100120|Seen.|4|rt=Mar 09 2025 11:58:25 GMT+09:00 c6a1Label=InterestedIPv6 "
                   "c6a1=2001:db8:10::101 c6a2Label=Source IPv6 Address c6a2=2001:db8:10::101 "
                   "c6a3Label=Destination IPv6 Address c6a3=2001:db8:ffff::80 "
                   "c6a4Label=PeerIPv6 c6a4=2001:db8:ffff::80 smac=02:00:00:00:01:01";
    struct detection d;
    char why[NAME_SIZE];
    assert_int_equal(parse(LINE_CEF, line, &d, why), LINE_DETECTION);
    assert_ip(&d.src.ip, "2001:db8:10::101");
    assert_ip(&d.dst.ip, "2001:db8:ffff::80");
    assert_ip(&d.interested_ip, "2001:db8:10::101");
    assert_int_equal(d.suspect, PARTY_SRC);
    assert_int_equal(d.severity, SEVERITY_LOW);
    assert_int_equal(d.count, 1);
}

static void
test_escapes(void **state)
{
    (void)state;
    static const char line[] =
        "CEF:0|a\\|b|Gate\\\\way|1|7\\|8|x\\=\\|y\\nz|High|src=192.0.2.1 dst=192.0.2.2 "
        "request=http://h/?a=b&c\\=d cat=one two\\=2  three \\\\ dhost=h";
    struct detection d;
    char why[NAME_SIZE];
    assert_int_equal(parse(LINE_CEF, line, &d, why), LINE_DETECTION);
    assert_string_equal(d.maker, "Gate\\way");
    assert_true(d.signature_id == 7);
    assert_string_equal(d.signature, "x=|y z");
    assert_string_equal(d.url, "http://h/?a=b&c=d");
    assert_string_equal(d.category, "one two=2  three \\");
    assert_string_equal(d.server_name, "h");
    assert_int_equal(d.severity, SEVERITY_HIGH);
}

/* An escaped '=' in a value makes no key: nobody can write other addresses into a URL. */
static void
test_keys_cannot_be_smuggled(void **state)
{
    (void)state;
    static const char line[] = CEF_HEADER "1|x|8|request=http://h/ src\\=192.0.2.66 "
                                          "src=192.0.2.1 dst=192.0.2.2 msg=src\\=192.0.2.77";
    struct detection d;
    char why[NAME_SIZE];
    assert_int_equal(parse(LINE_CEF, line, &d, why), LINE_DETECTION);
    assert_ip(&d.src.ip, "192.0.2.1");
    assert_string_equal(d.url, "http://h/ src=192.0.2.66");
}

/* cn1 and cs6 mean what their label says; another maker's cn1=1 is no C&C callback. */
static void
test_custom_keys_by_label(void **state)
{
    (void)state;
    struct detection d;
    char why[NAME_SIZE];
    assert_int_equal(parse(LINE_CEF,
                           OTHER "5|src=192.0.2.1 dst=192.0.2.2 cn1Label=Attempts cn1=1 "
                                 "cs6Label=Department cs6=Discovery flexNumber1Label=Hops "
                                 "flexNumber1=10",
                           &d, why),
                     LINE_DETECTION);
    assert_int_equal(d.phase, PHASE_UNKNOWN);
    assert_int_equal(d.vlan, 0);
    assert_int_equal(parse(LINE_CEF,
                           OTHER "5|src=192.0.2.1 dst=192.0.2.2 cn1Label=CCCA_Detection cn1=1", &d,
                           why),
                     LINE_DETECTION);
    assert_int_equal(d.phase, PHASE_C2);
    assert_int_equal(parse(LINE_CEF,
                           OTHER "5|src=192.0.2.1 dst=192.0.2.2 pAttackPhase=Lateral Movement", &d,
                           why),
                     LINE_DETECTION);
    assert_int_equal(d.phase, PHASE_LATERAL_MOVEMENT);
}

static void
test_strange_numbers(void **state)
{
    (void)state;
    struct detection d;
    char why[NAME_SIZE];
    assert_int_equal(parse(LINE_CEF,
                           OTHER "999|src=192.0.2.1 dst=192.0.2.2 spt=65616 dpt=-1 proto=300 "
                                 "cnt=99999999999999999999 rt=99999999999999999999 "
                                 "flexNumber1Label=vLANId flexNumber1=4096 smac=02:00",
                           &d, why),
                     LINE_DETECTION);
    assert_int_equal(d.src.port, 0); /* not 80 */
    assert_int_equal(d.dst.port, 0);
    assert_int_equal(d.protocol, 0);
    assert_int_equal(d.count, 1);
    assert_int_equal(d.vlan, 0);
    assert_true(mac_is_none(&d.src.mac));
    assert_true(d.seen_us == NOW_US);
    assert_int_equal(parse(LINE_CEF, OTHER "5|src=192.0.2.1 rt=1741489104532", &d, why),
                     LINE_DETECTION);
    assert_true(d.seen_us == 1741489104532000LL);
}

static void
test_refused(void **state)
{
    (void)state;
    assert_fate(LINE_CEF, "", LINE_REFUSED, "no CEF header");
    assert_fate(LINE_CEF, "LEEF:1.0|Trend Micro|x|1|2|src=192.0.2.1", LINE_REFUSED,
                "no CEF header");
    assert_fate(LINE_CEF, "CEF:0|a|b|c|d|e|f", LINE_REFUSED, "CEF header has fewer than 7 fields");
    assert_fate(LINE_CEF, "CEF:0|a|b|c|d|e|6\\|src=192.0.2.1", LINE_REFUSED,
                "CEF header has fewer than 7 fields");
    assert_fate(LINE_CEF, OTHER "6|", LINE_REFUSED, "no address in the line");
    assert_fate(LINE_CEF, OTHER "6|src=192.0.2.300 dst=", LINE_REFUSED, "no address in the line");
    char line[4096];
    size_t used = (size_t)snprintf(line, sizeof(line), OTHER "6|src=192.0.2.1");
    for (int i = 0; i < 128; i++) {
        used += (size_t)snprintf(line + used, sizeof(line) - used, " k%d=%d", i, i);
    }
    assert_fate(LINE_CEF, line, LINE_REFUSED, "more than 128 CEF keys");
}

/* A cut line is refused until its header is whole and an address in it; later it may well be a
 * detection (CEF has no end mark), but one that says nothing that the whole line does not say. */
static void
test_every_prefix(void **state)
{
    (void)state;
    size_t whole = strlen(CEF_CALLBACK);
    size_t address = (size_t)(strstr(CEF_CALLBACK, " src=") - CEF_CALLBACK);
    struct detection all, d;
    char why[NAME_SIZE];
    assert_int_equal(parse(LINE_CEF, CEF_CALLBACK, &all, why), LINE_DETECTION);
    for (size_t size = 0; size <= whole; size++) {
        enum line_result result = parse_size(LINE_CEF, CEF_CALLBACK, size, true, &d, why);
        if (size <= address) {
            assert_int_equal(result, LINE_REFUSED);
        }
        bool is_in_escape = CEF_CALLBACK[size > 0 ? size - 1 : 0] == '\\';
        if (result == LINE_DETECTION && !is_in_escape && size >= address + 16) {
            assert_true(ip_is_equal(&d.src.ip, &all.src.ip));
            size_t url = strlen(d.url) < strlen(all.url) ? strlen(d.url) : strlen(all.url);
            assert_int_equal(strncmp(d.url, all.url, url), 0);
        }
    }
    assert_int_equal(parse_size(LINE_CEF, CEF_CALLBACK, whole, true, &d, why), LINE_DETECTION);
}

/* A value beyond its field is cut at a character and marked. */
static void
test_long_values(void **state)
{
    (void)state;
    char line[8192];
    struct detection d;
    char why[NAME_SIZE];
    size_t used = (size_t)snprintf(line, sizeof(line), OTHER "6|src=192.0.2.1 request=http://");
    for (int i = 0; i < 2500; i++, used += 2) {
        memcpy(line + used, "\xc3\xa4", 2);
    }
    line[used] = '\0';
    assert_int_equal(parse(LINE_CEF, line, &d, why), LINE_DETECTION);
    size_t size = strlen(d.url);
    assert_true(size >= URL_SIZE - 3 && size < URL_SIZE);
    assert_string_equal(d.url + size - 5, "\xc3\xa4...");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_callback),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_interested_is_the_receiver),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_keys_cannot_be_smuggled),
        cmocka_unit_test(test_custom_keys_by_label),
        cmocka_unit_test(test_strange_numbers),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_long_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
