#include "bus/pki.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/file.h"
#include "base/mem.h"
#include "bus/issued.h"
#include "bus/pki_key.h"
#include "model/text.h"

#define DAY_S INT64_C(86400)
#define CA_LIFE_S (7300 * DAY_S)
#define LEAF_LIFE_S (825 * DAY_S)
#define SERVER_LIFE_S (397 * DAY_S)

static int
fail(char why[256], const char *what)
{
    char reason[120] = "";
    ERR_error_string_n(ERR_peek_last_error(), reason, sizeof(reason));
    ERR_clear_error();
    snprintf(why, 256, "%.120s: %s", what, reason);
    return -EIO;
}

static int
path_make(char path[PATH_MAX], const char *dir, const char *name, const char *ending, char why[256])
{
    int used = snprintf(path, PATH_MAX, "%s/%s%s", dir, name, ending);
    if (used > 0 && used < PATH_MAX) {
        return 0;
    }
    snprintf(why, 256, "path too long");
    return -ENAMETOOLONG;
}

static int
pem_write(const char *dir, const char *name, const char *ending, BIO *pem, mode_t mode,
          char why[256])
{
    char path[PATH_MAX], *bytes;
    long size = BIO_get_mem_data(pem, &bytes);
    int result = path_make(path, dir, name, ending, why);
    if (result) {
        return result;
    }
    result = file_write_atomic(path, bytes, (size_t)size, mode);
    if (result) {
        snprintf(why, 256, "cannot write %.180s: %s", path, strerror(-result));
    }
    return result;
}

/* Where things are: a folder, the name of the files in it, what the key is sealed with (NULL: it is
 * not). */
struct place {
    const char *dir, *name, *master;
};

static int
key_path(const struct place *place, char path[PATH_MAX], char why[256])
{
    return path_make(path, place->dir, place->name, place->master ? PKI_KEY_SEALED : PKI_KEY_PLAIN,
                     why);
}

/* 'issuer' NULL, or what stands behind it in the same file. */
static int
certificate_write(const struct place *place, X509 *certificate, X509 *issuer, EVP_PKEY *key,
                  char why[256])
{
    char path[PATH_MAX];
    BIO *public = BIO_new(BIO_s_mem());
    int result = 0;
    if (!public || !PEM_write_bio_X509(public, certificate) ||
        (issuer && !PEM_write_bio_X509(public, issuer))) {
        result = fail(why, "cannot encode a certificate");
    }
    /* The key first: a certificate without its key would look complete. */
    result = result ? result : key_path(place, path, why);
    result = result ? result : pki_key_write(path, place->master, key, why);
    if (!result) {
        result = pem_write(place->dir, place->name, ".pem", public, 0644, why);
    }
    BIO_free(public);
    return result;
}

static bool
extension_add(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool is_added = extension && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return is_added;
}

static bool
name_set(X509 *certificate, const char *name, const char *unit)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    return X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const unsigned char *)"Cordon",
                                      -1, -1, 0) &&
           X509_NAME_add_entry_by_txt(subject, "OU", MBSTRING_UTF8, (const unsigned char *)unit, -1,
                                      -1, 0) &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1,
                                      -1, 0);
}

static bool
serial_set(X509 *certificate)
{
    unsigned char bytes[16];
    BIGNUM *number = RAND_bytes(bytes, sizeof(bytes)) == 1 ? BN_bin2bn(bytes, 16, NULL) : NULL;
    if (number) {
        BN_clear_bit(number, 127); /* positive (RFC 5280 4.1.2.2) */
    }
    bool is_set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return is_set;
}

struct wanted {
    const char *name, *unit;
    const char *names; /* subjectAltName, in OpenSSL's form; NULL: none */
    int64_t now_s, life_s;
    bool is_ca;
};

