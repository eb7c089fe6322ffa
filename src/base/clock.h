/* Injected time.  Everything that decides by time takes a 'const struct clock *', so that tests
 * set it instead of sleeping.  Wall time is for people and for other machines; intervals are
 * always measured on the monotonic (boot) clock. */
#ifndef CORDON_BASE_CLOCK_H
#define CORDON_BASE_CLOCK_H

#include <stddef.h>
#include <stdbool.h>
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
/* Has something set the machine's clock since its start?  The kernel knows; a process that is locked
 * in must not ask (adjtimex). */
bool clock_is_synchronised(void);

/* For tests and for reading capture files: stands still until it is set. */
struct clock_fake {
    struct clock clock; /* pass &fake.clock */
    int64_t wall_now_us;
    int64_t boot_now_us;
};
void clock_fake_init(struct clock_fake *fake, int64_t wall_us);
/* Both clocks go on by 'us'. */
void clock_fake_advance(struct clock_fake *fake, int64_t us);

/* Wall time that does not jump under whoever reads it.  It follows 'from' where that is slewed;
 * where that was set to another time it keeps its own course, by the boot clock, until the reader
 * has moved what it holds and calls clock_steady_follow().  One thread. */
struct clock_steady {
    struct clock clock; /* pass &steady.clock */
    const struct clock *from;
    int64_t offset_us; /* wall minus boot */
};
/* Clocks that differ by less agree: a slew, a late tick, the way over a network. */
#define CLOCK_AGREE_US INT64_C(2000000)
void clock_steady_init(struct clock_steady *steady, const struct clock *from);
/* By how much 'from' was set forward, or back (negative); 0: it was not. */
int64_t clock_steady_jump_us(struct clock_steady *steady);
void clock_steady_follow(struct clock_steady *steady);

/* What a set clock does to the times that are held: those from 'since_us' to 'until_us' are moved.
 */
struct clock_move {
    int64_t since_us, until_us, by_us;
};
bool clock_is_moved(const struct clock_move *move, int64_t at_us);
/* 0, no time, stays. */
void clock_move(const struct clock_move *move, int64_t *at_us);

/* When something happened by our clock, that a peer says was at 'at_us' of its own, in a message
 * that it sent at 'sent_us' (0: it does not say) and that came now: by its age where the two clocks
 * do not agree. */
int64_t clock_translate_us(int64_t at_us, int64_t sent_us, int64_t now_us);

/* How a peer's clock differs from ours, by when its messages say that they were sent.  They are
 * delayed on the way, never hurried: the largest difference of the last hour or two is nearest.
 * Zeroed: nothing is known. */
struct clock_skew {
    int64_t most_us[2]; /* of this hour, and of the one before it */
    int64_t since_us;   /* of this hour, by our clock; 0: nothing is known */
};
/* A 'sent_us' that is none counts for nothing. */
void clock_skew_note(struct clock_skew *skew, int64_t sent_us, int64_t now_us);
/* Its clock minus ours; 0 too where the two agree, and where nothing is known. */
int64_t clock_skew_us(const struct clock_skew *skew);
/* clock_translate_us(), and by how much earlier it may have been: where it was sent earlier than
 * the known difference explains, it was delayed, or its clock was set since. */
int64_t clock_skew_translate_us(const struct clock_skew *skew, int64_t at_us, int64_t sent_us,
                                int64_t now_us, uint64_t *unsure_us);

#define TIME_TEXT_SIZE 32
/* RFC 3339 in UTC with microseconds: 2026-03-09T02:58:24.532140Z.  A time that this form cannot
 * say (a peer's number may be anything) is written as 1970. */
void time_format(int64_t wall_us, char text[TIME_TEXT_SIZE]);
/* RFC 3339 with any offset ("Z", "+09:00", "+0900"); 0 or -EINVAL. */
int time_parse(const char *text, int64_t *wall_us);

#endif
