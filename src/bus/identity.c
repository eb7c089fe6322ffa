#include "bus/identity.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "bus/csr.h"
#include "bus/pki.h"

#define FILE_MAX 16384
#define GREW_FROM "# renewed since the enrolment with "

struct identity {
    char path[PATH_MAX]; /* "": nothing is kept */
    char role[NAME_SIZE];
    char enrolled[FINGERPRINT_SIZE]; /* the certificate that it enrolled with */
    X509 *authority;
    X509 *certificate; /* of the newest one; NULL: the enrolled one is */
    EVP_PKEY *key;
    EVP_PKEY *next; /* asked with, not answered yet */
};

static X509 *
certificate_load(const char *path)
{
    FILE *file = fopen(path, "re");
    X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    if (file) {
        fclose(file);
    }
    ERR_clear_error();
    return certificate;
}

/* What was kept, if it is ours and fits. */
static void
kept_load(struct identity *identity)
{
    char *text = NULL, wanted[sizeof(GREW_FROM) + FINGERPRINT_SIZE];
    size_t size;
    if (!identity->path[0] || file_read(identity->path, FILE_MAX, &text, &size)) {
        return;
    }
    snprintf(wanted, sizeof(wanted), GREW_FROM "%s\n", identity->enrolled);
    BIO *from =
        strncmp(text, wanted, strlen(wanted)) == 0 ? BIO_new_mem_buf(text, (int)size) : NULL;
    EVP_PKEY *key = from ? PEM_read_bio_PrivateKey(from, NULL, NULL, NULL) : NULL;
    X509 *certificate = key ? PEM_read_bio_X509(from, NULL, NULL, NULL) : NULL;
    if (certificate && X509_check_private_key(certificate, key) == 1 &&
        X509_verify(certificate, X509_get0_pubkey(identity->authority)) == 1) {
        identity->key = key;
        identity->certificate = certificate;
    } else {
        EVP_PKEY_free(key);
        X509_free(certificate);
    }
    BIO_free(from);
    OPENSSL_cleanse(text, size);
    free(text);
    ERR_clear_error();
}

struct identity *
identity_open(const struct tls_files *files, const char *role, const char *folder, char why[256])
{
    struct identity *identity = MEM_NEW(struct identity);
    X509 *enrolled = certificate_load(files->cert);
    identity->authority = certificate_load(files->ca);
    if (!enrolled || !identity->authority) {
        snprintf(why, 256, "cannot use %.100s and %.100s: enrol this device ('cordonctl enrol')",
                 files->cert, files->ca);
        X509_free(enrolled);
        identity_free(identity);
        return NULL;
    }
    pki_fingerprint(enrolled, identity->enrolled);
    X509_free(enrolled);
    snprintf(identity->role, sizeof(identity->role), "%s", role);
    if (folder[0]) {
        snprintf(identity->path, sizeof(identity->path), "%.4000s/identity.pem", folder);
    }
    kept_load(identity);
    return identity;
}

void
identity_free(struct identity *identity)
{
    if (identity) {
        X509_free(identity->authority);
        X509_free(identity->certificate);
        EVP_PKEY_free(identity->key);
        EVP_PKEY_free(identity->next);
        free(identity);
    }
}

void
identity_use(struct identity *identity, struct tls_client *client)
{
    if (identity->certificate && !tls_client_use(client, identity->certificate, identity->key)) {
        log_error("identity", "the renewed certificate cannot be used: the enrolled one is",
                  LOG_S("file", identity->path));
    }
}

static void
request_send(struct identity *identity, struct channel *channel, const char *name)
{
    struct wire_request request;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (key && csr_make(key, identity->role, name, &request.der, &request.der_size) == 0) {
        EVP_PKEY_free(identity->next);
        identity->next = key;
        (void)channel_send(channel, WIRE_REQUEST, &request);
        free(request.der);
    } else {
        EVP_PKEY_free(key);
        log_error("identity", "no key could be made: the certificate is not renewed", LOG_END);
    }
}

static int
keep(const struct identity *identity, X509 *certificate)
{
    BIO *to = BIO_new(BIO_s_mem());
    char *bytes;
    int error = -ENOMEM;
    if (to && BIO_printf(to, GREW_FROM "%s\n", identity->enrolled) > 0 &&
        PEM_write_bio_PrivateKey(to, identity->next, NULL, NULL, 0, NULL, NULL) &&
        PEM_write_bio_X509(to, certificate)) {
        long size = BIO_get_mem_data(to, &bytes);
        error = file_write_atomic(identity->path, bytes, (size_t)size, 0600);
        OPENSSL_cleanse(bytes, (size_t)size);
    }
    BIO_free(to);
    return error;
}

static void
take(struct identity *identity, struct tls_client *client, struct channel *channel,
     const struct wire_renew *renew)
{
    char name[NAME_SIZE], unit[NAME_SIZE];
    X509 *certificate = pki_read(renew->der, renew->der_size);
    bool is_good = certificate && identity->next &&
                   X509_check_private_key(certificate, identity->next) == 1 &&
                   X509_verify(certificate, X509_get0_pubkey(identity->authority)) == 1 &&
                   pki_subject(certificate, name, unit) && strcmp(unit, identity->role) == 0 &&
                   strcmp(name, renew->name) == 0;
    ERR_clear_error();
    int error = is_good ? keep(identity, certificate) : -EBADMSG;
    if (error || !tls_client_use(client, certificate, identity->next)) {
        log_error(
            "identity", "the new certificate is not used", LOG_S("file", identity->path),
            LOG_S("why", error == -EBADMSG ? "it is not what was asked for" : strerror(-error)));
        X509_free(certificate);
        return;
    }
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
    identity->certificate = certificate;
    identity->key = identity->next;
    identity->next = NULL;
    log_info("identity", "the certificate was renewed", LOG_S("file", identity->path));
    channel_close(channel, "the certificate was renewed");
}

void
identity_renew(struct identity *identity, struct tls_client *client, struct channel *channel,
               const struct wire_renew *renew)
{
    if (!identity->path[0]) {
        log_warn("identity",
                 "the certificate expires soon, and there is no folder to keep a new one "
                 "in: set spool_dir, or enrol again in time",
                 LOG_END);
    } else if (renew->der_size == 0) {
        request_send(identity, channel, renew->name);
    } else {
        take(identity, client, channel, renew);
    }
}
