/* The warning page: its texts, and the very page that the edges serve. */
#include "controller/ask/ask_call.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/warning_page.h"

void
ask_warning_show(const struct ask_call *call, const void *parameters)
{
    (void)parameters;
    ask_answer_shape(call, 200, &view_warning_shape, warnings_view(call->asks->settings.warnings));
}

static void
on_changed(void *context, enum warnings_result result)
{
    struct ask_call *call = context;
    switch (result) {
    case WARNINGS_DONE:
        ask_warning_show(call, NULL);
        break;
    case WARNINGS_CONFLICT:
        ask_problem(call, 409, "the texts were changed since you read them", "version",
                    "read them again, and make your change in what is there now");
        break;
    case WARNINGS_FAILED:
        ask_problem(call, 503, "it could not be stored", NULL, "nothing was changed; try again");
        break;
    }
    free(call);
}

static void
set(const struct ask_call *call, const struct warnings_change *change)
{
    struct ask_call *kept = MEM_NEW(struct ask_call);
    *kept = *call;
    warnings_set(call->asks->settings.warnings, change, on_changed, kept);
}

void
ask_warning_set(const struct ask_call *call, const void *parameters)
{
    const struct op_warning *asked = parameters;
    set(call, &(struct warnings_change){.texts = asked->texts,
                                        .count = asked->text_count,
                                        .version = asked->version,
                                        .account = call->account,
                                        .reason = asked->reason});
}

void
ask_warning_reset(const struct ask_call *call, const void *parameters)
{
    const struct op_warning_reset *asked = parameters;
    set(call, &(struct warnings_change){
                  .version = asked->version, .account = call->account, .reason = asked->reason});
}

void
ask_warning_preview(const struct ask_call *call, const void *parameters)
{
    const struct op_warning_preview *asked = parameters;
    const struct view_warning *now = warnings_view(call->asks->settings.warnings);
    const struct rule_warning *each[WARNING_LANGUAGES_MAX];
    const struct warning_page_case about = {.reason = asked->reason,
                                            .case_number = asked->case_number};
    const struct rule_warning *texts = asked->text_count ? asked->texts : now->texts;
    size_t count = asked->text_count ? asked->text_count : now->text_count;
    char *html = mem_new(1, WARNING_PAGE_MAX);
    bool is_cut = false;
    for (size_t i = 0; i < count && i < WARNING_LANGUAGES_MAX; i++) {
        each[i] = &texts[i];
    }
    size_t size = warning_page_html(each, count, &about, html, &is_cut);
    ask_answer_bytes(call, html, size);
    free(html);
}
