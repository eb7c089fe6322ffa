/* The responder's DNS: what goes on to the resolver, what is answered here, what is learnt from the
 * resolver's answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "replies.h"

#define CLIENT_MAC "02:00:00:00:00:01"
#define TYPE_A 1
#define TYPE_TXT 16
#define TYPE_AAAA 28

static const struct hosts to_resolver[] = {
    {CLIENT_MAC, "02:00:00:00:00:02", "192.0.2.1", "192.0.2.53"},
    {CLIENT_MAC, "02:00:00:00:00:02", "2001:db8::1", "2001:db8::53"},
};
static const struct hosts elsewhere = {CLIENT_MAC, "02:00:00:00:00:02", "192.0.2.1",
                                       "198.51.100.53"};

static size_t
query(const struct hosts *hosts, const uint8_t *message, size_t size, struct replies *replies)
{
    struct frame frame;
    frame_udp(&frame, hosts, 40000, 53, message, size);
    ask(&asked_settings, &frame, replies);
    return replies->count;
}

static size_t
query_name(const struct hosts *hosts, const char *name, uint16_t type, struct replies *replies)
{
    uint8_t message[512];
    return query(hosts, message, dns_question(message, 0x1234, name, type), replies);
}

/* The DNS message in a reply. */
static const uint8_t *
message_of(const struct frame *frame, size_t *size)
{
    size_t at = be16_at(frame->b + 12) == 0x0800 ? 42 : 62;
    *size = frame->size - at;
    return frame->b + at;
}

/* Exactly the question and one A record with the warning address, or nothing. */
static void
assert_answered_here(const struct replies *replies, const char *name, uint16_t type)
{
    struct frame expected = {.size = 0};
    uint8_t question[512];
    size_t size, question_size = dns_question(question, 0x1234, name, type);
    assert_int_equal(replies->count, 1);
    assert_false(replies->is_forward[0]);
    const uint8_t *message = message_of(&replies->frames[0], &size);
    frame_put(&expected, question, question_size);
    expected.b[2] = 0x81; /* an answer, recursion desired and had */
    expected.b[3] = 0x80;
    if (type == TYPE_A) {
        expected.b[7] = 1;
        frame_put32(&expected, 0xc00c0001);
        frame_put16(&expected, 1);
        frame_put32(&expected, 5); /* seconds: after the release names must be right soon */
        frame_put16(&expected, 4);
        frame_put32(&expected, 0xc0000250);
    }
    assert_int_equal(size, expected.size);
    assert_memory_equal(message, expected.b, size);
}

static void
names_lead_to_the_warning(void **state)
{
    (void)state;
    struct replies replies;
    for (size_t i = 0; i < COUNT_OF(to_resolver); i++) {
        query_name(&to_resolver[i], "www.example.com", TYPE_A, &replies);
        assert_answered_here(&replies, "www.example.com", TYPE_A);
        query_name(&to_resolver[i], "www.example.com", TYPE_AAAA, &replies);
        assert_answered_here(&replies, "www.example.com", TYPE_AAAA);
        query_name(&to_resolver[i], "www.example.com", TYPE_TXT, &replies);
        assert_answered_here(&replies, "www.example.com", TYPE_TXT);
    }
}

/* A client that mixes cases by chance believes only an answer that repeats them. */
static void
answers_repeat_the_case_of_the_name(void **state)
{
    (void)state;
    struct replies replies;
    query_name(&to_resolver[0], "wWw.eXAmple.COM", TYPE_A, &replies);
    assert_answered_here(&replies, "wWw.eXAmple.COM", TYPE_A);
    query_name(&to_resolver[1], "wWw.eXAmple.COM", TYPE_AAAA, &replies);
    assert_answered_here(&replies, "wWw.eXAmple.COM", TYPE_AAAA);
}

static void
permitted_names_go_on(void **state)
{
    (void)state;
    static const char *const names[] = {"www.example.org", "a.b.example.org", "update.example.net"};
    static const uint16_t types[] = {TYPE_A, TYPE_AAAA};
    for (size_t i = 0; i < 12; i++) {
        struct replies replies;
        uint8_t question[512];
        const char *name = names[i % 3];
        uint16_t type = types[i / 3 % 2];
        assert_int_equal(query_name(&to_resolver[i / 6], name, type, &replies), 1);
        assert_true(replies.is_forward[0]);
        size_t size, question_size = dns_question(question, 0x1234, name, type);
        const uint8_t *message = message_of(&replies.frames[0], &size);
        assert_int_equal(size, question_size);
        assert_memory_equal(message, question, size);
    }
}

