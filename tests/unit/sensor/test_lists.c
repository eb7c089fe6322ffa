/* Reputation lists: every kind of entry, what is refused, a million of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

#include "frames.h"
#include "sensor/lists.h"

#define ENTRIES 1000000

struct fixture {
    struct list_setting settings[2];
    struct lists *lists;
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    for (size_t i = 0; i < 2; i++) {
        snprintf(f->settings[i].name, NAME_SIZE, "list-%zu", i);
        snprintf(f->settings[i].path, URL_SIZE, "/tmp/cordon-list-XXXXXX");
        int fd = mkstemp(f->settings[i].path);
        assert_true(fd >= 0);
        close(fd);
    }
    f->settings[1].confidence = 60;
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    unlink(f->settings[0].path);
    unlink(f->settings[1].path);
    lists_free(f->lists);
    free(f);
    return 0;
}

static void
load(struct fixture *f, const char *first, const char *second)
{
    const char *const texts[] = {first, second};
    for (size_t i = 0; i < 2; i++) {
        FILE *file = fopen(f->settings[i].path, "w");
        assert_non_null(file);
        fputs(texts[i], file);
        assert_int_equal(fclose(file), 0);
    }
    lists_free(f->lists);
    f->lists = lists_load(f->settings, 2);
}

static bool
has_ip(const struct fixture *f, const char *text, struct list_match *match)
{
    struct ip ip = ip_of(text);
    return lists_find_ip(f->lists, &ip, match);
}

static void
test_addresses(void **state)
{
    struct fixture *f = *state;
    struct list_match match;
    load(f, "203.0.113.9\n2001:db8::9\n198.51.100.0/24\n2001:db8:77::/48\n198.51.100.128/26\n", "");
    assert_int_equal(lists_count(f->lists), 5);
    assert_true(has_ip(f, "203.0.113.9", &match));
    assert_string_equal(match.indicator, "203.0.113.9");
    assert_string_equal(match.list, "list-0");
    assert_int_equal(match.confidence, 80);
    assert_false(has_ip(f, "203.0.113.10", &match));
    assert_true(has_ip(f, "2001:db8::9", &match));
    assert_true(has_ip(f, "2001:db8:77:ffff::1", &match));
    assert_false(has_ip(f, "2001:db8:78::1", &match));
    assert_true(has_ip(f, "198.51.100.1", &match));
    assert_string_equal(match.indicator, "198.51.100.0/24");
    assert_true(has_ip(f, "198.51.100.130", &match)); /* the narrowest is named */
    assert_string_equal(match.indicator, "198.51.100.128/26");
    assert_false(has_ip(f, "198.51.101.1", &match));
}

static void
test_domains(void **state)
{
    struct fixture *f = *state;
    struct list_match match;
    load(f, "C2.Example.NET\n*.wild.example\nrooted.example.\n", "");
    assert_true(lists_find_domain(f->lists, "c2.example.net", &match));
    assert_true(lists_find_domain(f->lists, "a.b.c2.example.net", &match));
    assert_string_equal(match.indicator, "c2.example.net");
    assert_true(lists_find_domain(f->lists, "x.wild.example", &match));
    assert_true(lists_find_domain(f->lists, "rooted.example", &match));
    assert_false(lists_find_domain(f->lists, "notc2.example.net", &match));
    assert_false(lists_find_domain(f->lists, "example.net", &match));
    assert_false(lists_find_domain(f->lists, "net", &match));
    assert_false(lists_find_domain(f->lists, "", &match));
}

static void
test_urls(void **state)
{
    struct fixture *f = *state;
    struct list_match match;
    load(f,
         "http://Host.example/Path?a=b\nhttps://user:pw@port.example:8443/x#top\n"
         "http://bare.example\n",
         "");
    assert_true(lists_find_url(f->lists, "host.example", "/Path?a=b", &match));
    assert_string_equal(match.indicator, "host.example/Path?a=b");
    assert_true(lists_find_url(f->lists, "host.example", "http://host.example/Path?a=b", &match));
    assert_false(lists_find_url(f->lists, "host.example", "/path?a=b", &match));
    assert_false(lists_find_url(f->lists, "host.example", "/go?to=http://x/Path?a=b", &match));
    assert_true(lists_find_url(f->lists, "port.example", "/x", &match));
    assert_false(lists_find_domain(f->lists, "port.example", &match)); /* one URL, not the host */
    assert_true(lists_find_domain(f->lists, "bare.example", &match));  /* no path: the host */
}

