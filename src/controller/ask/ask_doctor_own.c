/* doctor on what keeps ourselves safe: the audit's checkpoints, backups, the master key, the disk,
 * the kernel, the budget, and whether anything is enforced at all. */
#include "controller/ask/ask_doctor.h"

#include <inttypes.h>

#include "controller/audit/checkpoints.h"
#include "policy/budget.h"

#define HOUR_US INT64_C(3600000000)
#define DAY_US (24 * HOUR_US)
#define GIB (UINT64_C(1) << 30)
#define MIB (UINT64_C(1) << 20)

int64_t
doctor_unheld_us(const struct controller *controller)
{
    struct checkpoints_view view;
    int64_t held = 0;
    checkpoints_look(controller, &view); /* a syslog server that is told keeps them, too */
    for (size_t i = 0; i < view.edge_count; i++) {
        held = view.edges[i].newest > held ? view.edges[i].newest : held;
    }
    for (size_t i = 0; view.has_key && !view.is_told && i < view.recent_count; i++) {
        if (view.recent[i].number > held) {
            return view.recent[i].at_us;
        }
    }
    return 0;
}

static void
check_checkpoints(struct doctor_visit *visit)
{
    int64_t since_us = doctor_unheld_us(visit->controller);
    doctor_begin(visit, "audit");
    if (since_us && visit->now_us - since_us > DAY_US) {
        doctor_find(visit, FINDING_WARNING, "audit", "cordond",
                    "connect a switch that runs cordon-edge, or keep the log elsewhere: they hold "
                    "what shows a cut audit",
                    "no switch has taken a checkpoint of the audit for %" PRId64 " hours",
                    (visit->now_us - since_us) / HOUR_US);
    }
}

static void
check_backups(struct doctor_visit *visit, struct copies *copies)
{
    const struct view_backup *backup = copies ? copies_view(copies) : NULL;
    doctor_begin(visit, "backup");
    if (!backup) {
        return;
    }
    if (backup->has_last && backup->last.problem[0]) {
        doctor_find(visit, FINDING_ERROR, "backup", "cordond",
                    "mend that, then 'cordonctl backup start'", "the last backup failed: %.300s",
                    backup->last.problem);
    }
    int64_t age_us = backup->has_last ? visit->now_us - backup->last.at_us : 0;
    if (backup->every_h == 0) {
        doctor_find(visit, FINDING_NOTE, "backup", "cordond",
                    "'cordonctl backup schedule' has them made, and keeps so many",
                    "no backup is made by itself");
    } else if (backup->has_last && age_us > 2 * (int64_t)backup->every_h * HOUR_US) {
        doctor_find(visit, FINDING_WARNING, "backup", "cordond",
                    "see the log of cordond; 'cordonctl backup start' makes one now",
                    "the last backup is %" PRId64 " hours old; one is to be made every %u",
                    age_us / HOUR_US, backup->every_h);
    }
    if (!backup->is_encrypted) {
        doctor_find(visit, FINDING_NOTE, "backup", "cordond",
                    "'cordond backup-key' makes a key: backups hold the secrets then",
                    "backups hold no keys, passwords and accounts");
    }
    if (backup->copy_problem[0]) {
        doctor_find(visit, FINDING_WARNING, "backup", "cordond", "see the log of cordond",
                    "no good copy of the database could be made: %.200s", backup->copy_problem);
    }
}

static void
check_budget(struct doctor_visit *visit)
{
    struct budget_use use;
    doctor_begin(visit, "budget");
    engine_budget(controller_engine(visit->controller), &use);
    bool is_minute = use.per_minute && use.minute >= use.per_minute;
    bool is_hour = use.per_hour && use.hour >= use.per_hour;
    if (is_minute || is_hour || use.is_over) {
        doctor_find(visit, FINDING_WARNING, "budget", "cordond",
                    "'cordonctl pending' lists who waits; is it an attack, or a rule that is "
                    "wrong?",
                    "the budget is used up: %zu isolated in this minute, %zu in this hour",
                    use.minute, use.hour);
    }
}

