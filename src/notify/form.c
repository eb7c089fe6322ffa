#include "notify/form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/clock.h"
#include "base/utf8.h"

/* ---- syslog ---- */

#define FACILITY_DEFAULT 4 /* security and authorisation */

/* RFC 5424: 0 emergency ... 7 debug. */
static const int syslog_severities[SEVERITY_COUNT] = {
    [SEVERITY_INFO] = 6, [SEVERITY_LOW] = 5, [SEVERITY_MEDIUM] = 4, [SEVERITY_HIGH] = 2};
/* CEF: 0 to 10. */
static const int cef_severities[SEVERITY_COUNT] = {
    [SEVERITY_INFO] = 2, [SEVERITY_LOW] = 4, [SEVERITY_MEDIUM] = 6, [SEVERITY_HIGH] = 9};

struct out {
    char *text;
    size_t used, room;
};

static void
put(struct out *out, const char *text)
{
    size_t size = strlen(text);
    size = size < out->room - 1 - out->used ? size : out->room - 1 - out->used;
    memcpy(out->text + out->used, text, size);
    out->used += size;
    out->text[out->used] = '\0';
}

/* Each byte of 'special' gets a backslash. */
static void
put_escaped(struct out *out, const char *text, const char *special)
{
    char plain[2 * URL_SIZE];
    snprintf(plain, sizeof(plain), "%s", text);
    utf8_make_plain(plain, strlen(plain));
    for (const char *at = plain; *at && out->used + 3 < out->room; at++) {
        char pair[3] = {*at, '\0', '\0'};
        if (strchr(special, *at)) {
            pair[0] = '\\';
            pair[1] = *at;
        }
        put(out, pair);
    }
}

static void
put_cef(struct out *out, const char *key, const char *value)
{
    if (value[0]) {
        put(out, out->used > 0 && out->text[out->used - 1] != '|' ? " " : "");
        put(out, key);
        put(out, "=");
        put_escaped(out, value, "\\=");
    }
}

static void
put_text(struct out *out, const char *key, const char *value)
{
    if (value[0]) {
        put(out, " ");
        put(out, key);
        put(out, "=\"");
        put_escaped(out, value, "\\\"");
        put(out, "\"");
    }
}

/* What both forms name; 'put_pair' writes one. */
static void
put_values(struct out *out, const struct wire_notice *wire, const struct notice *notice,
           bool is_cef)
{
    void (*put_pair)(struct out *, const char *, const char *) = is_cef ? put_cef : put_text;
    char mac[MAC_TEXT_SIZE] = "", ip[IP_TEXT_SIZE] = "", server[PREFIX_TEXT_SIZE] = "";
    char link[URL_SIZE + 64];
    if (!mac_is_none(&notice->mac)) {
        mac_format(&notice->mac, mac);
    }
    if (!ip_is_none(&notice->ip)) {
        ip_format(&notice->ip, ip);
    }
    if (!prefix_is_none(&notice->server)) {
        prefix_format(&notice->server, server);
    }
    text_link(wire->console_url, notice, link);
    bool is_v6 = strchr(ip, ':') != NULL;
    bool is_v6_server = strchr(server, ':') != NULL;
    const struct {
        const char *cef, *text, *value;
    } pairs[] = {
        {"externalId", "id", notice->id},
        {"act", "action", notice->action == ACTION_NONE ? "" : action_names[notice->action]},
        {"shost", "host", notice->host_name},
        {is_v6 ? "c6a2" : "src", "ip", ip},
        {is_v6 && ip[0] ? "c6a2Label" : "", "", "Source IPv6 Address"},
        {"smac", "mac", mac},
        {"dvchost", "switch", notice->switch_name},
        {"deviceInboundInterface", "port", notice->port},
        {"dhost", "server_name", notice->server_name},
        {is_v6_server          ? "c6a3"
         : strchr(server, '/') ? "cs3"
                               : "dst",
         "server", server},
        {!server[0]            ? ""
         : is_v6_server        ? "c6a3Label"
         : strchr(server, '/') ? "cs3Label"
                               : "",
         "", is_v6_server ? "Destination IPv6 Address" : "Server"},
        {"suser", "account", notice->account},
        {"cs1", "case", notice->case_number},
        {notice->case_number[0] ? "cs1Label" : "", "", "Case"},
        {"cs2", "policy", notice->policy},
        {notice->policy[0] ? "cs2Label" : "", "", "Policy"},
        {"cs4", "object", notice->object},
        {notice->object[0] ? "cs4Label" : "", "", "Object"},
        {"reason", "reason", notice->reason},
        {"msg", "detail", notice->detail},
        {"request", "link", link},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        const char *key = is_cef ? pairs[i].cef : pairs[i].text;
        if (key[0]) {
            put_pair(out, key, pairs[i].value);
        }
    }
}

