/* A detection: one finding by a sensor, ours or another maker's.  It says what was seen, between
 * whom, in which phase of an attack, how sure the finder is, and what proves it.  It does not say
 * who is to be contained: that is decided once, in policy. */
#ifndef CORDON_MODEL_DETECTION_H
#define CORDON_MODEL_DETECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "model/addr.h"
#include "model/text.h"

/* Attack phases as Deep Discovery's columns name them; ATT&CK tactics in brackets. */
enum phase {
    PHASE_UNKNOWN,
    PHASE_INTELLIGENCE_GATHERING, /* TA0043 */
    PHASE_POINT_OF_ENTRY,         /* TA0001 */
    PHASE_C2,                     /* TA0011 */
    PHASE_LATERAL_MOVEMENT,       /* TA0008 */
    PHASE_DISCOVERY,              /* TA0007 */
    PHASE_EXFILTRATION,           /* TA0010 */
    PHASE_COUNT
};
extern const char *const phase_names[PHASE_COUNT + 1]; /* "unknown", "c2", ...; ends with NULL */

enum severity { SEVERITY_INFO, SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH, SEVERITY_COUNT };
extern const char *const severity_names[SEVERITY_COUNT + 1];

/* Which end the finder itself says is ours to act on. */
enum party { PARTY_UNSAID, PARTY_SRC, PARTY_DST, PARTY_COUNT };
extern const char *const party_names[PARTY_COUNT + 1];

/* How hard the evidence is to forge by somebody else (architecture rule 5). */
enum strength { STRENGTH_UNRATED, STRENGTH_WEAK, STRENGTH_STRONG, STRENGTH_COUNT };
extern const char *const strength_names[STRENGTH_COUNT + 1];

/* One end of the traffic; what is unknown is all zero. */
struct peer {
    struct ip ip;
    struct mac mac;
    uint16_t port;
    char host[HOST_SIZE]; /* as the finder named it */
};

/* Where the copy was made: from the mirror's own header (ERSPAN source address, session and
 * index), so that no endpoint can forge it.  All zero: unknown, or a local port mirror. */
struct mirror_origin {
    struct ip switch_ip;
    uint16_t session; /* ERSPAN session id, or the RSPAN VLAN */
    uint32_t port;    /* the mirroring switch's port number (low 16 bits of the ERSPAN II index) */
    bool is_egress;   /* copied on the way out of that port */
    bool is_stamped;  /* there was a mirror header with an index */
};

#define DETECTION_TECHNIQUES_MAX 4
#define TECHNIQUE_SIZE 16 /* "T1071.001" */

struct detection {
    char id[NAME_SIZE];     /* unique per finding; made by the finder, or by intake from the line */
    char sensor[NAME_SIZE]; /* the sensor's certificate name, or the intake source's name */
    char maker[NAME_SIZE];  /* "cordon", "suricata", "deep-discovery", ... */
    int64_t seen_us;        /* wall time of the packet that completed the evidence */
    int64_t first_us;       /* of the first packet that counts */
    int64_t reported_us;    /* when the finder sent it */
    int64_t sent_us;        /* the finder's clock when it sent it, this time; only on the way */
    uint64_t unsure_us;     /* it may have been so much earlier: its finder's clock is wrong, or
                             * it came late */
    uint64_t signature_id;
    char signature[TEXT_SIZE];
    char category[NAME_SIZE];
    enum phase phase;
    enum severity severity;
    uint8_t confidence; /* 0 to 100 */
    char techniques[DETECTION_TECHNIQUES_MAX][TECHNIQUE_SIZE];

    struct peer src; /* sender of the first packet, as far as known */
    struct peer dst;
    uint8_t protocol;        /* IP protocol number */
    uint16_t vlan;           /* 0: none seen */
    enum party suspect;      /* the finder's own claim, if it makes one */
    struct ip interested_ip; /* Deep Discovery's "interested host" */
    struct mac interested_mac;
    struct ip forwarded_for; /* whom a proxy says that it asked for: anybody may have written it */

    /* What was matched: a name, URL, address or fingerprint, and on which list. */
    char indicator[URL_SIZE];
    char list[NAME_SIZE];
    char server_name[HOST_SIZE]; /* C&C or other outside server, by name */
    char url[URL_SIZE];
    char ja3[33];
    char ja4[40];

    bool handshake;                   /* both directions of the handshake were seen */
    struct mirror_origin origin;      /* where src's frames were copied */
    struct mirror_origin peer_origin; /* where dst's frames were copied */
    enum strength strength; /* UNRATED from our sensor; other makers': as their source declares */
    uint32_t count;         /* events that this stands for; hosts or ports touched by a scan */
    bool has_evidence;      /* packets follow in an evidence message */
    bool is_pruned;         /* names and URLs were taken out for good: their time was over */
    bool is_redacted;       /* in a view: names and URLs were taken out for this reader */
};

/* The packets that prove a detection: a small pcap file. */
#define EVIDENCE_SIZE_MAX (192 * 1024)
struct evidence {
    char detection_id[NAME_SIZE];
    uint8_t *pcap; /* owned */
    size_t size;
};

#endif
