/* What really arrives on the wire from or for some MACs and addresses: an oracle for "not one
 * packet".
 *
 *   witness NS INTERFACE [NS INTERFACE ...]
 *
 * Reads commands from standard input, one a line; answers each with one line of JSON:
 *   mac 02:00:...   also count frames whose source is this MAC
 *   ip ADDRESS      also count ARP, IPv4 and IPv6 packets whose sender is this address
 *   everything      from now on count every frame
 *   clear           forget what was counted
 *   counts          {"INTERFACE@NS": {"frames": N, "kinds": {"arp": n, "ip4 udp 67": n, ...}}}
 * Only frames that come in are counted (not what the host itself sends).  It listens in a namespace
 * that is not suspected: the receivers', so what it sees has passed every switch. */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "enter.h"

#define PLACES_MAX 64
#define SUSPECTS_MAX 64
#define KINDS_MAX 64

struct place {
    char name[128];
    int fd;
    uint64_t frames;
    struct {
        char name[32];
        uint64_t count;
    } kinds[KINDS_MAX];
    size_t kind_count;
};

static struct place places[PLACES_MAX];
static size_t place_count;
static uint8_t macs[SUSPECTS_MAX][6];
static size_t mac_count;
static uint8_t addresses[SUSPECTS_MAX][16];
static size_t address_count;
static bool counts_everything;

static void
open_place(const char *netns, const char *interface)
{
    enter(netns);
    struct place *place = &places[place_count++];
    snprintf(place->name, sizeof(place->name), "%s@%s", interface, netns);
    place->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL));
    struct sockaddr_ll where = {.sll_family = AF_PACKET,
                                .sll_protocol = htons(ETH_P_ALL),
                                .sll_ifindex = (int)if_nametoindex(interface)};
    int room = 16 << 20;
    if (place->fd < 0 || where.sll_ifindex == 0 ||
        setsockopt(place->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0 ||
        bind(place->fd, (struct sockaddr *)&where, sizeof(where)) < 0) {
        perror(place->name);
        exit(2);
    }
}

