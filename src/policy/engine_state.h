/* What the engine holds, and what it finds out about one detection on its way:
 *
 *     detection -> party.c (whose, who, where) -> strength.c -> incidents.c -> match.c
 *               -> guards.c (holds) -> engine.c (decisions)
 *
 * Shared by the files of this folder and by nobody else. */
#ifndef CORDON_POLICY_ENGINE_STATE_H
#define CORDON_POLICY_ENGINE_STATE_H

#include "policy/file.h"
#include "policy/rollout.h"
#include "policy/table.h"

#define SECOND_US INT64_C(1000000)

struct incident_item {
    struct table_item item;
    struct incident incident;
};

struct count_item {
    struct table_item item;
    int64_t at_us[WHEN_COUNT_MAX]; /* a ring */
    uint32_t next;
};

#define CONTACTS_MAX 16
struct contact_item {
    struct table_item item;
    char who[CONTACTS_MAX][ID_SIZE + IP_TEXT_SIZE];
    int64_t at_us[CONTACTS_MAX];
    size_t count;
};

/* What is in force, or on its way to it. */
struct force_item {
    struct table_item item;
    int64_t until_us;   /* boot clock */
    uint32_t expires_s; /* as decided; 0: not by us */
    bool is_isolation;
    bool is_by_person; /* with permits that a policy does not take away */
    char endpoint_id[ID_SIZE];
    char permit_set[NAME_SIZE];
    char network[NAME_SIZE], place[NAME_SIZE]; /* where it was when that was decided */
};

/* What was said lately (held or observed decisions), so that it is not said again. */
struct said_item {
    struct table_item item;
    char endpoint_id[ID_SIZE];
    enum hold hold;
    enum mode mode;
    enum phase phase; /* the furthest and the gravest of what was said */
    enum severity severity;
    int64_t until_us;
};

struct released_item {
    struct table_item item;
};

/* Who waits until it is clear who is the most confident: budget.h. */
#define GATHER_MAX 1024
struct candidate;
struct share_wait;
struct gather {
    struct candidate *items[GATHER_MAX]; /* owned */
    size_t count, next;
    uint64_t seen;             /* endpoints, also those that there is no room for */
    uint64_t taken;            /* whom the budget had room for */
    int64_t since_us, last_us; /* boot clock: the first and the last that came */
    bool is_on, is_sorted;
};

/* Whom a full share left out: asked again when there are more endpoints there; waits.c. */
#define WAITS_MAX 1024
struct waits {
    struct share_wait *items[WAITS_MAX]; /* owned, the most confident first */
    size_t count, next;
    bool is_asking;   /* between the first and the last of them */
    int64_t asked_us; /* boot clock */
};

struct engine {
    struct policy *policy;
    struct policy_world world;
    const struct clock *clock;
    enum assumption assumption;
    struct table incidents, counts, contacts, forces, said, released, shares;
    uint64_t shares_evicted; /* they are counted again */
    uint64_t ended;          /* of 'forces', for whoever counted them */
    struct gather gather;
    struct waits waits;
    int64_t spent_us[BUDGET_MAX]; /* ring of automatic isolations, boot clock */
    size_t spent_next;
    struct engine_counters counters;
};

/* One detection on its way through the engine. */
struct finding {
    const struct detection *detection;
    uint8_t confidence; /* after the list's override */
    enum party party;
    const struct peer *ours, *other; /* NULL: no end is ours */
    const struct mirror_origin *origin, *other_origin;
    struct ip ip;
    struct mac mac;
    enum known known;
    char site[NAME_SIZE]; /* where it was seen; "": not known */
    bool both_inside;
    const char *relay; /* the party would be one of these, with others behind it; NULL: no */
    bool is_forwarded; /* it is whom X-Forwarded-For names, and anybody may have written that */
    char endpoint_id[ID_SIZE];
    const struct endpoint *endpoint; /* borrowed from the world; NULL: not known */
    enum hold doubt;                 /* UNRESOLVED or NONE */
    char doubt_why[TEXT_SIZE];
    const struct file_network *network;
    struct ip server; /* outside; none: not known, or behind a proxy or resolver */
    char server_name[HOST_SIZE];
    enum strength strength;
    char strength_why[TEXT_SIZE];
    size_t sharers;  /* endpoints that contacted the same shared destination lately */
    bool is_watched; /* released a while ago */
    bool is_again;   /* it was judged before, when less was known */
    bool is_counted; /* likewise, of the same subject */
    bool is_refused; /* a person ended what was done then */
    struct incident *incident;
};

/* A machine, as far as it is known: what groups and roll-out rules match. */
struct machine {
    const struct endpoint *endpoint; /* NULL: not known */
    struct ip ip;                    /* may be none, like the MAC */
    struct mac mac;
    const struct file_network *network; /* NULL: none */
    bool is_guest;                      /* what is said of the endpoint was not said of this MAC */
};
/* Of whom the finding is about. */
struct machine machine_of_finding(const struct engine *engine, const struct finding *finding);