static void
put_cef_message(struct out *out, const struct wire_notice *wire, const struct notice *notice)
{
    char line[SUBJECT_SIZE];
    char number[32];
    text_line(notice, wire->message.language, line);
    struct out part = {.text = (char[FORM_SYSLOG_SIZE]){""}, .room = FORM_SYSLOG_SIZE};
    put(&part, "CEF:0|Cordon|Cordon|" CORDON_VERSION "|");
    put(&part, notice_kind_names[notice->kind]);
    put(&part, "|");
    put_escaped(&part, line, "\\|");
    snprintf(number, sizeof(number), "|%d|", cef_severities[notice->severity]);
    put(&part, number);
    snprintf(number, sizeof(number), "%lld", (long long)(notice->at_us / 1000));
    put_cef(&part, "rt", number);
    put_values(&part, wire, notice, true);
    put(out, part.text);
}

size_t
form_syslog(const struct wire_notice *wire, const struct notice *notice, const char *host,
            char text[FORM_SYSLOG_SIZE])
{
    int facility = wire->channel.facility ? wire->channel.facility : FACILITY_DEFAULT;
    char at[TIME_TEXT_SIZE];
    time_format(notice->at_us, at);
    int used = snprintf(text, FORM_SYSLOG_SIZE, "<%d>1 %s %.255s cordon - %s - ",
                        facility * 8 + syslog_severities[notice->severity], at,
                        host[0] ? host : "-", notice_kind_names[notice->kind]);
    struct out out = {.text = text, .used = (size_t)used, .room = FORM_SYSLOG_SIZE};
    if (wire->channel.format == NOTIFY_CEF) {
        put_cef_message(&out, wire, notice); /* no mark of UTF-8: its readers look for "CEF:" */
        return out.used;
    }
    char line[SUBJECT_SIZE];
    put(&out, "\xef\xbb\xbf");
    text_line(notice, wire->message.language, line);
    put(&out, line);
    put(&out, " severity=");
    put(&out, severity_names[notice->severity]);
    put_values(&out, wire, notice, false);
    return out.used;
}

/* ---- webhook ---- */

char *
form_webhook(const struct wire_notice *wire)
{
    const struct message *message = &wire->message;
    char subject[SUBJECT_SIZE];
    cJSON *body = cJSON_CreateObject();
    text_subject(wire, subject);
    char *text = text_body(wire);
    cJSON_AddStringToObject(body, "id", message->id);
    cJSON_AddStringToObject(body, "subject", subject);
    cJSON_AddStringToObject(body, "text", text);
    cJSON *list = cJSON_AddArrayToObject(body, "notices");
    for (size_t i = 0; i < message->notice_count; i++) {
        char link[URL_SIZE + 64];
        cJSON *item = codec_encode(&notice_shape, &message->notices[i]);
        text_link(wire->console_url, &message->notices[i], link);
        if (link[0]) {
            cJSON_AddStringToObject(item, "link", link);
        }
        cJSON_AddItemToArray(list, item);
    }
    cJSON_AddNumberToObject(body, "more", message->more);
    free(text);
    text = cJSON_PrintUnformatted(body);
    cJSON_Delete(body);
    if (!text) {
        abort(); /* out of memory, as in base/mem.h */
    }
    return text;
}

void
form_signature(const char *secret, int64_t at_s, const char *body,
               char signature[FORM_SIGNATURE_SIZE])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    char *text = NULL;
    if (asprintf(&text, "%lld.%s", (long long)at_s, body) < 0 ||
        !HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)text, strlen(text),
              hash, &size)) {
        abort(); /* out of memory, as in base/mem.h */
    }
    int used = snprintf(signature, FORM_SIGNATURE_SIZE, "v1=");
    for (unsigned i = 0; i < size; i++) {
        used += snprintf(signature + used, FORM_SIGNATURE_SIZE - (size_t)used, "%02x", hash[i]);
    }
    free(text);
}
