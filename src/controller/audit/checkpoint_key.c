/* The file of the signing key. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/seal.h"
#include "controller/audit/checkpoints.h"

#define KEY_FILE_MAX 4096

static int
seed_make(const struct seal *seal, const char *path, uint8_t seed[CHECKPOINT_KEY_SIZE])
{
    char hex[2 * CHECKPOINT_KEY_SIZE + 2];
    randombytes_buf(seed, CHECKPOINT_KEY_SIZE);
    sodium_bin2hex(hex, sizeof(hex), seed, CHECKPOINT_KEY_SIZE);
    strcat(hex, "\n");
    int error = seal_write(seal, path, hex, strlen(hex));
    sodium_memzero(hex, sizeof(hex));
    return error;
}

static int
seed_read(const struct seal *seal, const char *path, uint8_t seed[CHECKPOINT_KEY_SIZE],
          char why[256])
{
    char *text = NULL;
    size_t size = 0, got = 0;
    int error = seal_read(seal, path, KEY_FILE_MAX, &text, &size);
    if (error) {
        snprintf(why, 256, "%.150s: %s", path,
                 error == -EKEYREJECTED ? "sealed with another master key: put the right one back"
                                        : strerror(-error));
        return error;
    }
    if (sodium_hex2bin(seed, CHECKPOINT_KEY_SIZE, text, size, "\n", &got, NULL) != 0 ||
        got != CHECKPOINT_KEY_SIZE) {
        error = -EBADMSG;
        snprintf(why, 256, "%.180s is not a key of 64 hexadecimal digits", path);
    }
    seal_bytes_free(text);
    return error;
}

int
checkpoint_signer_open(const char *folder, const struct seal *seal,
                       struct checkpoint_signer *signer, char why[256])
{
    char path[URL_SIZE + 64], vkey[CHECKPOINT_VKEY_SIZE + 1];
    uint8_t seed[CHECKPOINT_KEY_SIZE];
    *signer = (struct checkpoint_signer){.is_new = false};
    if (sodium_init() < 0) {
        return -EIO;
    }
    snprintf(path, sizeof(path), "%s/audit.key.sealed", folder);
    int error = seed_read(seal, path, seed, why);
    if (error == -ENOENT) {
        signer->is_new = true;
        error = seed_make(seal, path, seed);
    }
    if (error) {
        return error;
    }
    checkpoint_key_make(seed, &signer->key, signer->secret);
    sodium_memzero(seed, sizeof(seed));
    checkpoint_key_format(&signer->key, vkey);
    strcat(vkey, "\n");
    snprintf(path, sizeof(path), "%s/audit.pub", folder);
    if (file_write_atomic(path, vkey, strlen(vkey), 0644)) {
        log_warn("core", "the audit's public key could not be written", LOG_S("path", path));
    }
    return 0;
}
