/* Log lines made to the makers' documented formats, from outside this repository: the folder that
 * $CORDON_SHARED names, or "shared" beside the checkout; skipped where it is absent. */
#include "lines.h"

#include <unistd.h>

#include "base/file.h"
#include "intake/syslog.h"

static const char *folder;

/* Every line of the file through 'take', as a live source would; how many there are. */
static size_t
file_each(const char *name, enum line_format format,
          void (*take)(enum line_result result, const struct detection *d, const char *why))
{
    char path[URL_SIZE], *text;
    size_t size, lines = 0;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (file_read(path, 1024 * 1024, &text, &size)) {
        print_message("%s is not there\n", path);
        skip();
    }
    for (char *at = text, *end; at < text + size; at = end + 1) {
        end = memchr(at, '\n', (size_t)(text + size - at));
        end = end ? end : text + size;
        const char *content;
        size_t content_size;
        struct detection d;
        char why[NAME_SIZE] = "";
        syslog_content(at, (size_t)(end - at), &content, &content_size);
        take(parse_size(format, content, content_size, true, &d, why), &d, why);
        lines++;
    }
    free(text);
    return lines;
}

static void
take_cef(enum line_result result, const struct detection *d, const char *why)
{
    assert_string_equal(why, "");
    assert_int_equal(result, LINE_DETECTION);
    assert_string_equal(d->maker, "deep-discovery");
    assert_ip(&d->src.ip, "192.0.2.101");
    assert_ip(&d->dst.ip, "203.0.113.80");
    assert_ip(&d->interested_ip, "192.0.2.101");
    assert_int_equal(d->suspect, PARTY_SRC);
    assert_mac(&d->src.mac, "02:00:00:00:01:01");
    assert_string_equal(d->signature, "Malware URL requested | type 1");
    assert_int_equal(d->phase, PHASE_C2);
    assert_int_equal(d->severity, SEVERITY_MEDIUM);
    assert_int_equal(d->vlan, 10);
    assert_string_equal(d->url, "http://c2.example.net/a/setting.doc?x=1");
    assert_true(d->seen_us == 1741489104000000LL);
}

static void
take_cef_ipv6(enum line_result result, const struct detection *d, const char *why)
{
    assert_string_equal(why, "");
    assert_int_equal(result, LINE_DETECTION);
    assert_ip(&d->src.ip, "2001:db8:10::101");
    assert_ip(&d->dst.ip, "2001:db8:ffff::80");
    assert_ip(&d->interested_ip, "2001:db8:10::101");
    assert_int_equal(d->severity, SEVERITY_LOW);
    assert_int_equal(d->vlan, 10);
}

static void
take_eve(enum line_result result, const struct detection *d, const char *why)
{
    assert_string_equal(why, "");
    assert_int_equal(result, LINE_DETECTION);
    assert_string_equal(d->maker, "suricata");
    assert_ip(&d->src.ip, "192.0.2.101"); /* turned to who opened the connection */
    assert_ip(&d->dst.ip, "203.0.113.80");
    assert_mac(&d->src.mac, "02:00:00:00:01:01");
    assert_int_equal(d->suspect, PARTY_SRC);
    assert_true(d->signature_id == 9000001);
    assert_int_equal(d->severity, SEVERITY_HIGH);
    assert_int_equal(d->phase, PHASE_C2);
    assert_int_equal(d->vlan, 10);
    assert_true(d->seen_us == SEEN_US);
}

static void
take_eve_ipv6(enum line_result result, const struct detection *d, const char *why)
{
    assert_string_equal(why, "");
    assert_int_equal(result, LINE_DETECTION);
    assert_ip(&d->src.ip, "2001:db8:10::101");
    assert_ip(&d->dst.ip, "2001:db8:ffff::80");
}

/* Formats that we do not read are refused, never taken for something else. */
static void
take_other(enum line_result result, const struct detection *d, const char *why)
{
    assert_int_equal(result, LINE_REFUSED);
    assert_string_equal(d->id, "");
    assert_string_not_equal(why, "");
}

static void
test_deep_discovery(void **state)
{
    (void)state;
    assert_int_equal(file_each("ddi_cef.log", LINE_CEF, take_cef), 1);
    assert_int_equal(file_each("ddi_cef_ipv6.log", LINE_CEF, take_cef_ipv6), 1);
}

static void
test_suricata(void **state)
{
    (void)state;
    assert_int_equal(file_each("suricata_eve.json", LINE_EVE, take_eve), 1);
    assert_int_equal(file_each("suricata_eve_ipv6.json", LINE_EVE, take_eve_ipv6), 1);
}

static void
test_other_formats(void **state)
{
    (void)state;
    assert_true(file_each("ddi_leef.log", LINE_CEF, take_other) > 0);
    assert_true(file_each("ddi_tmef.log", LINE_CEF, take_other) > 0);
    assert_true(file_each("zeek_notice.json", LINE_EVE, take_other) > 0);
    assert_true(file_each("ddi_cef.log", LINE_EVE, take_other) > 0);
    assert_true(file_each("suricata_eve.json", LINE_CEF, take_other) > 0);
}

int
main(int count, char **words)
{
    static char path[URL_SIZE];
    const char *shared = getenv("CORDON_SHARED");
    snprintf(path, sizeof(path), "%s%s/data/intake",
             shared      ? shared
             : count > 1 ? words[1]
                         : ".",
             shared ? "" : "/../shared");
    folder = path;
    if (access(path, R_OK) != 0) {
        printf("skipped: %s is not there (CORDON_SHARED names another folder)\n", path);
        return 77; /* meson's word for it */
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deep_discovery),
        cmocka_unit_test(test_suricata),
        cmocka_unit_test(test_other_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
