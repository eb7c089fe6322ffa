/* Keyed hashing for tables that a peer can fill (SipHash-2-4 class; the key is random per process
 * and drawn at first use). */
#ifndef CORDON_BASE_HASH_H
#define CORDON_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *bytes, size_t size);
uint64_t hash_text(const char *text);
/* Not keyed, equal on every machine and run (FNV-1a 64): for digests, never for tables. */
uint64_t hash_stable(const void *bytes, size_t size);

#endif
