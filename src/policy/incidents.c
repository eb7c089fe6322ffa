/* Detections about one endpoint, or about one outside server, that belong together. */
#include <string.h>

#include "base/join.h"
#include "policy/engine_state.h"

void
finding_subject(const struct finding *f, char key[TABLE_KEY_SIZE])
{
    bool is_default = strcmp(f->site, SITE_DEFAULT) == 0; /* as where there is no other */
    struct join join = join_to(key, TABLE_KEY_SIZE);
    char text[IP_TEXT_SIZE];
    if (f->endpoint_id[0] != '\0') {
        join_text(&join, "e:");
        join_text(&join, f->endpoint_id);
    } else if (f->party != PARTY_UNSAID && !ip_is_none(&f->ip)) {
        ip_format(&f->ip, text);
        join_text(&join, "i:");
        join_text(&join, text);
        join_text(&join, "@");
        join_text(&join, is_default ? "" : f->site);
    } else if (f->party != PARTY_UNSAID) {
        char mac[MAC_TEXT_SIZE];
        mac_format(&f->mac, mac);
        join_text(&join, "m:");
        join_text(&join, mac);
    } else if (!ip_is_none(&f->server)) {
        ip_format(&f->server, text);
        join_text(&join, "s:");
        join_text(&join, text);
    } else {
        join_text(&join, "n:");
        join_most(&join, f->server_name, 180);
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
        join_copy(incident->site, sizeof(incident->site), site);
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
    struct join join = join_to(incident->summary, sizeof(incident->summary));
    size_t count = 0;
    party_label(f, label);
    join_most(&join, label, 100);
    join_text(&join, ": ");
    join_most(&join, f->detection->signature, 200);
    for (; count < DETECTION_TECHNIQUES_MAX && f->detection->techniques[count][0]; count++) {
        join_text(&join, count ? ", " : " (");
        join_text(&join, f->detection->techniques[count]);
    }
    join_text(&join, count ? "); " : "; ");
    join_number(&join, incident->detection_count);
    join_text(&join, incident->detection_count == 1 ? " detection" : " detections");
    join_text(&join, ", furthest phase ");
    join_text(&join, phase_names[incident->phase]);
}

/* Does it still take in what was found then? */
static bool
is_collecting(const struct engine *engine, const struct incident *incident, int64_t seen_us)
{
    int64_t open_us = (int64_t)engine->policy->file.defaults.incident_s * SECOND_US;
    return incident->is_open && seen_us - incident->last_us <= open_us;
}

void
incident_add(struct engine *engine, struct finding *f)
{
    char key[TABLE_KEY_SIZE];
    int64_t now_us = clock_boot_us(engine->clock);
    const char *site = site_said(engine, f);
    finding_subject(f, key);
    struct incident_item *item = table_need(&engine->incidents, key, now_us);
    if (!is_collecting(engine, &item->incident, f->detection->seen_us)) {
        incident_start(engine, &item->incident, f->detection);
    }
    incident_learn(&item->incident, f, site);
    incident_sum_up(&item->incident, f);
    f->incident = &item->incident;
}

static void
incident_subject(const struct incident *incident, char key[TABLE_KEY_SIZE])
{
    struct finding f = {.party = PARTY_UNSAID,
                        .server = incident->server,
                        .ip = incident->ip,
                        .mac = incident->mac};
    memcpy(f.endpoint_id, incident->endpoint_id, sizeof(f.endpoint_id));
    memcpy(f.server_name, incident->server_name, sizeof(f.server_name));
    f.party = ip_is_none(&incident->ip) && mac_is_none(&incident->mac) ? PARTY_UNSAID : PARTY_SRC;
    memcpy(f.site, incident->site, sizeof(f.site));
    finding_subject(&f, key);
}

bool
incident_is_about(const struct incident *incident, const struct finding *f)
{
    char is[TABLE_KEY_SIZE], of[TABLE_KEY_SIZE];
    incident_subject(incident, is);
    finding_subject(f, of);
    return strcmp(is, of) == 0;
}

/* It was the only one there: that incident is the endpoint's, under its own id where the endpoint
 * has none yet; else there is nothing left to collect. */
static bool
incident_hand_over(struct engine *engine, const struct finding *f, struct incident_item *item,
                   const char *to)
{
    const struct incident_item *own = table_find(&engine->incidents, to);
    struct incident moved = item->incident;
    if (own && is_collecting(engine, &own->incident, f->detection->seen_us)) {
        memcpy(item->incident.endpoint_id, f->endpoint_id, sizeof(f->endpoint_id));
        item->incident.is_open = false;
        return false;
    }
    table_drop(&engine->incidents, item);
    item = table_need(&engine->incidents, to, clock_boot_us(engine->clock));
    item->incident = moved;
    return true;
}

void
incident_leave(struct engine *engine, const struct finding *f, const struct incident *was,
               struct incident *left)
{
    char from[TABLE_KEY_SIZE], to[TABLE_KEY_SIZE];
    struct finding nobody = *f;
    incident_subject(was, from);
    finding_subject(f, to);
    struct incident_item *item = table_find(&engine->incidents, from);
    if (!item || strcmp(item->incident.id, was->id) != 0 || item->incident.detection_count == 0) {
        return; /* forgotten since, to make room */
    }
    item->incident.detection_count--;
    bool is_same = strcmp(from, to) == 0;
    if (is_same ||
        (item->incident.detection_count == 0 && incident_hand_over(engine, f, item, to))) {
        return;
    }
    nobody.endpoint = NULL;
    incident_sum_up(&item->incident, &nobody);
    *left = item->incident;
    if (!left->is_open) {
        table_drop(&engine->incidents, item);
    }
}

void
engine_restore_incident(struct engine *engine, const struct incident *incident)
{
    char key[TABLE_KEY_SIZE];
    if (!incident->is_open) {
        return;
    }
    incident_subject(incident, key);
    struct incident_item *item = table_need(&engine->incidents, key, clock_boot_us(engine->clock));
    if (incident->last_us >= item->incident.last_us) {
        item->incident = *incident;
    }
}
