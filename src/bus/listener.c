#include "bus/listener.h"

#include <errno.h>
#include <string.h>

#include <event2/event.h>

#include "base/log.h"

#define PAUSE_MS 500

static void
on_pause_over(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    evconnlistener_enable(argument);
}

static void
on_error(struct evconnlistener *listener, void *argument)
{
    (void)argument; /* of who accepts */
    const int error = errno;
    const struct timeval pause = {.tv_usec = PAUSE_MS * 1000};
    log_error("bus", "no connection can be accepted just now; what is connected goes on",
              LOG_S("why", strerror(error)));
    if (event_base_once(evconnlistener_get_base(listener), -1, EV_TIMEOUT, on_pause_over, listener,
                        &pause) == 0) {
        evconnlistener_disable(listener);
    }
}

void
listener_guard(struct evconnlistener *listener)
{
    evconnlistener_set_error_cb(listener, on_error);
}
