#include "sensor/protocol/tls/hello.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/cursor.h"
#include "base/macros.h"
#include "base/utf8.h"

#define LIST_MAX 128
#define EXTENSION_SNI 0
#define EXTENSION_GROUPS 10
#define EXTENSION_FORMATS 11
#define EXTENSION_SIGNATURES 13
#define EXTENSION_ALPN 16
#define EXTENSION_VERSIONS 43

struct list {
    uint16_t items[LIST_MAX];
    size_t count;
};

struct hello {
    uint16_t version;
    uint16_t highest; /* of supported_versions, or 'version' */
    struct list ciphers, extensions, groups, formats, signatures;
    char alpn[2]; /* first and last character of the first one */
    bool has_sni, has_alpn;
};

static bool
is_grease(uint16_t value)
{
    return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

static void
list_add(struct list *list, uint16_t value)
{
    if (!is_grease(value) && list->count < LIST_MAX) {
        list->items[list->count++] = value;
    }
}

static void
list_read(struct cursor in, struct list *list)
{
    while (cur_left(&in) >= 2) {
        list_add(list, cur_be16(&in));
    }
}

static void
sni_read(struct cursor in, struct tls_hello *out)
{
    cur_skip(&in, 2);
    uint8_t type = cur_u8(&in);
    struct cursor name = cur_sub(&in, cur_be16(&in));
    size_t size = cur_left(&name);
    if (!cur_ok(&name) || type != 0 || size >= sizeof(out->sni)) {
        return;
    }
    for (size_t i = 0; i < size; i++) {
        out->sni[i] = (char)tolower(name.pos[i]);
    }
    out->sni[size] = '\0';
    utf8_make_plain(out->sni, size);
}

static void
alpn_read(struct cursor in, struct hello *hello)
{
    cur_skip(&in, 2);
    struct cursor name = cur_sub(&in, cur_u8(&in));
    size_t size = cur_left(&name);
    if (cur_ok(&name) && size > 0) {
        hello->has_alpn = true;
        hello->alpn[0] = (char)name.pos[0];
        hello->alpn[1] = (char)name.pos[size - 1];
    }
}

static void
extension_read(uint16_t type, struct cursor value, struct hello *hello, struct tls_hello *out)
{
    list_add(&hello->extensions, type);
    switch (type) {
    case EXTENSION_SNI:
        hello->has_sni = true;
        sni_read(value, out);
        break;
    case EXTENSION_GROUPS:
        cur_skip(&value, 2);
        list_read(value, &hello->groups);
        break;
    case EXTENSION_FORMATS:
        cur_skip(&value, 1);
        while (cur_left(&value) > 0) {
            list_add(&hello->formats, cur_u8(&value));
        }
        break;
    case EXTENSION_SIGNATURES:
        cur_skip(&value, 2);
        list_read(value, &hello->signatures);
        break;
    case EXTENSION_ALPN:
        alpn_read(value, hello);
        break;
    case EXTENSION_VERSIONS:
        cur_skip(&value, 1);
        while (cur_left(&value) >= 2) {
            uint16_t version = cur_be16(&value);
            if (!is_grease(version) && version > hello->highest) {
                hello->highest = version;
            }
        }
        break;
    default:
        break;
    }
}

static void
hex_put(char *to, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        snprintf(to + i * 2, 3, "%02x", bytes[i]);
    }
}

static void
digest_put(const EVP_MD *kind, const char *text, size_t bytes, char *to)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    to[0] = '\0';
    if (EVP_Digest(text, strlen(text), digest, &size, kind, NULL) == 1 && size >= bytes) {
        hex_put(to, digest, bytes);
    }
}

struct text {
    char bytes[LIST_MAX * 6 * 4];
    size_t used;
};

static void
text_add(struct text *text, const char *format, unsigned value)
{
    int size = snprintf(text->bytes + text->used, sizeof(text->bytes) - text->used, format, value);
    size_t room = sizeof(text->bytes) - 1 - text->used;
    text->used += size < 0 ? 0 : (size_t)size < room ? (size_t)size : room;
}

static void
text_list(struct text *text, const struct list *list, const char *format, const char *between)
{
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0) {
            text_add(text, between, 0);
        }
        text_add(text, format, list->items[i]);
    }
}

static void
ja3_put(const struct hello *hello, char ja3[33])
{
    const struct list *lists[] = {&hello->ciphers, &hello->extensions, &hello->groups,
                                  &hello->formats};
    struct text text = {.used = 0};
    text_add(&text, "%u", hello->version);
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        text_add(&text, ",", 0);
        text_list(&text, lists[i], "%u", "-");
    }
    digest_put(EVP_md5(), text.bytes, 16, ja3);
}

static int
compare(const void *a, const void *b)
{
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

static const char *
version_name(uint16_t version)
{
    return version == 0x0304   ? "13"
           : version == 0x0303 ? "12"
           : version == 0x0302 ? "11"
           : version == 0x0301 ? "10"
           : version == 0x0300 ? "s3"
                               : "00";
}

/* Its first and last character, or the first and last digit of its hex form, or "00". */
static void
alpn_put(const struct hello *hello, char to[3])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t first = (uint8_t)hello->alpn[0], last = (uint8_t)hello->alpn[1];
    bool is_text = isalnum(first) && isalnum(last);
    to[0] = !hello->has_alpn ? '0' : is_text ? (char)first : digits[first >> 4];
    to[1] = !hello->has_alpn ? '0' : is_text ? (char)last : digits[last & 15];
    to[2] = '\0';
}

