/* One line of another maker's log -> detection.  Pure: bytes in, struct out; the same code serves
 * live sources and `cordonctl policy test`.
 *
 * Formats: Suricata EVE JSON (Suricata user guide, "EVE JSON Output"), Trend Micro Deep Discovery
 * Inspector and other CEF (ArcSight CEF rev. 25; "Deep Discovery Inspector Syslog Content Mapping
 * Guide").  Which end is ours is not decided here: hints are kept, policy decides. */
#ifndef CORDON_INTAKE_LINE_H
#define CORDON_INTAKE_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "intake/known.h"
#include "model/detection.h"

#define LINE_MAX_SIZE (256 * 1024) /* longer lines are refused whole */

enum line_format { LINE_EVE, LINE_CEF, LINE_FORMAT_COUNT };
extern const char *const line_format_names[LINE_FORMAT_COUNT + 1]; /* "eve", "cef" */

/* A line has one id however often it is sent: resent, tailed again, or relayed twice.  SHA-256 of
 * its source's name and itself, of which 128 bits are kept, so that nobody can make a harmless line
 * that swallows a serious one.  In its text the line's own time (0: it has none) goes before, so
 * that ids of one day are neighbours in the database's index: a commit writes half as many pages.
 */
struct line_ids;                                   /* of one source */
struct line_ids *line_ids_new(const char *source); /* NULL: no SHA-256 in the crypto library */
void line_ids_free(struct line_ids *ids);
bool line_id(struct line_ids *ids, const char *line, size_t size, uint8_t id[LINE_ID_SIZE]);
/* As in struct detection. */
void line_id_format(const uint8_t id[LINE_ID_SIZE], int64_t seen_us, char text[NAME_SIZE]);
/* False: that is no line's id. */
bool line_id_parse(const char *text, uint8_t id[LINE_ID_SIZE]);

/* What a source declares about its detections. */
struct line_source {
    const char *name;
    enum strength strength;
    uint8_t confidence; /* where the line itself says none */
    bool adjacent;      /* MACs in its lines come from a layer-2-adjacent mirror */
    const uint8_t *id;  /* of this line, where it is known already; NULL: it is made */
};

enum line_result {
    LINE_DETECTION,
    LINE_IGNORED, /* well formed, but no finding: flow records, statistics, ... */
    LINE_REFUSED,
};

/* 'why' (NAME_SIZE) says what was ignored or refused, in few words, fit for counting by.  'size'
 * is without the line end.  'now_us' (wall) becomes reported_us, and seen_us where the line has no
 * time of its own. */
enum line_result line_parse(enum line_format format, const char *line, size_t size,
                            const struct line_source *source, int64_t now_us,
                            struct detection *detection, char why[NAME_SIZE]);

/* The two formats; as above, without the id and the source's own values. */
enum line_result eve_parse(const char *line, size_t size, bool with_macs,
                           struct detection *detection, char why[NAME_SIZE]);
enum line_result cef_parse(const char *line, size_t size, bool with_macs,
                           struct detection *detection, char why[NAME_SIZE]);

/* Copies; a text too long for its field is cut at a character and marked with "...".  Control
 * characters and broken UTF-8 become '?': what enters here is shown to people later. */
void line_put(char *to, size_t to_size, const char *from, size_t from_size);
/* Phase of an ATT&CK tactic id ("TA0011"); UNKNOWN where we have no column for it. */
enum phase line_phase_of_tactic(const char *tactic);
/* Adds a technique id ("T1071.001"); anything else, or one too many, is left out. */
void line_add_technique(struct detection *detection, const char *technique);
/* IP protocol number of a name ("TCP", "IPv6-ICMP") or digits; 0: unknown. */
uint8_t line_protocol(const char *name);

#endif
