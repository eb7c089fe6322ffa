/* An edge that holds a desired state: its datapath is a fake one, the clock too; its disk is a
 * temporary folder. */
#ifndef CORDON_TESTS_EDGE_HOLDING_H
#define CORDON_TESTS_EDGE_HOLDING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "edge/desired.h"
#include "fake_datapath.h"

#define SECOND_US 1000000LL
#define ANSWERS_MAX 32
#define HELD_MAX 200

struct fixture {
    struct rule held[HELD_MAX]; /* told so far */
    size_t held_count;
    char dir[64], journal[96], remaining[96];
    struct datapath *datapath;
    struct clock_fake clock;
    struct desired *desired;
    struct wire_observed answers[ANSWERS_MAX];  /* rules: of 'reports' */
    struct rule_report reports[ANSWERS_MAX][8]; /* the first of each answer */
    size_t answer_count;
    bool was_on_disk; /* at the last answer */
    bool is_away;     /* no controller listens */
    char released[8][RULE_ID_SIZE];
    size_t release_count;
    bool is_unwatched; /* nothing of what it says is remembered */
};

int setup(void **state);
int teardown(void **state);
/* The process starts (again); the rules in the kernel are whatever 'datapath' holds. */
void start(struct fixture *f);
/* Then it takes up what its folder says. */
void load(struct fixture *f);
/* The machine loses power now: nothing is written at the end, the kernel's rules are gone. */
void cut_power(struct fixture *f);
void tick(struct fixture *f, unsigned seconds);

struct rule isolate(const char *id, uint32_t expires_s);
/* Of epoch 3.  'base' 0: a snapshot. */
void send_message(struct fixture *f, uint64_t base, uint64_t generation, struct rule *add,
                  size_t count);
void send_removal(struct fixture *f, uint64_t base, const char *id);
/* Rules a and b, generation 1. */
void send_two(struct fixture *f, uint32_t expires_s);
const struct wire_observed *last_answer(const struct fixture *f);

#endif