/* rollout.c: see rollout.h; 'by' may be NULL. */
void machine_ruled(const struct policy *policy, const struct machine *machine,
                   const struct file_policy *by, enum assumption assumption, int64_t now_us,
                   struct ruled *ruled);

/* party.c: fills what is about the party and the server. */
/* "declared proxy", "declared NAT"; NULL: nobody is known to be behind that address. */
const char *relay_kind(const struct policy *policy, const struct ip *ip);
void party_find(struct engine *engine, struct finding *finding);
/* Is that MAC's owner an endpoint, and not a router? */
bool party_mac_counts(struct engine *engine, const struct mac *mac, char endpoint_id[ID_SIZE]);
/* Its host name, or its address: how people know it. */
void party_label(const struct finding *finding, char label[HOST_SIZE]);

/* sites.c: fills 'site'. */
void site_find(const struct engine *engine, struct finding *finding);
/* As it is kept and shown: "" where there is only one. */
const char *site_said(const struct engine *engine, const struct finding *finding);
bool is_elsewhere_too(const struct policy *policy, const char *site, const struct ip *ip);

/* strength.c */
void strength_rate(struct engine *engine, struct finding *finding);
/* Stamped on an access port where that MAC is attached. */
bool origin_proves(struct engine *engine, const struct finding *finding);

/* incidents.c */
void incident_add(struct engine *engine, struct finding *finding);
/* Takes it out of 'was', where it was put when less was known of it, before it is added.  'left' is
 * what is to be stored of that one; no id: nothing, it is the endpoint's own by now. */
void incident_leave(struct engine *engine, const struct finding *finding,
                    const struct incident *was, struct incident *left);
/* Is the finding about whom that incident is about? */
bool incident_is_about(const struct incident *incident, const struct finding *finding);

/* match.c */
bool policy_matches(struct engine *engine, const struct file_policy *policy,
                    const struct finding *finding);
bool group_has(const struct file_group *group, const struct machine *machine);
/* The key of what counts and incidents are about. */
void finding_subject(const struct finding *finding, char key[TABLE_KEY_SIZE]);

/* guards.c */
void contacts_note(struct engine *engine, struct finding *finding);
/* See policy_world.is_trusted_place. */
bool is_trusted_place(const struct engine *engine, const struct endpoint *endpoint);
bool endpoint_is_protected(struct engine *engine, const struct finding *finding,
                           char why[TEXT_SIZE]);
bool file_protects_mac(const struct policy *policy, const struct mac *mac, const char **name);
/* Why this may not be done to this endpoint without a person; NONE: go on. */
enum hold guard_endpoint(struct engine *engine, const struct finding *finding,
                         const struct file_policy *policy, char why[TEXT_SIZE]);
/* Its grace period after a release lasts. */
bool was_just_released(const struct engine *engine, const char *endpoint_id);
enum hold guard_server(struct engine *engine, const struct finding *finding, char why[TEXT_SIZE]);

/* forces.c: what is in force, or on its way to it. */
bool force_is_live(const struct engine *engine, const struct force_item *force);
void force_drop(struct engine *engine, void *force);
/* The site where a server is meant: an inside one's address is another machine at each site. */
const char *server_site(const struct engine *engine, const struct ip *server, const char *site);
/* The live one of the endpoint that the decision is about; NULL: none. */
const struct force_item *isolation_of(const struct engine *engine, const struct decision *decision);
bool decision_is_in_force(const struct engine *engine, const struct decision *decision);
void decision_start(struct engine *engine, const struct decision *decision, const char *network,
                    const char *place);
/* Its network and switch; "": not known. */
void finding_place(const struct finding *finding, char network[NAME_SIZE], char place[NAME_SIZE]);

/* budget.c */
enum budget_word {
    BUDGET_GO,
    BUDGET_GATHER, /* it waits for its turn: gather_add() */
    BUDGET_OVER,
};
void budget_init(struct engine *engine);
void budget_fini(struct engine *engine);
/* Takes note of whom it leaves out, and why. */
enum budget_word budget_ask(struct engine *engine, const struct finding *finding,
                            const struct decision *decision, char why[TEXT_SIZE]);
void gather_add(struct engine *engine, const struct finding *finding,
                const struct decision *decision);
/* A person let that isolation be. */
void budget_refuse(struct engine *engine, const char *endpoint_id);
/* They go on waiting for a person: they were asked for by another policy. */
void budget_forget(struct engine *engine);
/* One is isolated now. */
void budget_take(struct engine *engine, const char *network, const char *place);
/* One was, then. */
void budget_spend(struct engine *engine, int64_t boot_us);

#endif
