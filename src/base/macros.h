/* Compiler notes and small constants that every module uses.  Knows nothing above. */
#ifndef CORDON_BASE_MACROS_H
#define CORDON_BASE_MACROS_H

#include <stddef.h>

/* The result says whether it worked: a caller that drops it has a bug. */
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The struct that holds 'pointer' as its 'member'. */
#define CONTAINER_OF(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