/* Signed by 'issuer', or by itself where that is NULL. */
static X509 *
certificate_make(const struct wanted *wanted, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
    X509 *made = X509_new();
    X509 *by = issuer ? issuer : made;
    time_t now = (time_t)wanted->now_s;
    bool is_made =
        made && X509_set_version(made, X509_VERSION_3) && serial_set(made) &&
        X509_time_adj_ex(X509_getm_notBefore(made), 0, -PKI_BACKDATE_S, &now) &&
        X509_time_adj_ex(X509_getm_notAfter(made), (int)(wanted->life_s / DAY_S),
                         (long)(wanted->life_s % DAY_S), &now) &&
        name_set(made, wanted->name, wanted->unit) && X509_set_pubkey(made, key) &&
        X509_set_issuer_name(made, X509_get_subject_name(by)) &&
        extension_add(made, by, NID_basic_constraints,
                      wanted->is_ca ? "critical,CA:TRUE,pathlen:0" : "critical,CA:FALSE") &&
        extension_add(made, by, NID_key_usage,
                      wanted->is_ca ? "critical,keyCertSign,cRLSign"
                                    : "critical,digitalSignature") &&
        extension_add(made, by, NID_subject_key_identifier, "hash") &&
        (wanted->is_ca || extension_add(made, by, NID_ext_key_usage, "serverAuth,clientAuth")) &&
        (!wanted->names || extension_add(made, by, NID_subject_alt_name, wanted->names)) &&
        X509_sign(made, issuer_key ? issuer_key : key, EVP_sha256()) > 0;
    if (!is_made) {
        X509_free(made);
        return NULL;
    }
    return made;
}

/* "cordon.example.org, 192.0.2.1" -> "DNS:cordon.example.org,IP:192.0.2.1,..." */
static int
names_make(const char *names, char out[2048], char why[256])
{
    char copy[URL_SIZE], *rest = copy;
    snprintf(copy, sizeof(copy), "%s", names);
    int used = snprintf(out, 2048, "DNS:localhost,IP:127.0.0.1,IP:::1");
    for (char *name = strsep(&rest, ", "); name; name = strsep(&rest, ", ")) {
        unsigned char bytes[16];
        bool is_ip = inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
        if (name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                              "0123456789.-:*")]) {
            snprintf(why, 256, "'%.60s' is no host name or address", name);
            return -EINVAL;
        }
        if (name[0]) {
            used += snprintf(out + used, used < 2048 ? (size_t)(2048 - used) : 0, ",%s:%s",
                             is_ip ? "IP" : "DNS", name);
        }
        if (used >= 2048) {
            snprintf(why, 256, "too many server names");
            return -EINVAL;
        }
    }
    return 0;
}

static X509 *
certificate_read(const char *dir, const char *name)
{
    char path[PATH_MAX], why[256];
    FILE *file = path_make(path, dir, name, ".pem", why) ? NULL : fopen(path, "re");
    X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    if (file) {
        fclose(file);
    }
    ERR_clear_error();
    return certificate;
}

static int
ca_read(const char *dir, const char *master, X509 **certificate, EVP_PKEY **key, char why[256])
{
    const struct place place = {dir, "ca", master};
    char path[PATH_MAX], reason[256] = "";
    int result = key_path(&place, path, why);
    *key = NULL;
    *certificate = result ? NULL : certificate_read(dir, "ca");
    if (!*certificate) {
        snprintf(reason, sizeof(reason), "ca.pem cannot be read");
    } else {
        *key = pki_key_read(path, master, reason);
    }
    if (*key && X509_check_private_key(*certificate, *key) == 1) {
        return 0;
    }
    if (*key) {
        snprintf(reason, sizeof(reason), "%.180s is not the key of ca.pem", path);
    }
    ERR_clear_error();
    X509_free(*certificate);
    EVP_PKEY_free(*key);
    snprintf(why, 256, "no certificate authority in %.60s: %.160s", dir, reason);
    return -ENOENT;
}

static bool
is_there(const char *dir, const char *name)
{
    char path[PATH_MAX], why[256];
    return path_make(path, dir, name, ".pem", why) == 0 && access(path, F_OK) == 0;
}

