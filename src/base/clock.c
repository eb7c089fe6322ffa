#include "base/clock.h"

#include <ctype.h>
#include <stdbool.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

#include "base/macros.h"

bool
clock_is_synchronised(void)
{
    struct timex timex = {.modes = 0};
    return adjtimex(&timex) >= 0 && !(timex.status & STA_UNSYNC);
}

static int64_t
read_us(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t
system_wall(const struct clock *clock)
{
    (void)clock;
    return read_us(CLOCK_REALTIME);
}

static int64_t
system_boot(const struct clock *clock)
{
    (void)clock;
    return read_us(CLOCK_BOOTTIME);
}

const struct clock *
clock_system(void)
{
    static const struct clock clock = {.wall_us = system_wall, .boot_us = system_boot};
    return &clock;
}

static int64_t
fake_wall(const struct clock *clock)
{
    return ((const struct clock_fake *)(const void *)clock)->wall_now_us;
}

static int64_t
fake_boot(const struct clock *clock)
{
    return ((const struct clock_fake *)(const void *)clock)->boot_now_us;
}

void
clock_fake_init(struct clock_fake *fake, int64_t wall_us)
{
    *fake = (struct clock_fake){.clock = {.wall_us = fake_wall, .boot_us = fake_boot},
                                .wall_now_us = wall_us,
                                .boot_now_us = 1000000};
}

void
clock_fake_advance(struct clock_fake *fake, int64_t us)
{
    fake->wall_now_us += us;
    fake->boot_now_us += us;
}

static int64_t
steady_difference_us(const struct clock_steady *steady)
{
    return clock_wall_us(steady->from) - clock_boot_us(steady->from) - steady->offset_us;
}

static bool
agrees(int64_t difference_us)
{
    return difference_us < CLOCK_AGREE_US && difference_us > -CLOCK_AGREE_US;
}

static int64_t
steady_wall(const struct clock *clock)
{
    const struct clock_steady *steady = (const struct clock_steady *)(const void *)clock;
    int64_t difference_us = steady_difference_us(steady);
    int64_t own_us = clock_boot_us(steady->from) + steady->offset_us;
    return agrees(difference_us) ? own_us + difference_us : own_us;
}

static int64_t
steady_boot(const struct clock *clock)
{
    return clock_boot_us(((const struct clock_steady *)(const void *)clock)->from);
}

void
clock_steady_init(struct clock_steady *steady, const struct clock *from)
{
    *steady = (struct clock_steady){.clock = {.wall_us = steady_wall, .boot_us = steady_boot},
                                    .from = from};
    clock_steady_follow(steady);
}

int64_t
clock_steady_jump_us(struct clock_steady *steady)
{
    int64_t difference_us = steady_difference_us(steady);
    if (!agrees(difference_us)) {
        return difference_us;
    }
    steady->offset_us += difference_us;
    return 0;
}

void
clock_steady_follow(struct clock_steady *steady)
{
    steady->offset_us += steady_difference_us(steady);
}

bool
clock_is_moved(const struct clock_move *move, int64_t at_us)
{
    return at_us > 0 && at_us >= move->since_us && at_us <= move->until_us;
}

void
clock_move(const struct clock_move *move, int64_t *at_us)
{
    *at_us += clock_is_moved(move, *at_us) ? move->by_us : 0;
}

int64_t
clock_translate_us(int64_t at_us, int64_t sent_us, int64_t now_us)
{
    if (sent_us <= 0 || at_us <= 0 || agrees(sent_us - now_us)) {
        return at_us;
    }
    int64_t age_us = sent_us - at_us;
    return age_us > 0 && age_us < now_us ? now_us - age_us : now_us;
}

#define SKEW_HOUR_US (INT64_C(3600) * 1000000)

void
clock_skew_note(struct clock_skew *skew, int64_t sent_us, int64_t now_us)
{
    if (sent_us <= 0 || now_us <= 0) {
        return;
    }
    int64_t by_us = sent_us - now_us;
    int64_t age_us = now_us - skew->since_us;
    if (skew->since_us == 0) {
        *skew = (struct clock_skew){.most_us = {by_us, by_us}, .since_us = now_us};
    } else if (age_us >= SKEW_HOUR_US || age_us < 0) {
        skew->most_us[1] = age_us < 2 * SKEW_HOUR_US ? skew->most_us[0] : by_us;
        skew->most_us[0] = by_us;
        skew->since_us = now_us;
    } else if (by_us > skew->most_us[0]) {
        skew->most_us[0] = by_us;
    }
}

int64_t
clock_skew_us(const struct clock_skew *skew)
{
    int64_t most_us = skew->most_us[0] > skew->most_us[1] ? skew->most_us[0] : skew->most_us[1];
    return skew->since_us == 0 || agrees(most_us) ? 0 : most_us;
}

int64_t
clock_skew_translate_us(const struct clock_skew *skew, int64_t at_us, int64_t sent_us,
                        int64_t now_us, uint64_t *unsure_us)
{
    int64_t ours_us = clock_translate_us(at_us, sent_us, now_us);
    *unsure_us = 0;
    if (ours_us == at_us) {
        return at_us;
    }
    /* its age grew on the way here */
    int64_t late_us = at_us > 0 ? ours_us + clock_skew_us(skew) - at_us : 0;
    *unsure_us = (uint64_t)(CLOCK_AGREE_US + (late_us > 0 ? late_us : 0));
    return ours_us;
}

/* Years of four digits, 1000 to 9999: others have no RFC 3339 form. */
#define TEXT_FIRST_US (INT64_C(-30610224000) * 1000000)
#define TEXT_END_US (INT64_C(253402300800) * 1000000)

void
time_format(int64_t wall_us, char text[TIME_TEXT_SIZE])
{
    if (wall_us < TEXT_FIRST_US || wall_us >= TEXT_END_US) {
        wall_us = 0;
    }
    int64_t us = wall_us % 1000000;
    time_t seconds = (time_t)(wall_us / 1000000);
    if (us < 0) {
        us += 1000000;
        seconds--;
    }
    struct tm tm;
    char date[24];
    if (!gmtime_r(&seconds, &tm) || strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) == 0) {
        snprintf(date, sizeof(date), "1970-01-01T00:00:00");
    }
    snprintf(text, TIME_TEXT_SIZE, "%.19s.%06dZ", date, (int)us);
}

