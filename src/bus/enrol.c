#include "bus/enrol.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/file.h"
#include "bus/pki.h"
#include "wire/op.h"
#include "wire/view_certificate.h"

#define ANSWER_MAX 65536
#define PATIENCE_S 20
#define TRIES 5
#define KEY_FILE_MAX 4096

struct enrolment_try {
    const struct enrol_settings *settings;
    char host[HOST_SIZE], port[8];
    char token[NAME_SIZE];
    EVP_PKEY *key;
    X509 *authority;   /* the pinned one, once it was seen */
    X509 *certificate; /* ours */
    char *why;         /* 512 bytes */
    bool is_final;     /* trying again would not help */
};

static int
fail(struct enrolment_try *at, int error, const char *what, const char *more)
{
    snprintf(at->why, 512, "%.200s%s%.250s", what, more[0] ? ": " : "", more);
    return error;
}

/* ---- what was given ---- */

static bool
url_read(struct enrolment_try *at, const char *url)
{
    static const char scheme[] = "https://";
    const char *host = url + sizeof(scheme) - 1;
    if (strncmp(url, scheme, sizeof(scheme) - 1) != 0) {
        return false;
    }
    bool is_bracketed = host[0] == '[';
    host += is_bracketed;
    size_t size = strcspn(host, is_bracketed ? "]" : ":/");
    const char *rest = host + size + (is_bracketed && host[size] == ']');
    if (size == 0 || size >= sizeof(at->host)) {
        return false;
    }
    memcpy(at->host, host, size);
    snprintf(at->port, sizeof(at->port), "443");
    if (rest[0] == ':') {
        size_t digits = strspn(rest + 1, "0123456789");
        if (digits == 0 || digits > 5) {
            return false;
        }
        memcpy(at->port, rest + 1, digits);
        at->port[digits] = '\0';
        rest += 1 + digits;
    }
    return rest[0] == '\0' || strcmp(rest, "/") == 0;
}

static bool
token_read(struct enrolment_try *at, const char *token)
{
    bool is_read = true;
    if (strcmp(token, "-") == 0) {
        is_read = fgets(at->token, sizeof(at->token), stdin) != NULL;
        at->token[strcspn(at->token, "\r\n")] = '\0';
    } else {
        snprintf(at->token, sizeof(at->token), "%s", token);
    }
    return is_read && at->token[0];
}

/* ---- the key ---- */

static void
path_of(const struct enrolment_try *at, const char *ending, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%.3000s/%.63s%s", at->settings->out, at->settings->name, ending);
}

static int
key_write(struct enrolment_try *at, const char *ending)
{
    char path[PATH_MAX], *bytes;
    BIO *to = BIO_new(BIO_s_mem());
    int error = -EIO;
    path_of(at, ending, path);
    if (to && PEM_write_bio_PrivateKey(to, at->key, NULL, NULL, 0, NULL, NULL)) {
        long size = BIO_get_mem_data(to, &bytes);
        error = file_write_atomic(path, bytes, (size_t)size, 0600);
    }
    BIO_free(to);
    return error ? fail(at, error, "cannot write the key", path) : 0;
}

/* The one that was asked with before, where an answer was lost; or a new one. */
static int
key_take(struct enrolment_try *at)
{
    char path[PATH_MAX];
    path_of(at, ".key.new", path);
    FILE *from = fopen(path, "re");
    at->key = from ? PEM_read_PrivateKey(from, NULL, NULL, NULL) : NULL;
    if (from) {
        fclose(from);
    }
    ERR_clear_error();
    if (at->key) {
        return 0;
    }
    at->key = EVP_EC_gen("P-256");
    return at->key ? key_write(at, ".key.new") : fail(at, -EIO, "cannot make a key", "");
}

/* ---- the line ---- */

/* A certificate that begins in the future says only that this device's clock is wrong. */
static int
on_verify(int is_good, X509_STORE_CTX *store)
{
    return is_good || X509_STORE_CTX_get_error(store) == X509_V_ERR_CERT_NOT_YET_VALID;
}

static bool
chain_verify(X509 *leaf, X509 *authority, STACK_OF(X509) * chain)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    bool is_good = store && context && X509_STORE_add_cert(store, authority) &&
                   X509_STORE_CTX_init(context, store, leaf, chain);
    if (is_good) {
        X509_STORE_CTX_set_verify_cb(context, on_verify);
        X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);
        is_good = X509_verify_cert(context) == 1;
    }
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return is_good;
}

/* In place of OpenSSL's own: the authority is the one with that fingerprint, and the peer a
 * controller of its, not some device. */
