#include "driver/credit.h"

/* A switch of 256 full ports tells 65,536 MACs when it connects, and their addresses. */
#define FACTS_AT_ONCE 200000
#define FACTS_PER_S 5000
#define PORTS_AT_ONCE 20000
#define PORTS_PER_S 2000

void
credit_init(struct credit *credit, int64_t now_us)
{
    *credit = (struct credit){.facts = FACTS_AT_ONCE, .ports = PORTS_AT_ONCE, .filled_us = now_us};
}

void
credit_connected(struct credit *credit)
{
    credit->holes = 0;
    credit->is_owed = false;
}

static int64_t
filled(int64_t has, int64_t passed_us, int64_t per_s, int64_t most)
{
    int64_t whole = has + passed_us / 1000000 * per_s + passed_us % 1000000 * per_s / 1000000;
    return whole < most ? whole : most;
}

static void
fill(struct credit *credit, int64_t now_us)
{
    int64_t passed_us = now_us - credit->filled_us;
    if (passed_us * PORTS_PER_S < 1000000) { /* less than one: it is not lost */
        return;
    }
    credit->filled_us = now_us;
    credit->facts = filled(credit->facts, passed_us, FACTS_PER_S, FACTS_AT_ONCE);
    credit->ports = filled(credit->ports, passed_us, PORTS_PER_S, PORTS_AT_ONCE);
}

static bool
is_of_port(const struct fact *fact)
{
    return fact->kind == FACT_PORT || fact->kind == FACT_PORT_GONE || fact->kind == FACT_LINK_UP ||
           fact->kind == FACT_LINK_DOWN;
}

enum credit_word
credit_take(struct credit *credit, const struct wire_facts *facts, int64_t now_us,
            struct fact room[FACTS_MAX], struct wire_facts *pass)
{
    int64_t ports = 0;
    fill(credit, now_us);
    for (size_t i = 0; i < facts->fact_count; i++) {
        ports += is_of_port(&facts->facts[i]);
    }
    int64_t others = (int64_t)facts->fact_count - ports;
    if (ports > credit->ports) {
        return CREDIT_NONE;
    }
    credit->ports -= ports;
    *pass = *facts;
    if (others <= credit->facts) {
        credit->facts -= others;
        pass->sequence += credit->holes;
        return CREDIT_ALL;
    }
    credit->is_owed = true;
    pass->sequence += ++credit->holes;
    pass->facts = room;
    pass->fact_count = 0;
    for (size_t i = 0; i < facts->fact_count; i++) {
        if (is_of_port(&facts->facts[i])) {
            room[pass->fact_count++] = facts->facts[i];
        }
    }
    return CREDIT_PORTS;
}

bool
credit_is_back(struct credit *credit, int64_t now_us)
{
    fill(credit, now_us);
    return credit->is_owed && credit->facts == FACTS_AT_ONCE;
}
