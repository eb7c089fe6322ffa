#include "bus/pki_key.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/file.h"
#include "base/seal.h"

#define KEY_MAX 16384

static enum seal_purpose
purpose_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    return strncmp(name, "ca.", 3) == 0 ? SEAL_AUTHORITY : SEAL_PKI;
}

static int
sealed_read(const char *path, const char *master, char **pem, size_t *size, char why[256])
{
    struct seal *seal = NULL;
    int error = seal_open(master, purpose_of(path), &seal, why);
    if (error) {
        return error;
    }
    error = seal_read(seal, path, KEY_MAX, pem, size);
    seal_free(seal);
    if (error) {
        const char *what = error == -EKEYREJECTED
                               ? "is sealed with another master key than secret_key_file: put the "
                                 "right one back (a backup has it)"
                           : error == -EBADMSG ? "is damaged, or another file under its name: put "
                                                 "the right one back (a backup has it)"
                                               : strerror(-error);
        snprintf(why, 256, "%.110s %.140s", path, what);
    }
    return error;
}

static void
pem_free(char *pem, size_t size, bool is_locked)
{
    if (is_locked) {
        seal_bytes_free(pem);
    } else if (pem) {
        OPENSSL_cleanse(pem, size);
        free(pem);
    }
}

EVP_PKEY *
pki_key_read(const char *path, const char *master, char why[256])
{
    char *pem = NULL;
    size_t size = 0;
    int error = master ? sealed_read(path, master, &pem, &size, why)
                       : file_read(path, KEY_MAX, &pem, &size);
    if (error && !master) {
        snprintf(why, 256, "%.180s: %s", path, strerror(-error));
    }
    if (error) {
        return NULL;
    }
    BIO *from = BIO_new_mem_buf(pem, (int)size); /* no copy */
    EVP_PKEY *key = from ? PEM_read_bio_PrivateKey(from, NULL, NULL, NULL) : NULL;
    if (!key) {
        snprintf(why, 256, "%.180s holds no private key", path);
    }
    ERR_clear_error();
    BIO_free(from);
    pem_free(pem, size, master != NULL);
    return key;
}

static int
sealed_write(const char *path, const char *master, const char *pem, size_t size, char why[256])
{
    struct seal *seal = NULL;
    int error = seal_open(master, purpose_of(path), &seal, why);
    if (!error) {
        error = seal_write(seal, path, pem, size);
        snprintf(why, 256, "cannot write %.180s: %s", path, strerror(-error));
    }
    seal_free(seal);
    return error;
}

int
pki_key_write(const char *path, const char *master, EVP_PKEY *key, char why[256])
{
    BIO *to = BIO_new(BIO_s_secmem());
    char *pem = NULL;
    if (!to || !PEM_write_bio_PrivateKey(to, key, NULL, NULL, 0, NULL, NULL)) {
        ERR_clear_error();
        BIO_free(to);
        snprintf(why, 256, "cannot encode the key for %.180s", path);
        return -EIO;
    }
    long size = BIO_get_mem_data(to, &pem);
    int error = master ? sealed_write(path, master, pem, (size_t)size, why)
                       : file_write_atomic(path, pem, (size_t)size, 0600);
    if (error && !master) {
        snprintf(why, 256, "cannot write %.180s: %s", path, strerror(-error));
    }
    OPENSSL_cleanse(pem, (size_t)size);
    BIO_free(to);
    return error;
}
