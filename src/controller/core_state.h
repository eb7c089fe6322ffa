/* What the core process holds, shared by its files (and by nobody else): core_role.c wires the
 * channels, core_peers.c is about who may connect from other machines.  The loop's. */
#ifndef CORDON_CONTROLLER_CORE_STATE_H
#define CORDON_CONTROLLER_CORE_STATE_H

#include "base/seal.h"
#include "bus/pki.h"
#include "controller/ask/ask.h"
#include "controller/audit/checkpoints.h"
#include "controller/certificates/own_certificate.h"
#include "controller/clocks.h"
#include "controller/controller.h"
#include "controller/ended.h"
#include "controller/pressure.h"
#include "controller/recovery/copies.h"
#include "cordond/role.h"
#include "wire/ack.h"

#define OWN_ADDRESSES_MAX 64

struct core {
    struct role *role;
    struct store *store;
    struct policy *policy;
    bool lacks_landlock;
    struct seal *seal; /* of the signing key, until that is open */
    struct checkpoint_signer signer;
    struct revisions *revisions;
    struct warnings *warnings;
    struct controller *controller;
    struct pki_ca *ca;
    int issued_fd; /* bus/issued.h */
    struct own_certificate own_certificate;
    char boot_id[CLOCKS_BOOT_SIZE];
    bool is_clock_free; /* nothing had set the machine's clock */
    struct ended ended;
    struct pressure pressure;
    struct certificates *certificates;
    struct asks *asks;
    struct copies *copies;
    char backups[URL_SIZE]; /* their folder, for people */
    struct channel *driver, *web, *notify;
    struct channel *intake;
    struct event *tick;
    struct event *jobs;    /* added while jobs run */
    struct event *acking;  /* active while there are acks to send */
    struct wire_ack *acks; /* owned; of the intake that is joined now */
    struct ip own[OWN_ADDRESSES_MAX];
    size_t own_count;
    uint64_t events; /* sent to web, numbered */
};

#endif
