/* Capture files: classic ones of both byte orders and both kinds of time, pcapng, broken ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "sensor/capture.h"

struct seen {
    size_t count, bytes;
    int64_t at_us[4];
    uint8_t last;
};

struct file {
    uint8_t bytes[4096];
    size_t used;
    bool is_big; /* big-endian */
};

static void
put32(struct file *file, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        file->bytes[file->used++] = (uint8_t)(value >> (file->is_big ? 24 - 8 * i : 8 * i));
    }
}

static void
begin(struct file *file, uint32_t magic, bool is_big, uint32_t link)
{
    *file = (struct file){.is_big = is_big};
    put32(file, magic);
    put32(file, is_big ? 0x00020004 : 0x00040002);
    put32(file, 0);
    put32(file, 0);
    put32(file, 262144);
    put32(file, link);
}

static void
record(struct file *file, uint32_t seconds, uint32_t fraction, uint32_t size)
{
    put32(file, seconds);
    put32(file, fraction);
    put32(file, size);
    put32(file, size);
    memset(file->bytes + file->used, (int)size, size);
    file->used += size;
}

static void
on_frame(void *context, int64_t at_us, const uint8_t *frame, size_t size)
{
    struct seen *seen = context;
    if (seen->count < 4) {
        seen->at_us[seen->count] = at_us;
    }
    seen->count++;
    seen->bytes += size;
    seen->last = size > 0 ? frame[size - 1] : 0;
}

static int
read_file(const void *bytes, size_t size, struct seen *seen)
{
    char path[] = "/tmp/cordon-capture-XXXXXX", why[256] = "";
    int fd = mkstemp(path);
    *seen = (struct seen){.count = 0};
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
    int result = capture_file(path, on_frame, seen, why);
    unlink(path);
    assert_int_equal(result != 0, why[0] != '\0');
    return result;
}

static void
test_classic(void **state)
{
    (void)state;
    for (int is_big = 0; is_big < 2; is_big++) {
        for (int is_nano = 0; is_nano < 2; is_nano++) {
            struct file file;
            struct seen seen;
            begin(&file, is_nano ? 0xa1b23c4d : 0xa1b2c3d4, is_big != 0, 1);
            record(&file, 1700000000, is_nano ? 5000 : 5, 60);
            record(&file, 1700000001, is_nano ? 999999999 : 999999, 200);
            assert_int_equal(read_file(file.bytes, file.used, &seen), 0);
            assert_int_equal(seen.count, 2);
            assert_int_equal(seen.bytes, 260);
            assert_int_equal(seen.last, 200);
            assert_int_equal(seen.at_us[0], 1700000000000005LL);
            assert_int_equal(seen.at_us[1], 1700000001999999LL);
        }
    }
}

/* Every cut is told; what was whole before it was read. */
static void
test_cut(void **state)
{
    (void)state;
    struct file file;
    begin(&file, 0xa1b2c3d4, false, 1);
    record(&file, 1700000000, 1, 60);
    record(&file, 1700000001, 2, 70);
    for (size_t size = 0; size < file.used; size++) {
        struct seen seen;
        bool is_whole = size == 24 || size == 24 + 76;
        assert_int_equal(read_file(file.bytes, size, &seen) == 0, is_whole);
        assert_int_equal(seen.count, size >= 24 + 76);
    }
}

static void
test_damaged(void **state)
{
    (void)state;
    struct file file;
    struct seen seen;
    begin(&file, 0xa1b2c3d4, false, 1);
    record(&file, 1700000000, 1, 60);
    put32(&file, 1);
    put32(&file, 1);
    put32(&file, 0xfffffff0);
    put32(&file, 60);
    assert_true(read_file(file.bytes, file.used, &seen) < 0);
    assert_int_equal(seen.count, 1);
    begin(&file, 0xa1b2c3d4, false, 113); /* another link type */
    record(&file, 1, 1, 60);
    assert_true(read_file(file.bytes, file.used, &seen) < 0);
    assert_int_equal(seen.count, 0);
    assert_true(read_file("hello, world: no capture", 24, &seen) < 0);
}

/* Larger than the pieces that files are read in. */
static void
test_large(void **state)
{
    (void)state;
    struct seen seen;
    size_t record_size = 16 + 65000, count = 40, used = 24;
    uint8_t *bytes = calloc(1, 24 + record_size * count);
    struct file file;
    assert_non_null(bytes);
    begin(&file, 0xa1b2c3d4, false, 1);
    memcpy(bytes, file.bytes, 24);
    for (size_t i = 0; i < count; i++) {
        const uint32_t head[4] = {1700000000, (uint32_t)i, 65000, 65000};
        memcpy(bytes + used, head, sizeof(head));
        bytes[used + record_size - 1] = (uint8_t)i;
        used += record_size;
    }
    assert_int_equal(read_file(bytes, used, &seen), 0);
    assert_int_equal(seen.count, count);
    assert_int_equal(seen.bytes, count * 65000);
    assert_int_equal(seen.last, count - 1);
    free(bytes);
}

static void
test_pcapng(void **state)
{
    (void)state;
    struct file file = {.used = 0};
    struct seen seen;
    static const uint32_t words[] = {
        0x0a0d0d0a, 28, 0x1a2b3c4d, 1,       0xffffffff, 0xffffffff, 28, /* section */
        1,          20, 1,          0,       20,                         /* interface: Ethernet */
        6,          48, 0,          0x60a24, 0x181cfa0a, 16,         16,
        0,          0,  0,          0,       48}; /* a packet */
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        put32(&file, words[i]);
    }
    assert_int_equal(read_file(file.bytes, file.used, &seen), 0);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.bytes, 16);
    assert_int_equal(seen.at_us[0], 0x60a24181cfa0aLL);
}

static void
test_missing(void **state)
{
    (void)state;
    struct seen seen = {.count = 0};
    char why[256] = "";
    assert_true(capture_file("/nonexistent/file.pcap", on_frame, &seen, why) < 0);
    assert_non_null(strstr(why, "/nonexistent/file.pcap"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classic), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_damaged), cmocka_unit_test(test_large),
        cmocka_unit_test(test_pcapng),  cmocka_unit_test(test_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
