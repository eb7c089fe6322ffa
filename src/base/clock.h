/* Injected time.  Everything that decides by time takes a 'const struct clock *', so that tests
 * set it instead of sleeping.  Wall time is for people and for other machines; intervals are
 * always measured on the monotonic (boot) clock. */
#ifndef CORDON_BASE_CLOCK_H
#define CORDON_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct clock {
    int64_t (*wall_us)(const struct clock *clock); /* since 1970-01-01 UTC */
    int64_t (*boot_us)(const struct clock *clock); /* CLOCK_BOOTTIME: never goes back */
};

static inline int64_t
clock_wall_us(const struct clock *clock)
{
    return clock->wall_us(clock);
}

static inline int64_t
clock_boot_us(const struct clock *clock)
{
    return clock->boot_us(clock);
}

/* The machine's clocks. */
const struct clock *clock_system(void);

/* For tests and for reading capture files: stands still until it is set. */
struct clock_fake {
    struct clock clock; /* pass &fake.clock */
    int64_t wall_now_us;
    int64_t boot_now_us;
};
void clock_fake_init(struct clock_fake *fake, int64_t wall_us);
/* Both clocks go on by 'us'. */
void clock_fake_advance(struct clock_fake *fake, int64_t us);

#define TIME_TEXT_SIZE 32
/* RFC 3339 in UTC with microseconds: 2026-03-09T02:58:24.532140Z.  A time that this form cannot
 * say (a peer's number may be anything) is written as 1970. */
void time_format(int64_t wall_us, char text[TIME_TEXT_SIZE]);
/* RFC 3339 with any offset ("Z", "+09:00", "+0900"); 0 or -EINVAL. */
int time_parse(const char *text, int64_t *wall_us);

#endif
