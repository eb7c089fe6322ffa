/* The certificate authority: made once, never overwritten, and what stands in its certificates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/file.h"
#include "base/seal.h"
#include "bus/issued.h"
#include "bus/pki.h"
#include "bus/pki_key.h"
#include "folder.h"
#include "model/text.h"

struct bench {
    char folder[FOLDER_SIZE];
    char pki[128], out[128];
};

static int
setup(void **state)
{
    static struct bench bench;
    char why[256] = "";
    folder_make(bench.folder);
    snprintf(bench.pki, sizeof(bench.pki), "%s/state/pki", bench.folder);
    snprintf(bench.out, sizeof(bench.out), "%s/out", bench.folder);
    *state = &bench;
    umask(0); /* modes must not depend on it */
    if (pki_prepare(bench.pki, NULL, "cordon.example.org, 192.0.2.10,2001:db8::10", why)) {
        print_error("%s\n", why);
        return -1;
    }
    return 0;
}

static int
teardown(void **state)
{
    folder_remove(((struct bench *)*state)->folder);
    return 0;
}

static void
path_of(char path[256], const char *folder, const char *file)
{
    snprintf(path, 256, "%s/%s", folder, file);
}

static X509 *
certificate_read(const char *folder, const char *file)
{
    char path[256];
    path_of(path, folder, file);
    FILE *from = fopen(path, "re");
    assert_non_null(from);
    X509 *certificate = PEM_read_X509(from, NULL, NULL, NULL);
    assert_non_null(certificate);
    fclose(from);
    return certificate;
}

static void
assert_mode(const char *folder, const char *file, mode_t mode)
{
    char path[256];
    struct stat status;
    path_of(path, folder, file);
    if (stat(path, &status)) {
        fail_msg("%s is not there", path);
    }
    if ((status.st_mode & 07777) != mode) {
        fail_msg("%s has mode %o", path, status.st_mode & 07777);
    }
}

static void
assert_subject(X509 *certificate, const char *name, const char *unit)
{
    char text[128];
    X509_NAME *subject = X509_get_subject_name(certificate);
    assert_true(X509_NAME_get_text_by_NID(subject, NID_commonName, text, sizeof(text)) > 0);
    assert_string_equal(text, name);
    assert_true(X509_NAME_get_text_by_NID(subject, NID_organizationalUnitName, text, sizeof(text)) >
                0);
    assert_string_equal(text, unit);
}

static void
assert_key_fits(const char *folder, const char *name, X509 *certificate)
{
    char path[256], file[80];
    snprintf(file, sizeof(file), "%s.key", name);
    path_of(path, folder, file);
    FILE *from = fopen(path, "re");
    assert_non_null(from);
    EVP_PKEY *key = PEM_read_PrivateKey(from, NULL, NULL, NULL);
    fclose(from);
    assert_non_null(key);
    assert_int_equal(X509_check_private_key(certificate, key), 1);
    EVP_PKEY_free(key);
}

static void
assert_signed_by_ours(const struct bench *bench, X509 *certificate)
{
    X509 *ca = certificate_read(bench->pki, "ca.pem");
    EVP_PKEY *key = X509_get0_pubkey(ca);
    assert_int_equal(X509_verify(certificate, key), 1);
    assert_int_equal(X509_check_issued(ca, certificate), X509_V_OK);
    X509_free(ca);
}

/* Contents of all four files of the authority, one after the other. */
static char *
everything(const struct bench *bench)
{
    static const char *const files[] = {"ca.pem", "ca.key", "server.pem", "server.key"};
    char *all = calloc(1, 65536);
    assert_non_null(all);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        char path[256], *bytes;
        size_t size;
        path_of(path, bench->pki, files[i]);
        assert_int_equal(file_read(path, 8192, &bytes, &size), 0);
        strcat(all, bytes);
        free(bytes);
    }
    return all;
}

static void
test_the_authority(void **state)
{
    const struct bench *bench = *state;
    assert_mode(bench->pki, "", 0700);
    assert_mode(bench->pki, "ca.key", 0600);
    assert_mode(bench->pki, "server.key", 0600);
    assert_mode(bench->pki, "ca.pem", 0644);
    X509 *ca = certificate_read(bench->pki, "ca.pem");
    assert_subject(ca, "Cordon CA", "ca");
    assert_key_fits(bench->pki, "ca", ca);
    assert_signed_by_ours(bench, ca);
    assert_true(X509_check_ca(ca) == 1);
    assert_int_equal(X509_get_pathlen(ca), 0); /* none below it can issue */
    assert_true(X509_get_key_usage(ca) == (KU_KEY_CERT_SIGN | KU_CRL_SIGN));
    X509_free(ca);
}

