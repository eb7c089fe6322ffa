/* What each kind of notice is called, and what it means for whoever reads it, who may know nothing
 * of networks or of this product. */
#ifndef CORDON_NOTIFY_KINDS_H
#define CORDON_NOTIFY_KINDS_H

#include "model/notice.h"

/* One text in each language. */
struct words {
    const char *by[NOTIFY_LANGUAGE_COUNT];
};

/* Never empty. */
const char *kind_title(const struct notice *notice, enum notify_language language);
/* What that means and what to do; "": the title says it. */
const char *kind_meaning(const struct notice *notice, enum notify_language language);
/* What its detail is. */
const char *kind_detail_label(enum notice_kind kind, enum notify_language language);
/* It was seen to work once more, after it had not been. */
bool kind_is_again(const struct notice *notice);

#endif
