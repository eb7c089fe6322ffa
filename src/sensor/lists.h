/* Reputation lists: addresses, prefixes, domains (with all names below), URLs, JA3 and JA4.
 *
 * Files with one indicator per line, or CSV with "indicator,confidence"; '#' begins a comment. What
 * kind an entry is shows in its form.  A million entries are 64-bit keyed digests in one open table
 * (16 bytes a place): a strange entry collides with chance 2^-64 per look-up. */
#ifndef CORDON_SENSOR_LISTS_H
#define CORDON_SENSOR_LISTS_H

#include "model/addr.h"
#include "model/text.h"
#include "sensor/settings.h"

struct lists;

struct list_match {
    char list[NAME_SIZE];
    char indicator[URL_SIZE]; /* the entry that matched */
    uint8_t confidence;
};

/* Reads all files; a file that cannot be read is told in the log and left out. */
struct lists *lists_load(const struct list_setting *settings, size_t count);
void lists_free(struct lists *lists);
bool lists_find_ip(const struct lists *lists, const struct ip *ip, struct list_match *match);
/* The name itself, or a domain above it. */
bool lists_find_domain(const struct lists *lists, const char *name, struct list_match *match);
bool lists_find_url(const struct lists *lists, const char *host, const char *path,
                    struct list_match *match);
bool lists_find_fingerprint(const struct lists *lists, const char *ja3, const char *ja4,
                            struct list_match *match);
size_t lists_count(const struct lists *lists);
uint64_t lists_refused(const struct lists *lists); /* lines that are no indicator */

#endif
