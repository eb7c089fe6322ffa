/* DER of a request, as a picture:
 *
 *   SEQUENCE { SEQUENCE { INTEGER 0, subject, key, [0] {} }, algorithm, BIT STRING signature }
 *   subject  SEQUENCE of SET { SEQUENCE { OID, string } }
 */
#include "bus/csr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "base/cursor.h"

enum { DER_INTEGER = 0x02, DER_BITS = 0x03, DER_UTF8 = 0x0c, DER_PRINTABLE = 0x13 };
enum { DER_SEQUENCE = 0x30, DER_SET = 0x31, DER_ATTRIBUTES = 0xa0 };
#define SIGNATURE_SIZE_MAX 80 /* two numbers of 33 bytes, and their heads */

/* SEQUENCE { OID id-ecPublicKey, OID prime256v1 }, then BIT STRING of 65 bytes */
static const uint8_t key_head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                   0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                   0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
/* SEQUENCE { OID ecdsa-with-SHA256 } */
static const uint8_t algorithm[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                    0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
static const uint8_t oid_o[] = {0x06, 0x03, 0x55, 0x04, 0x0a};
static const uint8_t oid_ou[] = {0x06, 0x03, 0x55, 0x04, 0x0b};
static const uint8_t oid_cn[] = {0x06, 0x03, 0x55, 0x04, 0x03};

/* What stands in the next item, which must have this tag; lengths in their shortest form only. */
static struct cursor
der_take(struct cursor *in, uint8_t tag)
{
    size_t size = 0;
    if (cur_u8(in) != tag) {
        in->bad = true;
    }
    uint8_t first = cur_u8(in);
    if (first < 0x80) {
        size = first;
    } else if (first == 0x81) {
        size = cur_u8(in);
        in->bad = in->bad || size < 0x80;
    } else if (first == 0x82) {
        size = cur_be16(in);
        in->bad = in->bad || size < 0x100;
    } else {
        in->bad = true;
    }
    return cur_sub(in, size);
}

static bool
bytes_take(struct cursor *in, const uint8_t *wanted, size_t size)
{
    const uint8_t *found = cur_take(in, size);
    return found && memcmp(found, wanted, size) == 0;
}

static bool
is_plain(const uint8_t *text, size_t size)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    for (size_t i = 0; i < size; i++) {
        if (!text[i] || !strchr(plain, text[i])) {
            return false;
        }
    }
    return size > 0;
}

/* One attribute of the subject. */
static bool
name_take(struct cursor *subject, const uint8_t oid[5], char text[NAME_SIZE])
{
    struct cursor set = der_take(subject, DER_SET);
    struct cursor pair = der_take(&set, DER_SEQUENCE);
    bool is_oid = bytes_take(&pair, oid, 5);
    uint8_t tag = cur_left(&pair) > 0 ? pair.pos[0] : 0;
    struct cursor value = der_take(&pair, tag == DER_PRINTABLE ? DER_PRINTABLE : DER_UTF8);
    size_t size = cur_left(&value);
    bool fits = is_oid && cur_ok(&value) && cur_ok(&pair) && cur_left(&pair) == 0 &&
                cur_left(&set) == 0 && size < NAME_SIZE && is_plain(value.pos, size);
    if (fits) {
        memcpy(text, value.pos, size);
        text[size] = '\0';
    }
    return fits;
}

static const char *
subject_read(struct cursor *info, struct csr *csr)
{
    char organisation[NAME_SIZE] = "";
    struct cursor subject = der_take(info, DER_SEQUENCE);
    if (!name_take(&subject, oid_o, organisation) || strcmp(organisation, "Cordon") != 0) {
        return "its subject does not begin with O=Cordon";
    }
    if (!name_take(&subject, oid_ou, csr->role) || !name_take(&subject, oid_cn, csr->name) ||
        cur_left(&subject) != 0) {
        return "its subject is not O=Cordon, OU=role, CN=name";
    }
    return NULL;
}

static const char *
info_read(struct cursor *info, struct csr *csr)
{
    struct cursor version = der_take(info, DER_INTEGER);
    if (cur_left(&version) != 1 || cur_u8(&version) != 0) {
        return "its version is not 1";
    }
    const char *wrong = subject_read(info, csr);
    if (wrong) {
        return wrong;
    }
    if (!bytes_take(info, key_head, sizeof(key_head))) {
        return "its key is not of the curve P-256";
    }
    cur_copy(info, csr->key, sizeof(csr->key));
    if (csr->key[0] != 4) {
        return "its key is not an uncompressed point";
    }
    struct cursor attributes = der_take(info, DER_ATTRIBUTES);
    if (!cur_ok(&attributes) || cur_left(&attributes) != 0 || cur_left(info) != 0) {
        return "it asks for more than a name";
    }
    return NULL;
}