/* Lists sorted as hex, hashed, twelve digits; an empty list is twelve zeros. */
static void
ja4_hash(const struct text *text, char to[13])
{
    char digest[65];
    digest_put(EVP_sha256(), text->bytes, 32, digest);
    snprintf(to, 13, "%.12s", text->used ? digest : "000000000000");
}

static void
ja4_put(const struct hello *hello, char ja4[40])
{
    struct list ciphers = hello->ciphers, extensions = {.count = 0};
    struct text cipher_text = {.used = 0}, extension_text = {.used = 0};
    char cipher_hash[13], extension_hash[13], alpn[3];
    for (size_t i = 0; i < hello->extensions.count; i++) {
        uint16_t type = hello->extensions.items[i];
        if (type != EXTENSION_SNI && type != EXTENSION_ALPN) {
            list_add(&extensions, type);
        }
    }
    qsort(ciphers.items, ciphers.count, sizeof(ciphers.items[0]), compare);
    qsort(extensions.items, extensions.count, sizeof(extensions.items[0]), compare);
    text_list(&cipher_text, &ciphers, "%04x", ",");
    text_list(&extension_text, &extensions, "%04x", ",");
    if (hello->signatures.count > 0) {
        text_add(&extension_text, "_", 0);
        text_list(&extension_text, &hello->signatures, "%04x", ",");
    }
    ja4_hash(&cipher_text, cipher_hash);
    ja4_hash(&extension_text, extension_hash);
    size_t cipher_count = hello->ciphers.count < 99 ? hello->ciphers.count : 99;
    size_t extension_count = hello->extensions.count < 99 ? hello->extensions.count : 99;
    alpn_put(hello, alpn);
    snprintf(ja4, 40, "t%s%c%02zu%02zu%s_%s_%s", version_name(hello->highest),
             hello->has_sni ? 'd' : 'i', cipher_count, extension_count, alpn, cipher_hash,
             extension_hash);
}

/* Handshake records (type 22) joined: a hello may be cut into several. */
static enum parsed
handshake_join(struct cursor in, uint8_t *joined, size_t room, size_t *size)
{
    *size = 0;
    while (cur_left(&in) > 0) {
        uint8_t type = cur_u8(&in);
        uint8_t major = cur_u8(&in);
        cur_skip(&in, 1);
        size_t length = cur_be16(&in);
        if (type != 22 || (cur_ok(&in) && major != 3)) {
            return *size > 0 ? PARSED_YES : PARSED_NO;
        }
        size_t there = length < cur_left(&in) ? length : cur_left(&in);
        if (!cur_ok(&in) || *size + there > room) {
            return PARSED_MORE;
        }
        memcpy(joined + *size, in.pos, there);
        *size += there;
        cur_skip(&in, there);
        if (there < length) {
            return PARSED_MORE;
        }
    }
    return PARSED_MORE;
}

static bool
hello_read(struct cursor in, struct hello *hello, struct tls_hello *out)
{
    hello->version = cur_be16(&in);
    hello->highest = hello->version;
    cur_skip(&in, 32);
    cur_skip(&in, cur_u8(&in));
    list_read(cur_sub(&in, cur_be16(&in)), &hello->ciphers);
    cur_skip(&in, cur_u8(&in));
    if (!cur_ok(&in)) {
        return false;
    }
    if (cur_left(&in) == 0) {
        return true; /* very old: no extensions */
    }
    struct cursor extensions = cur_sub(&in, cur_be16(&in));
    for (int i = 0; i < LIST_MAX && cur_left(&extensions) > 0; i++) {
        uint16_t type = cur_be16(&extensions);
        struct cursor value = cur_sub(&extensions, cur_be16(&extensions));
        if (!cur_ok(&value)) {
            return false;
        }
        extension_read(type, value, hello, out);
    }
    return cur_ok(&extensions);
}

enum parsed
tls_parse(const uint8_t *bytes, size_t size, struct tls_hello *out)
{
    uint8_t joined[8192];
    size_t joined_size;
    struct hello hello = {.version = 0};
    memset(out, 0, sizeof(*out));
    if (size > 0 && bytes[0] != 22) {
        return PARSED_NO;
    }
    enum parsed records =
        handshake_join(cur_make(bytes, size), joined, sizeof(joined), &joined_size);
    if (records == PARSED_NO) {
        return PARSED_NO;
    }
    struct cursor in = cur_make(joined, joined_size);
    uint8_t type = cur_u8(&in);
    size_t length = cur_be24(&in);
    if (cur_ok(&in) && type != 1) {
        return PARSED_NO;
    }
    if (!cur_ok(&in) || cur_left(&in) < length) {
        return records == PARSED_YES ? PARSED_NO : PARSED_MORE;
    }
    if (!hello_read(cur_sub(&in, length), &hello, out)) {
        return PARSED_NO;
    }
    out->version = hello.highest;
    ja3_put(&hello, out->ja3);
    ja4_put(&hello, out->ja4);
    return PARSED_YES;
}
