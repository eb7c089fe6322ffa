/* Maintenance windows: in force at that time?  By the clocks of their time zone: what those skip in
 * spring is no part of a window, what they show twice in autumn counts twice. */
#include "policy/file.h"

#define DAY_S 86400
#define DAY_MIN (24 * 60)
#define SECOND_US INT64_C(1000000)

static int64_t
floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

/* Monday is 0; 1970 began on a Thursday. */
static unsigned
weekday_of(int64_t day)
{
    return (unsigned)(((day + 3) % 7 + 7) % 7);
}

static bool
begins_on(const struct file_weekly *weekly, int64_t day)
{
    return (weekly->day_mask >> weekday_of(day) & 1) != 0;
}

static bool
weekly_is_in_force(const struct file_weekly *weekly, const struct zone *zone, int64_t now_s)
{
    int64_t shown_s = now_s + zone_offset_s(zone, now_s);
    int64_t day = floor_div(shown_s, DAY_S);
    int minute = (int)((shown_s - day * DAY_S) / 60);
    if (weekly->from_min < weekly->to_min) {
        return begins_on(weekly, day) && minute >= weekly->from_min && minute < weekly->to_min;
    }
    return (begins_on(weekly, day) && minute >= weekly->from_min) ||
           (begins_on(weekly, day - 1) && minute < weekly->to_min);
}

bool
window_is_in_force(const struct file_window *window, const struct zone *zone, int64_t now_us)
{
    if (window->weekly.day_count == 0) {
        return now_us >= window->once.from_us && now_us < window->once.to_us;
    }
    return weekly_is_in_force(&window->weekly, zone, floor_div(now_us, SECOND_US));
}

/* The earlier of both, where 'at_s' is later than now and changes anything. */
static int64_t
earlier(const struct file_weekly *weekly, const struct zone *zone, int64_t now_s, int64_t at_s,
        int64_t best_s)
{
    bool is_change = at_s > now_s && weekly_is_in_force(weekly, zone, at_s) !=
                                         weekly_is_in_force(weekly, zone, now_s);
    return is_change && (best_s == 0 || at_s < best_s) ? at_s : best_s;
}

static int64_t
weekly_change_s(const struct file_weekly *weekly, const struct zone *zone, int64_t now_s)
{
    int64_t today = floor_div(now_s + zone_offset_s(zone, now_s), DAY_S);
    int to_min = weekly->to_min + (weekly->from_min < weekly->to_min ? 0 : DAY_MIN);
    int64_t best_s = 0;
    for (int64_t day = today - 1; day <= today + 8; day++) {
        if (begins_on(weekly, day)) {
            int64_t begin_s = zone_to_utc_s(zone, day * DAY_S + weekly->from_min * 60);
            int64_t end_s = zone_to_utc_s(zone, day * DAY_S + to_min * 60);
            best_s = earlier(weekly, zone, now_s, begin_s, best_s);
            best_s = earlier(weekly, zone, now_s, end_s, best_s);
        }
    }
    return best_s;
}

int64_t
window_change_us(const struct file_window *window, const struct zone *zone, int64_t now_us)
{
    if (window->weekly.day_count == 0) {
        return now_us < window->once.from_us ? window->once.from_us
               : now_us < window->once.to_us ? window->once.to_us
                                             : 0;
    }
    return weekly_change_s(&window->weekly, zone, floor_div(now_us, SECOND_US)) * SECOND_US;
}
