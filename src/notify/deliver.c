#include "notify/deliver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "notify/form.h"
#include "wire/notify.h"

#define ANSWER_MAX (64 * 1024) /* bytes of an answer's body that are read at all */

/* What is sent, and what came back. */
struct exchange {
    const char *body;
    size_t left;
    char words[TEXT_SIZE];   /* the last line, or the beginning of the body */
    char refused[TEXT_SIZE]; /* SMTP: the last line that said no */
    size_t read;
};

void
deliver_setup(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static size_t
on_read(char *to, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    size_t take = size * count < exchange->left ? size * count : exchange->left;
    memcpy(to, exchange->body, take);
    exchange->body += take;
    exchange->left -= take;
    return take;
}

static void
words_put(char words[TEXT_SIZE], const char *from, size_t size)
{
    while (size > 0 && (from[size - 1] == '\r' || from[size - 1] == '\n')) {
        size--;
    }
    size = size < TEXT_SIZE - 1 ? size : TEXT_SIZE - 1;
    memcpy(words, from, size);
    words[size] = '\0';
    utf8_make_plain(words, size);
}

/* SMTP's replies come as "headers", one line each. */
static size_t
on_reply(char *from, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    words_put(exchange->words, from, size * count);
    if (exchange->words[0] == '4' || exchange->words[0] == '5') {
        memcpy(exchange->refused, exchange->words, TEXT_SIZE);
    }
    return size * count;
}

static size_t
on_body(char *from, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    if (exchange->read == 0 && size * count > 0) {
        words_put(exchange->words, from, size * count < 200 ? size * count : 200);
    }
    exchange->read += size * count;
    return exchange->read > ANSWER_MAX ? 0 : size * count;
}

static CURL *
handle_new(const struct notify_channel *channel, char error[CURL_ERROR_SIZE])
{
    CURL *curl = curl_easy_init();
    if (!curl) {
        abort(); /* out of memory, as in base/mem.h */
    }
    error[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)DELIVER_CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)DELIVER_MS);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    if (channel->ca_file[0]) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, channel->ca_file);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
    return curl;
}

/* Why it failed, in words that name what to mend. */
static void
failure_put(struct wire_notice_result *result, CURLcode code, const char *error,
            const struct exchange *exchange)
{
    const char *why = error[0] ? error : curl_easy_strerror(code);
    const char *words = exchange->refused[0] ? exchange->refused : exchange->words;
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
        snprintf(result->answer, TEXT_SIZE,
                 "the server's certificate is refused, nothing was sent: %.300s", why);
    } else if (code == CURLE_SSL_CACERT_BADFILE) {
        snprintf(result->answer, TEXT_SIZE, "ca_file cannot be read: %.300s", why);
    } else if (code == CURLE_USE_SSL_FAILED) {
        snprintf(result->answer, TEXT_SIZE, "the server offers no TLS, nothing was sent: %.300s",
                 why);
    } else {
        snprintf(result->answer, TEXT_SIZE, "%.200s%s%.250s", why, words[0] ? "; it said: " : "",
                 words);
    }
    utf8_make_plain(result->answer, strlen(result->answer));
}

/* ---- e-mail ---- */

static void
mail_options(CURL *curl, const struct wire_notice *wire, const char *secret,
             struct exchange *exchange)
{
    const struct notify_channel *channel = &wire->channel;
    char url[HOST_SIZE + 32];
    bool is_v6 = strchr(channel->host, ':') != NULL;
    snprintf(url, sizeof(url), "%s://%s%s%s:%u/cordon",
             channel->security == NOTIFY_TLS ? "smtps" : "smtp", is_v6 ? "[" : "", channel->host,
             is_v6 ? "]" : "", notify_port(channel));
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_USE_SSL,
                     channel->security == NOTIFY_PLAIN ? (long)CURLUSESSL_NONE
                                                       : (long)CURLUSESSL_ALL);
    if (channel->user[0]) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, channel->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, secret);
    }
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(curl, CURLOPT_READDATA, exchange);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_reply);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, exchange);
    /* One address that is no more must not keep the message from the others. */
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
}

