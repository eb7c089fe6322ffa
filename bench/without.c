/* For bench/protections alone, put before a cordond by LD_PRELOAD: takes one protection away, to
 * see what it costs.  The product has no switch for any of them.
 *
 * CORDON_BENCH_WITHOUT names them: "sync" (commits are not synchronised), "sandbox" (neither system
 * calls nor paths are bounded), "audit" (rows of the audit are not chained by hashes), or several.
 */
#include <dlfcn.h>
#include <seccomp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool
is_without(const char *what)
{
    const char *named = getenv("CORDON_BENCH_WITHOUT");
    return named && strstr(named, what);
}

/* The C library's or the other library's own. */
static void *
own(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) {
        abort();
    }
    return found;
}

int
fdatasync(int fd)
{
    int (*sync)(int);
    *(void **)&sync = own("fdatasync");
    return is_without("sync") ? 0 : sync(fd);
}

int
fsync(int fd)
{
    int (*sync)(int);
    *(void **)&sync = own("fsync");
    return is_without("sync") ? 0 : sync(fd);
}

int
seccomp_load(const scmp_filter_ctx filter)
{
    int (*load)(const scmp_filter_ctx);
    *(void **)&load = own("seccomp_load");
    return is_without("sandbox") ? 0 : load(filter);
}

long
syscall(long number, ...)
{
    long (*call)(long, ...);
    long given[6];
    va_list values;
    va_start(values, number);
    for (size_t i = 0; i < 6; i++) {
        given[i] = va_arg(values, long);
    }
    va_end(values);
    *(void **)&call = own("syscall");
    bool is_lock = number == SYS_landlock_restrict_self;
    return is_lock && is_without("sandbox")
               ? 0
               : call(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

int
crypto_hash_sha256_update(crypto_hash_sha256_state *state, const unsigned char *bytes,
                          unsigned long long size)
{
    int (*update)(crypto_hash_sha256_state *, const unsigned char *, unsigned long long);
    *(void **)&update = own("crypto_hash_sha256_update");
    return is_without("audit") ? 0 : update(state, bytes, size);
}

int
crypto_hash_sha256_final(crypto_hash_sha256_state *state, unsigned char *hash)
{
    int (*final)(crypto_hash_sha256_state *, unsigned char *);
    *(void **)&final = own("crypto_hash_sha256_final");
    if (is_without("audit")) {
        memset(hash, 0, crypto_hash_sha256_BYTES);
        return 0;
    }
    return final(state, hash);
}
