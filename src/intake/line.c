/* What the line formats share, and the choice between them. */
#include "intake/line.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/utf8.h"

#define LINE_ID_HEAD "line-"
#define LINE_ID_HEAD_SIZE (sizeof(LINE_ID_HEAD) - 1)
#define LINE_ID_TIME_DIGITS 12 /* hexadecimal, milliseconds since 1970 */
#define LINE_ID_DIGITS ((size_t)2 * LINE_ID_SIZE)

const char *const line_format_names[LINE_FORMAT_COUNT + 1] = {"eve", "cef", NULL};

void
line_put(char *to, size_t to_size, const char *from, size_t from_size)
{
    static const char mark[] = "...";
    bool fits = from_size < to_size;
    size_t used = fits ? bytes_ascii(from, from_size) : 0; /* as nearly always: all of it */
    if (used > 0) {
        memcpy(to, from, used);
    }
    for (size_t i = used; i < from_size;) {
        size_t size = utf8_size(from + i, from_size - i);
        size_t step = size ? size : 1;
        if (!fits && used + step + sizeof(mark) > to_size) {
            memcpy(to + used, mark, sizeof(mark) - 1);
            used += sizeof(mark) - 1;
            break;
        }
        memcpy(to + used, from + i, step);
        used += step;
        i += step;
    }
    utf8_make_plain(to, used);
    to[used] = '\0';
}

enum phase
line_phase_of_tactic(const char *tactic)
{
    static const struct {
        const char *id;
        enum phase phase;
    } known[] = {
        {"TA0043", PHASE_INTELLIGENCE_GATHERING},
        {"TA0042", PHASE_INTELLIGENCE_GATHERING},
        {"TA0001", PHASE_POINT_OF_ENTRY},
        {"TA0002", PHASE_POINT_OF_ENTRY},
        {"TA0011", PHASE_C2},
        {"TA0008", PHASE_LATERAL_MOVEMENT},
        {"TA0006", PHASE_LATERAL_MOVEMENT},
        {"TA0007", PHASE_DISCOVERY},
        {"TA0009", PHASE_DISCOVERY},
        {"TA0010", PHASE_EXFILTRATION},
    };
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (strcmp(tactic, known[i].id) == 0) {
            return known[i].phase;
        }
    }
    return PHASE_UNKNOWN;
}

/* T, four digits, and maybe a dot and three digits. */
static bool
is_technique(const char *text)
{
    size_t digits = text[0] == 'T' ? strspn(text + 1, "0123456789") : 0;
    if (digits != 4) {
        return false;
    }
    const char *rest = text + 5;
    return *rest == '\0' || (*rest == '.' && strspn(rest + 1, "0123456789") == 3 && !rest[4]);
}

void
line_add_technique(struct detection *detection, const char *technique)
{
    if (!is_technique(technique)) {
        return;
    }
    for (size_t i = 0; i < DETECTION_TECHNIQUES_MAX; i++) {
        char *slot = detection->techniques[i];
        if (strcmp(slot, technique) == 0) {
            return;
        }
        if (!slot[0]) {
            memcpy(slot, technique, strlen(technique) + 1);
            return;
        }
    }
}

uint8_t
line_protocol(const char *name)
{
    static const struct {
        const char *name;
        uint8_t number;
    } known[] = {{"TCP", 6},    {"UDP", 17},    {"ICMP", 1}, {"IPv6-ICMP", 58},
                 {"SCTP", 132}, {"ICMPv6", 58}, {"GRE", 47}, {"ESP", 50}};
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (strcasecmp(name, known[i].name) == 0) {
            return known[i].number;
        }
    }
    unsigned long number = strtoul(name, NULL, 10);
    return isdigit((unsigned char)name[0]) && number < 256 ? (uint8_t)number : 0;
}

struct line_ids {
    EVP_MD_CTX *named; /* the source's name is in it */
    EVP_MD_CTX *line;
};

struct line_ids *
line_ids_new(const char *source)
{
    struct line_ids *ids = MEM_NEW(struct line_ids);
    ids->named = EVP_MD_CTX_new();
    ids->line = EVP_MD_CTX_new();
    if (!ids->named || !ids->line || EVP_DigestInit_ex(ids->named, EVP_sha256(), NULL) != 1 ||
        EVP_DigestUpdate(ids->named, source, strlen(source) + 1) != 1) {
        line_ids_free(ids);
        return NULL;
    }
    return ids;
}

