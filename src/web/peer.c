#include "web/peer.h"

#include <stdio.h>
#include <string.h>

#include <event2/keyvalq_struct.h>
#include <sys/queue.h>

#include "cordond/config.h"

#define HEADER "X-Forwarded-For"
#define HOP_SIZE (IP_TEXT_SIZE + 10)

static bool
is_trusted(const struct config *config, const struct ip *ip)
{
    struct prefix prefix;
    for (size_t i = 0; config && i < config->trusted_proxy_count; i++) {
        if (prefix_parse(config->trusted_proxies[i], &prefix) && prefix_has(&prefix, ip)) {
            return true;
        }
    }
    return false;
}

/* "" or ":80". */
static bool
is_port(const char *text)
{
    size_t digits = text[0] == ':' ? strspn(text + 1, "0123456789") : 0;
    return text[0] == '\0' || (digits > 0 && digits <= 5 && text[digits + 1] == '\0');
}

/* An address, some proxies put a port behind it: 192.0.2.1:80, [2001:db8::1]:80. */
static bool
hop_parse(const char *text, size_t size, struct ip *ip)
{
    char copy[HOP_SIZE], *address = copy, *behind = NULL;
    while (size > 0 && (text[0] == ' ' || text[0] == '\t')) {
        text++, size--;
    }
    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t')) {
        size--;
    }
    if (size == 0 || size >= sizeof(copy)) {
        return false;
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    if (copy[0] == '[') {
        address = copy + 1;
        behind = strchr(copy, ']');
        if (!behind || !strchr(copy, ':')) {
            return false;
        }
        *behind++ = '\0';
    } else if (strchr(copy, '.') && strchr(copy, ':') == strrchr(copy, ':')) {
        behind = strchr(copy, ':');
    }
    if (behind && !is_port(behind)) {
        return false;
    }
    if (behind) {
        *behind = '\0';
    }
    static const uint8_t nobody[4];
    bool is_nobody = ip_parse(address, ip) ? ip_is_none(ip) || ip_is_group(ip) : true;
    return !is_nobody && (!ip_is_v4(ip) || memcmp(ip->b + 12, nobody, sizeof(nobody)) != 0);
}

bool
peer_walk(const struct config *config, const char *told, struct ip *at)
{
    size_t size = strlen(told);
    for (unsigned hops = 0; hops < PEER_HOPS_MAX && is_trusted(config, at); hops++) {
        size_t begin = size;
        struct ip next;
        while (begin > 0 && told[begin - 1] != ',') {
            begin--;
        }
        if (!hop_parse(told + begin, size - begin, &next)) {
            return false;
        }
        *at = next;
        if (begin == 0) {
            return is_trusted(config, at);
        }
        size = begin - 1;
    }
    return false;
}

void
peer_of(const struct config *config, struct evhttp_request *request, char peer[IP_TEXT_SIZE])
{
    char *connected = NULL;
    uint16_t port = 0;
    struct ip at;
    evhttp_connection_get_peer(evhttp_request_get_connection(request), &connected, &port);
    snprintf(peer, IP_TEXT_SIZE, "%.*s", connected ? (int)strcspn(connected, "%") : 1,
             connected ? connected : "?");
    if (!ip_parse(peer, &at)) {
        return;
    }
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const struct evkeyval *header = TAILQ_LAST(headers, evkeyvalq);
    bool goes_on = is_trusted(config, &at);
    for (unsigned count = 0; goes_on && header && count < PEER_HOPS_MAX;
         header = TAILQ_PREV(header, evkeyvalq, next)) {
        if (evutil_ascii_strcasecmp(header->key, HEADER) == 0) {
            goes_on = peer_walk(config, header->value, &at);
            count++;
        }
    }
    ip_format(&at, peer);
}

void
peer_key(const char *peer, char key[NAME_SIZE])
{
    char text[IP_TEXT_SIZE];
    struct ip ip;
    if (!ip_parse(peer, &ip)) {
        snprintf(key, NAME_SIZE, "%.60s", peer);
        return;
    }
    bool is_v4 = ip_is_v4(&ip);
    memset(ip.b + 8, 0, is_v4 ? 0 : 8);
    ip_format(&ip, text);
    snprintf(key, NAME_SIZE, "%s%s", text, is_v4 ? "" : "/64");
}
