/* The policy, its revisions and its permit sets as the API shows them. */
#ifndef CORDON_WIRE_VIEW_POLICY_H
#define CORDON_WIRE_VIEW_POLICY_H

#include "model/revision.h"
#include "model/rule.h"
#include "wire/codec.h"

extern const struct shape view_permit_set_shape; /* over struct permit_set */
extern const struct shape view_revision_shape;   /* over struct revision */

struct view_revision_text {
    struct revision revision;
    char *text; /* owned by whoever fills it */
};
extern const struct shape view_revision_text_shape;

/* What is wrong with a policy's text, where, and what to do. */
struct view_policy_problem {
    uint32_t line, column; /* from 1; 0: the text as a whole */
    char what[TEXT_SIZE];
    char advice[TEXT_SIZE];
};
extern const struct shape view_policy_problem_shape;

struct view_policy_check {
    bool is_good;
    struct view_policy_problem *problems;
    size_t problem_count;
};
#define POLICY_PROBLEMS_MAX 16
extern const struct shape view_policy_check_shape;

/* Its values are those of enum policy_file_state (controller/revisions.h). */
extern const char *const view_policy_file_state_names[];

struct view_policy {
    char file[URL_SIZE];
    int file_state;
    struct view_policy_problem *file_problem; /* NULL: none */
    struct revision revision;
    char *text;
    struct permit_set *sets; /* shallow copies */
    size_t set_count;
    uint64_t protected_count;
};
#define VIEW_PERMIT_SETS_MAX 256
extern const struct shape view_policy_shape;

#endif