static int
on_chain(X509_STORE_CTX *store, void *context)
{
    struct enrolment_try *at = context;
    X509 *leaf = X509_STORE_CTX_get0_cert(store);
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_untrusted(store);
    char name[NAME_SIZE], unit[NAME_SIZE], fingerprint[FINGERPRINT_SIZE];
    for (int i = 0; i < sk_X509_num(chain); i++) {
        X509 *each = sk_X509_value(chain, i);
        pki_fingerprint(each, fingerprint);
        if (strcasecmp(fingerprint, at->settings->authority) != 0 || X509_check_ca(each) != 1) {
            continue;
        }
        if (pki_subject(leaf, name, unit) && strcmp(unit, "server") == 0 &&
            chain_verify(leaf, each, chain)) {
            X509_free(at->authority);
            at->authority = X509_dup(each);
            return 1;
        }
    }
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED);
    return 0;
}

static int
socket_open(struct enrolment_try *at)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct addrinfo *found = NULL;
    int error = getaddrinfo(at->host, at->port, &hints, &found), fd = -1;
    if (error) {
        return fail(at, -EHOSTUNREACH, at->host, gai_strerror(error));
    }
    for (struct addrinfo *each = found; each && fd < 0; each = each->ai_next) {
        fd = socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC, each->ai_protocol);
        if (fd >= 0) {
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
        }
        if (fd >= 0 && connect(fd, each->ai_addr, each->ai_addrlen) < 0) {
            error = errno;
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    return fd >= 0 ? fd : fail(at, -EHOSTUNREACH, "cannot reach the controller", strerror(error));
}