static void
test_the_server(void **state)
{
    const struct bench *bench = *state;
    X509 *server = certificate_read(bench->pki, "server.pem");
    assert_subject(server, "cordond", "server");
    assert_key_fits(bench->pki, "server", server);
    assert_signed_by_ours(bench, server);
    assert_int_equal(X509_check_ca(server), 0);
    assert_int_equal(X509_check_host(server, "cordon.example.org", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(server, "localhost", 0, 0, NULL), 1);
    assert_int_equal(X509_check_host(server, "other.example.org", 0, 0, NULL), 0);
    assert_int_equal(X509_check_ip_asc(server, "192.0.2.10", 0), 1);
    assert_int_equal(X509_check_ip_asc(server, "2001:db8::10", 0), 1);
    assert_int_equal(X509_check_ip_asc(server, "::1", 0), 1);
    assert_int_equal(X509_check_ip_asc(server, "192.0.2.11", 0), 0);
    X509_free(server);
}

static void
test_nothing_is_made_twice(void **state)
{
    const struct bench *bench = *state;
    char why[256], path[256];
    char *before = everything(bench);
    assert_int_equal(pki_prepare(bench->pki, NULL, "another.example.org", why), 0);
    char *after = everything(bench);
    assert_string_equal(before, after);
    free(after);
    /* Only what is missing is made, by the same authority. */
    path_of(path, bench->pki, "server.pem");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(pki_prepare(bench->pki, NULL, "another.example.org", why), 0);
    after = everything(bench);
    assert_string_not_equal(before, after);
    size_t ca_size = (size_t)(strstr(before, "-----END PRIVATE KEY-----") - before);
    assert_memory_equal(before, after, ca_size);
    X509 *server = certificate_read(bench->pki, "server.pem");
    assert_int_equal(X509_check_host(server, "another.example.org", 0, 0, NULL), 1);
    assert_signed_by_ours(bench, server);
    X509_free(server);
    free(before);
    free(after);
}

/* One that is signed at another time, for the key that is there. */
static void
server_date(const struct bench *bench, int64_t now_s)
{
    char why[256] = "", path[256];
    struct pki_server server;
    struct pki_issued issued;
    struct pki_ca *ca = pki_ca_open(bench->pki, NULL, why);
    assert_non_null(ca);
    assert_true(pki_server_read(bench->pki, &server));
    const struct pki_request request = {.role = "server",
                                        .name = "cordond",
                                        .key = server.key,
                                        .names = "another.example.org",
                                        .now_s = now_s,
                                        .life_s = 365 * 86400};
    assert_int_equal(pki_ca_sign(ca, &request, &issued, why), 0);
    X509 *own = pki_read(issued.der, issued.der_size);
    X509 *authority = certificate_read(bench->pki, "ca.pem");
    path_of(path, bench->pki, "server.pem");
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, own), 1);
    assert_int_equal(PEM_write_X509(file, authority), 1);
    fclose(file);
    X509_free(own);
    X509_free(authority);
    free(issued.der);
    pki_ca_free(ca);
}

/* The clock was ahead when it was made, and was put right. */
static void
test_one_of_a_time_to_come_is_made_anew(void **state)
{
    const struct bench *bench = *state;
    char why[256];
    int64_t now_s = time(NULL);
    server_date(bench, now_s + PKI_BACKDATE_S - 60);
    char *before = everything(bench);
    assert_int_equal(pki_prepare(bench->pki, NULL, "another.example.org", why), 0);
    char *after = everything(bench);
    assert_string_equal(before, after); /* holds already */
    free(before);
    free(after);
    server_date(bench, now_s + 100 * 86400);
    assert_int_equal(pki_prepare(bench->pki, NULL, "another.example.org", why), 0);
    X509 *server = certificate_read(bench->pki, "server.pem");
    assert_true(pki_issued_us(server) < (now_s + 3600) * 1000000);
    assert_signed_by_ours(bench, server);
    assert_key_fits(bench->pki, "server", server);
    X509_free(server);
}

/* Whoever does not know the names makes no certificate without them: neither over one that is at
 * its end or broken, nor where there is none. */
