/* Certificates of devices, enrolments, and who was refused. */
#include "controller/ask/ask_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/view_certificate.h"

static struct certificates *
certificates_of(const struct ask_call *call)
{
    struct certificates *certificates = call->asks->settings.certificates;
    if (!certificates) {
        ask_problem(call, 503, "there is no certificate authority here", NULL,
                    "look into the log of cordond");
    }
    return certificates;
}

static bool
certificate_matches(const char *q, const struct certificate *c)
{
    const char *texts[] = {c->name,
                           c->serial,
                           c->fingerprint,
                           device_role_names[c->role],
                           certificate_state_names[c->state],
                           c->from,
                           NULL};
    return ask_matches(q, texts);
}

void
ask_certificate_list(const struct ask_call *call, const void *parameters)
{
    const struct op_page *asked = parameters;
    struct certificates *certificates = certificates_of(call);
    struct certificate shown;
    struct ask_page page;
    size_t count = 0;
    if (!certificates) {
        return;
    }
    while (certificates_at(certificates, count, &shown)) {
        count++;
    }
    ask_page_begin(&page, asked);
    while (count-- > 0) {
        certificates_at(certificates, count, &shown);
        if (certificate_matches(asked->q, &shown) && ask_page_takes_key(&page, count + 1, true)) {
            ask_page_add(&page, codec_encode(&view_certificate_shape, &shown));
        }
    }
    ask_page_answer(call, &page);
}

static void
enrolment_fill(const struct ask_call *call, const struct enrolment *from, struct view_enrolment *to)
{
    *to = (struct view_enrolment){.role = from->role,
                                  .made_us = from->made_us,
                                  .expires_us = from->expires_us,
                                  .used_us = from->used_us};
    memcpy(to->id, from->id, sizeof(to->id));
    memcpy(to->name, from->name, sizeof(to->name));
    memcpy(to->made_by, from->made_by, sizeof(to->made_by));
    memcpy(to->serial, from->serial, sizeof(to->serial));
    memcpy(to->from, from->from, sizeof(to->from));
    bool is_over = clock_wall_us(controller_clock(call->controller)) >= from->expires_us;
    to->state = from->used_us        ? ENROLMENT_USED
                : from->withdrawn_us ? ENROLMENT_WITHDRAWN
                : is_over            ? ENROLMENT_EXPIRED
                                     : ENROLMENT_OPEN;
}

void
ask_enrolment_list(const struct ask_call *call, const void *parameters)
{
    const struct op_page *asked = parameters;
    struct certificates *certificates = certificates_of(call);
    const struct enrolment *each;
    struct ask_page page;
    size_t count = 0;
    if (!certificates) {
        return;
    }
    while (certificates_enrolment_at(certificates, count)) {
        count++;
    }
    ask_page_begin(&page, asked);
    while (count-- > 0) {
        each = certificates_enrolment_at(certificates, count);
        const char *texts[] = {each->name, device_role_names[each->role], each->made_by,
                               each->serial, NULL};
        if (ask_matches(asked->q, texts) && ask_page_takes(&page)) {
            struct view_enrolment view;
            enrolment_fill(call, each, &view);
            ask_page_add(&page, codec_encode(&view_enrolment_shape, &view));
        }
    }
    ask_page_answer(call, &page);
}

void
ask_refused_list(const struct ask_call *call, const void *parameters)
{
    const struct op_page *asked = parameters;
    struct certificates *certificates = certificates_of(call);
    const struct refused_peer *each;
    struct ask_page page;
    if (!certificates) {
        return;
    }
    ask_page_begin(&page, asked);
    for (size_t i = 0; (each = certificates_refused_at(certificates, i)); i++) {
        const char *texts[] = {each->name, each->role,   each->serial,
                               each->from, each->detail, peer_refusal_names[each->why],
                               NULL};
        if (ask_matches(asked->q, texts) && ask_page_takes(&page)) {
            ask_page_add(&page, codec_encode(&view_refused_peer_shape, each));
        }
    }
    ask_page_answer(call, &page);
}

/* ---- changes ---- */

struct changing {
    struct ask_call call;
    char controller[HOST_SIZE];
};

static struct changing *
changing_new(const struct ask_call *call)
{
    struct changing *changing = MEM_NEW(struct changing);
    changing->call = *call;
    return changing;
}

/* False: answered. */
static bool
is_done(const struct ask_call *call, enum certificates_result result, const char *why)
{
    switch (result) {
    case CERTIFICATES_DONE:
        return true;
    case CERTIFICATES_UNKNOWN:
        ask_problem(call, 404, "there is no such certificate or enrolment", "id",
                    "'cordonctl certificates' lists them");
        break;
    case CERTIFICATES_REFUSED:
        ask_problem(call, 409, why, NULL, "nothing was changed");
        break;
    case CERTIFICATES_BUSY:
        ask_problem(call, 503, "it is being changed", NULL, "ask again in a moment");
        break;
    case CERTIFICATES_FAILED:
        ask_problem(call, 503, "it could not be stored", NULL, "nothing was changed; try again");
        break;
    }
    return false;
}

