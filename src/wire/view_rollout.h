/* Roll-out as the API shows it: which mode holds where, who says so, and for how many endpoints. */
#ifndef CORDON_WIRE_VIEW_ROLLOUT_H
#define CORDON_WIRE_VIEW_ROLLOUT_H

#include "model/rollout.h"
#include "wire/codec.h"

struct view_site {
    char name[NAME_SIZE];
    char switches[WHOM_WORDS_MAX][NAME_SIZE];
    size_t switch_count;
};

struct view_rule {
    char name[NAME_SIZE];
    enum mode mode;
    struct whom when;
    uint64_t endpoints;
};

struct view_window {
    char name[NAME_SIZE];
    enum mode mode;
    struct whom when;
    char days[7][NAME_SIZE];
    size_t day_count;
    char from[NAME_SIZE], to[NAME_SIZE];
    char time_zone[NAME_SIZE];
    bool is_in_force;
    int64_t change_us;
    uint64_t endpoints;
};
extern const struct shape view_window_shape;

/* How many endpoints of something are in which mode now. */
struct view_modes {
    char name[NAME_SIZE];
    enum mode mode; /* of networks: as declared */
    uint64_t observe, approve, automatic;
};

#define VIEW_SITES_MAX 64
#define VIEW_RULES_MAX 128
#define VIEW_WINDOWS_MAX 64
#define VIEW_NETWORKS_MAX 257 /* with those in none */
#define VIEW_CLASSES_MAX 16
struct view_rollout {
    int64_t at_us;
    uint64_t endpoints, doubtful;
    enum mode default_mode;
    struct view_site *sites; /* owned by the asker, like the others */
    size_t site_count;
    struct view_rule *rules;
    size_t rule_count;
    struct view_window *windows;
    size_t window_count;
    struct view_modes *networks, *classes, *places;
    size_t network_count, class_count, place_count;
};
extern const struct shape view_rollout_shape;

#endif
