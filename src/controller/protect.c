/* Who may never be contained: proposed by what it does, confirmed or named by a person.  Each
 * change is committed before it takes effect. */
#include "controller/wish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "controller/entry.h"
#include "controller/switches.h"
#include "controller/world.h"

#define CONTAINED "it is contained: release it first"
#define SWEEP_MOST 500 /* looked at in one tick */

static void
tell(wish_done_fn *done, void *context, enum wish_result result, const char *why)
{
    if (done) {
        done(context, result, why, NULL);
    }
}

/* What a switch lets through for a protected host it would let through for a contained one. */
static bool
is_contained(struct controller *controller, const char *endpoint_id)
{
    struct entry *entry = NULL;
    while ((entry = entry_next_of(controller, endpoint_id, entry)) != NULL) {
        if (lifecycle_is_in_force(entry->c.state) && entry->c.action != ACTION_MIRROR) {
            return true;
        }
    }
    return false;
}

/* Switches let a newly declared host through at once; that it is contained must not be said any
 * longer. */
void
protect_sweep(struct controller *controller)
{
    for (size_t i = 0; i < SWEEP_MOST && controller->sweep_left > 0; i++) {
        controller->sweep_left--;
        if (controller->sweep_left >= controller->listed_count) {
            continue; /* some have gone meanwhile */
        }
        struct entry *entry = controller->listed[controller->sweep_left];
        const struct containment *c = &entry->c;
        char why[TEXT_SIZE];
        char reason[TEXT_SIZE];
        if (!lifecycle_is_in_force(c->state) || !world_bars(controller, c, why)) {
            continue;
        }
        snprintf(reason, sizeof(reason), "protected since: %.480s", why);
        controller_release(controller, c->id, "policy:protected", reason, NULL, NULL);
    }
}

struct protect_commit {
    struct controller *controller;
    struct proposal *proposal;
    bool confirm;
    bool is_new; /* nobody proposed it: without the commit it is not there */
    char account[NAME_SIZE];
    wish_done_fn *done;
    void *context;
};

static struct proposal *
proposal_find(const struct controller *controller, const char *id)
{
    struct proposal *proposal;
    TAILQ_FOREACH(proposal, &controller->proposals, link)
    {
        if (strcmp(proposal->view.id, id) == 0) {
            return proposal;
        }
    }
    return NULL;
}

static void
proposal_drop(struct controller *controller, struct proposal *proposal)
{
    TAILQ_REMOVE(&controller->proposals, proposal, link);
    controller->proposal_count--;
    controller->changed[CHANGED_PROTECTED] = true;
    free(proposal);
}

/* What was joined while a change of either was being stored. */
static void
follow_late(struct controller *controller)
{
    struct proposal *proposal = TAILQ_FIRST(&controller->proposals);
    while (proposal) {
        const struct endpoint *into =
            proposal->into[0] ? topology_by_id(controller->topology, proposal->into) : NULL;
        struct proposal *known = into ? proposal_find(controller, into->id) : NULL;
        if (!into || proposal->is_changing || (known && known->is_changing)) {
            proposal = TAILQ_NEXT(proposal, link);
            continue;
        }
        char id[ID_SIZE];
        memcpy(id, proposal->view.id, sizeof(id));
        protection_follow(controller, id, into); /* drops it */
        proposal = TAILQ_FIRST(&controller->proposals);
    }
}

static void
on_protect_stored(void *context, int error)
{
    struct protect_commit *waits = context;
    struct controller *controller = waits->controller;
    waits->proposal->is_changing = false;
    if (error) {
        if (waits->is_new) {
            proposal_drop(controller, waits->proposal);
        }
        follow_late(controller);
        tell(waits->done, waits->context, WISH_FAILED, "it could not be stored");
    } else {
        if (waits->confirm) {
            waits->proposal->view.state = PROTECTION_CONFIRMED;
            snprintf(waits->proposal->view.account, sizeof(waits->proposal->view.account), "%s",
                     waits->account);
        } else {
            proposal_drop(controller, waits->proposal);
        }
        follow_late(controller);
        controller->changed[CHANGED_PROTECTED] = true;
        switches_refresh_common(controller);
        switches_flush(controller);
        tell(waits->done, waits->context, WISH_DONE, "");
    }
    free(waits);
}

static void
protection_put(struct store_change *change, const struct protection_view *view)
{
    char name[NAME_SIZE + 16];
    char value[TEXT_SIZE + NAME_SIZE + 32];
    snprintf(name, sizeof(name), "protected/%.50s", view->endpoint_id);
    snprintf(value, sizeof(value), "%lld %s\n%.500s", (long long)view->since_us, view->account,
             view->why);
    store_put_setting(change, name, value);
}

/* Takes 'waits'. */
static void
protect_submit(struct protect_commit *waits, const char *account, const char *reason)
{
    struct controller *controller = waits->controller;
    struct proposal *proposal = waits->proposal;
    bool confirm = waits->confirm;
    text_put(waits->account, sizeof(waits->account), account);
    proposal->is_changing = true;
    struct store_change *change = store_change_new();
    if (confirm) {
        struct protection_view view = proposal->view;
        memcpy(view.account, waits->account, sizeof(view.account));
        protection_put(change, &view);
    } else {
        char name[NAME_SIZE + 16];
        snprintf(name, sizeof(name), "protected/%.50s", proposal->view.endpoint_id);
        store_put_setting(change, name, "");
    }
    store_put_audit(change, clock_wall_us(controller->clock), account,
                    confirm ? "protect" : "unprotect", proposal->view.id, reason);
    store_submit(controller->store, change, on_protect_stored, waits);
}

