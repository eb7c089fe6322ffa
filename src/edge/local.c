#include "edge/local.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"

#define ANSWER_SIZE 65536

struct local {
    int fd;
    struct event *readable;
    local_command_fn *answer;
    void *context;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

static bool
address_make(const char *run_dir, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int size = snprintf(address->sun_path, sizeof(address->sun_path), "%s/control", run_dir);
    return size > 0 && (size_t)size < sizeof(address->sun_path);
}

/* One command per connection: a word in, text out.  Only root can connect (mode 0600). */
static void
on_connection(evutil_socket_t fd, short what, void *argument)
{
    (void)what;
    struct local *local = argument;
    const struct timeval patience = {.tv_usec = 200000};
    char command[32];
    int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    if (peer < 0) {
        return;
    }
    setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    ssize_t size = recv(peer, command, sizeof(command) - 1, 0);
    if (size > 0) {
        char *text = mem_new(ANSWER_SIZE, 1);
        command[size] = '\0';
        local->answer(local->context, command, text, ANSWER_SIZE);
        (void)!send(peer, text, strlen(text), MSG_NOSIGNAL);
        free(text);
    }
    close(peer);
}

int
local_new(struct event_base *base, const char *run_dir, local_command_fn *answer, void *context,
          struct local **local, char why[256])
{
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || !address_make(run_dir, &address)) {
        snprintf(why, 256, "no control socket in %.150s", run_dir);
        return fd < 0 ? -errno : -ENAMETOOLONG;
    }
    unlink(address.sun_path);
    mode_t before = umask(0177);
    int result = bind(fd, (struct sockaddr *)&address, sizeof(address));
    umask(before);
    if (result < 0 || listen(fd, 8) < 0) {
        int error = errno;
        snprintf(why, 256, "cannot listen at %.150s: %s", address.sun_path, strerror(error));
        close(fd);
        return -error;
    }
    struct local *made = MEM_NEW(struct local);
    *made = (struct local){.fd = fd, .answer = answer, .context = context};
    snprintf(made->path, sizeof(made->path), "%s", address.sun_path);
    made->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_connection, made);
    event_add(made->readable, NULL);
    *local = made;
    return 0;
}

void
local_free(struct local *local)
{
    if (local) {
        event_free(local->readable);
        close(local->fd);
        unlink(local->path);
        free(local);
    }
}

int
local_ask(const char *run_dir, const char *command)
{
    struct sockaddr_un address;
    char text[4096];
    ssize_t size;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || !address_make(run_dir, &address) ||
        connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        send(fd, command, strlen(command), MSG_NOSIGNAL) < 0) {
        fprintf(stderr, "cordon-edge does not run here (%s/control): %s\n", run_dir,
                strerror(errno));
        return 1;
    }
    while ((size = recv(fd, text, sizeof(text), 0)) > 0) {
        fwrite(text, 1, (size_t)size, stdout);
    }
    close(fd);
    return 0;
}
