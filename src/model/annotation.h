/* What people say of a machine: its class, tags, a note, who owns it.  Kept by MAC, so that it
 * outlives the endpoint's being forgotten, and can be there before the machine is first seen. */
#ifndef CORDON_MODEL_ANNOTATION_H
#define CORDON_MODEL_ANNOTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "model/text.h"

/* Policies match the class: the order is that of the names, new ones go before 'other'. */
enum endpoint_class {
    CLASS_UNKNOWN,
    CLASS_WORKSTATION,
    CLASS_SERVER,
    CLASS_PHONE,
    CLASS_PRINTER,
    CLASS_MEDICAL,
    CLASS_CAMERA,
    CLASS_IOT,
    CLASS_NETWORK,
    CLASS_OTHER,
    ENDPOINT_CLASS_COUNT
};
extern const char *const endpoint_class_names[ENDPOINT_CLASS_COUNT + 1];

#define ANNOTATION_TAGS_MAX 10
#define TAG_SIZE 48
#define OWNER_SIZE 128
#define EMAIL_SIZE 255 /* RFC 5321 4.5.3.1.3: 254 characters */

struct annotation {
    enum endpoint_class class;
    char tags[ANNOTATION_TAGS_MAX][TAG_SIZE]; /* no two alike; without ',' and ';' */
    size_t tag_count;
    char note[TEXT_SIZE];
    char owner[OWNER_SIZE];
    char owner_email[EMAIL_SIZE];
    uint32_t version; /* counts changes: a writer says which one it has read */
    int64_t changed_us;
    char changed_by[NAME_SIZE];
    /* Nobody said it of this MAC: it joined, by a DHCP client id that anybody can send, a machine
     * of which it was said.  Shown, but policies do not go by it. */
    bool is_inherited;
};

/* Takes spaces around its texts and doubled or empty tags away.  False: 'why' says what cannot be
 * kept (control characters, a tag with a separator, what is no e-mail address). */
bool annotation_tidy(struct annotation *annotation, char why[128]) MUST_CHECK;
/* Says nothing of the machine? */
bool annotation_is_empty(const struct annotation *annotation);
/* Says the same, whoever said it when? */
bool annotation_is_equal(const struct annotation *a, const struct annotation *b);
/* One address that a mail can be sent to: visible ASCII, nothing that ends or lists addresses. */
bool email_is_valid(const char *text);

#endif
