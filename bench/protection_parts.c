/* What each protection costs where it is used, alone: nanoseconds each, beside the same without it.
 * Called by bench/protections; one line of JSON for each: {"part", "ns", "without", "without_ns"}.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <sodium.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/seal.h"
#include "model/audit_chain.h"
#include "model/checkpoint.h"
#include "wire/rule_sum.h"

#define MESSAGE_SIZE 600 /* a detection on its way, or some rules */
#define RULES 10000

struct bench {
    char folder[64];
    int pair[2];
    struct seal *seal;
    EVP_CIPHER_CTX *cipher;
    struct rule_digest *digests;
    uint8_t bytes[4 * MESSAGE_SIZE];
};

typedef void part_fn(struct bench *bench);

static double
each_ns(struct bench *bench, part_fn *part, unsigned times)
{
    int64_t best_us = INT64_MAX;
    for (unsigned round = 0; round < 3; round++) { /* the quietest of three */
        int64_t begun_us = clock_boot_us(clock_system());
        for (unsigned i = 0; i < times; i++) {
            part(bench);
        }
        int64_t took_us = clock_boot_us(clock_system()) - begun_us;
        best_us = took_us < best_us ? took_us : best_us;
    }
    return (double)best_us * 1000 / times;
}

_Noreturn static void
fail(const char *what)
{
    fprintf(stderr, "protection_parts: %s\n", what);
    exit(1);
}

static void
message_pass(struct bench *bench)
{
    if (write(bench->pair[0], bench->bytes, MESSAGE_SIZE) != MESSAGE_SIZE ||
        read(bench->pair[1], bench->bytes, MESSAGE_SIZE) != MESSAGE_SIZE) {
        fail("a socket pair does not pass on");
    }
}

/* What TLS 1.3 does to each record on its two ends; hands are shaken once. */
static void
message_seal_and_pass(struct bench *bench)
{
    static const uint8_t key[32], nonce[12];
    int size = 0;
    for (int is_sealing = 1; is_sealing >= 0; is_sealing--) {
        if (EVP_CipherInit_ex(bench->cipher, EVP_aes_256_gcm(), NULL, key, nonce, is_sealing) !=
                1 ||
            EVP_CipherUpdate(bench->cipher, bench->bytes, &size, bench->bytes, MESSAGE_SIZE) != 1) {
            fail("the crypto library has no AES");
        }
    }
    message_pass(bench);
}

static void
row_hash(struct bench *bench)
{
    const struct audit_fields fields = {.number = 7,
                                        .at_us = 1800000000000000,
                                        .account = "policy:command and control",
                                        .action = "contain",
                                        .object = "01JQZ3NDEKTSV4RRFFQ69G5FAV",
                                        .detail = "requested isolate: ET MALWARE Observed Command "
                                                  "and Control Domain in TLS SNI"};
    audit_hash(bench->bytes, &fields, bench->bytes);
}

static void
checkpoint_make(struct bench *bench)
{
    static const uint8_t seed[CHECKPOINT_KEY_SIZE] = {1};
    static struct checkpoint_key key;
    static uint8_t secret[CHECKPOINT_SECRET_SIZE];
    struct checkpoint checkpoint = {.number = 7, .at_us = 1800000000000000};
    if (secret[0] == 0 && secret[1] == 0) {
        checkpoint_key_make(seed, &key, secret);
    }
    checkpoint_sign(&checkpoint, &key, secret);
    bench->bytes[0] ^= checkpoint.signature[0];
}

static void
path_of(const struct bench *bench, const char *name, char path[96])
{
    snprintf(path, 96, "%s/%s", bench->folder, name);
}

static void
secret_seal(struct bench *bench)
{
    char path[96], *bytes;
    size_t size;
    path_of(bench, "sealed", path);
    if (seal_write(bench->seal, path, bench->bytes, MESSAGE_SIZE) ||
        seal_read(bench->seal, path, 1 << 16, &bytes, &size)) {
        fail("a secret cannot be sealed");
    }
    seal_bytes_free(bytes);
}

static void
secret_plain(struct bench *bench)
{
    char path[96], *bytes;
    size_t size;
    path_of(bench, "plain", path);
    if (file_write_atomic(path, (const char *)bench->bytes, MESSAGE_SIZE, 0600) ||
        file_read(path, 1 << 16, &bytes, &size)) {
        fail("a file cannot be written");
    }
    free(bytes);
}

static void
rules_sum_up(struct bench *bench)
{
    char sum[RULES_SUM_SIZE];
    if (!rules_sum(bench->digests, RULES, "key", sum)) {
        fail("the crypto library has no HMAC");
    }
}

static void
tell(const char *part, double ns, const char *without, double without_ns)
{
    printf("{\"part\": \"%s\", \"ns\": %.0f, \"without\": \"%s\", \"without_ns\": %.0f}\n", part,
           ns, without, without_ns);
    fflush(stdout);
}

static void
prepare(struct bench *bench)
{
    char path[96], why[256] = "";
    snprintf(bench->folder, sizeof(bench->folder), "/tmp/cordon-parts-XXXXXX");
    if (sodium_init() < 0 || !mkdtemp(bench->folder) ||
        socketpair(AF_UNIX, SOCK_STREAM, 0, bench->pair)) {
        fail("no folder, no sockets or no libsodium");
    }
    path_of(bench, "master", path);
    if (seal_prepare(path, why) || seal_open(path, SEAL_NOTIFY, &bench->seal, why)) {
        fail(why);
    }
    bench->cipher = EVP_CIPHER_CTX_new();
    bench->digests = mem_new(RULES, sizeof(*bench->digests));
    randombytes_buf(bench->digests, RULES * sizeof(*bench->digests));
}

static void
clean(struct bench *bench)
{
    static const char *const names[] = {"master", "sealed", "plain"};
    char path[96];
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        path_of(bench, names[i], path);
        unlink(path);
    }
    rmdir(bench->folder);
    seal_free(bench->seal);
    EVP_CIPHER_CTX_free(bench->cipher);
    free(bench->digests);
}

int
main(void)
{
    struct bench bench = {.pair = {-1, -1}};
    prepare(&bench);
    tell("TLS: a message of 600 bytes sealed, passed on and opened",
         each_ns(&bench, message_seal_and_pass, 20000), "passed on by a socket pair",
         each_ns(&bench, message_pass, 20000));
    tell("a secret sealed into its file and read", each_ns(&bench, secret_seal, 200),
         "a file written and read", each_ns(&bench, secret_plain, 200));
    tell("a row of the audit chained", each_ns(&bench, row_hash, 100000), "", 0);
    tell("a checkpoint signed (one a minute, or a thousand rows)",
         each_ns(&bench, checkpoint_make, 2000), "", 0);
    tell("the sum of 10,000 rules (once for each switch that comes)",
         each_ns(&bench, rules_sum_up, 20), "", 0);
    clean(&bench);
    return 0;
}
