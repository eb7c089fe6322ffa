#include "web/asset.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <event2/buffer.h>

#include "base/mem.h"
#include "model/warning_page.h"

/* Files of ours only, no inline script or style, nobody may frame us: what an attacker writes into
 * a host name stays text. */
#define POLICY                                                                                     \
    "default-src 'none'; script-src 'self'; style-src 'self' 'sha256-%s'; img-src 'self' data:; "  \
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

/* The only style in a page of ours is the one of the warning page, whose preview stands in a
 * sandboxed frame that inherits this policy: named by its hash (CSP 3, 8.4). */
static void
policy_put(struct evkeyvalq *headers)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    char base64[sodium_base64_ENCODED_LEN(sizeof(hash), sodium_base64_VARIANT_ORIGINAL)];
    char text[sizeof(POLICY) + sizeof(base64)];
    crypto_hash_sha256(hash, (const uint8_t *)warning_page_style, strlen(warning_page_style));
    sodium_bin2base64(base64, sizeof(base64), hash, sizeof(hash), sodium_base64_VARIANT_ORIGINAL);
    snprintf(text, sizeof(text), POLICY, base64);
    evhttp_add_header(headers, "Content-Security-Policy", text);
}

const struct asset *
asset_find(const char *path)
{
    const char *wanted = strcmp(path, "/") == 0 ? "/index.html" : path;
    for (size_t i = 0; i < asset_count; i++) {
        if (strcmp(asset_table[i].path, wanted) == 0) {
            return &asset_table[i];
        }
    }
    return NULL;
}

static void
add_headers(struct evkeyvalq *headers, const struct asset *asset)
{
    evhttp_add_header(headers, "Content-Type", asset->media);
    evhttp_add_header(headers, "ETag", asset->etag);
    evhttp_add_header(headers, "Cache-Control",
                      asset->is_immutable ? "public, max-age=31536000, immutable" : "no-cache");
    evhttp_add_header(headers, "Vary", "Accept-Encoding");
    policy_put(headers);
    evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    evhttp_add_header(headers, "X-Frame-Options", "DENY");
    evhttp_add_header(headers, "Referrer-Policy", "no-referrer");
    evhttp_add_header(headers, "Cross-Origin-Opener-Policy", "same-origin");
}

/* Is 'word' in the header's list of words, and not refused by "q=0"?  (RFC 9110 12.5.3) */
static bool
takes(const char *header, const char *word)
{
    size_t size = strlen(word);
    while (header && *header) {
        header += strspn(header, " \t,");
        size_t item = strcspn(header, ",");
        if (item >= size && evutil_ascii_strncasecmp(header, word, size) == 0 &&
            strchr(" \t;,", header[size])) {
            const char *weight = memmem(header, item, "q=0", 3);
            return !weight || weight[3] == '.';
        }
        header += item;
    }
    return false;
}

/* The table is our own, so a failure to inflate is a broken build. */
static bool
add_plain(struct evbuffer *body, const struct asset *asset)
{
    unsigned char *plain = mem_new(asset->plain_size + 1, 1);
    z_stream stream = {
        .next_in = (Bytef *)(uintptr_t)asset->gzip,
        .avail_in = (uInt)(asset->gzip_end - asset->gzip),
        .next_out = plain,
        .avail_out = (uInt)asset->plain_size + 1,
    };
    bool is_good = inflateInit2(&stream, 16 + MAX_WBITS) == Z_OK;
    is_good = is_good && inflate(&stream, Z_FINISH) == Z_STREAM_END &&
              stream.total_out == asset->plain_size;
    inflateEnd(&stream);
    if (is_good) {
        evbuffer_add(body, plain, asset->plain_size);
    }
    free(plain);
    return is_good;
}

void
asset_reply(struct evhttp_request *request, const struct asset *asset)
{
    const struct evkeyvalq *asked = evhttp_request_get_input_headers(request);
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    const char *known = evhttp_find_header(asked, "If-None-Match");
    add_headers(headers, asset);
    if (known && strstr(known, asset->etag)) {
        evhttp_send_reply(request, 304, "Not Modified", NULL);
        return;
    }
    struct evbuffer *body = evbuffer_new();
    if (takes(evhttp_find_header(asked, "Accept-Encoding"), "gzip")) {
        evhttp_add_header(headers, "Content-Encoding", "gzip");
        evbuffer_add_reference(body, asset->gzip, (size_t)(asset->gzip_end - asset->gzip), NULL,
                               NULL);
    } else if (!add_plain(body, asset)) {
        evhttp_send_error(request, 500, NULL);
        evbuffer_free(body);
        return;
    }
    evhttp_send_reply(request, 200, "OK", body);
    evbuffer_free(body);
}