static void
test_without_the_names_the_server_is_left_alone(void **state)
{
    const struct bench *bench = *state;
    char why[256], path[256];
    path_of(path, bench->pki, "server.key");
    assert_int_equal(file_write_atomic(path, "broken\n", 7, 0600), 0);
    char *before = everything(bench);
    assert_int_equal(pki_prepare(bench->pki, NULL, NULL, why), 0);
    char *after = everything(bench);
    assert_string_equal(before, after);
    free(before);
    free(after);
    path_of(path, bench->pki, "server.pem");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(pki_prepare(bench->pki, NULL, NULL, why), 0);
    assert_int_not_equal(access(path, F_OK), 0);
    path_of(path, bench->pki, "ca.pem");
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(pki_prepare(bench->pki, NULL, "another.example.org", why), 0);
    X509 *server = certificate_read(bench->pki, "server.pem");
    assert_int_equal(X509_check_host(server, "another.example.org", 0, 0, NULL), 1);
    assert_key_fits(bench->pki, "server", server);
    X509_free(server);
}

static void
test_issued_certificates(void **state)
{
    const struct bench *bench = *state;
    char why[256];
    static const char *const roles[] = {"edge", "sensor"};
    static const char *const names[] = {
        "e1", "a-switch_2.Site.example",
        "n23456789012345678901234567890123456789012345678901234567890123"};
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        for (size_t j = 0; j < COUNT_OF(names); j++) {
            char file[80];
            assert_int_equal(pki_issue(bench->pki, NULL, roles[i], names[j], bench->out, why), 0);
            snprintf(file, sizeof(file), "%s.key", names[j]);
            assert_mode(bench->out, file, 0600);
            snprintf(file, sizeof(file), "%s.pem", names[j]);
            X509 *certificate = certificate_read(bench->out, file);
            assert_subject(certificate, names[j], roles[i]);
            assert_key_fits(bench->out, names[j], certificate);
            assert_signed_by_ours(bench, certificate);
            assert_int_equal(X509_check_ca(certificate), 0);
            X509_free(certificate);
        }
    }
    assert_mode(bench->out, "", 0700);
    X509 *ca = certificate_read(bench->out, "ca.pem");
    X509 *ours = certificate_read(bench->pki, "ca.pem");
    assert_int_equal(X509_cmp(ca, ours), 0);
    X509_free(ca);
    X509_free(ours);
    char path[256];
    path_of(path, bench->out, "ca.key");
    assert_int_not_equal(access(path, F_OK), 0); /* never leaves */
}

/* Each one that is issued stands in the register, before anybody has it. */
static void
test_the_register(void **state)
{
    const struct bench *bench = *state;
    char why[256], path[256], serial[SERIAL_SIZE], fingerprint[FINGERPRINT_SIZE];
    struct certificate found;
    int64_t at = 0;
    int fd = issued_open(bench->pki, why);
    assert_true(fd >= 0);
    assert_mode(bench->pki, "issued", 0600);
    assert_int_equal(issued_next(fd, &at, &found), 0);
    for (int i = 0; i < 3; i++) {
        const char *role = i == 1 ? "sensor" : "edge";
        assert_int_equal(pki_issue(bench->pki, NULL, role, "a-switch_2.x", bench->out, why), 0);
        X509 *made = certificate_read(bench->out, "a-switch_2.x.pem");
        pki_serial(made, serial);
        pki_fingerprint(made, fingerprint);
        assert_int_equal(issued_next(fd, &at, &found), 1);
        assert_string_equal(found.serial, serial);
        assert_string_equal(found.fingerprint, fingerprint);
        assert_string_equal(found.name, "a-switch_2.x");
        assert_int_equal(found.role, i == 1 ? DEVICE_SENSOR : DEVICE_EDGE);
        assert_int_equal(found.issued_us, pki_issued_us(made));
        assert_int_equal(found.expires_us, pki_expires_us(made));
        X509_free(made);
        assert_int_equal(issued_next(fd, &at, &found), 0);
    }
    /* a writer that died in the middle costs its own line only */
    path_of(path, bench->pki, "issued");
    FILE *file = fopen(path, "ae");
    assert_non_null(file);
    fprintf(file, "00ff edge half");
    fclose(file);
    assert_int_equal(issued_next(fd, &at, &found), 0);
    assert_int_equal(pki_issue(bench->pki, NULL, "edge", "e2", bench->out, why), 0);
    assert_int_equal(issued_next(fd, &at, &found), -EBADMSG);
    assert_int_equal(issued_next(fd, &at, &found), 1);
    assert_string_equal(found.name, "e2");
    close(fd);
    /* where it cannot be written nothing is issued; nor through what somebody put there */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_true(pki_issue(bench->pki, NULL, "edge", "e3", bench->out, why) < 0);
    assert_non_null(strstr(why, "issued"));
    path_of(path, bench->out, "e3.pem");
    assert_int_not_equal(access(path, F_OK), 0);
    assert_true(issued_open(bench->pki, why) < 0);
}

