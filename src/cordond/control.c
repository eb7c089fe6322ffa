#include "cordond/control.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union fd_message {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
};

int
control_send(int control, enum wire_role peer, int fd)
{
    uint8_t byte = (uint8_t)peer;
    union fd_message ancillary = {.bytes = {0}};
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = ancillary.bytes,
                             .msg_controllen = sizeof(ancillary.bytes)};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &fd, sizeof(fd));
    return sendmsg(control, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 ? 0 : -errno;
}

/* How many came: alignment leaves room for more than the one that is expected. */
static size_t
descriptors_take(struct msghdr *message, int *fds)
{
    const struct cmsghdr *head = CMSG_FIRSTHDR(message);
    if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) {
        return 0;
    }
    size_t size = head->cmsg_len - CMSG_LEN(0);
    memcpy(fds, CMSG_DATA(head), size);
    return size / sizeof(int);
}

int
control_receive(int control, enum wire_role *peer)
{
    uint8_t byte = 0;
    union fd_message ancillary;
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = ancillary.bytes,
                             .msg_controllen = sizeof(ancillary.bytes)};
    ssize_t got = recvmsg(control, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got <= 0) {
        return got < 0 ? -errno : -EPIPE;
    }
    int fds[sizeof(ancillary.bytes) / sizeof(int)];
    size_t count = descriptors_take(&message, fds);
    if (count != 1 || byte >= ROLE_COUNT) {
        for (size_t i = 0; i < count; i++) {
            close(fds[i]);
        }
        return -EBADMSG;
    }
    *peer = (enum wire_role)byte;
    return fds[0];
}
