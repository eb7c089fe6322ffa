/* A revision: one text of the policy, who stored it, when and why.  The newest one runs. */
#ifndef CORDON_MODEL_REVISION_H
#define CORDON_MODEL_REVISION_H

#include <stdint.h>

#include "model/text.h"

#define POLICY_TEXT_MAX (256 * 1024) /* bytes of one text */
#define REVISIONS_MAX 1000           /* kept; the oldest go first */
#define SHA256_SIZE 32
#define SHA256_TEXT_SIZE 65

struct revision {
    int64_t number; /* from 1, without gaps; 0: none */
    int64_t at_us;
    char account[NAME_SIZE]; /* "file": read from the policy file */
    char reason[TEXT_SIZE];
    char sha256[SHA256_TEXT_SIZE]; /* of the text, in hex */
    uint32_t size;                 /* of the text */
};

#endif