size_t
doctor_unproven(const struct controller *controller)
{
    size_t count = 0;
    for (size_t i = 0; i < controller_containment_count(controller); i++) {
        const struct containment *each = controller_containment_at(controller, i);
        count += each->unproven && !ask_is_ended(each->state);
    }
    return count;
}

static void
check_unproven(struct doctor_visit *visit)
{
    size_t count = doctor_unproven(visit->controller);
    if (count > 0) {
        doctor_find(visit, FINDING_WARNING, "containment", "cordond",
                    "'cordonctl unproven' lists them: keep or release each",
                    "%zu blocks of switches are not in the database", count);
    }
}

static void
check_disk(struct doctor_visit *visit, const struct own_ports *own)
{
    uint64_t left = 0, whole = 0;
    if (!own->disk || own->disk(own->context, &left, &whole) || whole == 0) {
        return;
    }
    unsigned percent = (unsigned)(left * 100 / whole);
    if (left < GIB || percent < 10) {
        doctor_find(visit, left < 100 * MIB ? FINDING_ERROR : FINDING_WARNING, "disk", "cordond",
                    "make room, or give it a larger disk: on a full one nothing new is "
                    "acknowledged",
                    "%" PRIu64 " MiB are left on the disk of the state folder", left / MIB);
    }
}

static void
check_memory(struct doctor_visit *visit, const struct pressure_view *memory)
{
    if (!memory || memory->limit == 0) {
        return;
    }
    doctor_begin(visit, "memory");
    if (memory->is_short) {
        doctor_find(visit, FINDING_WARNING, "memory", "cordond",
                    "give it more (MemoryMax= of cordond.service, or of its container)",
                    "%u %% of the %" PRIu64 " MiB that cordond may have are used", memory->share,
                    memory->limit / MIB);
    }
}

static void
check_own_protection(struct doctor_visit *visit, const struct own_ports *own)
{
    doctor_begin(visit, "sandbox");
    if (own->lacks_landlock) {
        doctor_find(visit, FINDING_WARNING, "sandbox", "cordond",
                    "run a kernel with Landlock (5.13 or later, 'landlock' in lsm=)",
                    "this kernel has no Landlock: owners and modes alone keep a process from "
                    "others' files");
    }
    doctor_begin(visit, "key");
    if (own->key_check && own->key_check(own->context)) {
        doctor_find(visit, FINDING_ERROR, "key", "cordond",
                    "chmod 400 it, chown it to root; where others could read it: 'cordond key "
                    "rotate'",
                    "the master key's file is gone, or not its owner's alone any more");
    }
}

/* Whoever is in a network of mode observe is contained by nobody but a person. */
static void
check_modes(struct doctor_visit *visit)
{
    struct topology *topology = controller_topology(visit->controller);
    const struct policy *policy = engine_policy(controller_engine(visit->controller));
    size_t observed = 0, total = 0;
    for (size_t i = 0; i < topology_endpoint_count(topology); i++) {
        const struct endpoint *endpoint = topology_endpoint_at(topology, i);
        char network[NAME_SIZE];
        for (size_t j = 0; endpoint && j < endpoint->binding_count; j++) {
            const struct binding *binding = &endpoint->bindings[j];
            if (binding->until_us == 0 && !ip_is_link_local(&binding->ip)) {
                total++;
                observed += policy_mode_of(policy, binding_site(binding), &binding->ip, network) ==
                            MODE_OBSERVE;
            }
        }
    }
    if (observed > 0) {
        doctor_find(visit, FINDING_NOTE, "policy", "cordond",
                    "when what it reports is right, set the mode of those networks",
                    "%zu of %zu addresses are in mode observe: nothing there is contained by "
                    "itself",
                    observed, total);
    }
}

void
doctor_check_own(struct doctor_visit *visit, const struct ask_settings *settings)
{
    check_checkpoints(visit);
    check_backups(visit, settings->copies);
    check_budget(visit);
    check_unproven(visit);
    check_disk(visit, &settings->own);
    check_memory(visit, settings->own.memory);
    check_own_protection(visit, &settings->own);
    check_modes(visit);
}
