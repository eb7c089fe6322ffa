#include "edge/attach.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/hash.h"
#include "edge/rtnl.h"
#include "model/text.h"

unsigned if_nametoindex(const char *name); /* <net/if.h> clashes with <linux/if.h> */

#define HANDLE 1
#define PRIORITY 1

/* libbpf takes these structs whole, and answers EINVAL where a byte behind their last member is not
 * zero.  A compiler leaves such padding as it finds it, unless it is set with the rest. */
static void
hook_init(struct bpf_tc_hook *hook, int ifindex, enum attach_side side)
{
    memset(hook, 0, sizeof(*hook));
    hook->sz = sizeof(*hook);
    hook->ifindex = ifindex;
    hook->attach_point = side == ATTACH_INGRESS ? BPF_TC_INGRESS : BPF_TC_EGRESS;
}

static void
filter_init(struct bpf_tc_opts *filter)
{
    memset(filter, 0, sizeof(*filter));
    filter->sz = sizeof(*filter);
    filter->handle = HANDLE;
    filter->priority = PRIORITY;
}

int
attach_program(const struct maps *maps, int ifindex, enum attach_side side, enum program_id program)
{
    struct bpf_tc_hook hook;
    struct bpf_tc_opts filter;
    hook_init(&hook, ifindex, side);
    filter_init(&filter);
    filter.prog_fd = maps_program_fd(maps, program);
    filter.flags = BPF_TC_F_REPLACE;
    int result = bpf_tc_hook_create(&hook);
    if (result && result != -EEXIST) {
        return result;
    }
    return bpf_tc_attach(&hook, &filter);
}

bool
attach_is_good(const struct maps *maps, int ifindex, enum attach_side side, enum program_id program)
{
    struct bpf_tc_hook hook;
    struct bpf_tc_opts filter;
    hook_init(&hook, ifindex, side);
    filter_init(&filter);
    return bpf_tc_query(&hook, &filter) == 0 &&
           filter.prog_id == maps_program_kernel_id(maps, program);
}

void
attach_remove(int ifindex, enum attach_side side)
{
    struct bpf_tc_hook hook;
    struct bpf_tc_opts filter;
    hook_init(&hook, ifindex, side);
    filter_init(&filter);
    bpf_tc_detach(&hook, &filter);
}

/* "cm-br0"; a long bridge name is replaced by its digest. */
static void
device_name(const char *prefix, const char *bridge, char name[IFNAMSIZ])
{
    char whole[NAME_SIZE * 2];
    int size = snprintf(whole, sizeof(whole), "%s%s", prefix, bridge);
    if (size >= IFNAMSIZ) {
        size = snprintf(whole, sizeof(whole), "%s%08x", prefix,
                        (unsigned)(hash_stable(bridge, strlen(bridge)) & 0xffffffffu));
    }
    memcpy(name, whole, (size_t)size + 1);
}

/* The switch's own IPv6 would send on it as soon as it is up. */
static void
ipv6_silence(const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!write(fd, "1", 1);
        close(fd);
    }
}

int
attach_make_ifb(const struct maps *maps, const char *bridge, int *ifindex, char why[256])
{
    char name[IFNAMSIZ];
    device_name("cm-", bridge, name);
    int result = rtnl_make_device(name, "ifb");
    *ifindex = result ? 0 : (int)if_nametoindex(name);
    if (!result) {
        ipv6_silence(name);
        result = attach_program(maps, *ifindex, ATTACH_EGRESS, PROGRAM_COPY);
    }
    result = result ? result : attach_program(maps, *ifindex, ATTACH_INGRESS, PROGRAM_SINK);
    result = result ? result : rtnl_set_up(*ifindex, true);
    if (result) {
        snprintf(why, 256, "cannot make the device %s for mirror copies: %s (CONFIG_IFB?)", name,
                 strerror(-result));
    }
    return result;
}

int
attach_make_tap(const struct maps *maps, const char *bridge, int *ifindex, int *fd, char why[256])
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    device_name("cr-", bridge, request.ifr_name);
    if (*fd < 0) {
        *fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    }
    if (*fd < 0 || ioctl(*fd, TUNSETIFF, &request) || ioctl(*fd, TUNSETPERSIST, 1)) {
        int error = errno;
        snprintf(why, 256,
                 "cannot make the tap %s: %s (CONFIG_TUN? another cordon-edge on this bridge?)",
                 request.ifr_name, strerror(error));
        return -error;
    }
    *ifindex = (int)if_nametoindex(request.ifr_name);
    ipv6_silence(request.ifr_name);
    int result = attach_program(maps, *ifindex, ATTACH_INGRESS, PROGRAM_TAP);
    result = result ? result : rtnl_set_up(*ifindex, true);
    if (result) {
        snprintf(why, 256, "cannot set up the tap %s: %s", request.ifr_name, strerror(-result));
    }
    return result;
}
