/* Detections about one endpoint, or about one outside server, that belong together. */
#include <stdio.h>
#include <string.h>

#include "policy/engine_state.h"

void
finding_subject(const struct finding *f, char key[TABLE_KEY_SIZE])
{
    bool is_default = strcmp(f->site, SITE_DEFAULT) == 0; /* as where there is no other */
    char text[IP_TEXT_SIZE];
    if (f->endpoint_id[0] != '\0') {
        snprintf(key, TABLE_KEY_SIZE, "e:%s", f->endpoint_id);
    } else if (f->party != PARTY_UNSAID && !ip_is_none(&f->ip)) {
        ip_format(&f->ip, text);
        snprintf(key, TABLE_KEY_SIZE, "i:%s@%s", text, is_default ? "" : f->site);
    } else if (f->party != PARTY_UNSAID) {
        char mac[MAC_TEXT_SIZE];
        mac_format(&f->mac, mac);
        snprintf(key, TABLE_KEY_SIZE, "m:%s", mac);
    } else if (!ip_is_none(&f->server)) {
        ip_format(&f->server, text);
        snprintf(key, TABLE_KEY_SIZE, "s:%s", text);
    } else {
        snprintf(key, TABLE_KEY_SIZE, "n:%.180s", f->server_name);
    }
}

static void
incident_start(struct engine *engine, struct incident *incident, const struct detection *d)
{
    memset(incident, 0, sizeof(*incident));
    id_make(clock_wall_us(engine->clock), incident->id);
    incident->first_us = d->first_us ? d->first_us : d->seen_us;
    incident->last_us = d->seen_us;
    incident->is_open = true;
}

static void
incident_learn(struct incident *incident, const struct finding *f, const char *site)
{
    const struct detection *d = f->detection;
    if (f->endpoint_id[0] != '\0') {
        memcpy(incident->endpoint_id, f->endpoint_id, sizeof(incident->endpoint_id));
    }
    if (site[0] != '\0') {
        snprintf(incident->site, sizeof(incident->site), "%s", site);
    }
    incident->mac = mac_is_none(&f->mac) ? incident->mac : f->mac;
    incident->ip = ip_is_none(&f->ip) ? incident->ip : f->ip;
    incident->server = ip_is_none(&f->server) ? incident->server : f->server;
    if (f->server_name[0] != '\0') {
        memcpy(incident->server_name, f->server_name, sizeof(incident->server_name));
    }
    incident->phase = d->phase > incident->phase ? d->phase : incident->phase;
    incident->severity = d->severity > incident->severity ? d->severity : incident->severity;
    incident->strength = f->strength > incident->strength ? f->strength : incident->strength;
    if (f->confidence > incident->confidence) {
        incident->confidence = f->confidence;
    }
    incident->detection_count++;
    incident->last_us = d->seen_us > incident->last_us ? d->seen_us : incident->last_us;
}

static void
incident_sum_up(struct incident *incident, const struct finding *f)
{
    char label[HOST_SIZE];
    char techniques[DETECTION_TECHNIQUES_MAX * TECHNIQUE_SIZE + 8] = "";
    size_t used = 0;
    for (size_t i = 0; i < DETECTION_TECHNIQUES_MAX && f->detection->techniques[i][0]; i++) {
        int n = snprintf(techniques + used, sizeof(techniques) - used, "%s%s", i ? ", " : " (",
                         f->detection->techniques[i]);
        used += n > 0 ? (size_t)n : 0;
    }
    party_label(f, label);
    snprintf(incident->summary, sizeof(incident->summary),
             "%.100s: %.200s%s%s; %u detection%s, furthest phase %s", label,
             f->detection->signature, techniques, used ? ")" : "", incident->detection_count,
             incident->detection_count == 1 ? "" : "s", phase_names[incident->phase]);
}

void
incident_add(struct engine *engine, struct finding *f)
{
    char key[TABLE_KEY_SIZE];
    int64_t now_us = clock_boot_us(engine->clock);
    const char *site = site_said(engine, f);
    finding_subject(f, key);
    struct incident_item *item = table_need(&engine->incidents, key, now_us);
    int64_t open_us = (int64_t)engine->policy->file.defaults.incident_s * SECOND_US;
    bool is_over = f->detection->seen_us - item->incident.last_us > open_us;
    if (!item->incident.is_open || is_over) {
        incident_start(engine, &item->incident, f->detection);
    }
    incident_learn(&item->incident, f, site);
    incident_sum_up(&item->incident, f);
    f->incident = &item->incident;
}

void
engine_restore_incident(struct engine *engine, const struct incident *incident)
{
    char key[TABLE_KEY_SIZE];
    struct finding f = {.party = PARTY_UNSAID,
                        .server = incident->server,
                        .ip = incident->ip,
                        .mac = incident->mac};
    if (!incident->is_open) {
        return;
    }
    memcpy(f.endpoint_id, incident->endpoint_id, sizeof(f.endpoint_id));
    memcpy(f.server_name, incident->server_name, sizeof(f.server_name));
    f.party = ip_is_none(&incident->ip) && mac_is_none(&incident->mac) ? PARTY_UNSAID : PARTY_SRC;
    memcpy(f.site, incident->site, sizeof(f.site));
    finding_subject(&f, key);
    struct incident_item *item = table_need(&engine->incidents, key, clock_boot_us(engine->clock));
    if (incident->last_us >= item->incident.last_us) {
        item->incident = *incident;
    }
}