static char *
request_make(struct enrolment_try *at)
{
    struct op_enrol_request request;
    char *whole = NULL;
    memset(&request, 0, sizeof(request));
    memcpy(request.token, at->token, sizeof(request.token));
    if (csr_make(at->key, at->settings->role, at->settings->name, &request.request,
                 &request.request_size)) {
        return NULL;
    }
    cJSON *json = codec_encode(&op_enrol_request_shape, &request);
    char *body = cJSON_PrintUnformatted(json);
    if (body && asprintf(&whole,
                         "POST /api/v1/enrol HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n"
                         "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                         at->host, strlen(body), body) < 0) {
        whole = NULL;
    }
    cJSON_free(body);
    cJSON_Delete(json);
    codec_fini(&op_enrol_request_shape, &request);
    return whole;
}

/* All that comes; 'answer' has room for ANSWER_MAX + 1. */
static int
exchange(struct enrolment_try *at, SSL *ssl, const char *request, char *answer)
{
    size_t size = 0, used = 0;
    if (SSL_connect(ssl) != 1) {
        bool is_other = SSL_get_verify_result(ssl) != X509_V_OK;
        at->is_final = is_other;
        return fail(at, -EPROTO,
                    is_other ? "the controller there is not of the authority in --ca: check the "
                               "address, or make a new command with 'cordonctl enrol'"
                             : "no TLS connection to the controller",
                    "");
    }
    if (SSL_write_ex(ssl, request, strlen(request), &used) != 1) {
        return fail(at, -EPIPE, "the controller closed the connection", "");
    }
    while (size < ANSWER_MAX && SSL_read_ex(ssl, answer + size, ANSWER_MAX - size, &used) == 1) {
        size += used;
    }
    answer[size] = '\0';
    ERR_clear_error();
    return size > 0 ? 0 : fail(at, -EPIPE, "the controller gave no answer", "");
}

/* ---- the answer ---- */

static int
refused(struct enrolment_try *at, unsigned status, const cJSON *json)
{
    const cJSON *detail = cJSON_GetObjectItemCaseSensitive(json, "detail");
    const cJSON *advice = cJSON_GetObjectItemCaseSensitive(json, "advice");
    at->is_final = status != 503 && status != 504 && status != 429;
    return fail(at, -EPERM, cJSON_IsString(detail) ? detail->valuestring : "refused",
                cJSON_IsString(advice) ? advice->valuestring : "");
}

static int
issued_take(struct enrolment_try *at, const cJSON *json)
{
    struct view_issued issued;
    struct codec_error error;
    char name[NAME_SIZE], unit[NAME_SIZE];
    if (codec_decode(&view_issued_shape, json, &issued, &error)) {
        return fail(at, -EBADMSG, "the controller's answer cannot be read", error.why);
    }
    at->certificate = pki_read(issued.der, issued.der_size);
    codec_fini(&view_issued_shape, &issued);
    bool is_ours = at->certificate && at->authority &&
                   X509_check_private_key(at->certificate, at->key) == 1 &&
                   X509_verify(at->certificate, X509_get0_pubkey(at->authority)) == 1 &&
                   pki_subject(at->certificate, name, unit) &&
                   strcmp(name, at->settings->name) == 0 && strcmp(unit, at->settings->role) == 0;
    ERR_clear_error();
    return is_ours ? 0 : fail(at, -EBADMSG, "the certificate is not what was asked for", "");
}

static int
answer_read(struct enrolment_try *at, const char *answer)
{
    unsigned status = 0;
    const char *body = strstr(answer, "\r\n\r\n");
    if (sscanf(answer, "HTTP/1.%*1[01] %3u", &status) != 1 || !body) {
        return fail(at, -EBADMSG, "what answers there is no controller", "");
    }
    cJSON *json = codec_parse(body + 4, strlen(body + 4));
    int error = !json           ? fail(at, -EBADMSG, "the controller's answer is not JSON", "")
                : status == 200 ? issued_take(at, json)
                                : refused(at, status, json);
    cJSON_Delete(json);
    return error;
}

static int
ask_once(struct enrolment_try *at)
{
    char *answer = calloc(1, ANSWER_MAX + 1), *request = request_make(at);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = NULL;
    int fd = -1, error = answer && request && context ? 0 : fail(at, -ENOMEM, "no memory", "");
    if (!error) {
        SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_cert_verify_callback(context, on_chain, at);
        fd = socket_open(at);
        error = fd < 0 ? fd : 0;
    }
    if (!error) {
        ssl = SSL_new(context);
        error = ssl && SSL_set_fd(ssl, fd) == 1 ? exchange(at, ssl, request, answer)
                                                : fail(at, -ENOMEM, "no memory", "");
    }
    if (!error) {
        error = answer_read(at, answer);
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
    if (fd >= 0) {
        close(fd);
    }
    free(answer);
    free(request);
    return error;
}

static int
pem_write(struct enrolment_try *at, X509 *certificate, const char *path)
{
    char *pem = pki_pem(certificate);
    int error = pem ? file_write_atomic(path, pem, strlen(pem), 0644) : -ENOMEM;
    free(pem);
    return error ? fail(at, error, "cannot write", path) : 0;
}

/* The key stays beside it until everything is there: whoever is cut off runs the command again. */
static int
keep(struct enrolment_try *at)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%.3000s/ca.pem", at->settings->out);
    int error = pem_write(at, at->authority, path);
    if (!error) {
        error = key_write(at, ".key");
    }
    path_of(at, ".pem", path);
    if (!error) {
        error = pem_write(at, at->certificate, path);
    }
    path_of(at, ".key.new", path);
    if (!error) {
        unlink(path);
    }
    return error;
}

int
enrol_device(const struct enrol_settings *settings, char why[512])
{
    struct enrolment_try at = {.settings = settings, .why = why};
    char name_why[256];
    int error = 0;
    signal(SIGPIPE, SIG_IGN);
    if (!pki_name_check(settings->name, name_why)) {
        error = fail(&at, -EINVAL, "--name", name_why);
    } else if (!url_read(&at, settings->url)) {
        error = fail(&at, -EINVAL, "--enrol must be like https://192.0.2.10:8443", "");
    } else if (!token_read(&at, settings->token)) {
        error = fail(&at, -EINVAL, "there is no token", "");
    } else if ((error = file_make_dirs(settings->out, 0700)) != 0) {
        error = fail(&at, error, "cannot make the folder", settings->out);
    } else {
        error = key_take(&at);
    }
    bool is_asked = !error;
    for (unsigned i = 0; is_asked && i < TRIES; i++) {
        error = ask_once(&at);
        if (!error || at.is_final) {
            break;
        }
        sleep(1);
    }
    error = error ? error : keep(&at);
    if (is_asked && error == -EPERM && at.is_final) { /* no answer to this key will ever come */
        char path[PATH_MAX];
        path_of(&at, ".key.new", path);
        unlink(path);
    }
    EVP_PKEY_free(at.key);
    X509_free(at.authority);
    X509_free(at.certificate);
    OPENSSL_cleanse(at.token, sizeof(at.token));
    return error;
}

int
enrol_command(const struct enrol_settings *settings, const char *program)
{
    char why[512] = "";
    if (!settings->name || !settings->token || !settings->authority || !settings->out) {
        fprintf(stderr,
                "%s: --enrol needs --name, --token, --ca and --out: 'cordonctl enrol %s "
                "NAME' prints the whole command\n",
                program, settings->role);
        return 2;
    }
    if (enrol_device(settings, why)) {
        fprintf(stderr, "%s: not enrolled: %s\n", program, why);
        return 1;
    }
    printf("enrolled as %s %s\nca: %s/ca.pem\ncert: %s/%s.pem\nkey: %s/%s.key\n", settings->role,
           settings->name, settings->out, settings->out, settings->name, settings->out,
           settings->name);
    return 0;
}
