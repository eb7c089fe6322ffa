#include "model/annotation.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"

/* Spaces at both ends, also the ideographic one, which Japanese input leaves behind. */
static size_t
space_size(const char *text)
{
    return text[0] == ' ' ? 1 : strncmp(text, "\xe3\x80\x80", 3) == 0 ? 3 : 0;
}

static void
text_trim(char *text)
{
    size_t begin = 0;
    size_t step;
    while ((step = space_size(text + begin)) > 0) {
        begin += step;
    }
    size_t size = strlen(text + begin);
    memmove(text, text + begin, size + 1);
    while ((size >= 1 && text[size - 1] == ' ') ||
           (size >= 3 && space_size(text + size - 3) == 3)) {
        size -= text[size - 1] == ' ' ? 1 : 3;
        text[size] = '\0';
    }
}

/* What is written and read back must be the same text: utf8_make_plain would change no byte. */
static bool
text_is_kept(const char *text)
{
    char plain[TEXT_SIZE];
    size_t size = strnlen(text, sizeof(plain) - 1);
    memcpy(plain, text, size);
    plain[size] = '\0';
    utf8_make_plain(plain, size);
    return strcmp(plain, text) == 0;
}

bool
email_is_valid(const char *text)
{
    const char *at = strchr(text, '@');
    if (!at || at == text || at[1] == '\0' || strchr(at + 1, '@')) {
        return false;
    }
    for (const char *c = text; *c; c++) {
        if (*c <= ' ' || *c > '~' || strchr("<>()[]\\,;:\"", *c)) {
            return false;
        }
    }
    return at[1] != '.' && text[strlen(text) - 1] != '.';
}

static bool
has_tag(const struct annotation *annotation, size_t count, const char *tag)
{
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(annotation->tags[i], tag) == 0) {
            return true;
        }
    }
    return false;
}

static bool
tags_tidy(struct annotation *annotation, char why[128])
{
    size_t count = 0;
    for (size_t i = 0; i < annotation->tag_count; i++) {
        char tag[TAG_SIZE];
        memcpy(tag, annotation->tags[i], sizeof(tag));
        text_trim(tag);
        if (!text_is_kept(tag) || strpbrk(tag, ",;")) {
            snprintf(why, 128, "tag %zu has a comma, a semicolon or a control character", i + 1);
            return false;
        }
        if (tag[0] != '\0' && !has_tag(annotation, count, tag)) {
            memcpy(annotation->tags[count++], tag, sizeof(tag));
        }
    }
    memset(annotation->tags[count], 0, (ANNOTATION_TAGS_MAX - count) * TAG_SIZE);
    annotation->tag_count = count;
    return true;
}

bool
annotation_tidy(struct annotation *annotation, char why[128])
{
    text_trim(annotation->note);
    text_trim(annotation->owner);
    text_trim(annotation->owner_email);
    if (!text_is_kept(annotation->note) || !text_is_kept(annotation->owner)) {
        snprintf(why, 128, "the %s has control characters",
                 text_is_kept(annotation->note) ? "owner" : "note");
        return false;
    }
    if (annotation->owner_email[0] != '\0' && !email_is_valid(annotation->owner_email)) {
        snprintf(why, 128, "owner_email is not one e-mail address");
        return false;
    }
    return tags_tidy(annotation, why);
}

bool
annotation_is_empty(const struct annotation *annotation)
{
    return annotation->class == CLASS_UNKNOWN && annotation->tag_count == 0 &&
           annotation->note[0] == '\0' && annotation->owner[0] == '\0' &&
           annotation->owner_email[0] == '\0';
}

bool
annotation_is_equal(const struct annotation *a, const struct annotation *b)
{
    bool is_equal = a->class == b->class && a->tag_count == b->tag_count &&
                    strcmp(a->note, b->note) == 0 && strcmp(a->owner, b->owner) == 0 &&
                    strcmp(a->owner_email, b->owner_email) == 0;
    for (size_t i = 0; is_equal && i < a->tag_count; i++) {
        is_equal = strcmp(a->tags[i], b->tags[i]) == 0;
    }
    return is_equal;
}
