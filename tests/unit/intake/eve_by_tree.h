/* See eve_by_tree.c. */
#ifndef CORDON_TESTS_INTAKE_EVE_BY_TREE_H
#define CORDON_TESTS_INTAKE_EVE_BY_TREE_H

#include "intake/line.h"

/* As eve_parse(). */
enum line_result eve_by_tree(const char *line, size_t size, bool with_macs,
                             struct detection *detection, char why[NAME_SIZE]);

#endif
