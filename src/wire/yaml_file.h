/* YAML files -> plain structs, through the same shapes and the same strictness as messages
 * (codec.h).  For configuration: every error names line and column. */
#ifndef CORDON_WIRE_YAML_FILE_H
#define CORDON_WIRE_YAML_FILE_H

#include "wire/codec.h"

#define YAML_SIZE_MAX (4 * 1024 * 1024)
#define YAML_NODES_MAX 200000 /* after aliases are written out: a small file cannot explode */

struct yaml_file_error {
    unsigned line, column; /* from 1; 0: the file as a whole */
    char text[512];
};

/* 'out' is zeroed first, finished with codec_fini on success.  0, or negative errno with 'error'.
 */
int yaml_file_decode(const char *text, size_t size, const struct shape *shape, void *out,
                     struct yaml_file_error *error) MUST_CHECK;
/* What no single shape can say ("this name is not defined"): false, and 'path' as the codec writes
 * paths ("policies[2].then[0].permit_set"), whose line and column go into the error. */
typedef bool yaml_file_check(void *thing, char path[128], char why[256]);
/* As yaml_file_decode, then 'check'. */
int yaml_file_decode_checked(const char *text, size_t size, const struct shape *shape, void *out,
                             yaml_file_check *check, struct yaml_file_error *error) MUST_CHECK;
int yaml_file_load(const char *path, const struct shape *shape, void *out,
                   struct yaml_file_error *error) MUST_CHECK;
int yaml_file_load_checked(const char *path, const struct shape *shape, void *out,
                           yaml_file_check *check, struct yaml_file_error *error) MUST_CHECK;

#endif
