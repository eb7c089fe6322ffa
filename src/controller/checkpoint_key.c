/* The file of the signing key. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "controller/checkpoints.h"

#define KEY_FILE_MAX 4096

static int
seed_make(const char *path, uint8_t seed[CHECKPOINT_KEY_SIZE])
{
    char hex[2 * CHECKPOINT_KEY_SIZE + 2];
    randombytes_buf(seed, CHECKPOINT_KEY_SIZE);
    sodium_bin2hex(hex, sizeof(hex), seed, CHECKPOINT_KEY_SIZE);
    strcat(hex, "\n");
    int error = file_write_atomic(path, hex, strlen(hex), 0600);
    sodium_memzero(hex, sizeof(hex));
    return error;
}

static int
seed_read(const char *path, uint8_t seed[CHECKPOINT_KEY_SIZE], char why[256])
{
    struct stat file;
    char *text = NULL;
    size_t size = 0, got = 0;
    int error = file_read(path, KEY_FILE_MAX, &text, &size);
    if (error) {
        return error;
    }
    if (stat(path, &file) != 0 || (file.st_mode & 077) != 0 ||
        (file.st_uid != geteuid() && file.st_uid != 0)) {
        error = -EPERM;
        snprintf(why, 256, "%.180s must be readable by its owner only (mode 0600)", path);
    } else if (sodium_hex2bin(seed, CHECKPOINT_KEY_SIZE, text, size, "\n", &got, NULL) != 0 ||
               got != CHECKPOINT_KEY_SIZE) {
        error = -EBADMSG;
        snprintf(why, 256, "%.180s is not a key of 64 hexadecimal digits", path);
    }
    sodium_memzero(text, size);
    free(text);
    return error;
}

int
checkpoint_signer_open(const char *folder, struct checkpoint_signer *signer, char why[256])
{
    char path[URL_SIZE + 64], vkey[CHECKPOINT_VKEY_SIZE + 1];
    uint8_t seed[CHECKPOINT_KEY_SIZE];
    *signer = (struct checkpoint_signer){.is_new = false};
    if (sodium_init() < 0) {
        return -EIO;
    }
    snprintf(path, sizeof(path), "%s/audit.key", folder);
    int error = seed_read(path, seed, why);
    if (error == -ENOENT) {
        signer->is_new = true;
        error = seed_make(path, seed);
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
