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
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    int fd = -1;
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
        head->cmsg_len == CMSG_LEN(sizeof(int))) {
        memcpy(&fd, CMSG_DATA(head), sizeof(fd));
    }
    if (fd < 0 || byte >= ROLE_COUNT) {
        if (fd >= 0) {
            close(fd);
        }
        return -EBADMSG;
    }
    *peer = (enum wire_role)byte;
    return fd;
}