void
line_ids_free(struct line_ids *ids)
{
    if (ids) {
        EVP_MD_CTX_free(ids->named);
        EVP_MD_CTX_free(ids->line);
        free(ids);
    }
}

bool
line_id(struct line_ids *ids, const char *line, size_t size, uint8_t id[LINE_ID_SIZE])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned digest_size = 0;
    if (EVP_MD_CTX_copy_ex(ids->line, ids->named) != 1 ||
        EVP_DigestUpdate(ids->line, line, size) != 1 ||
        EVP_DigestFinal_ex(ids->line, digest, &digest_size) != 1 || digest_size < LINE_ID_SIZE) {
        return false;
    }
    memcpy(id, digest, LINE_ID_SIZE);
    return true;
}

void
line_id_format(const uint8_t id[LINE_ID_SIZE], int64_t seen_us, char text[NAME_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t ms = seen_us > 0 ? (uint64_t)seen_us / 1000 : 0;
    memcpy(text, LINE_ID_HEAD, LINE_ID_HEAD_SIZE);
    char *to = text + LINE_ID_HEAD_SIZE;
    for (size_t i = LINE_ID_TIME_DIGITS; i-- > 0;) {
        *to++ = digits[ms >> (4 * i) & 15];
    }
    *to++ = '-';
    for (size_t i = 0; i < LINE_ID_SIZE; i++) {
        *to++ = digits[id[i] >> 4];
        *to++ = digits[id[i] & 15];
    }
    *to = '\0';
}

/* As line_id_format() writes them; negative: none. */
static int
digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
line_id_parse(const char *text, uint8_t id[LINE_ID_SIZE])
{
    const size_t before = LINE_ID_HEAD_SIZE + LINE_ID_TIME_DIGITS;
    if (strncmp(text, LINE_ID_HEAD, LINE_ID_HEAD_SIZE) != 0 ||
        strlen(text) != before + 1 + LINE_ID_DIGITS || text[before] != '-') {
        return false;
    }
    int bad = 0;
    for (size_t i = 0; i < LINE_ID_DIGITS; i++) {
        int digit = digit_of(text[before + 1 + i]);
        bad |= digit;
        id[i / 2] = (uint8_t)(i % 2 ? id[i / 2] | digit : digit << 4);
    }
    return bad >= 0;
}

/* While seen_us is still the line's own, or 0: it is the same whenever the line comes. */
static bool
make_id(struct detection *detection, const struct line_source *source, const char *line,
        size_t size)
{
    uint8_t id[LINE_ID_SIZE];
    if (source->id) {
        line_id_format(source->id, detection->seen_us, detection->id);
        return true;
    }
    struct line_ids *ids = line_ids_new(source->name);
    bool is_made = ids && line_id(ids, line, size, id);
    if (is_made) {
        line_id_format(id, detection->seen_us, detection->id);
    }
    line_ids_free(ids);
    return is_made;
}

enum line_result
line_parse(enum line_format format, const char *line, size_t size, const struct line_source *source,
           int64_t now_us, struct detection *detection, char why[NAME_SIZE])
{
    memset(detection, 0, sizeof(*detection));
    snprintf(why, NAME_SIZE, "%s", "");
    if (size > LINE_MAX_SIZE) {
        snprintf(why, NAME_SIZE, "longer than %d KiB", LINE_MAX_SIZE / 1024);
        return LINE_REFUSED;
    }
    enum line_result result = format == LINE_EVE
                                  ? eve_parse(line, size, source->adjacent, detection, why)
                                  : cef_parse(line, size, source->adjacent, detection, why);
    if (result != LINE_DETECTION) {
        return result;
    }
    if (!make_id(detection, source, line, size)) {
        snprintf(why, NAME_SIZE, "no SHA-256 in the crypto library");
        return LINE_REFUSED;
    }
    line_put(detection->sensor, sizeof(detection->sensor), source->name, strlen(source->name));
    detection->strength = source->strength == STRENGTH_STRONG ? STRENGTH_STRONG : STRENGTH_WEAK;
    if (detection->confidence == 0) {
        detection->confidence = source->confidence;
    }
    if (detection->seen_us == 0) {
        detection->seen_us = now_us;
    }
    if (detection->first_us == 0) {
        detection->first_us = detection->seen_us;
    }
    detection->reported_us = now_us;
    if (detection->count == 0) {
        detection->count = 1;
    }
    return LINE_DETECTION;
}