static int
ca_make(const char *dir, const char *master, char why[256])
{
    const struct place place = {dir, "ca", master};
    const struct wanted wanted = {
        .name = "Cordon CA", .unit = "ca", .now_s = time(NULL), .life_s = CA_LIFE_S, .is_ca = true};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = key ? certificate_make(&wanted, key, NULL, NULL) : NULL;
    int result = certificate ? certificate_write(&place, certificate, NULL, key, why)
                             : fail(why, "cannot make a certificate authority");
    X509_free(certificate);
    EVP_PKEY_free(key);
    return result;
}

static int
leaf_make(const char *ca_dir, const char *master, const struct place *out,
          const struct wanted *wanted, char why[256])
{
    X509 *ca;
    EVP_PKEY *ca_key;
    int result = ca_read(ca_dir, master, &ca, &ca_key, why);
    if (result) {
        return result;
    }
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = key ? certificate_make(wanted, key, ca, ca_key) : NULL;
    X509 *behind = strcmp(wanted->unit, "server") == 0 ? ca : NULL;
    result = certificate ? 0 : fail(why, "cannot make a certificate");
    if (!result && !behind) { /* known before anybody has it */
        result = issued_put(ca_dir, certificate, wanted->unit, wanted->name, why);
    }
    result = result ? result : certificate_write(out, certificate, behind, key, why);
    X509_free(certificate);
    EVP_PKEY_free(key);
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    return result;
}

/* Neither near its end nor of a time that has not come: the clock was ahead when it was made. */
static bool
is_in_time(X509 *own)
{
    int64_t now_us = (int64_t)time(NULL) * 1000000;
    int64_t issued_us = pki_issued_us(own), expires_us = pki_expires_us(own);
    return expires_us - now_us > (expires_us - issued_us) / 3 &&
           issued_us <= now_us + PKI_BACKDATE_S * INT64_C(1000000);
}

/* Written in two steps: a certificate whose key is another's was left by a crash between them. */
static bool
server_is_good(const struct place *place)
{
    char path[PATH_MAX], why[256];
    FILE *file = path_make(path, place->dir, place->name, ".pem", why) ? NULL : fopen(path, "re");
    X509 *own = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    X509 *behind = own ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    if (file) {
        fclose(file);
    }
    EVP_PKEY *key = key_path(place, path, why) == 0 ? pki_key_read(path, place->master, why) : NULL;
    bool is_good = own && behind && key && X509_check_private_key(own, key) == 1 && is_in_time(own);
    ERR_clear_error();
    X509_free(own);
    X509_free(behind);
    EVP_PKEY_free(key);
    return is_good;
}

/* Never made anew where it has signed something: every device would have to enrol again. */
static int
ca_prepare(const char *dir, const char *master, char why[256])
{
    X509 *certificate;
    EVP_PKEY *key;
    if (is_there(dir, "ca")) {
        int result = ca_read(dir, master, &certificate, &key, why);
        if (!result) {
            X509_free(certificate);
            EVP_PKEY_free(key);
        }
        return result;
    }
    if (is_there(dir, "server")) {
        snprintf(why, 256,
                 "%.100s/ca.pem is not there, and server.pem, which it signed, is: put ca.pem and "
                 "its key back (a backup has them); without, every device must enrol again",
                 dir);
        return -ENOKEY;
    }
    return ca_make(dir, master, why);
}

int
pki_prepare(const char *dir, const char *master, const char *names, char why[256])
{
    const struct place place = {dir, "server", master};
    char alternatives[2048];
    int result = file_make_dirs(dir, 0700);
    if (result) {
        snprintf(why, 256, "cannot make %.180s: %s", dir, strerror(-result));
        return result;
    }
    result = names ? names_make(names, alternatives, why) : 0;
    result = result ? result : ca_prepare(dir, master, why);
    if (!result && names && !server_is_good(&place)) {
        const struct wanted wanted = {.name = "cordond",
                                      .unit = "server",
                                      .names = alternatives,
                                      .now_s = time(NULL),
                                      .life_s = SERVER_LIFE_S};
        result = leaf_make(dir, master, &place, &wanted, why);
    }
    return result;
}

