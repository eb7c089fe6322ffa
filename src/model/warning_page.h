/* The warning page: all languages that are configured in one document, nothing fetched from
 * anywhere, readable on a phone, in the dark and by a screen reader.  Pure: the edge serves it, and
 * the controller shows the very same page to whoever edits its texts. */
#ifndef CORDON_MODEL_WARNING_PAGE_H
#define CORDON_MODEL_WARNING_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"
#include "model/rule.h"

#define WARNING_LANGUAGES_MAX 8
#define WARNING_PAGE_MAX 13600

/* Its one style element.  The console's Content-Security-Policy allows exactly this text (by its
 * hash), so that the preview looks like the page. */
extern const char warning_page_style[];

/* Whom the page is shown to. */
struct warning_page_case {
    const char *reason;      /* never NULL */
    const char *case_number; /* never NULL */
};
/* The document, in the order of 'warnings'; none: texts of our own.  What does not fit is cut,
 * every language alike, and 'is_cut' says so.  Returns its size. */
size_t warning_page_html(const struct rule_warning *const *warnings, size_t count,
                         const struct warning_page_case *about, char html[WARNING_PAGE_MAX],
                         bool *is_cut);
/* May these be the texts?  False: 'why' says why not, for people. */
bool page_check(const struct rule_warning *texts, size_t count, char why[128]) MUST_CHECK;

#endif
