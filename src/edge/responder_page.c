/* The warning page as an HTTP response; what it says is model/warning_page.c. */
#include "edge/responder_reply.h"

#include <stdio.h>
#include <string.h>

#include "model/warning_page.h"

size_t
page_make(const struct responder_settings *settings, const struct responder_endpoint *endpoint,
          bool is_head_only, char *page, size_t room)
{
    const struct rule_warning *warnings[WARNING_LANGUAGES_MAX];
    const struct warning_page_case about = {.reason = endpoint->reason,
                                            .case_number = endpoint->case_number};
    char html[WARNING_PAGE_MAX];
    bool is_cut = false;
    size_t count = settings->warnings(settings->context, warnings, COUNT_OF(warnings));
    size_t size = warning_page_html(warnings, count, &about, html, &is_cut);
    int used = snprintf(page, room,
                        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
                        "Content-Length: %zu\r\nCache-Control: no-store\r\n"
                        "Connection: close\r\n\r\n%s",
                        size, is_head_only ? "" : html);
    if (used < 0 || room == 0) {
        return 0;
    }
    return (size_t)used < room ? (size_t)used : room - 1;
}