void
controller_protect(struct controller *controller, const char *protection_id, bool confirm,
                   const char *account, const char *reason, wish_done_fn *done, void *context)
{
    struct proposal *proposal = proposal_find(controller, protection_id);
    struct protection_view view;
    for (size_t i = 0; !proposal && controller_protection_at(controller, i, &view); i++) {
        if (strcmp(view.id, protection_id) == 0) {
            tell(done, context, WISH_REFUSED, "declared in the policy file: change it there");
            return;
        }
    }
    if (!proposal || proposal->is_changing) {
        tell(done, context, proposal ? WISH_REFUSED : WISH_UNKNOWN,
             proposal ? "another change of it is being stored" : "nothing has that id");
        return;
    }
    /* Malware answers DHCP too, and is proposed for it while it is contained. */
    if (confirm && is_contained(controller, proposal->view.endpoint_id)) {
        tell(done, context, WISH_REFUSED, CONTAINED);
        return;
    }
    struct protect_commit *waits = MEM_NEW(struct protect_commit);
    *waits = (struct protect_commit){.controller = controller,
                                     .proposal = proposal,
                                     .confirm = confirm,
                                     .done = done,
                                     .context = context};
    protect_submit(waits, account, reason);
}

bool
proposal_add(struct controller *controller, const struct protection_view *view)
{
    struct proposal *proposal = proposal_find(controller, view->id);
    if (proposal || controller->proposal_count >= PROPOSALS_MAX) {
        return false;
    }
    proposal = MEM_NEW(struct proposal);
    proposal->view = *view;
    TAILQ_INSERT_TAIL(&controller->proposals, proposal, link);
    controller->proposal_count++;
    controller->changed[CHANGED_PROTECTED] = true;
    return true;
}

void
protection_follow(struct controller *controller, const char *endpoint_id,
                  const struct endpoint *into)
{
    struct proposal *proposal = into ? proposal_find(controller, endpoint_id) : NULL;
    struct proposal *known = into ? proposal_find(controller, into->id) : NULL;
    struct proposal *late;
    TAILQ_FOREACH(late, &controller->proposals, link)
    {
        if (into && strcmp(late->into, endpoint_id) == 0) {
            memcpy(late->into, into->id, sizeof(late->into));
        }
    }
    if (!proposal) {
        return;
    }
    if (proposal->is_changing || (known && known->is_changing)) {
        memcpy(proposal->into, into->id, sizeof(proposal->into));
        return; /* again when that is stored */
    }
    struct protection_view view = proposal->view;
    bool is_confirmed = view.state == PROTECTION_CONFIRMED;
    memcpy(view.id, into->id, sizeof(into->id));
    memcpy(view.endpoint_id, into->id, sizeof(into->id));
    proposal_drop(controller, proposal);
    if (known && is_confirmed && known->view.state != PROTECTION_CONFIRMED) {
        known->view = view;
    } else if (!known) {
        (void)proposal_add(controller, &view);
    }
    if (is_confirmed) {
        char name[NAME_SIZE + 16];
        struct store_change *change = store_change_new();
        snprintf(name, sizeof(name), "protected/%.50s", endpoint_id);
        store_put_setting(change, name, "");
        protection_put(change, known ? &known->view : &view);
        store_submit(controller->store, change, NULL, NULL);
    }
}

void
controller_protect_endpoint(struct controller *controller, const char *endpoint_id,
                            const char *account, const char *reason, wish_done_fn *done,
                            void *context)
{
    const struct endpoint *endpoint = topology_by_id(controller->topology, endpoint_id);
    struct proposal *proposal = proposal_find(controller, endpoint_id);
    if (!endpoint) {
        tell(done, context, WISH_UNKNOWN, "no endpoint has this id");
        return;
    }
    if (is_contained(controller, endpoint_id)) {
        tell(done, context, WISH_REFUSED, CONTAINED);
        return;
    }
    if (proposal && (proposal->is_changing || proposal->view.state == PROTECTION_CONFIRMED)) {
        tell(done, context, proposal->is_changing ? WISH_REFUSED : WISH_EXISTS,
             proposal->is_changing ? "another change of it is being stored" : "");
        return;
    }
    bool is_new = proposal == NULL;
    if (is_new) {
        struct protection_view view = {.state = PROTECTION_PROPOSED,
                                       .since_us = clock_wall_us(controller->clock)};
        memcpy(view.id, endpoint->id, sizeof(endpoint->id));
        memcpy(view.endpoint_id, endpoint->id, sizeof(endpoint->id));
        text_put(view.why, sizeof(view.why), reason);
        view.mac = endpoint->mac_count > 0 ? endpoint->macs[0] : view.mac;
        (void)proposal_add(controller, &view);
        proposal = proposal_find(controller, endpoint->id);
    }
    if (!proposal) {
        tell(done, context, WISH_REFUSED, "too many are protected or proposed");
        return;
    }
    struct protect_commit *waits = MEM_NEW(struct protect_commit);
    *waits = (struct protect_commit){.controller = controller,
                                     .proposal = proposal,
                                     .confirm = true,
                                     .is_new = is_new,
                                     .done = done,
                                     .context = context};
    protect_submit(waits, account, reason);
}