static void
test_fingerprints(void **state)
{
    struct fixture *f = *state;
    struct list_match match;
    static const char ja3[] = "ada70206e40642a3e4461f35503241d5",
                      ja4[] = "t13d1516h2_8daaf6152771_e5627efa2ab1";
    load(f, "ADA70206E40642A3E4461F35503241D5\nt13d1516h2_8daaf6152771_e5627efa2ab1\n", "");
    assert_true(lists_find_fingerprint(f->lists, ja3, "", &match));
    assert_string_equal(match.indicator, ja3);
    assert_true(lists_find_fingerprint(f->lists, "", ja4, &match));
    assert_string_equal(match.indicator, ja4);
    assert_false(lists_find_fingerprint(f->lists, "de350869b8c85de67a350c8d186f11e6", "", &match));
    assert_false(lists_find_fingerprint(f->lists, "", "", &match));
}

/* Confidence of the line, else of the list, else the default; of two lists the surer one. */
static void
test_confidence(void **state)
{
    struct fixture *f = *state;
    struct list_match match;
    load(f, "192.0.2.1,55\n192.0.2.2\n192.0.2.4,0\n192.0.2.5,101\n", "192.0.2.1\n192.0.2.3\n");
    static const struct {
        const char *ip, *list;
        int confidence;
    } cases[] = {{"192.0.2.1", "list-1", 60},
                 {"192.0.2.2", "list-0", 80},
                 {"192.0.2.3", "list-1", 60},
                 {"192.0.2.4", "list-0", 80},
                 {"192.0.2.5", "list-0", 80}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(has_ip(f, cases[i].ip, &match));
        assert_string_equal(match.list, cases[i].list);
        assert_int_equal(match.confidence, cases[i].confidence);
    }
    assert_int_equal(lists_count(f->lists), 5); /* what stands on two lists counts once */
}

/* Comments and blanks are nothing; what is no indicator is counted, and the rest of the file read.
 */
static void
test_refused(void **state)
{
    struct fixture *f = *state;
    struct list_match match;
    char text[6000];
    int used = snprintf(text, sizeof(text),
                        "# 192.0.2.1\n\n  \r\n192.0.2.2 # why\r\nlocalhost\n"
                        "300.1.1.1/8\nhello world\n10.0.0.0/33\n");
    memset(text + used, 'a', 4000);
    snprintf(text + used + 4000, 100, ".192.0.2.7\n192.0.2.3\nlast.example");
    load(f, text, "");
    assert_false(has_ip(f, "192.0.2.1", &match));
    assert_true(has_ip(f, "192.0.2.2", &match));
    assert_true(has_ip(f, "192.0.2.3", &match)); /* behind a line that is too long */
    assert_true(lists_find_domain(f->lists, "last.example", &match));
    assert_int_equal(lists_refused(f->lists), 5);
    assert_int_equal(lists_count(f->lists), 3);
}

static void
test_missing_file(void **state)
{
    struct fixture *f = *state;
    struct list_match match;
    load(f, "192.0.2.2\n", "192.0.2.3\n");
    unlink(f->settings[0].path);
    lists_free(f->lists);
    f->lists = lists_load(f->settings, 2);
    assert_false(has_ip(f, "192.0.2.2", &match));
    assert_true(has_ip(f, "192.0.2.3", &match));
}

static long
peak_kib(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

/* The limit that is promised, also while the old ones are still there at a reload. */
static void
test_million(void **state)
{
    struct fixture *f = *state;
    struct list_match match;
    long before = peak_kib();
    FILE *file = fopen(f->settings[0].path, "w");
    assert_non_null(file);
    for (unsigned i = 0; i < ENTRIES; i++) {
        if (i % 2) {
            fprintf(file, "host-%u.bad-%u.example,90\n", i, i % 1000);
        } else {
            fprintf(file, "198.%u.%u.%u\n", i >> 16 & 255, i >> 8 & 255, i & 255);
        }
    }
    assert_int_equal(fclose(file), 0);
    f->lists = lists_load(f->settings, 2);
    assert_int_equal(lists_count(f->lists), ENTRIES);
    struct lists *again = lists_load(f->settings, 2);
    long used = peak_kib() - before;
    print_message("a million entries, and as many again at a reload: %ld MiB\n", used / 1024);
    assert_true(used < 200 * 1024);
    lists_free(f->lists);
    f->lists = again;
    assert_true(lists_find_domain(f->lists, "host-999999.bad-999.example", &match));
    assert_false(lists_find_domain(f->lists, "host-1000001.bad-1.example", &match));
    assert_true(has_ip(f, "198.1.2.4", &match));
    assert_false(has_ip(f, "198.1.2.5", &match));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_addresses),    TEST(test_domains), TEST(test_urls),
        TEST(test_fingerprints), TEST(test_refused), TEST(test_confidence),
        TEST(test_missing_file), TEST(test_million),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
