/* Two texts line by line, as `diff -u` shows them: to see what a change of the policy does. */
#ifndef CORDON_CLI_DIFF_H
#define CORDON_CLI_DIFF_H

#include <stddef.h>
#include <stdio.h>

struct diff_line {
    char sign;        /* ' ' in both, '-' only in the first, '+' only in the second */
    const char *text; /* into one of the texts, without its line end */
    size_t size;
};

/* The fewest changes; where the differing parts are too large to find them (DIFF_CELLS_MAX), all of
 * them is taken out and put in.  Freed with free(); the lines borrow the texts. */
#define DIFF_CELLS_MAX (4 * 1024 * 1024)
struct diff_line *diff_make(const char *before, const char *after, size_t *count);
/* The changes with three lines around them.  How many lines differ; 0: nothing is printed. */
size_t diff_print(FILE *out, const struct diff_line *lines, size_t count);

#endif
