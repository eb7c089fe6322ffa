/* Syslog over UDP (RFC 5426).  Anybody can send these: weak unless declared.  What does not fit is
 * lost and counted: there is nobody to tell. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "intake/source.h"

#include "base/mem.h"

#define DATAGRAM_MAX 65536
#define BATCH 64 /* datagrams per turn of the loop */

struct udp {
    int fd;
    struct event *readable;
    char datagram[DATAGRAM_MAX];
};

static void
on_readable(evutil_socket_t fd, short what, void *argument)
{
    (void)what;
    struct source *source = argument;
    struct udp *udp = source->own;
    for (int i = 0; i < BATCH; i++) {
        ssize_t size = recv(fd, udp->datagram, sizeof(udp->datagram), 0);
        if (size < 0) {
            return;
        }
        if (source_line(source, udp->datagram, (size_t)size, 0) == LINE_NO_ROOM) {
            source->stats.received++;
            source_refuse(source, "queue full", udp->datagram, (size_t)size);
        }
    }
}

static int
udp_start(struct source *source)
{
    int fd = source_open(source, ERRAND_SOURCE_LISTEN);
    if (fd < 0) {
        char problem[TEXT_SIZE];
        snprintf(problem, sizeof(problem), "cannot listen on %s: %s", source->config->listen,
                 strerror(-fd));
        source_set_state(source, "failed", problem);
        return fd;
    }
    struct udp *udp = MEM_NEW(struct udp);
    udp->fd = fd;
    udp->readable = event_new(source->base, fd, EV_READ | EV_PERSIST, on_readable, source);
    event_add(udp->readable, NULL);
    source->own = udp;
    source_set_state(source, "listening", "");
    return 0;
}

static void
udp_resume(struct source *source)
{
    (void)source;
}

static void
udp_stop(struct source *source)
{
    struct udp *udp = source->own;
    if (udp) {
        event_free(udp->readable);
        close(udp->fd);
        free(udp);
        source->own = NULL;
    }
}

const struct source_kind_ops source_udp_ops = {
    .start = udp_start, .resume = udp_resume, .tick = NULL, .stop = udp_stop};
