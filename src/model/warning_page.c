#include "model/warning_page.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define TEXTS_MAX (WARNING_PAGE_MAX - 2600) /* what is left is for the tags of eight languages */
#define ESCAPED_MAX 6                       /* &quot; */

const char warning_page_style[] = ":root{color-scheme:light dark}"
                                  "body{font-family:system-ui,\"Noto Sans CJK JP\",sans-serif;"
                                  "line-height:1.6;max-width:42rem;margin:2rem auto;padding:0 1rem}"
                                  "section{border-left:.5rem solid #c00;padding:.1rem 1rem;"
                                  "margin-bottom:2rem}"
                                  "h1{font-size:1.4rem}dt{font-weight:bold}dd{margin:0 0 .5rem}";

struct text {
    char *at;
    size_t used, room;
    size_t limit; /* of what others wrote: texts end here, tags do not */
    bool is_cut;  /* one of them did not fit */
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
    text->is_cut = text->is_cut || left > 0;
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
            const struct warning_page_case *about)
{
    const struct labels *labels = labels_of(warning->language);
    put(text, "<section lang=\"");
    put_escaped(text, warning->language);
    put(text, "\"><h1>");
    put_escaped(text, warning->title);
    put(text, "</h1><p>");
    put_escaped(text, warning->body);
    put(text, "</p><dl>");
    row_put(text, labels->reason, about->reason);
    row_put(text, labels->contact, warning->contact);
    row_put(text, labels->case_number, about->case_number);
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
html_put(struct text *text, const struct rule_warning *const *warnings, size_t count,
         const struct warning_page_case *about)
{
    limit_set(text, WARNING_LANGUAGES_MAX);
    put(text, "<!DOCTYPE html><html lang=\"");
    put_escaped(text, warnings[0]->language);
    put(text, "\"><head><meta charset=\"utf-8\">"
              "<meta name=\"viewport\" content=\"width=device-width\"><title>");
    put_escaped(text, warnings[0]->title);
    put(text, "</title><style>%s</style></head><body><main>", warning_page_style);
    for (size_t i = 0; i < count; i++) {
        limit_set(text, count - i);
        section_put(text, warnings[i], about);
    }
    put(text, "</main></body></html>\n");
}

size_t
warning_page_html(const struct rule_warning *const *warnings, size_t count,
                  const struct warning_page_case *about, char html[WARNING_PAGE_MAX], bool *is_cut)
{
    struct text text = {.at = html, .room = WARNING_PAGE_MAX};
    const struct rule_warning *built_ins[] = {built_in(0), built_in(1)};
    bool has_none = count == 0;
    html[0] = '\0';
    html_put(&text, has_none ? built_ins : warnings, has_none ? COUNT_OF(built_ins) : count, about);
    *is_cut = text.is_cut;
    return text.used;
}

static bool
is_language(const char *language)
{
    return strlen(language) == 2 && strspn(language, "abcdefghijklmnopqrstuvwxyz") == 2;
}

static bool
is_blank(const char *text)
{
    return text[strspn(text, " ")] == '\0';
}

bool
page_check(const struct rule_warning *texts, size_t count, char why[128])
{
    /* As long as reasons usually are; a longer one is cut on the page, not these texts' fault. */
    static const struct warning_page_case about = {
        .reason = "A connection to a known command and control server (198.51.100.200) was seen.",
        .case_number = "AAAA-AAAA"};
    const struct rule_warning *each[WARNING_LANGUAGES_MAX];
    char html[WARNING_PAGE_MAX];
    bool is_cut = false;
    if (count == 0 || count > WARNING_LANGUAGES_MAX) {
        snprintf(why, 128, "give the texts of one to eight languages");
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        each[i] = &texts[i];
        if (!is_language(texts[i].language)) {
            snprintf(why, 128, "a language is two small letters, like ja or en");
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(texts[i].language, texts[j].language) == 0) {
                snprintf(why, 128, "the language %s stands twice", texts[i].language);
                return false;
            }
        }
        if (is_blank(texts[i].title) || is_blank(texts[i].body)) {
            snprintf(why, 128, "the title or the body in %s is empty", texts[i].language);
            return false;
        }
    }
    warning_page_html(each, count, &about, html, &is_cut);
    if (is_cut) {
        snprintf(why, 128, "the texts are too long for one page: shorten them");
    }
    return !is_cut;
}
