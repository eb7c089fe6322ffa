/* The datapath in memory: holds rules, can lose them, refuse them or fail on demand. */
#ifndef CORDON_TESTS_EDGE_FAKE_DATAPATH_H
#define CORDON_TESTS_EDGE_FAKE_DATAPATH_H

#include "edge/datapath.h"

#define FAKE_RULES_MAX 4096

struct datapath {
    struct rule rules[FAKE_RULES_MAX]; /* set last */
    bool is_lost[FAKE_RULES_MAX];      /* a map lost what the rule put into it */
    size_t count;
    char alters[RULE_ID_SIZE]; /* the entry of this rule is always another than was set */
    bool keeps_losing;         /* what is set is lost again at once */
    bool is_suspended, keeps_unknown;
    size_t unknown; /* rules that the last datapath_set() kept and was not given */
    unsigned sets, changes, verified;
    char refuses[RULE_ID_SIZE]; /* the rule with this id fails */
    int set_error, change_error, read_back_error;
    int one_error; /* of datapath_set: of one rule, which is kept all the same */
    unsigned wrong_ports; /* to be found by the next look at the ports */
};

struct datapath *fake_new(void);
void fake_free(struct datapath *datapath);
/* Index of the rule with that id; -1: not held. */
int fake_find(const struct datapath *datapath, const char *id);

#endif
