#include "model/redact.h"

#include <string.h>

void
detection_forget_names(struct detection *detection)
{
    detection->indicator[0] = detection->server_name[0] = detection->url[0] = '\0';
    detection->src.host[0] = detection->dst.host[0] = '\0';
    detection->ja3[0] = detection->ja4[0] = '\0';
}

void
incident_forget_names(struct incident *incident)
{
    char *said = strstr(incident->summary, ": "); /* policy/incidents.c */
    if (said) {
        memmove(incident->summary, said + 2, strlen(said + 2) + 1);
    }
    if (incident->server_name[0] && strstr(incident->summary, incident->server_name)) {
        incident->summary[0] = '\0';
    }
    incident->server_name[0] = '\0';
}