/* Exactly 'count' digits; moves '*at' behind them. */
static bool
digits_take(const char **at, int count, int *value)
{
    *value = 0;
    for (int i = 0; i < count; i++) {
        char c = (*at)[i];
        if (!isdigit((unsigned char)c)) {
            return false;
        }
        *value = *value * 10 + (c - '0');
    }
    *at += count;
    return true;
}

static bool
character_take(const char **at, char wanted)
{
    bool is_there = toupper((unsigned char)**at) == wanted;
    *at += is_there ? 1 : 0;
    return is_there;
}

/* ".532140": any number of digits, of which six count. */
static bool
fraction_take(const char **at, int64_t *us)
{
    *us = 0;
    if (**at != '.') {
        return true;
    }
    int64_t unit = 100000;
    const char *start = ++*at;
    for (; isdigit((unsigned char)**at); ++*at, unit /= 10) {
        *us += (**at - '0') * unit;
    }
    return *at > start;
}

static bool
offset_take(const char **at, int *offset_s)
{
    *offset_s = 0;
    if (character_take(at, 'Z')) {
        return true;
    }
    int hours, minutes, sign = **at == '-' ? -1 : 1;
    if (!character_take(at, '+') && !character_take(at, '-')) {
        return false;
    }
    bool is_read = digits_take(at, 2, &hours) && (character_take(at, ':') || true) &&
                   digits_take(at, 2, &minutes);
    if (is_read) {
        *offset_s = sign * (hours * 3600 + minutes * 60);
    }
    return is_read && hours < 24 && minutes < 60;
}

int
time_parse(const char *text, int64_t *wall_us)
{
    struct tm tm = {0};
    int year, month, offset_s;
    int64_t us;
    bool is_read = digits_take(&text, 4, &year) && character_take(&text, '-') &&
                   digits_take(&text, 2, &month) && character_take(&text, '-') &&
                   digits_take(&text, 2, &tm.tm_mday) &&
                   (character_take(&text, 'T') || character_take(&text, ' ')) &&
                   digits_take(&text, 2, &tm.tm_hour) && character_take(&text, ':') &&
                   digits_take(&text, 2, &tm.tm_min) && character_take(&text, ':') &&
                   digits_take(&text, 2, &tm.tm_sec) && fraction_take(&text, &us) &&
                   offset_take(&text, &offset_s) && *text == '\0';
    if (!is_read || year < 1970 || year > 2200 || /* later does not fit 2^53 us */ month < 1 ||
        month > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 ||
        tm.tm_sec > 60) {
        return -EINVAL;
    }
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    int day = tm.tm_mday;
    int second = tm.tm_sec;
    tm.tm_sec = 0; /* a leap second must not look like a day that does not exist */
    time_t seconds = timegm(&tm) + second;
    if (tm.tm_mday != day) {
        return -EINVAL; /* the 31st of a shorter month */
    }
    *wall_us = ((int64_t)seconds - offset_s) * 1000000 + us;
    return 0;
}
