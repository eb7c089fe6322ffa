#include "notify/form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "base/mem.h"
#include "base/utf8.h"

#define WORD_MAX 75 /* RFC 2047: bytes of one encoded word */
#define WORD_HEAD "=?UTF-8?B?"
#define WORD_BYTES 45 /* whole characters of at most so many bytes: 60 in base64 */
#define LINE_BYTES 57 /* 76 columns of base64 (RFC 2045) */

_Static_assert(sizeof(WORD_HEAD) - 1 + WORD_BYTES / 3 * 4 + 2 <= WORD_MAX, "RFC 2047");

static bool
is_ascii(const char *text)
{
    for (const char *at = text; *at; at++) {
        if ((unsigned char)*at >= 0x7f || (unsigned char)*at < ' ') {
            return false;
        }
    }
    /* What looks like an encoded word must be one of ours. */
    return !strstr(text, "=?");
}

void
form_header(const char *text, size_t used, char *out, size_t room)
{
    char plain[4 * SUBJECT_SIZE];
    snprintf(plain, sizeof(plain), "%s", text);
    utf8_make_plain(plain, strlen(plain));
    if (is_ascii(plain) && used + strlen(plain) < 900) { /* RFC 5322: lines of 998 at most */
        snprintf(out, room, "%s", plain);
        return;
    }
    size_t at = 0;
    size_t length = strlen(plain);
    size_t left = used + WORD_MAX > 78 ? (78 - used - 12) / 4 * 3 : WORD_BYTES;
    int written = 0;
    while (at < length) {
        size_t take = 0;
        size_t next;
        while (at + take < length &&
               (next = utf8_size(plain + at + take, length - at - take)) > 0 &&
               take + next <= left) {
            take += next;
        }
        if (take == 0) {
            break; /* cannot be: it was made plain */
        }
        char word[WORD_MAX + 1];
        EVP_EncodeBlock((unsigned char *)word, (const unsigned char *)plain + at, (int)take);
        written += snprintf(out + written, room - (size_t)written,
                            "%s" WORD_HEAD "%s?=", at > 0 ? "\r\n " : "", word);
        at += take;
        left = WORD_BYTES;
    }
}

static void
put_base64(FILE *out, const char *text)
{
    size_t size = strlen(text);
    char line[LINE_BYTES / 3 * 4 + 1];
    for (size_t at = 0; at < size; at += LINE_BYTES) {
        size_t take = size - at < LINE_BYTES ? size - at : LINE_BYTES;
        EVP_EncodeBlock((unsigned char *)line, (const unsigned char *)text + at, (int)take);
        fprintf(out, "%s\r\n", line);
    }
}

/* "a\n" -> "a\r\n": text in MIME has CRLF, also below base64. */
static char *
crlf(const char *text)
{
    char *made = mem_new(2 * strlen(text) + 1, 1);
    size_t used = 0;
    for (const char *at = text; *at; at++) {
        if (*at == '\n') {
            made[used++] = '\r';
        }
        made[used++] = *at;
    }
    return made;
}

static void
put_date(FILE *out, int64_t now_us)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(now_us / 1000000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    fprintf(out, "Date: %s, %02d %s %d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday], tm.tm_mday,
            months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

char *
form_mail(const struct wire_notice *wire, int64_t now_us, size_t *size)
{
    const struct notify_channel *channel = &wire->channel;
    const struct message *message = &wire->message;
    char subject[SUBJECT_SIZE];
    char encoded[4 * SUBJECT_SIZE + 64];
    char *mail = NULL;
    FILE *out = open_memstream(&mail, size);
    if (!out) {
        abort(); /* out of memory, as in base/mem.h */
    }
    bool is_own = message->to_count == 0;
    const char(*to)[HOST_SIZE] = is_own ? channel->to : message->to;
    size_t to_count = is_own ? channel->to_count : message->to_count;
    text_subject(wire, subject);
    form_header(subject, strlen("Subject: "), encoded, sizeof(encoded));
    put_date(out, now_us);
    fprintf(out, "From: Cordon <%s>\r\n", channel->from);
    for (size_t i = 0; i < to_count; i++) {
        fprintf(out, "%s<%s>%s", i == 0 ? "To: " : " ", to[i],
                i + 1 == to_count ? "\r\n" : ",\r\n");
    }
    fprintf(out, "Subject: %s\r\n", encoded);
    fprintf(out, "Message-ID: <%s.cordon%s>\r\n", message->id, strchr(channel->from, '@'));
    fprintf(out,
            "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: base64\r\nContent-Language: %s\r\n\r\n",
            notify_language_names[message->language]);
    char *body = text_body(wire);
    char *lines = crlf(body);
    put_base64(out, lines);
    free(lines);
    free(body);
    fclose(out);
    return mail;
}
