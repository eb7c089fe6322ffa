#include "store/trim.h"

#include <stdint.h>

#define NEWEST_MOST 16 /* then it is looked whether something else may go by now */

static void
round_begin(struct trim *trim, enum trim_level level)
{
    trim->level = level;
    trim->place = 0;
    trim->place_us = INT64_MIN;
    trim->rows = 0;
}

void
trim_init(struct trim *trim, enum sweep_of of)
{
    trim->of = of;
    round_begin(trim, TRIM_UNNEEDED);
}

static int
newest_take(struct trim *trim, struct sweeper *sweeper, struct swept *swept)
{
    int error = sweeper_take_newest(sweeper, trim->of, swept);
    if (!error && ++trim->rows == NEWEST_MOST) {
        round_begin(trim, TRIM_UNNEEDED);
    }
    return error;
}

int
trim_step(struct trim *trim, struct sweeper *sweeper, uint64_t over, int64_t open_us,
          struct swept *swept)
{
    bool is_bytes = trim->of == SWEEP_EVIDENCE;
    if (trim->level == TRIM_NEWEST) {
        return newest_take(trim, sweeper, swept);
    }
    struct store_sweep sweep = {
        .of = trim->of,
        .act = SWEEP_DROP,
        .before_us = INT64_MAX,
        .open_us = trim->level == TRIM_UNNEEDED ? open_us : INT64_MAX,
        .most_bytes = is_bytes ? over : 0,
        .most_rows = is_bytes ? 0 : over,
        .place = trim->place,
        .place_us = trim->place_us,
    };
    int error = sweeper_run(sweeper, &sweep, swept);
    if (error) {
        return error;
    }
    trim->rows += sweep.rows;
    trim->place = sweep.place;
    trim->place_us = sweep.place_us;
    if (sweep.is_over && !sweep.is_enough) {
        round_begin(trim, trim->rows > 0 ? TRIM_UNNEEDED : trim->level + 1);
    }
    return 0;
}
