/* What happens on a campus, in a line each: what finders see, what people wish and judge, and what
 * its first switch, e1, then lets pass. */
#ifndef CORDON_TESTS_CONTROLLER_SCENE_H
#define CORDON_TESTS_CONTROLLER_SCENE_H

#include "campus.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

/* A campus under that policy (NULL: campus_policy), with c2 (10.1.0.2, port p2) on e1. */
struct campus *scene_new(const char *policy);
/* Stores that policy, as an administrator does. */
void scene_set_policy(struct campus *campus, const char *text);
/* The same with one word of it changed: 'from' to 'to'. */
void scene_change_policy(struct campus *campus, const char *text, const char *from, const char *to);

/* A finding of another maker's about one of ours, and a server that nobody else has to do with. */
struct seen {
    const char *ip;
    enum phase phase; /* lateral movement: towards an inside server; else an outside one */
    enum severity severity;
    enum strength strength;
};
void scene_detect(struct campus *campus, const struct seen *seen);
#define DETECT(campus, ...) scene_detect(campus, &(struct seen){__VA_ARGS__})
/* The same, to be altered before the controller gets it. */
void scene_detection(const struct campus *campus, const struct seen *seen,
                     struct detection *detection);

/* By ann, unless the wish says another account. */
struct wish_answer scene_wish(struct campus *campus, const struct wish *wish);
/* Isolates by hand. */
void scene_isolate(struct campus *campus, uint8_t mac, uint32_t expires_s);
/* Ann's word about that pending one, which must have that result. */
void scene_judge(struct campus *campus, const char *id, enum verdict verdict,
                 enum wish_result result);
/* The only containment that there is. */
const struct containment *scene_only(const struct campus *campus);
/* Does e1 drop all frames of that one? */
bool scene_drops(struct campus *campus, uint8_t mac);

#endif
