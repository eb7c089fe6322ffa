#include "hellos.h"

#include <string.h>

#define END (-1)
#define LIST(...) ((const int[]){__VA_ARGS__, END})

const struct hello_lists hello_chrome = {
    .version = 0x0303,
    .ciphers = LIST(0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8,
                    0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035),
    .extensions = LIST(0x8a8a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d,
                       0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015, 0x4a4a),
    .groups = LIST(0x9a9a, 29, 23, 24),
    .formats = LIST(0),
    .signatures = LIST(0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601),
    .versions = LIST(0x1a1a, 0x0304, 0x0303),
    .sni = "C2.Example.NET",
    .alpn = "\2h2\10http/1.1",
};

const struct hello_lists hello_ja3_full = {
    .version = 769,
    .ciphers = LIST(47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4),
    .extensions = LIST(0, 10, 11),
    .groups = LIST(23, 24, 25),
    .formats = LIST(0),
    .sni = "example.org",
};

const struct hello_lists hello_ja3_bare = {
    .version = 769,
    .ciphers = LIST(4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99),
};

struct out {
    uint8_t bytes[4096];
    size_t used;
};

static void
put(struct out *out, unsigned value, unsigned bytes)
{
    while (bytes-- > 0) {
        out->bytes[out->used++] = (uint8_t)(value >> (8 * bytes));
    }
}

/* The place of a length of so many bytes, to be filled when what it counts is there. */
static size_t
open_length(struct out *out, unsigned bytes)
{
    put(out, 0, bytes);
    return out->used;
}

static void
close_length(struct out *out, size_t from, unsigned bytes)
{
    size_t size = out->used - from;
    for (unsigned i = 0; i < bytes; i++) {
        out->bytes[from - 1 - i] = (uint8_t)(size >> (8 * i));
    }
}

static void
put_list(struct out *out, const int *list, unsigned length, unsigned item)
{
    size_t from = open_length(out, length);
    for (; list && *list != END; list++) {
        put(out, (unsigned)*list, item);
    }
    close_length(out, from, length);
}

static void
put_extension(struct out *out, const struct hello_lists *lists, unsigned type)
{
    put(out, type, 2);
    size_t from = open_length(out, 2);
    switch (type) {
    case 0:
        put(out, (unsigned)strlen(lists->sni) + 3, 2);
        put(out, 0, 1);
        put(out, (unsigned)strlen(lists->sni), 2);
        memcpy(out->bytes + out->used, lists->sni, strlen(lists->sni));
        out->used += strlen(lists->sni);
        break;
    case 10:
        put_list(out, lists->groups, 2, 2);
        break;
    case 11:
        put_list(out, lists->formats, 1, 1);
        break;
    case 13:
        put_list(out, lists->signatures, 2, 2);
        break;
    case 16:
        put(out, (unsigned)strlen(lists->alpn), 2);
        memcpy(out->bytes + out->used, lists->alpn, strlen(lists->alpn));
        out->used += strlen(lists->alpn);
        break;
    case 43:
        put_list(out, lists->versions, 1, 2);
        break;
    default:
        break;
    }
    close_length(out, from, 2);
}

size_t
hello_make(const struct hello_lists *lists, size_t record, uint8_t to[4096])
{
    struct out out = {.used = 0};
    put(&out, 1, 1);
    size_t hello = open_length(&out, 3);
    put(&out, lists->version, 2);
    out.used += 32; /* random */
    put(&out, 0, 1);
    put_list(&out, lists->ciphers, 2, 2);
    put(&out, 0x0100, 2);
    if (lists->extensions) {
        size_t all = open_length(&out, 2);
        for (const int *type = lists->extensions; *type != END; type++) {
            put_extension(&out, lists, (unsigned)*type);
        }
        close_length(&out, all, 2);
    }
    close_length(&out, hello, 3);
    size_t used = 0;
    for (size_t at = 0; at < out.used; at += record) {
        size_t part = out.used - at < record ? out.used - at : record;
        const uint8_t head[5] = {22, 3, 1, (uint8_t)(part >> 8), (uint8_t)part};
        memcpy(to + used, head, sizeof(head));
        memcpy(to + used + sizeof(head), out.bytes + at, part);
        used += sizeof(head) + part;
    }
    return used;
}