static int
ca_copy(const char *dir, const char *out, char why[256])
{
    char from[PATH_MAX], to[PATH_MAX], *bytes;
    size_t size;
    int result = path_make(from, dir, "ca", ".pem", why);
    result = result ? result : path_make(to, out, "ca", ".pem", why);
    if (result || strcmp(from, to) == 0) {
        return result;
    }
    result = file_read(from, 65536, &bytes, &size);
    if (!result) {
        result = file_write_atomic(to, bytes, size, 0644);
        free(bytes);
    }
    if (result) {
        snprintf(why, 256, "cannot copy %.180s: %s", from, strerror(-result));
    }
    return result;
}

bool
pki_names_check(const char *names, char why[256])
{
    char alternatives[2048];
    return names_make(names, alternatives, why) == 0;
}

bool
pki_name_check(const char *name, char why[256])
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    if (!name[0] || strlen(name) >= NAME_SIZE || name[strspn(name, plain)] || name[0] == '.') {
        snprintf(why, 256, "a name has 1 to %d letters, digits, '.', '_' or '-'", NAME_SIZE - 1);
        return false;
    }
    /* ca.pem stands beside the new certificate; and its folder may be the authority's own folder.
     */
    if (strcmp(name, "ca") == 0 || strcmp(name, "server") == 0) {
        snprintf(why, 256, "'%s' is the name of cordond's own files: choose another", name);
        return false;
    }
    return true;
}

int
pki_issue(const char *dir, const char *master, const char *role, const char *name, const char *out,
          char why[256])
{
    const struct place place = {out, name, NULL};
    if (strcmp(role, "edge") != 0 && strcmp(role, "sensor") != 0) {
        snprintf(why, 256, "role must be edge or sensor, not '%.40s'", role);
        return -EINVAL;
    }
    if (!pki_name_check(name, why)) {
        return -EINVAL;
    }
    int result = file_make_dirs(out, 0700);
    if (result) {
        snprintf(why, 256, "cannot make %.180s: %s", out, strerror(-result));
        return result;
    }
    const struct wanted wanted = {
        .name = name, .unit = role, .now_s = time(NULL), .life_s = LEAF_LIFE_S};
    result = leaf_make(dir, master, &place, &wanted, why);
    return result ? result : ca_copy(dir, out, why);
}

/* ---- what stands in a certificate ---- */

static void
hex_write(const uint8_t *bytes, size_t size, char *text)
{
    for (size_t i = 0; i < size; i++) {
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    }
    text[2 * size] = '\0';
}

void
pki_serial(X509 *certificate, char serial[SERIAL_SIZE])
{
    const ASN1_INTEGER *number = X509_get0_serialNumber(certificate);
    int size = ASN1_STRING_length(number);
    serial[0] = '\0';
    if (size > 0 && (size_t)size * 2 < SERIAL_SIZE) {
        hex_write(ASN1_STRING_get0_data(number), (size_t)size, serial);
    }
}

