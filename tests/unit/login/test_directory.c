/* A directory whose name has many addresses, none of which answers: the sign-in is over in its
 * time, however many there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "login/directory.h"

#define ADDRESSES 20
#define SECOND INT64_C(1000000)

/* ---- a name server of ours: the library asks this one ---- */

static struct sockaddr_in answers[ADDRESSES];
static struct addrinfo list[ADDRESSES];
static uint16_t port;

int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
            struct addrinfo **found)
{
    (void)node, (void)service, (void)hints;
    for (size_t i = 0; i < ADDRESSES; i++) {
        answers[i] = (struct sockaddr_in){.sin_family = AF_INET,
                                          .sin_port = htons(port),
                                          .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        list[i] = (struct addrinfo){.ai_family = AF_INET,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_addrlen = sizeof(answers[i]),
                                    .ai_addr = (struct sockaddr *)&answers[i],
                                    .ai_next = i + 1 < ADDRESSES ? &list[i + 1] : NULL};
    }
    *found = list;
    return 0;
}

void
freeaddrinfo(struct addrinfo *found)
{
    (void)found; /* static */
}

/* Whoever connects now hears nothing: those before were never accepted, and there is no room. */
static int
full_listen(int *clients, size_t count)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 0), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    port = ntohs(at.sin_port);
    for (size_t i = 0; i < count; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(clients[i], (struct sockaddr *)&at, sizeof(at));
    }
    usleep(50000);
    return fd;
}

static void
many_silent_addresses_take_no_longer_than_one(void **state)
{
    (void)state;
    static struct config_ldap config;
    static struct wire_login_result result;
    int clients[8];
    int fd = full_listen(clients, 8);
    struct directory_line *line = directory_line_new();
    int64_t began_us = clock_boot_us(clock_system());
    snprintf(config.url, sizeof(config.url), "ldap://many.example:%u", port);
    snprintf(config.bind_dn, sizeof(config.bind_dn), "cn=cordon");
    config.allows_plain = true;
    const struct directory_ask ask = {.config = &config,
                                      .secret = "s",
                                      .name = "kim",
                                      .password = "p",
                                      .until_us = began_us + 2 * SECOND};
    directory_sign_in(line, &ask, &result);
    int64_t took_us = clock_boot_us(clock_system()) - began_us;
    assert_int_equal(result.outcome, LOGIN_AWAY);
    print_message("%s, after %lld ms\n", result.why, (long long)took_us / 1000);
    assert_in_range(took_us, SECOND, 20 * SECOND); /* each has 5 s by itself: 40 s */
    directory_line_free(line);
    for (size_t i = 0; i < 8; i++) {
        close(clients[i]);
    }
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_silent_addresses_take_no_longer_than_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
