/* Jobs as the API shows them. */
#ifndef CORDON_WIRE_VIEW_JOB_H
#define CORDON_WIRE_VIEW_JOB_H

#include "model/job.h"
#include "wire/codec.h"

extern const struct shape view_job_shape; /* over struct job */

#endif