void
pki_fingerprint(X509 *certificate, char fingerprint[FINGERPRINT_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    static const char kind[] = "sha256:";
    memcpy(fingerprint, kind, sizeof(kind));
    if (X509_digest(certificate, EVP_sha256(), digest, &size) == 1 && size == 32) {
        hex_write(digest, size, fingerprint + sizeof(kind) - 1);
    }
}

static int64_t
time_us(const ASN1_TIME *time)
{
    struct tm parts;
    if (!time || ASN1_TIME_to_tm(time, &parts) != 1) {
        return 0;
    }
    return (int64_t)timegm(&parts) * 1000000;
}

int64_t
pki_issued_us(X509 *certificate)
{
    int64_t from_us = time_us(X509_get0_notBefore(certificate));
    return from_us ? from_us + PKI_BACKDATE_S * INT64_C(1000000) : 0;
}

int64_t
pki_expires_us(X509 *certificate)
{
    return time_us(X509_get0_notAfter(certificate));
}

X509 *
pki_read(const uint8_t *der, size_t size)
{
    const unsigned char *at = der;
    X509 *certificate = size <= CERTIFICATE_DER_MAX ? d2i_X509(NULL, &at, (long)size) : NULL;
    ERR_clear_error();
    if (certificate && at != der + size) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

char *
pki_pem(X509 *certificate)
{
    BIO *to = BIO_new(BIO_s_mem());
    char *bytes, *text = NULL;
    if (to && PEM_write_bio_X509(to, certificate)) {
        long size = BIO_get_mem_data(to, &bytes);
        text = strndup(bytes, (size_t)size);
    }
    BIO_free(to);
    return text;
}

bool
pki_subject(X509 *certificate, char name[NAME_SIZE], char unit[NAME_SIZE])
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    int name_size = X509_NAME_get_text_by_NID(subject, NID_commonName, name, NAME_SIZE);
    int unit_size = X509_NAME_get_text_by_NID(subject, NID_organizationalUnitName, unit, NAME_SIZE);
    return name_size > 0 && unit_size > 0 && strlen(name) == (size_t)name_size &&
           strlen(unit) == (size_t)unit_size;
}

/* ---- the authority at work ---- */

struct pki_ca {
    X509 *certificate;
    EVP_PKEY *key;
    char fingerprint[FINGERPRINT_SIZE];
};

struct pki_ca *
pki_ca_open(const char *dir, const char *master, char why[256])
{
    struct pki_ca *ca = calloc(1, sizeof(*ca));
    if (!ca || ca_read(dir, master, &ca->certificate, &ca->key, why)) {
        free(ca);
        return NULL;
    }
    pki_fingerprint(ca->certificate, ca->fingerprint);
    return ca;
}

void
pki_ca_free(struct pki_ca *ca)
{
    if (ca) {
        X509_free(ca->certificate);
        EVP_PKEY_free(ca->key);
        free(ca);
    }
}

const char *
pki_ca_fingerprint(const struct pki_ca *ca)
{
    return ca->fingerprint;
}

int
pki_ca_sign(const struct pki_ca *ca, const struct pki_request *request, struct pki_issued *issued,
            char why[256])
{
    char alternatives[2048];
    bool is_server = strcmp(request->role, "server") == 0;
    if (!is_server && strcmp(request->role, "edge") != 0 && strcmp(request->role, "sensor") != 0) {
        snprintf(why, 256, "role must be edge or sensor, not '%.40s'", request->role);
        return -EINVAL;
    }
    if (!pki_name_check(request->name, why) ||
        (is_server && names_make(request->names ? request->names : "", alternatives, why))) {
        return -EINVAL;
    }
    EVP_PKEY *key = csr_key(request->key);
    if (!key) {
        snprintf(why, 256, "the key is no point of the curve P-256");
        return -EINVAL;
    }
    const struct wanted wanted = {.name = request->name,
                                  .unit = request->role,
                                  .names = is_server ? alternatives : NULL,
                                  .now_s = request->now_s,
                                  .life_s = request->life_s};
    X509 *made = certificate_make(&wanted, key, ca->certificate, ca->key);
    unsigned char *der = NULL;
    int size = made ? i2d_X509(made, &der) : -1;
    int result = size > 0 && size <= CERTIFICATE_DER_MAX ? 0 : fail(why, "no certificate");
    if (!result) {
        *issued = (struct pki_issued){.der = memcpy(mem_new((size_t)size, 1), der, (size_t)size),
                                      .der_size = (size_t)size,
                                      .issued_us = pki_issued_us(made),
                                      .expires_us = pki_expires_us(made)};
        pki_serial(made, issued->serial);
        pki_fingerprint(made, issued->fingerprint);
    }
    OPENSSL_free(der);
    X509_free(made);
    EVP_PKEY_free(key);
    return result;
}

bool
pki_server_read(const char *dir, struct pki_server *server)
{
    X509 *own = certificate_read(dir, "server");
    EVP_PKEY *key = own ? X509_get0_pubkey(own) : NULL;
    size_t size = 0;
    *server = (struct pki_server){.issued_us = own ? pki_issued_us(own) : 0,
                                  .expires_us = own ? pki_expires_us(own) : 0};
    bool is_read = key &&
                   EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, server->key,
                                                   sizeof(server->key), &size) == 1 &&
                   size == sizeof(server->key);
    X509_free(own);
    ERR_clear_error();
    return is_read;
}
