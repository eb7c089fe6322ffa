/* From where a request comes.  That is the other end of its connection, unless that is a proxy that
 * cordond.yaml trusts: then X-Forwarded-For says for whom it speaks.  Each proxy puts the address
 * that it saw behind those that it was told, and whoever sends can write what he likes before it:
 * so the list is read from its right end, as far as trusted proxies wrote it.  RFC 7239's Forwarded
 * is not read: a proxy that sets one of the two passes the other on as it came.  Loop thread. */
#ifndef CORDON_WEB_PEER_H
#define CORDON_WEB_PEER_H

#include <event2/http.h>

#include "model/addr.h"
#include "model/text.h"

#define PEER_HOPS_MAX 16 /* proxies behind each other */

struct config;

/* 'config' NULL: no proxy is trusted. */
void peer_of(const struct config *config, struct evhttp_request *request, char peer[IP_TEXT_SIZE]);
/* Pure: under what counts what 'peer' does.  One machine has as many IPv6 addresses as it likes:
 * its network (/64) counts. */
void peer_key(const char *peer, char key[NAME_SIZE]);
/* Pure: goes on from 'at', an address that was connected to us or was told, along one header's
 * value. 'at' becomes the last one that is known for sure: the first that is no trusted proxy, or
 * the one before what is no address.  False: there it ends. */
bool peer_walk(const struct config *config, const char *told, struct ip *at);

#endif
