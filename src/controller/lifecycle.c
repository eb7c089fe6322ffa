#include "controller/lifecycle.h"

const char *const life_event_names[LIFE_EVENT_COUNT + 1] = {
    [LIFE_ENFORCE] = "enforce", [LIFE_CHECK] = "check",         [LIFE_REVERT] = "revert",
    [LIFE_LOCATED] = "located", [LIFE_UNLOCATED] = "unlocated", [LIFE_MOVED] = "moved",
    [LIFE_APPLIED] = "applied", [LIFE_VERIFIED] = "verified",   [LIFE_UNPROVEN] = "unproven",
    [LIFE_DIFFERS] = "differs", [LIFE_FAILED] = "failed",       [LIFE_RETRY] = "retry",
    [LIFE_RELEASE] = "release", [LIFE_EXPIRE] = "expire",       [LIFE_ASK] = "ask",
};

/* The next state plus one; 0: not expected there. */
#define TO(state) ((unsigned char)(CONTAINMENT_##state + 1))

static const unsigned char table[CONTAINMENT_STATE_COUNT][LIFE_EVENT_COUNT] = {
    [CONTAINMENT_PENDING] = {[LIFE_ENFORCE] = TO(REQUESTED),
                             [LIFE_CHECK] = TO(CHECKED),
                             [LIFE_REVERT] = TO(REVERTED),
                             [LIFE_RELEASE] = TO(REVERTED)},
    [CONTAINMENT_CHECKED] = {[LIFE_ENFORCE] = TO(REQUESTED),
                             [LIFE_ASK] = TO(PENDING),
                             [LIFE_REVERT] = TO(REVERTED),
                             [LIFE_RELEASE] = TO(REVERTED)},
    [CONTAINMENT_REQUESTED] = {[LIFE_LOCATED] = TO(LOCATED),
                               [LIFE_UNLOCATED] = TO(WAITING),
                               [LIFE_FAILED] = TO(FAILED),
                               [LIFE_RELEASE] = TO(RELEASED),
                               [LIFE_EXPIRE] = TO(EXPIRED)},
    [CONTAINMENT_WAITING] = {[LIFE_LOCATED] = TO(LOCATED),
                             [LIFE_MOVED] = TO(LOCATED),
                             [LIFE_FAILED] = TO(FAILED),
                             [LIFE_RELEASE] = TO(RELEASED),
                             [LIFE_EXPIRE] = TO(EXPIRED)},
    [CONTAINMENT_LOCATED] = {[LIFE_MOVED] = TO(LOCATED),
                             [LIFE_APPLIED] = TO(APPLIED),
                             [LIFE_VERIFIED] = TO(VERIFIED),
                             [LIFE_FAILED] = TO(FAILED),
                             [LIFE_RELEASE] = TO(RELEASED),
                             [LIFE_EXPIRE] = TO(EXPIRED)},
    [CONTAINMENT_APPLIED] = {[LIFE_MOVED] = TO(LOCATED),
                             [LIFE_VERIFIED] = TO(VERIFIED),
                             [LIFE_DIFFERS] = TO(LOCATED),
                             [LIFE_FAILED] = TO(FAILED),
                             [LIFE_RELEASE] = TO(RELEASED),
                             [LIFE_EXPIRE] = TO(EXPIRED)},
    [CONTAINMENT_VERIFIED] = {[LIFE_MOVED] = TO(LOCATED),
                              [LIFE_UNPROVEN] = TO(APPLIED),
                              [LIFE_DIFFERS] = TO(LOCATED),
                              [LIFE_FAILED] = TO(FAILED),
                              [LIFE_RELEASE] = TO(RELEASED),
                              [LIFE_EXPIRE] = TO(EXPIRED)},
    [CONTAINMENT_FAILED] = {[LIFE_MOVED] = TO(LOCATED),
                            [LIFE_RETRY] = TO(LOCATED),
                            [LIFE_APPLIED] = TO(APPLIED),
                            [LIFE_VERIFIED] = TO(VERIFIED),
                            [LIFE_RELEASE] = TO(RELEASED),
                            [LIFE_EXPIRE] = TO(EXPIRED)},
};

bool
lifecycle_is_expected(enum containment_state state, enum life_event event)
{
    return table[state][event] != 0;
}

enum containment_state
lifecycle_step(enum containment_state state, enum life_event event)
{
    unsigned char next = table[state][event];
    return next ? (enum containment_state)(next - 1) : state;
}

bool
lifecycle_is_in_force(enum containment_state state)
{
    switch (state) {
    case CONTAINMENT_REQUESTED:
    case CONTAINMENT_WAITING:
    case CONTAINMENT_LOCATED:
    case CONTAINMENT_APPLIED:
    case CONTAINMENT_VERIFIED:
    case CONTAINMENT_FAILED:
        return true;
    default:
        return false;
    }
}

bool
lifecycle_is_ended(enum containment_state state)
{
    return state == CONTAINMENT_RELEASED || state == CONTAINMENT_EXPIRED ||
           state == CONTAINMENT_REVERTED;
}