static void
test_lines_of_the_register(void **state)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "00ff",
                                      "00ff edge e1 sha256:0 1 2",
                                      "00ff server e1 sha256:%s 1 2",
                                      "00fg edge e1 sha256:%s 1 2",
                                      "00ff edge ../e1 sha256:%s 1 2",
                                      "00ff edge ca sha256:%s 1 2",
                                      "00ff edge e1 md5:%s 1 2",
                                      "00ff edge e1 sha256:%s 2 1",
                                      "00ff edge e1 sha256:%s -1 2",
                                      "00ff edge e1 sha256:%s 1 2 3",
                                      "00ff edge e1 sha256:%s 1 99999999999999999999",
                                      "00ff edge e1 sha256:%s 1 2x"};
    char line[ISSUED_LINE_MAX], hex[65];
    struct certificate c;
    (void)state;
    memset(hex, 'a', 64);
    hex[64] = '\0';
    snprintf(line, sizeof(line), "00ff edge e1 sha256:%s 1 2", hex);
    size_t whole = strlen(line);
    assert_true(issued_parse(line, &c));
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        const char *place = strstr(bad[i], "%s");
        int before = place ? (int)(place - bad[i]) : (int)strlen(bad[i]);
        snprintf(line, sizeof(line), "%.*s%s%s", before, bad[i], place ? hex : "",
                 place ? place + 2 : "");
        if (issued_parse(line, &c)) {
            fail_msg("taken: %s", bad[i]);
        }
    }
    for (size_t size = 0; size < whole; size++) { /* every beginning */
        snprintf(line, sizeof(line), "00ff edge e1 sha256:%s 1 2", hex);
        line[size] = '\0';
        assert_false(issued_parse(line, &c));
    }
}

static void
test_serial_numbers_differ(void **state)
{
    const struct bench *bench = *state;
    char why[256];
    X509 *made[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pki_issue(bench->pki, NULL, "edge", "e1", bench->out, why), 0);
        made[i] = certificate_read(bench->out, "e1.pem");
    }
    assert_int_not_equal(
        ASN1_INTEGER_cmp(X509_get0_serialNumber(made[0]), X509_get0_serialNumber(made[1])), 0);
    X509_free(made[0]);
    X509_free(made[1]);
}

static void
test_names_and_roles_that_are_refused(void **state)
{
    const struct bench *bench = *state;
    static const char *const names[] = {
        "",     ".",           "..",
        "../x", "a/b",         "a b",
        "a\nb", "\xc3\xa9",    ".hidden",
        "a=b",  "a,OU=server", "n234567890123456789012345678901234567890123456789012345678901234"};
    char why[256];
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (pki_issue(bench->pki, NULL, "edge", names[i], bench->out, why) != -EINVAL) {
            fail_msg("issued to '%s'", names[i]);
        }
        assert_non_null(strstr(why, "a name has 1 to 63"));
    }
    static const char *const roles[] = {"", "server", "ca", "core", "Edge"};
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        assert_int_equal(pki_issue(bench->pki, NULL, roles[i], "e1", bench->out, why), -EINVAL);
        assert_non_null(strstr(why, "role must be edge or sensor"));
    }
    assert_int_not_equal(access(bench->out, F_OK), 0);
}

/* "ca" and "server" into the authority's own folder would overwrite it. */
static void
test_the_authoritys_own_names_are_refused(void **state)
{
    const struct bench *bench = *state;
    char why[256];
    char *before = everything(bench);
    assert_int_equal(pki_issue(bench->pki, NULL, "edge", "ca", bench->pki, why), -EINVAL);
    assert_int_equal(pki_issue(bench->pki, NULL, "sensor", "server", bench->pki, why), -EINVAL);
    char *after = everything(bench);
    assert_string_equal(before, after);
    free(before);
    free(after);
    assert_int_equal(pki_issue(bench->pki, NULL, "edge", "e1", bench->pki, why), 0); /* beside it */
}

