#include "web/ticket.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct ticket {
    uint8_t hash[32];
    struct account account;
    int64_t opened_us; /* boot clock; 0: free */
    unsigned tries;
};

struct tickets {
    const struct clock *clock;
    struct ticket items[TICKETS_MAX];
};

struct tickets *
tickets_new(const struct clock *clock)
{
    struct tickets *tickets = MEM_NEW(struct tickets);
    tickets->clock = clock;
    return tickets;
}

void
tickets_free(struct tickets *tickets)
{
    if (tickets) {
        sodium_memzero(tickets, sizeof(*tickets));
    }
    free(tickets);
}

bool
tickets_open(struct tickets *tickets, const struct account *account, char text[SESSION_TEXT_SIZE])
{
    struct ticket *oldest = &tickets->items[0];
    for (size_t i = 1; i < TICKETS_MAX; i++) {
        if (tickets->items[i].opened_us < oldest->opened_us) {
            oldest = &tickets->items[i];
        }
    }
    if (!secret_make(text)) {
        return false;
    }
    *oldest = (struct ticket){
        .account = *account, .opened_us = clock_boot_us(tickets->clock) + 1, .tries = TICKET_TRIES};
    SHA256((const uint8_t *)text, strlen(text), oldest->hash);
    return true;
}

static struct ticket *
find(struct tickets *tickets, const char *text)
{
    struct ticket *found = NULL;
    uint8_t hash[32];
    SHA256((const uint8_t *)text, strlen(text), hash);
    for (size_t i = 0; i < TICKETS_MAX; i++) {
        if (CRYPTO_memcmp(hash, tickets->items[i].hash, sizeof(hash)) == 0 &&
            tickets->items[i].opened_us != 0) {
            found = &tickets->items[i];
        }
    }
    return found;
}

bool
tickets_try(struct tickets *tickets, const char *text, struct account *account)
{
    struct ticket *ticket = find(tickets, text);
    int64_t now = clock_boot_us(tickets->clock);
    if (!ticket || ticket->tries == 0 || now - ticket->opened_us > TICKET_LIFE_US) {
        return false;
    }
    ticket->tries--;
    *account = ticket->account;
    return true;
}

void
tickets_end(struct tickets *tickets, const char *text)
{
    struct ticket *ticket = find(tickets, text);
    if (ticket) {
        sodium_memzero(ticket, sizeof(*ticket));
    }
}