/* Nothing that the sender put in besides the name gets out. */
static void
forwarded_queries_are_written_anew(void **state)
{
    (void)state;
    uint8_t message[512], plain[512];
    struct replies replies;
    size_t plain_size = dns_question(plain, 0x1234, "update.example.net", TYPE_A), size;
    size_t asked = dns_question(message, 0x1234, "UpDate.example.NET", TYPE_A);
    message[3] = 0x30; /* AD, CD */
    message[11] = 1;   /* one additional record, and more behind it */
    memcpy(message + asked, "secret data of any size", 23);
    assert_int_equal(query(&to_resolver[0], message, asked + 23, &replies), 1);
    assert_true(replies.is_forward[0]);
    const uint8_t *sent = message_of(&replies.frames[0], &size);
    assert_int_equal(size, plain_size);
    assert_memory_equal(sent, plain, size);
}

static void
near_misses_are_answered_here(void **state)
{
    (void)state;
    static const char *const names[] = {"example.org",         "notexample.org",
                                        "www.example.org.com", "x.update.example.net",
                                        "pdate.example.net",   "org"};
    struct replies replies;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        query_name(&to_resolver[0], names[i], TYPE_A, &replies);
        assert_answered_here(&replies, names[i], TYPE_A);
    }
    /* a permitted name, but not a declared resolver, or not an address that is asked for */
    query_name(&elsewhere, "www.example.org", TYPE_A, &replies);
    assert_answered_here(&replies, "www.example.org", TYPE_A);
    query_name(&to_resolver[0], "www.example.org", TYPE_TXT, &replies);
    assert_answered_here(&replies, "www.example.org", TYPE_TXT);
}

static void
without_permits_all_is_answered_here(void **state)
{
    (void)state;
    struct permit_set set = *asked_endpoint.permits;
    set.forwards_dns = false;
    uint8_t message[512];
    size_t size = dns_question(message, 0x1234, "www.example.org", TYPE_A);
    struct replies replies;
    struct frame frame;
    frame_udp(&frame, &to_resolver[0], 40000, 53, message, size);
    const struct permit_set *const sets[] = {NULL, &set};
    for (size_t i = 0; i < COUNT_OF(sets); i++) {
        struct responder_endpoint endpoint = asked_endpoint;
        endpoint.permits = sets[i];
        ask_as(&endpoint, &asked_settings, &frame, &replies);
        assert_answered_here(&replies, "www.example.org", TYPE_A);
    }
}

static void
malformed_queries_get_no_answer(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        size_t at;
        uint8_t value;
    } wrong[] = {
        {"an answer", 2, 0x81},      {"another operation", 2, 0x29},
        {"no question", 5, 0},       {"two questions", 5, 2},
        {"a label of 64", 12, 64},   {"a pointer to itself", 12, 0xc0},
        {"an empty name", 12, 0},    {"a label with a dot", 13, '.'},
        {"a label with NUL", 13, 0}, {"beyond the end", 12, 63},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        uint8_t message[512];
        struct replies replies;
        size_t size = dns_question(message, 0x1234, "www.example.org", TYPE_A);
        message[wrong[i].at] = wrong[i].value;
        if (wrong[i].value == 0xc0) {
            message[13] = 12;
        }
        if (query(&to_resolver[0], message, size, &replies) != 0) {
            fail_msg("%s got an answer", wrong[i].what);
        }
    }
}

/* 255 octets at most (RFC 1035 2.3.4): the longest name is answered, a longer one is not. */
static void
long_names_are_bounded(void **state)
{
    (void)state;
    char name[320] = "";
    struct replies replies;
    for (int i = 0; i < 3; i++) {
        memset(name + i * 64, 'a' + i, 63);
        name[i * 64 + 63] = '.';
    }
    memset(name + 192, 'd', 61);
    query_name(&elsewhere, name, TYPE_A, &replies);
    assert_answered_here(&replies, name, TYPE_A);
    memset(name + 192, 'd', 63);
    assert_int_equal(query_name(&elsewhere, name, TYPE_A, &replies), 0);
    strcat(name, ".e");
    assert_int_equal(query_name(&elsewhere, name, TYPE_A, &replies), 0);
}

/* ---- answers ---- */

static const struct hosts from_resolver = {"02:00:00:00:00:02", CLIENT_MAC, "192.0.2.53",
                                           "192.0.2.1"};

