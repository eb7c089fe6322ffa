#include "base/zone.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/file.h"
#include "base/mem.h"

#define ZONE_FOLDER "/usr/share/zoneinfo"
#define ZONE_FILE_MAX (256 * 1024)
#define TIMES_MAX 8192
#define TYPES_MAX 256
#define OFFSET_MAX_S 93599 /* RFC 8536, 3.2 */
#define DAY_S 86400
#define FOOTER_MAX 96

/* "M3.2.0/2", "J60", "59": when of a year clocks change. */
struct change {
    enum { CHANGE_WEEKDAY, CHANGE_JULIAN, CHANGE_DAY } kind;
    int month, week, day; /* JULIAN and DAY: 'day' of the year */
    int32_t at_s;         /* of that day, by the clocks before */
};

/* What holds after the last change that the file lists. */
struct rule {
    bool is_set, has_summer;
    int32_t standard_s, summer_s; /* east of UTC */
    struct change begin, end;     /* of summer time */
};

struct zone {
    int64_t *times; /* owned: when each change was, ascending */
    uint8_t *types; /* owned: what it changed to */
    size_t count;
    int32_t offsets[TYPES_MAX];
    size_t type_count;
    struct rule rule;
};

int64_t
day_of_date(int64_t year, int month, int day)
{
    /* Years from March, so that the leap day is the last of its year. */
    year -= month <= 2 ? 1 : 0;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t
floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

static int64_t
year_of_day(int64_t day)
{
    int64_t year = 1970 + floor_div(day * 400, 146097);
    while (day_of_date(year, 1, 1) > day) {
        year--;
    }
    while (day_of_date(year + 1, 1, 1) <= day) {
        year++;
    }
    return year;
}

/* ---- the rule at the end of the file, as POSIX writes it ---- */

struct reading {
    const char *at;
    bool bad;
};

static int
read_number(struct reading *r, int most)
{
    int value = 0;
    if (!isdigit((unsigned char)*r->at)) {
        r->bad = true;
    }
    while (isdigit((unsigned char)*r->at) && value <= most) {
        value = value * 10 + (*r->at++ - '0');
    }
    r->bad = r->bad || value > most;
    return value;
}

static bool
read_if(struct reading *r, char c)
{
    bool is_there = *r->at == c;
    r->at += is_there ? 1 : 0;
    return is_there;
}

/* [+-]hh[:mm[:ss]] */
static int32_t
read_time(struct reading *r)
{
    bool is_negative = read_if(r, '-');
    if (!is_negative) {
        (void)read_if(r, '+');
    }
    int32_t s = read_number(r, 167) * 3600;
    if (read_if(r, ':')) {
        s += read_number(r, 59) * 60;
        s += read_if(r, ':') ? read_number(r, 59) : 0;
    }
    return is_negative ? -s : s;
}

/* "JST", "<+0330>" */
static void
read_name(struct reading *r)
{
    bool is_quoted = read_if(r, '<');
    const char *from = r->at;
    while (isalpha((unsigned char)*r->at) ||
           (is_quoted && (isdigit((unsigned char)*r->at) || *r->at == '+' || *r->at == '-'))) {
        r->at++;
    }
    r->bad = r->bad || r->at - from < 3 || (is_quoted && !read_if(r, '>'));
}

static struct change
read_change(struct reading *r)
{
    struct change change = {.kind = CHANGE_DAY, .at_s = 7200};
    r->bad = r->bad || !read_if(r, ',');
    if (read_if(r, 'M')) {
        change.kind = CHANGE_WEEKDAY;
        change.month = read_number(r, 12);
        r->bad = r->bad || !read_if(r, '.');
        change.week = read_number(r, 5);
        r->bad = r->bad || !read_if(r, '.');
        change.day = read_number(r, 6);
        r->bad = r->bad || change.month == 0 || change.week == 0;
    } else {
        bool is_julian = read_if(r, 'J');
        change.kind = is_julian ? CHANGE_JULIAN : CHANGE_DAY;
        change.day = read_number(r, 365);
        r->bad = r->bad || (is_julian && change.day == 0);
    }
    change.at_s = read_if(r, '/') ? read_time(r) : change.at_s;
    return change;
}

static bool
rule_parse(const char *text, struct rule *rule)
{
    struct reading r = {.at = text};
    if (text[0] == '\0') {
        return true; /* nothing is known beyond the list */
    }
    read_name(&r);
    rule->standard_s = -read_time(&r);
    if (*r.at != '\0') {
        rule->has_summer = true;
        read_name(&r);
        rule->summer_s = rule->standard_s + 3600;
        if (*r.at != ',') {
            rule->summer_s = -read_time(&r);
        }
        rule->begin = read_change(&r);
        rule->end = read_change(&r);
    }
    rule->is_set = true;
    return !r.bad && *r.at == '\0' && abs(rule->standard_s) <= OFFSET_MAX_S &&
           abs(rule->summer_s) <= OFFSET_MAX_S;
}

/* By the clocks before the change. */
static int64_t
change_in_year(const struct change *change, int64_t year)
{
    int64_t first = day_of_date(year, 1, 1);
    bool is_leap = day_of_date(year + 1, 1, 1) - first == 366;
    int64_t day = first + change->day;
    if (change->kind == CHANGE_JULIAN) { /* February 29th is never counted */
        day = first + change->day - 1 + (is_leap && change->day >= 60 ? 1 : 0);
    } else if (change->kind == CHANGE_WEEKDAY) {
        int64_t month = day_of_date(year, change->month, 1);
        int64_t next = change->month == 12 ? day_of_date(year + 1, 1, 1)
                                           : day_of_date(year, change->month + 1, 1);
        int64_t weekday = ((month + 4) % 7 + 7) % 7; /* 1970 began on a Thursday */
        day = month + (change->day - weekday + 7) % 7 + (change->week - 1) * 7;
        day -= day >= next ? 7 : 0;
    }
    return day * DAY_S + change->at_s;
}

static int32_t
rule_offset(const struct rule *rule, int64_t utc_s)
{
    if (!rule->has_summer) {
        return rule->standard_s;
    }
    int64_t year = year_of_day(floor_div(utc_s + rule->standard_s, DAY_S));
    int64_t begin_s = change_in_year(&rule->begin, year) - rule->standard_s;
    int64_t end_s = change_in_year(&rule->end, year) - rule->summer_s;
    bool is_summer =
        begin_s < end_s ? utc_s >= begin_s && utc_s < end_s : utc_s >= begin_s || utc_s < end_s;
    return is_summer ? rule->summer_s : rule->standard_s;
}

/* ---- the file ---- */

struct counts {
    uint8_t version;
    size_t is_ut, is_standard, leap, time, type, text;
};

static bool
read_header(struct cursor *c, struct counts *counts)
{
    const uint8_t *magic = cur_take(c, 4);
    if (!magic || memcmp(magic, "TZif", 4) != 0) {
        return false;
    }
    counts->version = cur_u8(c);
    cur_skip(c, 15);
    counts->is_ut = cur_be32(c);
    counts->is_standard = cur_be32(c);
    counts->leap = cur_be32(c);
    counts->time = cur_be32(c);
    counts->type = cur_be32(c);
    counts->text = cur_be32(c);
    return cur_ok(c) && counts->time <= TIMES_MAX && counts->type > 0 &&
           counts->type <= TYPES_MAX && counts->leap <= TIMES_MAX && counts->text <= TIMES_MAX &&
           counts->is_ut <= TYPES_MAX && counts->is_standard <= TYPES_MAX;
}

static bool
read_block(struct cursor *c, const struct counts *counts, bool is_wide, struct zone *zone)
{
    zone->count = counts->time;
    zone->type_count = counts->type;
    zone->times = mem_new(counts->time + 1, sizeof(*zone->times));
    zone->types = mem_new(counts->time + 1, sizeof(*zone->types));
    bool is_good = true;
    for (size_t i = 0; i < counts->time; i++) {
        zone->times[i] = is_wide ? (int64_t)cur_be64(c) : (int32_t)cur_be32(c);
        is_good = is_good && (i == 0 || zone->times[i] > zone->times[i - 1]);
    }
    for (size_t i = 0; i < counts->time; i++) {
        zone->types[i] = cur_u8(c);
        is_good = is_good && zone->types[i] < counts->type;
    }
    for (size_t i = 0; i < counts->type; i++) {
        zone->offsets[i] = (int32_t)cur_be32(c);
        cur_skip(c, 2);
        is_good = is_good && zone->offsets[i] >= -OFFSET_MAX_S && zone->offsets[i] <= OFFSET_MAX_S;
    }
    cur_skip(c, counts->text + counts->leap * (is_wide ? 12 : 8) + counts->is_standard +
                    counts->is_ut);
    return is_good && cur_ok(c);
}

static bool
read_footer(struct cursor *c, struct zone *zone)
{
    char text[FOOTER_MAX] = "";
    size_t used = 0;
    if (cur_u8(c) != '\n') {
        return false;
    }
    while (cur_left(c) > 0 && *c->pos != '\n' && used + 1 < sizeof(text)) {
        text[used++] = (char)cur_u8(c);
    }
    return cur_u8(c) == '\n' && strlen(text) == used && rule_parse(text, &zone->rule);
}

static bool
read_file(struct cursor *c, struct zone *zone)
{
    struct counts counts;
    if (!read_header(c, &counts)) {
        return false;
    }
    if (counts.version == 0) {
        return read_block(c, &counts, false, zone);
    }
    cur_skip(c, counts.time * 5 + counts.type * 6 + counts.text + counts.leap * 8 +
                    counts.is_standard + counts.is_ut);
    return read_header(c, &counts) && read_block(c, &counts, true, zone) && read_footer(c, zone);
}

int
zone_parse(const void *bytes, size_t size, struct zone **zone)
{
    struct cursor c = cur_make(bytes, size);
    struct zone *read = MEM_NEW(struct zone);
    if (!read_file(&c, read)) {
        zone_free(read);
        return -EBADMSG;
    }
    *zone = read;
    return 0;
}

void
zone_free(struct zone *zone)
{
    if (zone) {
        free(zone->times);
        free(zone->types);
        free(zone);
    }
}

/* "Asia/Tokyo": no way out of the folder. */
static bool
is_name(const char *name)
{
    static const char *const good = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                    "0123456789_+-/";
    return isalpha((unsigned char)name[0]) && name[strspn(name, good)] == '\0' &&
           strlen(name) < 64 && !strstr(name, "//");
}

static int
load_file(const char *path, struct zone **zone)
{
    char *bytes = NULL;
    size_t size = 0;
    int error = file_read(path, ZONE_FILE_MAX, &bytes, &size);
    if (error) {
        return -ENOENT;
    }
    error = zone_parse(bytes, size, zone);
    free(bytes);
    return error;
}

int
zone_load(const char *name, struct zone **zone)
{
    char path[128];
    if (name[0] == '\0') {
        if (load_file("/etc/localtime", zone) != 0) {
            *zone = MEM_NEW(struct zone);
            (*zone)->type_count = 1; /* UTC */
        }
        return 0;
    }
    if (!is_name(name)) {
        return -EINVAL;
    }
    snprintf(path, sizeof(path), ZONE_FOLDER "/%s", name);
    return load_file(path, zone);
}

int32_t
zone_offset_s(const struct zone *zone, int64_t utc_s)
{
    size_t low = 0; /* changes at or before that time */
    size_t high = zone->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->times[middle] <= utc_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == zone->count && zone->rule.is_set) {
        return rule_offset(&zone->rule, utc_s);
    }
    return zone->offsets[low == 0 ? 0 : zone->types[low - 1]];
}

int64_t
zone_to_utc_s(const struct zone *zone, int64_t shown_s)
{
    /* A day before and after no change is near: the two offsets that can be meant. */
    int32_t before_s = zone_offset_s(zone, shown_s - DAY_S);
    int32_t after_s = zone_offset_s(zone, shown_s + DAY_S);
    int64_t by_before_s = shown_s - before_s;
    if (zone_offset_s(zone, by_before_s) == before_s) {
        return by_before_s;
    }
    int64_t by_after_s = shown_s - after_s;
    return zone_offset_s(zone, by_after_s) == after_s ? by_after_s : by_before_s;
}
