/* The warning page: all languages that are configured in one document, nothing fetched from
 * anywhere, readable on a phone, in the dark and by a screen reader. */
#include "edge/reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define LANGUAGES_MAX 8
#define PAGE_TEXT_MAX 13600
#define TEXTS_MAX (PAGE_TEXT_MAX - 2600) /* what is left is for the tags of eight languages */
#define ESCAPED_MAX 6                    /* &quot; */

struct text {
    char *at;
    size_t used, room;
    size_t limit; /* of what others wrote: texts end here, tags do not */
};

static void put(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);

static void
put(struct text *text, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int size = vsnprintf(text->at + text->used, text->room - text->used, format, values);
    va_end(values);
    size_t wanted = size > 0 ? (size_t)size : 0;
    size_t left = text->room - text->used - 1;
    text->used += wanted < left ? wanted : left;
}

/* Whoever wrote it, in HTML it is only text.  Too long: cut between two characters. */
static void
put_escaped(struct text *text, const char *from)
{
    size_t left = strlen(from);
    while (left > 0 && text->used + ESCAPED_MAX <= text->limit) {
        size_t size = utf8_size(from, left);
        switch (size ? *from : '?') {
        case '<':
            put(text, "&lt;");
            break;
        case '>':
            put(text, "&gt;");
            break;
        case '&':
            put(text, "&amp;");
            break;
        case '"':
            put(text, "&quot;");
            break;
        default:
            put(text, "%.*s", size ? (int)size : 1, size ? from : "?");
            break;
        }
        from += size ? size : 1;
        left -= size ? size : 1;
    }
}

/* Every language gets its share of what is left. */
static void
limit_set(struct text *text, size_t shares)
{
    size_t left = text->used < TEXTS_MAX ? TEXTS_MAX - text->used : 0;
    text->limit = text->used + left / shares;
}

struct labels {
    const char *language, *reason, *contact, *case_number;
};

static const struct labels *
labels_of(const char *language)
{
    static const struct labels known[] = {{"en", "Reason", "Contact", "Case number"},
                                          {"ja", "理由", "連絡先", "受付番号"}};
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (strcmp(known[i].language, language) == 0) {
            return &known[i];
        }
    }
    return &known[0];
}

static void
row_put(struct text *text, const char *label, const char *value)
{
    if (value[0]) {
        put(text, "<dt>%s</dt><dd>", label);
        put_escaped(text, value);
        put(text, "</dd>");
    }
}

static void
section_put(struct text *text, const struct rule_warning *warning,
            const struct responder_endpoint *endpoint)
{
    const struct labels *labels = labels_of(warning->language);
    put(text, "<section lang=\"");
    put_escaped(text, warning->language);
    put(text, "\"><h1>");
    put_escaped(text, warning->title);
    put(text, "</h1><p>");
    put_escaped(text, warning->body);
    put(text, "</p><dl>");
    row_put(text, labels->reason, endpoint->reason);
    row_put(text, labels->contact, warning->contact);
    row_put(text, labels->case_number, endpoint->case_number);
    put(text, "</dl></section>");
}

static const struct rule_warning *
built_in(size_t index)
{
    static const struct rule_warning warnings[] = {
        {.language = "ja",
         .title = "この端末の通信は遮断されています",
         .body = "マルウェア感染の疑いがある通信を検知したため、この端末をネットワークから切り離し"
                 "ました。"
                 "電源を切らずに、管理者へ連絡してください。"},
        {.language = "en",
         .title = "This computer has been cut off from the network",
         .body = "Its traffic looks like a malware infection. Leave it switched on and call your "
                 "administrator."},
    };
    return &warnings[index];
}

static void
html_put(struct text *text, const struct responder_settings *settings,
         const struct responder_endpoint *endpoint)
{
    const struct rule_warning *warnings[LANGUAGES_MAX];
    size_t count = settings->warnings(settings->context, warnings, COUNT_OF(warnings));
    if (count == 0) {
        warnings[count++] = built_in(0);
        warnings[count++] = built_in(1);
    }
    limit_set(text, LANGUAGES_MAX);
    put(text, "<!DOCTYPE html><html lang=\"");
    put_escaped(text, warnings[0]->language);
    put(text, "\"><head><meta charset=\"utf-8\">"
              "<meta name=\"viewport\" content=\"width=device-width\"><title>");
    put_escaped(text, warnings[0]->title);
    put(text, "</title><style>"
              ":root{color-scheme:light dark}"
              "body{font-family:system-ui,\"Noto Sans CJK JP\",sans-serif;line-height:1.6;"
              "max-width:42rem;margin:2rem auto;padding:0 1rem}"
              "section{border-left:.5rem solid #c00;padding:.1rem 1rem;margin-bottom:2rem}"
              "h1{font-size:1.4rem}dt{font-weight:bold}dd{margin:0 0 .5rem}"
              "</style></head><body><main>");
    for (size_t i = 0; i < count; i++) {
        limit_set(text, count - i);
        section_put(text, warnings[i], endpoint);
    }
    put(text, "</main></body></html>\n");
}

size_t
page_make(const struct responder_settings *settings, const struct responder_endpoint *endpoint,
          bool is_head_only, char *page, size_t room)
{
    char html[PAGE_TEXT_MAX];
    struct text body = {.at = html, .room = sizeof(html)};
    struct text all = {.at = page, .room = room};
    html_put(&body, settings, endpoint);
    put(&all,
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %zu\r\n"
        "Cache-Control: no-store\r\nConnection: close\r\n\r\n",
        body.used);
    if (!is_head_only) {
        put(&all, "%s", html);
    }
    return all.used;
}
