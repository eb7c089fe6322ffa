#include "wire/said.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "wire/said_table.h"

#define DEPTH_MAX 4   /* a sentence in a sentence ...; the answer's JSON must not get too deep */
#define TRIES_MAX 600 /* of a row, or of where a value ends: texts may come from attackers */

struct piece {
    const char *text;
    size_t size;
};

/* One place of a template. */
struct place {
    size_t index;
    char kind;         /* '}' a text, '!', '#', '@', 's', '~', ':' */
    struct piece only; /* after ':' */
    struct piece next; /* literal up to the next place or the end */
    const char *rest;  /* after that */
};

/* A value that was found for a place. */
struct value {
    char kind; /* as above; 0: none */
    struct piece text;
    cJSON *sentence; /* owned; of ':' */
};

/* One text that is looked for; shared by the sentences within it. */
struct seek {
    const struct said_index *index;
    unsigned tries, depth;
};

#define BYTES 256
/* Numbers of rows (said_at), those that begin with the same byte beside each other and in their
 * order: "begins[b] .. begins[b + 1]" of 'numbers'. */
struct said_index {
    const struct said **rows;
    size_t *numbers;
    size_t begins[BYTES + 1];
};

static const struct {
    const struct said *rows;
    const size_t *count;
} parts[] = {{said_words, &said_word_count},      {said_decisions, &said_decision_count},
             {said_places, &said_place_count},    {said_health, &said_health_count},
             {said_notices, &said_notice_count},  {said_policy, &said_policy_count},
             {said_problems, &said_problem_count}};

const struct said *
said_at(size_t index)
{
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (index < *parts[i].count) {
            return &parts[i].rows[index];
        }
        index -= *parts[i].count;
    }
    return NULL;
}

struct said_index *
said_index_new(void)
{
    struct said_index *index = MEM_NEW(struct said_index);
    size_t count = 0, at[BYTES];
    while (said_at(count)) {
        count++;
    }
    index->rows = mem_new(count, sizeof(struct said *));
    index->numbers = mem_new(count, sizeof(*index->numbers));
    for (size_t i = 0; i < count; i++) {
        index->rows[i] = said_at(i);
        index->begins[(uint8_t)index->rows[i]->english[0] + 1]++;
    }
    for (size_t byte = 0; byte < BYTES; byte++) {
        at[byte] = index->begins[byte];
        index->begins[byte + 1] += index->begins[byte];
    }
    for (size_t i = 0; i < count; i++) {
        index->numbers[at[(uint8_t)index->rows[i]->english[0]]++] = i;
    }
    return index;
}

void
said_index_free(struct said_index *index)
{
    if (index) {
        free(index->rows);
        free(index->numbers);
        free(index);
    }
}

/* Rows of one beginning that were not tried yet. */
struct rest {
    const size_t *at, *end;
};

static struct rest
rest_of(const struct said_index *index, char first)
{
    const size_t *numbers = index->numbers, *begins = &index->begins[(uint8_t)first];
    return (struct rest){numbers + begins[0], numbers + begins[1]};
}

/* The next in the table's order, of both; NULL: no more. */
static const struct said *
rest_next(const struct said_index *index, struct rest *a, struct rest *b)
{
    bool is_a = a->at < a->end && (b->at == b->end || *a->at < *b->at);
    struct rest *next = is_a ? a : b;
    return next->at < next->end ? index->rows[*next->at++] : NULL;
}

/* 'at' stands behind a '{'. */
static struct place
place_read(const char *at)
{
    struct place place = {.index = (size_t)(at[0] - '1'), .kind = at[1]};
    const char *end = strchr(at, '}');
    place.only = (struct piece){at + 2, place.kind == ':' ? (size_t)(end - at - 2) : 0};
    place.next = (struct piece){end + 1, strcspn(end + 1, "{")};
    place.rest = place.next.text + place.next.size;
    return place;
}

static cJSON *recognise(struct piece text, struct piece only, struct seek *seek);
static cJSON *recognise_one(struct piece text, struct piece only, struct seek *seek);

static bool
is_time(struct piece text)
{
    char copy[40];
    int64_t at_us;
    if (text.size >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text.text, text.size);
    copy[text.size] = '\0';
    return time_parse(copy, &at_us) == 0;
}

static bool
is_span(struct piece text)
{
    size_t digits = strspn(text.text, "0123456789");
    return digits > 0 && text.size == digits + 2 && memcmp(text.text + digits, " s", 2) == 0;
}