/* An answer to 'name' with 'count' records, given as hexadecimal digits. */
static void
answer_make(struct frame *frame, const char *name, uint8_t count, const char *records)
{
    struct frame message = {.size = 0}, tail;
    uint8_t question[512];
    size_t size = dns_question(question, 0x1234, name, TYPE_A);
    question[2] = 0x81;
    question[7] = count;
    frame_put(&message, question, size);
    frame_hex(&tail, records);
    frame_put(&message, tail.b, tail.size);
    frame_udp(frame, &from_resolver, 53, 40000, message.b, message.size);
}

static size_t
learn(const struct frame *frame, struct responder_learnt *learnt, size_t room)
{
    uint8_t *copy = malloc(frame->size ? frame->size : 1);
    assert_non_null(copy);
    memcpy(copy, frame->b, frame->size);
    size_t count = responder_learn(asked_endpoint.permits, copy, frame->size, learnt, room);
    assert_true(count <= room);
    free(copy);
    return count;
}

#define A_RECORD "c00c 0001 0001 0000003c 0004 cb007105 "
#define A_SHORT "c00c 0001 0001 00000001 0004 cb007106 "
#define AAAA_LONG "c00c 001c 0001 00015180 0010 20010db8000000000000000000000505 "
#define CNAME "c00c 0005 0001 0000003c 0006 03636466 c010 "

static void
addresses_are_learnt(void **state)
{
    (void)state;
    struct frame frame;
    struct responder_learnt learnt[8];
    struct ip first = ip_of_text("203.0.113.5"), last = ip_of_text("2001:db8::505");
    answer_make(&frame, "update.example.net", 4, CNAME A_RECORD A_SHORT AAAA_LONG);
    assert_int_equal(learn(&frame, learnt, 8), 3);
    assert_int_equal(learnt[0].permit, 1);
    assert_true(ip_is_equal(&learnt[0].ip, &first));
    assert_int_equal(learnt[0].ttl_s, 60);
    assert_int_equal(learnt[1].ttl_s, 30); /* a shorter one would cut connections */
    assert_int_equal(learnt[2].ttl_s, 3600);
    assert_true(ip_is_equal(&learnt[2].ip, &last));
    assert_int_equal(learn(&frame, learnt, 2), 2);
    assert_int_equal(learn(&frame, learnt, 0), 0);
    answer_make(&frame, "www.example.org", 1, A_RECORD);
    assert_int_equal(learn(&frame, learnt, 8), 1);
    assert_int_equal(learnt[0].permit, 0);
}

static void
other_answers_teach_nothing(void **state)
{
    (void)state;
    struct frame frame;
    struct responder_learnt learnt[8];
    answer_make(&frame, "www.example.com", 1, A_RECORD); /* not permitted */
    assert_int_equal(learn(&frame, learnt, 8), 0);
    answer_make(&frame, "www.example.org", 1, A_RECORD);
    frame.b[29] = 54; /* not a declared resolver */
    assert_int_equal(learn(&frame, learnt, 8), 0);
    answer_make(&frame, "www.example.org", 1, A_RECORD);
    frame.b[35] = 54; /* not from its DNS port */
    assert_int_equal(learn(&frame, learnt, 8), 0);
    answer_make(&frame, "www.example.org", 1, A_RECORD);
    frame.b[44] = 0x01; /* a query */
    assert_int_equal(learn(&frame, learnt, 8), 0);
    answer_make(&frame, "www.example.org", 1, "c00c 0001 0001 0000003c 0005 cb00710500");
    assert_int_equal(learn(&frame, learnt, 8), 0); /* no address is five bytes long */
    answer_make(&frame, "www.example.org", 2, "c04f 0001 0001 0000003c 0004 cb007105");
    assert_int_equal(learn(&frame, learnt, 8), 0); /* a pointer beyond the message */
}

static void
every_prefix_of_an_answer(void **state)
{
    (void)state;
    struct frame frame;
    struct responder_learnt learnt[8];
    answer_make(&frame, "update.example.net", 4, CNAME A_RECORD A_SHORT AAAA_LONG);
    size_t whole = frame.size;
    for (frame.size = 0; frame.size < whole; frame.size++) {
        assert_int_equal(learn(&frame, learnt, 8), 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_lead_to_the_warning),
        cmocka_unit_test(answers_repeat_the_case_of_the_name),
        cmocka_unit_test(permitted_names_go_on),
        cmocka_unit_test(forwarded_queries_are_written_anew),
        cmocka_unit_test(near_misses_are_answered_here),
        cmocka_unit_test(without_permits_all_is_answered_here),
        cmocka_unit_test(malformed_queries_get_no_answer),
        cmocka_unit_test(long_names_are_bounded),
        cmocka_unit_test(addresses_are_learnt),
        cmocka_unit_test(other_answers_teach_nothing),
        cmocka_unit_test(every_prefix_of_an_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
