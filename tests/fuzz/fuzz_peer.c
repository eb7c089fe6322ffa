/* Any bytes as X-Forwarded-For: whatever a client writes, it is what the proxy saw behind it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cordond/config.h"
#include "web/peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const struct config proxies = {.trusted_proxies = {"127.0.0.1", "10.0.0.0/8", "fd00::/8"},
                                      .trusted_proxy_count = 3};

static struct ip
address(const char *text)
{
    struct ip ip;
    if (!ip_parse(text, &ip)) {
        abort();
    }
    return ip;
}

/* 'connected' has sent 'told': who is it? */
static struct ip
walk(const struct config *config, const char *connected, const char *told)
{
    struct ip at = address(connected);
    char text[IP_TEXT_SIZE], key[NAME_SIZE];
    (void)peer_walk(config, told, &at);
    ip_format(&at, text);
    peer_key(text, key);
    bool is_network = strlen(key) > 3 && strcmp(key + strlen(key) - 3, "/64") == 0;
    if (is_network == ip_is_v4(&at)) {
        abort();
    }
    return at;
}

static void
must_be(struct ip found, const char *expected)
{
    struct ip ip = address(expected);
    if (!ip_is_equal(&found, &ip)) {
        abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *told = malloc(size + 64);
    if (!told) {
        abort();
    }
    memcpy(told, bytes, size);
    told[size] = '\0';
    (void)walk(&proxies, "127.0.0.1", told);
    must_be(walk(&proxies, "192.0.2.7", told), "192.0.2.7"); /* no proxy of ours */
    must_be(walk(NULL, "127.0.0.1", told), "127.0.0.1");
    size = strlen(told);
    snprintf(told + size, 64, ",192.0.2.7");
    must_be(walk(&proxies, "127.0.0.1", told), "192.0.2.7");
    snprintf(told + size, 64, ", 2001:db8::7 , 10.0.0.9");
    must_be(walk(&proxies, "127.0.0.1", told), "2001:db8::7");
    snprintf(told + size, 64, ",junk,10.0.0.9");
    must_be(walk(&proxies, "127.0.0.1", told), "10.0.0.9");
    free(told);
    return 0;
}
