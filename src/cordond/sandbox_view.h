/* The table of base/sandbox.h as JSON: `cordond --sandbox`. */
#ifndef CORDON_CORDOND_SANDBOX_VIEW_H
#define CORDON_CORDOND_SANDBOX_VIEW_H

/* The caller frees it with free(). */
char *sandbox_view_text(void);

#endif