/* May that stand there? */
static bool
value_fits(const struct place *place, struct piece text, struct seek *seek, struct value *value)
{
    *value = (struct value){.kind = place->kind, .text = text};
    switch (place->kind) {
    case '#':
        return strspn(text.text, "0123456789") >= text.size;
    case '@':
        return is_time(text);
    case 's':
        return is_span(text);
    case ':':
        value->sentence = recognise_one(text, place->only, seek);
        return value->sentence != NULL;
    case '!':
        return memchr(text.text, ' ', text.size) == NULL;
    case '}': /* one thing, not several sentences */
        return !memmem(text.text, text.size, "; ", 2) && !memmem(text.text, text.size, ") (", 3);
    default:
        return true;
    }
}

/* The rest of a template, from a place on, against the rest of a text: the shortest values first.
 * Values are filled on success only. */
static bool
places_match(const char *form, struct piece text, struct seek *seek, struct value *values)
{
    const struct place place = place_read(form + 1);
    const bool is_last = *place.rest == '\0';
    const size_t literal = place.next.size;
    for (size_t size = 1; size + literal <= text.size && seek->tries > 0; size++) {
        size = is_last ? text.size - literal : size;
        bool is_there = literal == 0 || (text.text[size] == place.next.text[0] &&
                                         memcmp(text.text + size, place.next.text, literal) == 0);
        if (is_there) {
            struct value value;
            struct piece rest = {text.text + size + literal, text.size - size - literal};
            seek->tries--;
            if (value_fits(&place, (struct piece){text.text, size}, seek, &value) &&
                (is_last || places_match(place.rest, rest, seek, values))) {
                values[place.index] = value;
                return true;
            }
            cJSON_Delete(value.sentence);
        }
        if (is_last || (place.kind == '!' && text.text[size - 1] == ' ')) {
            break;
        }
    }
    return false;
}

static bool
row_matches(const struct said *row, struct piece text, struct seek *seek, struct value *values)
{
    const size_t literal = strcspn(row->english, "{");
    if (literal > text.size || memcmp(row->english, text.text, literal) != 0) {
        return false;
    }
    struct piece rest = {text.text + literal, text.size - literal};
    if (row->english[literal] == '\0') {
        return rest.size == 0;
    }
    return seek->tries > 0 && places_match(row->english + literal, rest, seek, values);
}

static cJSON *
value_json(const struct value *value, struct seek *seek)
{
    cJSON *json = value->sentence;
    if (value->kind == '~') {
        json = recognise(value->text, (struct piece){"", 0}, seek);
    }
    if (!json) {
        char *copy = strndup(value->text.text, value->text.size);
        json = cJSON_CreateString(copy ? copy : "");
        free(copy);
    }
    return json;
}

static bool
is_meant(const struct said *row, struct piece only)
{
    return only.size == 0 ? strncmp(row->code, "word.", 5) != 0
                          : strncmp(row->code, only.text, only.size) == 0;
}

static cJSON *
said_make(const char *code, cJSON **values)
{
    cJSON *said = cJSON_CreateObject();
    cJSON_AddStringToObject(said, "code", code);
    *values = cJSON_AddArrayToObject(said, "values");
    return said;
}

/* NULL: not this row. */
static cJSON *
row_try(const struct said *row, struct piece text, struct seek *seek)
{
    struct value values[SAID_VALUES_MAX] = {{.kind = 0}};
    cJSON *list;
    if (!row_matches(row, text, seek, values)) {
        return NULL;
    }
    cJSON *said = said_make(row->code, &list);
    for (size_t i = 0; i < SAID_VALUES_MAX && values[i].kind; i++) {
        cJSON_AddItemToArray(list, value_json(&values[i], seek));
    }
    return said;
}

static cJSON *
recognise_one(struct piece text, struct piece only, struct seek *seek)
{
    cJSON *said = NULL;
    if (seek->depth == DEPTH_MAX || seek->tries == 0) {
        return NULL;
    }
    seek->tries--;
    seek->depth++;
    struct rest same = rest_of(seek->index, text.text[0]), any = rest_of(seek->index, '{');
    any.end = text.text[0] == '{' ? any.at : any.end; /* those are the same */
    const struct said *row;
    while (!said && (row = rest_next(seek->index, &same, &any)) != NULL) {
        said = is_meant(row, only) ? row_try(row, text, seek) : NULL;
    }
    seek->depth--;
    return said;
}

/* The sentences of "a; b; c", each one known. */
static cJSON *
recognise_list(struct piece text, struct piece only, struct seek *seek)
{
    cJSON *list, *said = said_make(SAID_LIST, &list);
    for (size_t size = 1; size <= text.size && seek->tries > 0; size++) {
        bool is_end = size == text.size;
        if (!is_end && strncmp(text.text + size, "; ", 2) != 0) {
            continue;
        }
        seek->tries--;
        cJSON *one = recognise_one((struct piece){text.text, size}, only, seek);
        if (one) {
            size_t used = is_end ? size : size + 2;
            cJSON_AddItemToArray(list, one);
            text = (struct piece){text.text + used, text.size - used};
            size = 0;
        }
    }
    int count = cJSON_GetArraySize(list);
    if (text.size > 0 || count < 2 || count > SAID_LIST_MAX) {
        cJSON_Delete(said);
        said = NULL;
    }
    return said;
}

