/* Every enum's names, as in messages, the API and the console.  The order is the enum's. */
#include "model/certificate.h"
#include "model/containment.h"
#include "model/detection.h"
#include "model/endpoint.h"
#include "model/fact.h"
#include "model/job.h"
#include "model/notice.h"
#include "model/rule.h"

const char *const phase_names[PHASE_COUNT + 1] = {"unknown",          "intelligence_gathering",
                                                  "point_of_entry",   "c2",
                                                  "lateral_movement", "discovery",
                                                  "exfiltration",     NULL};
const char *const severity_names[SEVERITY_COUNT + 1] = {"info", "low", "medium", "high", NULL};
const char *const party_names[PARTY_COUNT + 1] = {"unsaid", "src", "dst", NULL};
const char *const strength_names[STRENGTH_COUNT + 1] = {"unrated", "weak", "strong", NULL};

const char *const rule_kind_names[RULE_KIND_COUNT + 1] = {
    "isolate", "hold_port", "block_pair", "block_server", "permit_set", "protect",
    "mirror",  "warning",   NULL};
const char *const direction_names[DIRECTION_COUNT + 1] = {"both", "in", "out", NULL};
const char *const mirror_kind_names[MIRROR_KIND_COUNT + 1] = {"port",     "policy",  "always",
                                                              "detailed", "transit", NULL};
const char *const carrier_names[CARRIER_COUNT + 1] = {"local", "erspan", "rspan", NULL};
const char *const rule_state_names[RULE_STATE_COUNT + 1] = {"absent", "applied", "verified",
                                                            "failed", NULL};

const char *const fact_kind_names[FACT_KIND_COUNT + 1] = {
    "port",    "port_gone", "link_up",   "link_down", "mac",      "mac_aged",
    "binding", "lease",     "neighbour", "role_hint", "held_mac", NULL};
const char *const binding_source_names[BINDING_SOURCE_COUNT + 1] = {"arp", "nd", "dhcp4", "dhcp6",
                                                                    NULL};
const char *const port_role_names[PORT_ROLE_COUNT + 1] = {"access", "uplink", "server", "mirror",
                                                          NULL};
const char *const host_role_names[HOST_ROLE_COUNT + 1] = {"router", "dhcp_server", "resolver",
                                                          NULL};

const char *const location_class_names[LOCATION_CLASS_COUNT + 1] = {"none", "direct", "shared",
                                                                    "conflict", NULL};
const char *const endpoint_class_names[ENDPOINT_CLASS_COUNT + 1] = {
    "unknown", "workstation", "server",  "phone", "printer", "medical",
    "camera",  "iot",         "network", "other", NULL};
const char *const endpoint_event_names[ENDPOINT_EVENT_COUNT + 1] = {
    "appeared", "moved", "address_new", "address_gone", "mac_joined", "conflict", "named", NULL};

const char *const action_names[ACTION_COUNT + 1] = {
    "none", "isolate", "block_pair", "block_server", "mirror", "notify", NULL};
const char *const mode_names[MODE_COUNT + 1] = {"observe", "approve", "auto", NULL};
const char *const containment_state_names[CONTAINMENT_STATE_COUNT + 1] = {
    "pending", "requested", "waiting", "located", "applied",  "verified",
    "failed",  "released",  "expired", "checked", "reverted", NULL};
const char *const hold_names[HOLD_COUNT + 1] = {
    "none",   "mode",        "protected", "weak",    "shared",      "unresolved", "both_inside",
    "budget", "never_block", "grace",     "rollout", "maintenance", NULL};
const char *const job_state_names[JOB_STATE_COUNT + 1] = {"running", "done", "cancelled", "failed",
                                                          NULL};

const char *const notice_kind_names[NOTICE_KIND_COUNT + 1] = {
    "detected",       "pending",       "answered",
    "contained",      "unverified",    "failed",
    "moved",          "released",      "expired",
    "protection",     "switch_lost",   "switch_back",
    "switch_problem", "sensor_silent", "sensor_back",
    "source_problem", "panic",         "resume",
    "policy",         "sign_in",       "audit",
    "storm",          "conflict",      "certificate",
    "clock",          "store",         "backup",
    "process",        "disk",          "checkpoint",
    "audit_row",      "test",          NULL};
const char *const notify_kind_names[NOTIFY_KIND_COUNT + 1] = {"email", "syslog", "webhook", NULL};
const char *const notify_language_names[NOTIFY_LANGUAGE_COUNT + 1] = {"en", "ja", NULL};
const char *const notify_security_names[NOTIFY_SECURITY_COUNT + 1] = {"starttls", "tls", "none",
                                                                      NULL};
const char *const notify_transport_names[NOTIFY_TRANSPORT_COUNT + 1] = {"udp", "tcp", "tls", NULL};
const char *const notify_format_names[NOTIFY_FORMAT_COUNT + 1] = {"text", "cef", NULL};
const char *const notify_voice_names[VOICE_COUNT + 1] = {"channel", "on_call", "help_desk", "owner",
                                                         NULL};
const char *const notify_day_names[DAY_COUNT + 1] = {"sun", "mon", "tue", "wed",
                                                     "thu", "fri", "sat", NULL};
const char *const message_state_names[MESSAGE_STATE_COUNT + 1] = {"waiting", "delivered",
                                                                  "given_up", NULL};

const char *const device_role_names[DEVICE_ROLE_COUNT + 1] = {"edge", "sensor", NULL};
const char *const certificate_state_names[CERTIFICATE_STATE_COUNT + 1] = {
    "valid", "waiting", "replaced", "revoked", "expired", NULL};
const char *const certificate_origin_names[ORIGIN_COUNT + 1] = {"enrolled", "renewed", "offline",
                                                                NULL};
const char *const peer_refusal_names[REFUSAL_COUNT + 1] = {
    "unknown", "expired", "role",  "revoked", "replaced", "name",
    "token",   "claim",   "flood", "renewal", NULL};
