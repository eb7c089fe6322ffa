/* A store on a real file that is damaged, killed or of another release: what is put into it, and
 * what is there after a start. */
#ifndef CORDON_TESTS_STORE_RESCUED_H
#define CORDON_TESTS_STORE_RESCUED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/store.h"

struct fixture {
    char dir[64];
    char path[96], good[96], older[96], folder[96];
    struct event_base *base;
    struct store *store;
};

/* What a start found: containments, those of another content than was put, and whether it says that
 * the database was restored. */
struct seen {
    int count, wrong;
    bool is_restored;
};

int setup(void **state);
int teardown(void **state);
/* A shell command about a path. */
void run(const char *command, const char *what);
int try_open(struct fixture *f, char why[256]);
void open_store(struct fixture *f);
void close_store(struct fixture *f);
/* One containment as it is then and its audit row, acknowledged. */
void put_as(struct fixture *f, int number, enum containment_state state, const char *account,
            const char *action);
void put(struct fixture *f, int number);
/* Opens it, and puts so many. */
void fill(struct fixture *f, int from, int count);
struct seen look(struct fixture *f, int *error);
/* As core does: what cannot be read ends it, and the next start has another database. */
struct seen start(struct fixture *f);
/* -1: none. */
int64_t number_of(const char *path, const char *sql);

#endif