static const char *
request_read(const uint8_t *der, size_t size, struct csr *csr)
{
    if (size > CSR_SIZE_MAX) {
        return "it is larger than a request is";
    }
    struct cursor in = cur_make(der, size);
    struct cursor outer = der_take(&in, DER_SEQUENCE);
    if (!cur_ok(&outer) || cur_left(&in) != 0) {
        return "it is not one DER sequence";
    }
    csr->signed_part = outer.pos;
    struct cursor info = der_take(&outer, DER_SEQUENCE);
    csr->signed_size = (size_t)(outer.pos - csr->signed_part);
    const char *wrong = cur_ok(&info) ? info_read(&info, csr) : "it is no request";
    if (wrong) {
        return wrong;
    }
    if (!bytes_take(&outer, algorithm, sizeof(algorithm))) {
        return "it is not signed with ECDSA and SHA-256";
    }
    struct cursor bits = der_take(&outer, DER_BITS);
    bool is_whole = cur_u8(&bits) == 0;
    csr->signature_size = cur_left(&bits);
    csr->signature = bits.pos;
    if (!is_whole || !cur_ok(&bits) || cur_left(&outer) != 0 || csr->signature_size == 0 ||
        csr->signature_size > SIGNATURE_SIZE_MAX) {
        return "its signature does not end where the request ends";
    }
    return NULL;
}

bool
csr_parse(const uint8_t *der, size_t size, struct csr *csr, char why[256])
{
    memset(csr, 0, sizeof(*csr));
    const char *wrong = request_read(der, size, csr);
    snprintf(why, 256, "%s", wrong ? wrong : "");
    return !wrong;
}

EVP_PKEY *
csr_key(const uint8_t key[PUBLIC_KEY_SIZE])
{
    char group[] = "P-256";
    unsigned char point[PUBLIC_KEY_SIZE];
    memcpy(point, key, sizeof(point));
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
        OSSL_PARAM_construct_end()};
    EVP_PKEY *made = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY_CTX *check = NULL;
    bool is_good = context && EVP_PKEY_fromdata_init(context) == 1 &&
                   EVP_PKEY_fromdata(context, &made, EVP_PKEY_PUBLIC_KEY, parameters) == 1;
    check = is_good ? EVP_PKEY_CTX_new_from_pkey(NULL, made, NULL) : NULL;
    if (!check || EVP_PKEY_public_check(check) != 1) {
        EVP_PKEY_free(made);
        made = NULL;
    }
    EVP_PKEY_CTX_free(check);
    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    return made;
}

bool
csr_prove(const struct csr *csr)
{
    EVP_PKEY *key = csr_key(csr->key);
    EVP_MD_CTX *digest = key ? EVP_MD_CTX_new() : NULL;
    bool is_proven = digest && EVP_DigestVerifyInit(digest, NULL, EVP_sha256(), NULL, key) == 1 &&
                     EVP_DigestVerify(digest, csr->signature, csr->signature_size, csr->signed_part,
                                      csr->signed_size) == 1;
    EVP_MD_CTX_free(digest);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return is_proven;
}

static bool
subject_set(X509_REQ *request, const char *role, const char *name)
{
    const struct {
        const char *field, *value;
    } parts[] = {{"O", "Cordon"}, {"OU", role}, {"CN", name}};
    X509_NAME *subject = X509_REQ_get_subject_name(request);
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (!X509_NAME_add_entry_by_txt(subject, parts[i].field, MBSTRING_UTF8,
                                        (const unsigned char *)parts[i].value, -1, -1, 0)) {
            return false;
        }
    }
    return true;
}

int
csr_make(EVP_PKEY *key, const char *role, const char *name, uint8_t **der, size_t *size)
{
    X509_REQ *request = X509_REQ_new();
    unsigned char *bytes = NULL;
    int count = -1;
    if (request && X509_REQ_set_version(request, X509_REQ_VERSION_1) &&
        subject_set(request, role, name) && X509_REQ_set_pubkey(request, key) &&
        X509_REQ_sign(request, key, EVP_sha256()) > 0) {
        count = i2d_X509_REQ(request, &bytes);
    }
    X509_REQ_free(request);
    *der = count > 0 ? malloc((size_t)count) : NULL;
    if (*der) {
        memcpy(*der, bytes, (size_t)count);
        *size = (size_t)count;
    }
    OPENSSL_free(bytes);
    ERR_clear_error();
    return *der ? 0 : -EIO;
}