static void
test_errors_are_told(void **state)
{
    const struct bench *bench = *state;
    char why[256], path[256];
    assert_int_equal(pki_prepare(bench->pki, NULL, "good.example.org,bad name!", why), -EINVAL);
    assert_non_null(strstr(why, "name!"));
    path_of(path, bench->folder, "empty");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(pki_issue(path, NULL, "edge", "e1", bench->out, why), -ENOENT);
    assert_non_null(strstr(why, "no certificate authority in"));
    /* The key is gone: nothing is issued, and no new authority is made over the old. */
    path_of(path, bench->pki, "ca.key");
    assert_int_equal(unlink(path), 0);
    path_of(path, bench->pki, "server.pem");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(pki_prepare(bench->pki, NULL, "", why), -ENOENT);
    assert_int_equal(pki_issue(bench->pki, NULL, "edge", "e1", bench->out, why), -ENOENT);
    path_of(path, bench->pki, "ca.key");
    assert_int_not_equal(access(path, F_OK), 0);
    path_of(path, bench->folder, "file");
    assert_int_equal(file_write_atomic(path, "x", 1, 0600), 0);
    assert_true(pki_prepare(path, NULL, "", why) < 0);
    assert_non_null(strstr(why, path));
}

/* With a master key: nothing in the clear, one key not in the other's place, and a key that is lost
 * or another makes no new authority. */
static void
test_sealed_keys(void **state)
{
    const struct bench *bench = *state;
    char pki[128], master[256], ca[256], server[256], kept[256], why[256] = "", *pem;
    size_t size;
    snprintf(pki, sizeof(pki), "%s/sealed", bench->folder);
    path_of(master, bench->folder, "secret.key");
    assert_int_equal(seal_prepare(master, why), 0);
    assert_int_equal(pki_prepare(pki, master, "", why), 0);
    path_of(ca, pki, "ca.key.sealed");
    path_of(server, pki, "server.key.sealed");
    assert_mode(pki, "ca.key.sealed", 0600);
    const char *const sealed[] = {ca, server};
    for (size_t i = 0; i < COUNT_OF(sealed); i++) {
        assert_int_equal(file_read(sealed[i], 8192, &pem, &size), 0);
        assert_null(memmem(pem, size, "PRIVATE", 7));
        free(pem);
    }
    path_of(kept, pki, "ca.key");
    assert_int_not_equal(access(kept, F_OK), 0);
    path_of(kept, pki, "server.key");
    assert_int_not_equal(access(kept, F_OK), 0);
    EVP_PKEY *key = pki_key_read(server, master, why);
    X509 *certificate = certificate_read(pki, "server.pem");
    assert_non_null(key);
    assert_int_equal(X509_check_private_key(certificate, key), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
    assert_int_equal(pki_issue(pki, master, "edge", "e1", bench->out, why), 0);
    assert_mode(bench->out, "e1.key", 0600); /* the device has no master key */
    /* The server's in the authority's place. */
    path_of(kept, bench->folder, "kept");
    assert_int_equal(rename(ca, kept), 0);
    assert_int_equal(link(server, ca), 0);
    assert_null(pki_key_read(ca, master, why));
    assert_non_null(strstr(why, "another file under its name"));
    assert_true(pki_prepare(pki, master, "", why) < 0);
    assert_int_equal(unlink(ca), 0);
    assert_true(pki_prepare(pki, master, "", why) < 0); /* lost: none is made over the old */
    assert_int_not_equal(access(ca, F_OK), 0);
    assert_int_equal(rename(kept, ca), 0);
    assert_int_equal(pki_prepare(pki, master, "", why), 0);
    /* Another master key. */
    assert_int_equal(file_read(ca, 8192, &pem, &size), 0);
    assert_int_equal(unlink(master), 0);
    assert_int_equal(seal_prepare(master, why), 0);
    assert_true(pki_prepare(pki, master, "", why) < 0);
    assert_non_null(strstr(why, "another master key"));
    char *now;
    size_t now_size;
    assert_int_equal(file_read(ca, 8192, &now, &now_size), 0);
    assert_int_equal(size, now_size);
    assert_memory_equal(pem, now, size);
    free(pem);
    free(now);
    /* The certificate is gone and had signed something. */
    path_of(kept, bench->pki, "ca.pem");
    assert_int_equal(unlink(kept), 0);
    assert_int_equal(pki_prepare(bench->pki, NULL, "", why), -ENOKEY);
    assert_int_not_equal(access(kept, F_OK), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_authority),
        TEST(test_the_server),
        TEST(test_nothing_is_made_twice),
        TEST(test_one_of_a_time_to_come_is_made_anew),
        TEST(test_without_the_names_the_server_is_left_alone),
        TEST(test_issued_certificates),
        TEST(test_the_register),
        TEST(test_lines_of_the_register),
        TEST(test_serial_numbers_differ),
        TEST(test_names_and_roles_that_are_refused),
        TEST(test_the_authoritys_own_names_are_refused),
        TEST(test_errors_are_told),
        TEST(test_sealed_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