static bool
is_configured(const struct ask_call *call, const struct enrolment *enrolment)
{
    struct switch_view view;
    if (enrolment->role != DEVICE_EDGE) {
        return true;
    }
    for (size_t i = 0; i < controller_switch_count(call->controller); i++) {
        if (controller_switch_at(call->controller, i, &view) &&
            strcmp(view.device.switch_name, enrolment->name) == 0) {
            return true;
        }
    }
    return false;
}

static void
on_offered(void *context, enum certificates_result result, const char *why, const void *object)
{
    struct changing *changing = context;
    const struct certificates_token *token = object;
    struct view_offer *view = MEM_NEW(struct view_offer);
    if (is_done(&changing->call, result, why)) {
        const char *role = device_role_names[token->enrolment->role];
        enrolment_fill(&changing->call, token->enrolment, &view->enrolment);
        view->is_configured = is_configured(&changing->call, token->enrolment);
        snprintf(view->token, sizeof(view->token), "%s", token->text);
        snprintf(view->authority, sizeof(view->authority), "%s",
                 certificates_authority(changing->call.asks->settings.certificates));
        snprintf(view->command, sizeof(view->command),
                 "cordon-%s --enrol %.150s --name %s --token %s --ca %s --out /etc/cordon/pki",
                 role, changing->controller, token->enrolment->name, token->text, view->authority);
        ask_answer_shape(&changing->call, 201, &view_offer_shape, view);
    }
    free(view);
    free(changing);
}

void
ask_enrolment_offer(const struct ask_call *call, const void *parameters)
{
    const struct op_offer *asked = parameters;
    struct certificates *certificates = certificates_of(call);
    struct certificates_offer offer = {.role = (enum device_role)asked->role,
                                       .life_us = (int64_t)asked->life_s * 1000000};
    if (!certificates) {
        return;
    }
    memcpy(offer.name, asked->name, sizeof(offer.name));
    memcpy(offer.account, call->account, sizeof(offer.account));
    memcpy(offer.reason, asked->reason, sizeof(offer.reason));
    struct changing *changing = changing_new(call);
    memcpy(changing->controller, asked->controller, sizeof(changing->controller));
    certificates_offer(certificates, &offer, on_offered, changing);
}

static void
on_withdrawn(void *context, enum certificates_result result, const char *why, const void *object)
{
    struct changing *changing = context;
    struct view_enrolment view;
    if (is_done(&changing->call, result, why)) {
        enrolment_fill(&changing->call, object, &view);
        ask_answer_shape(&changing->call, 200, &view_enrolment_shape, &view);
    }
    free(changing);
}

void
ask_enrolment_withdraw(const struct ask_call *call, const void *parameters)
{
    const struct op_reason *asked = parameters;
    struct certificates *certificates = certificates_of(call);
    if (certificates) {
        certificates_withdraw(certificates, asked->id, call->account, asked->reason, on_withdrawn,
                              changing_new(call));
    }
}

static void
on_revoked(void *context, enum certificates_result result, const char *why, const void *object)
{
    struct changing *changing = context;
    if (is_done(&changing->call, result, why)) {
        ask_answer_shape(&changing->call, 200, &view_certificate_shape, object);
    }
    free(changing);
}

void
ask_certificate_revoke(const struct ask_call *call, const void *parameters)
{
    const struct op_reason *asked = parameters;
    struct certificates *certificates = certificates_of(call);
    if (certificates) {
        certificates_revoke(certificates, asked->id, call->account, asked->reason, on_revoked,
                            changing_new(call));
    }
}

/* ---- a device ---- */

static void
on_redeemed(void *context, enum certificates_result result, const char *why, const void *object)
{
    struct changing *changing = context;
    const struct enrolment *enrolment = object;
    if (result == CERTIFICATES_REFUSED) {
        ask_problem(&changing->call, 403, why, "token",
                    "'cordonctl enrol' makes a new one for this device");
    } else if (is_done(&changing->call, result, why)) {
        struct view_issued view = {.der = enrolment->der, .der_size = enrolment->der_size};
        snprintf(view.role, sizeof(view.role), "%s", device_role_names[enrolment->role]);
        memcpy(view.name, enrolment->name, sizeof(view.name));
        memcpy(view.serial, enrolment->serial, sizeof(view.serial));
        ask_answer_shape(&changing->call, 200, &view_issued_shape, &view);
    }
    free(changing);
}

void
ask_enrolment_redeem(const struct ask_call *call, const void *parameters)
{
    const struct op_redeem *asked = parameters;
    struct certificates *certificates = certificates_of(call);
    struct certificates_redeem redeem = {.from = ""};
    if (!certificates) {
        return;
    }
    memcpy(redeem.role, asked->role, sizeof(redeem.role));
    memcpy(redeem.name, asked->name, sizeof(redeem.name));
    memcpy(redeem.hash, asked->hash, sizeof(redeem.hash));
    memcpy(redeem.key, asked->key, sizeof(redeem.key));
    memcpy(redeem.from, asked->from, sizeof(redeem.from));
    certificates_redeem(certificates, &redeem, on_redeemed, changing_new(call));
}