static void
deliver_mail(const struct wire_notice *wire, const char *secret, struct wire_notice_result *result)
{
    const struct notify_channel *channel = &wire->channel;
    const struct message *message = &wire->message;
    struct exchange exchange = {.body = ""};
    char error[CURL_ERROR_SIZE];
    char from[HOST_SIZE + 2];
    bool is_own = message->to_count == 0;
    size_t count = is_own ? channel->to_count : message->to_count;
    if (count == 0) {
        snprintf(result->answer, TEXT_SIZE, "the channel has no recipient");
        return;
    }
    if (channel->user[0] && !secret[0]) {
        snprintf(result->answer, TEXT_SIZE,
                 "no password is kept for this server and user: give it again");
        return;
    }
    struct curl_slist *to = NULL;
    for (size_t i = 0; i < count; i++) {
        to = curl_slist_append(to, is_own ? channel->to[i] : message->to[i]);
    }
    char *mail = form_mail(wire, clock_wall_us(clock_system()), &exchange.left);
    exchange.body = mail;
    CURL *curl = handle_new(channel, error);
    mail_options(curl, wire, secret, &exchange);
    snprintf(from, sizeof(from), "%s", channel->from);
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from);
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
    CURLcode code = curl_easy_perform(curl);
    result->is_delivered = code == CURLE_OK;
    if (code != CURLE_OK) {
        failure_put(result, code, error, &exchange);
    } else if (exchange.refused[0]) {
        snprintf(result->answer, TEXT_SIZE, "%.200s; but of one recipient: %.250s", exchange.words,
                 exchange.refused);
    } else {
        memcpy(result->answer, exchange.words, TEXT_SIZE);
    }
    curl_easy_cleanup(curl);
    curl_slist_free_all(to);
    free(mail);
}

/* ---- webhook ---- */

static struct curl_slist *
webhook_headers(const struct wire_notice *wire, const char *secret, const char *body)
{
    char line[128];
    char signature[FORM_SIGNATURE_SIZE];
    int64_t now_s = clock_wall_us(clock_system()) / 1000000;
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:");
    headers = curl_slist_append(headers, "User-Agent: cordon/" CORDON_VERSION);
    snprintf(line, sizeof(line), "Cordon-Id: %s", wire->message.id);
    headers = curl_slist_append(headers, line);
    snprintf(line, sizeof(line), "Cordon-Timestamp: %lld", (long long)now_s);
    headers = curl_slist_append(headers, line);
    if (secret[0]) {
        form_signature(secret, now_s, body, signature);
        snprintf(line, sizeof(line), "Cordon-Signature: %s", signature);
        headers = curl_slist_append(headers, line);
    }
    return headers;
}

static void
deliver_webhook(const struct wire_notice *wire, const char *secret,
                struct wire_notice_result *result)
{
    struct exchange exchange = {.body = ""};
    char error[CURL_ERROR_SIZE];
    char *body = form_webhook(wire);
    struct curl_slist *headers = webhook_headers(wire, secret, body);
    CURL *curl = handle_new(&wire->channel, error);
    curl_easy_setopt(curl, CURLOPT_URL, wire->channel.url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
    CURLcode code = curl_easy_perform(curl);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK && code != CURLE_WRITE_ERROR) {
        failure_put(result, code, error, &exchange);
    } else {
        result->is_delivered = status >= 200 && status < 300;
        snprintf(result->answer, TEXT_SIZE, "HTTP %ld%s%.250s", status,
                 exchange.words[0] ? ": " : "", exchange.words);
    }
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    free(body);
}

void
deliver(const struct wire_notice *wire, const char *secret, struct wire_notice_result *result)
{
    result->is_delivered = false;
    result->answer[0] = '\0';
    memcpy(result->id, wire->message.id, sizeof(result->id));
    result->number = wire->number;
    switch (wire->channel.kind) {
    case NOTIFY_EMAIL:
        deliver_mail(wire, secret, result);
        break;
    case NOTIFY_WEBHOOK:
        deliver_webhook(wire, secret, result);
        break;
    default:
        deliver_syslog(wire, result);
        break;
    }
}