static bool
is_suspect_ip(const uint8_t *bytes, size_t size)
{
    uint8_t full[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    memcpy(full + (16 - size), bytes, size);
    if (size == 16) {
        memcpy(full, bytes, 16);
    }
    for (size_t i = 0; i < address_count; i++) {
        if (memcmp(addresses[i], full, 16) == 0) {
            return true;
        }
    }
    return false;
}

/* Fills 'kind' and says whether the frame's sender is a suspect. */
static bool
look_at(const uint8_t *f, size_t size, char kind[32])
{
    bool suspect = counts_everything;
    for (size_t i = 0; i < mac_count && size >= 14; i++) {
        suspect = suspect || memcmp(f + 6, macs[i], 6) == 0;
    }
    size_t at = 12;
    while (size >= at + 6 && (f[at] == 0x81 || f[at] == 0x88) &&
           (f[at + 1] == 0 || f[at + 1] == 0xa8)) {
        at += 4;
    }
    if (size < at + 2) {
        snprintf(kind, 32, "short");
        return suspect;
    }
    unsigned type = (unsigned)f[at] << 8 | f[at + 1];
    const uint8_t *p = f + at + 2;
    size_t left = size - at - 2;
    snprintf(kind, 32, "ethertype %04x", type);
    if (type == 0x0806 && left >= 28) {
        snprintf(kind, 32, "arp");
        suspect = suspect || is_suspect_ip(p + 14, 4);
    } else if (type == 0x0800 && left >= 20) {
        size_t header = (size_t)(p[0] & 15) * 4;
        bool has_ports = (p[9] == 6 || p[9] == 17) && left >= header + 4;
        snprintf(kind, 32, "ip4 %s %u",
                 p[9] == 6    ? "tcp"
                 : p[9] == 17 ? "udp"
                              : "proto",
                 has_ports ? (unsigned)p[header + 2] << 8 | p[header + 3] : p[9]);
        suspect = suspect || is_suspect_ip(p + 12, 4);
    } else if (type == 0x86dd && left >= 40) {
        bool has_ports = (p[6] == 6 || p[6] == 17) && left >= 44;
        snprintf(kind, 32, "ip6 %s %u",
                 p[6] == 6    ? "tcp"
                 : p[6] == 17 ? "udp"
                              : "proto",
                 has_ports ? (unsigned)p[42] << 8 | p[43] : p[6]);
        if (p[6] == 58 && left >= 41 && p[40] >= 133 && p[40] <= 137) {
            snprintf(kind, 32, "nd %u", p[40]);
        }
        suspect = suspect || is_suspect_ip(p + 8, 16);
    }
    return suspect;
}

static void
count_kind(struct place *place, const char *kind)
{
    place->frames++;
    for (size_t i = 0; i < place->kind_count; i++) {
        if (strcmp(place->kinds[i].name, kind) == 0) {
            place->kinds[i].count++;
            return;
        }
    }
    if (place->kind_count < KINDS_MAX) {
        snprintf(place->kinds[place->kind_count].name, 32, "%s", kind);
        place->kinds[place->kind_count++].count = 1;
    }
}

static void
drain(struct place *place)
{
    static uint8_t frame[256];
    struct sockaddr_ll from;
    for (;;) {
        socklen_t from_size = sizeof(from);
        ssize_t got =
            recvfrom(place->fd, frame, sizeof(frame), 0, (struct sockaddr *)&from, &from_size);
        if (got < 0) {
            return;
        }
        char kind[32];
        if (from.sll_pkttype != PACKET_OUTGOING && look_at(frame, (size_t)got, kind)) {
            count_kind(place, kind);
        }
    }
}

static void
print_counts(void)
{
    printf("{");
    for (size_t i = 0; i < place_count; i++) {
        printf("%s\"%s\":{\"frames\":%llu,\"kinds\":{", i ? "," : "", places[i].name,
               (unsigned long long)places[i].frames);
        for (size_t k = 0; k < places[i].kind_count; k++) {
            printf("%s\"%s\":%llu", k ? "," : "", places[i].kinds[k].name,
                   (unsigned long long)places[i].kinds[k].count);
        }
        printf("}}");
    }
    printf("}\n");
}

static bool
add_suspect_ip(const char *text)
{
    uint8_t *full = addresses[address_count];
    memset(full, 0, 16);
    full[10] = full[11] = 0xff;
    if (address_count >= SUSPECTS_MAX ||
        (inet_pton(AF_INET, text, full + 12) != 1 && inet_pton(AF_INET6, text, full) != 1)) {
        return false;
    }
    address_count++;
    return true;
}

static void
obey(char *line)
{
    line[strcspn(line, "\n")] = '\0';
    bool done = true;
    if (strncmp(line, "mac ", 4) == 0 && mac_count < SUSPECTS_MAX) {
        struct ether_addr *mac = ether_aton(line + 4);
        done = mac != NULL;
        if (done) {
            memcpy(macs[mac_count++], mac, 6);
        }
    } else if (strncmp(line, "ip ", 3) == 0 && address_count < SUSPECTS_MAX) {
        done = add_suspect_ip(line + 3);
    } else if (strcmp(line, "everything") == 0) {
        counts_everything = true;
    } else if (strcmp(line, "clear") == 0) {
        for (size_t i = 0; i < place_count; i++) {
            places[i].frames = 0;
            places[i].kind_count = 0;
        }
    } else if (strcmp(line, "counts") == 0) {
        print_counts();
        fflush(stdout);
        return;
    } else {
        done = false;
    }
    printf("{\"done\":%s}\n", done ? "true" : "false");
    fflush(stdout);
}

int
main(int argc, char **argv)
{
    if (argc < 3 || argc % 2 != 1 || (argc - 1) / 2 > PLACES_MAX) {
        fprintf(stderr, "usage: witness NS INTERFACE [...]\n");
        return 2;
    }
    for (int i = 1; i < argc; i += 2) {
        open_place(argv[i], argv[i + 1]);
    }
    struct pollfd poll_fds[PLACES_MAX + 1];
    for (size_t i = 0; i < place_count; i++) {
        poll_fds[i] = (struct pollfd){.fd = places[i].fd, .events = POLLIN};
    }
    poll_fds[place_count] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    for (;;) {
        if (poll(poll_fds, place_count + 1, -1) < 0) {
            continue;
        }
        for (size_t i = 0; i < place_count; i++) {
            drain(&places[i]);
        }
        char line[256];
        if (poll_fds[place_count].revents != 0) {
            /* One command at a time: the lab waits for each answer before it sends the next. */
            ssize_t got = read(STDIN_FILENO, line, sizeof(line) - 1);
            if (got <= 0) {
                return 0;
            }
            line[got] = '\0';
            obey(line);
        }
    }
}
