/* A row of what a switch sees (frames that were snooped, MACs, devices), from hostile endpoints on
 * two access ports: the facts that it tells are fit for the wire, and what it keeps is bounded. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "edge/learn.h"
#include "records.h"
#include "wire/facts.h"

#define BRIDGE 100
#define PORTS 3 /* the first one is the uplink */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
on_fact(void *context, const struct fact *fact)
{
    size_t *count = context;
    struct wire_facts facts = {.facts = (struct fact *)(uintptr_t)fact, .fact_count = 1};
    struct wire_facts again;
    struct codec_error error;
    snprintf(facts.switch_name, sizeof(facts.switch_name), "e1");
    cJSON *json = codec_encode(&wire_facts_shape, &facts);
    if (codec_decode(&wire_facts_shape, json, &again, &error)) {
        fprintf(stderr, "%s: %s\n", error.path, error.why);
        abort(); /* the controller would cut us off for what an endpoint sent */
    }
    codec_fini(&wire_facts_shape, &again);
    cJSON_Delete(json);
    (*count)++;
}

static void
on_port(void *context, const struct learn_port *port, bool is_gone)
{
    (void)context;
    (void)port;
    (void)is_gone;
}

static void
device_add(struct learn *learn, int ifindex, int master)
{
    struct kernel_device device = {.ifindex = ifindex,
                                   .master = master,
                                   .is_up = true,
                                   .mtu = 1500,
                                   .port_number = (uint32_t)ifindex,
                                   .mac = {{2, 0xaa, 0, 0, 0, (uint8_t)ifindex}}};
    snprintf(device.name, sizeof(device.name), master ? "p%d" : "br0", ifindex);
    learn_device(learn, &device);
}

static void
say(struct learn *learn, const struct record *record)
{
    int ifindex = 1 + record->place % PORTS;
    uint16_t vlan = (uint16_t)(record->place / PORTS);
    struct kernel_neighbour neighbour = {.ifindex = ifindex, .vlan = vlan};
    memcpy(neighbour.mac.b, record->bytes, record->size < 6 ? record->size : 6);
    switch (record->kind % 6) {
    case 0:
        learn_snoop(learn, ifindex, vlan, record->bytes, record->size);
        break;
    case 1:
        learn_source(learn, ifindex, vlan, record->bytes, record->size);
        break;
    case 2:
        learn_held_mac(learn, ifindex, vlan, &neighbour.mac);
        break;
    case 3:
        neighbour.is_gone = record->size > 6;
        if (!mac_is_none(&neighbour.mac) && !mac_is_group(&neighbour.mac)) {
            learn_neighbour(learn, &neighbour);
        }
        break;
    case 4: {
        struct lldp_neighbour lldp;
        if (lldp_parse(record->bytes, record->size, &lldp)) {
            learn_lldp(learn, ifindex, &lldp);
        }
        break;
    }
    default:
        device_add(learn, ifindex, record->size > 6 ? 0 : BRIDGE);
        break;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct edge_port_setting uplink = {.name = "p1", .role = PORT_UPLINK};
    static struct edge_settings settings = {
        .name = "e1", .bridge = "br0", .ports = &uplink, .port_count = 1};
    static struct clock_fake clock;
    static struct learn *learn; /* made once: it is large.  What former inputs taught stays. */
    static size_t told;
    size_t known = 0;
    const struct learn_handler handler = {on_fact, on_port, &told};
    if (!learn) {
        clock_fake_init(&clock, 1700000000000000);
        learn = learn_new(&settings, &clock.clock, &handler);
        device_add(learn, BRIDGE, 0);
    }
    for (int i = 1; i <= PORTS; i++) {
        device_add(learn, i, BRIDGE);
    }
    struct cursor in = cur_make(bytes, size);
    struct record record;
    while (record_next(&in, &record)) {
        say(learn, &record);
        clock_fake_advance(&clock, record.place * 1000000LL);
    }
    learn_tick(learn);
    learn_report(learn, on_fact, &known);
    if (known > PORTS * (LEARN_PORT_BINDINGS_MAX + 2) + LEARN_MACS_MAX + LEARN_BINDINGS_MAX) {
        abort();
    }
    return 0;
}