static cJSON *
recognise(struct piece text, struct piece only, struct seek *seek)
{
    bool may_be_list = memmem(text.text, text.size, "; ", 2) != NULL;
    cJSON *said = may_be_list ? recognise_list(text, only, seek) : NULL;
    return said ? said : recognise_one(text, only, seek);
}

cJSON *
said_find(const struct said_index *index, const char *text, const char *only)
{
    struct seek seek = {.index = index, .tries = TRIES_MAX};
    return text[0] == '\0' ? NULL
                           : recognise((struct piece){text, strlen(text)},
                                       (struct piece){only, strlen(only)}, &seek);
}

cJSON *
said_of(const char *text, const char *only)
{
    struct said_index *index = said_index_new();
    cJSON *said = said_find(index, text, only);
    said_index_free(index);
    return said;
}

/* Wording */

struct page {
    char *out;
    size_t size, used;
    enum reader_language language;
};

static void
page_put(struct page *page, const char *text, size_t size)
{
    size_t room = page->size - 1 - page->used;
    size = size < room ? size : room;
    memcpy(page->out + page->used, text, size);
    page->used += size;
    page->out[page->used] = '\0';
}

static const struct said *
row_of(const cJSON *said)
{
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(said, "code");
    const struct said *row;
    for (size_t i = 0; cJSON_IsString(code) && (row = said_at(i)); i++) {
        if (strcmp(row->code, code->valuestring) == 0) {
            return row;
        }
    }
    return NULL;
}

static bool page_word(struct page *page, const cJSON *said, unsigned depth);

static bool
page_word_list(struct page *page, const cJSON *said, unsigned depth)
{
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(said, "code");
    const cJSON *values = cJSON_GetObjectItemCaseSensitive(said, "values");
    const cJSON *each;
    bool is_list = cJSON_IsString(code) && strcmp(code->valuestring, SAID_LIST) == 0;
    cJSON_ArrayForEach(each, values)
    {
        is_list = is_list && page_word(page, each, depth + 1);
        const char *join = page->language == READER_JAPANESE ? "。" : "; ";
        page_put(page, join, each->next ? strlen(join) : 0);
    }
    return is_list;
}

/* 'kind': as the template has it. */
static void
page_put_text(struct page *page, const char *value, char kind)
{
    char text[READER_SIZE];
    int64_t at_us;
    if (kind == '@' && time_parse(value, &at_us) == 0) {
        reader_time(at_us, page->language, text);
        value = text;
    } else if (kind == 's') {
        reader_span(strtoull(value, NULL, 10), page->language, text);
        value = text;
    }
    page_put(page, value, strlen(value));
}

/* Only the English form says what the place of that number holds. */
static char
kind_of(const struct said *row, char number)
{
    const char form[] = {'{', number, '\0'};
    const char *at = strstr(row->english, form);
    return at ? at[2] : '}';
}

static bool
page_word(struct page *page, const cJSON *said, unsigned depth)
{
    const struct said *row = row_of(said);
    const cJSON *values = cJSON_GetObjectItemCaseSensitive(said, "values");
    if (!row || depth > DEPTH_MAX) {
        return depth <= DEPTH_MAX && page_word_list(page, said, depth);
    }
    for (const char *at = page->language == READER_JAPANESE ? row->japanese : row->english; *at;) {
        size_t literal = strcspn(at, "{");
        page_put(page, at, literal);
        at += literal;
        if (*at != '{') {
            continue;
        }
        const cJSON *value = cJSON_GetArrayItem(values, at[1] - '1');
        char kind = kind_of(row, at[1]);
        at = strchr(at, '}') + 1;
        if (cJSON_IsString(value)) {
            page_put_text(page, value->valuestring, kind);
        } else if (!page_word(page, value, depth + 1)) {
            return false;
        }
    }
    return true;
}

bool
said_in_words(const cJSON *said, enum reader_language language, char *out, size_t size)
{
    struct page page = {.out = out, .size = size, .language = language};
    out[0] = '\0';
    if (!page_word(&page, said, 1)) {
        return false;
    }
    while (page.used > 0 && !utf8_is_plain(out, page.used)) { /* cut within a character */
        out[--page.used] = '\0';
    }
    return true;
}
