/* Syslog over UDP (RFC 5426), TCP with octet counting (RFC 6587) and TLS (RFC 5425).  Syslog has no
 * answers: over TCP and TLS a message counts as delivered when the receiver's machine has
 * acknowledged every byte; over UDP when nothing came back that says otherwise. */
#include "notify/deliver.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>
#include <linux/sockios.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "notify/form.h"
#include "wire/notify.h"

#define REFUSAL_MS 100 /* for an ICMP "port unreachable" */
#define DRAIN_MS 2000  /* for the receiver's end of the connection */
#define POLL_MS 10

static void
own_name(char name[HOST_SIZE])
{
    if (gethostname(name, HOST_SIZE) != 0) {
        name[0] = '\0';
    }
    name[HOST_SIZE - 1] = '\0';
}

static bool
failed(struct wire_notice_result *result, const char *what, const char *why)
{
    snprintf(result->answer, TEXT_SIZE, "%.100s: %.350s", what, why);
    utf8_make_plain(result->answer, strlen(result->answer));
    return false;
}

/* ---- UDP ---- */

static int
udp_connect(const struct notify_channel *channel, struct wire_notice_result *result)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *found = NULL;
    char port[8];
    snprintf(port, sizeof(port), "%u", notify_port(channel));
    int error = getaddrinfo(channel->host, port, &hints, &found);
    if (error) {
        failed(result, channel->host, gai_strerror(error));
        return -1;
    }
    int fd = -1;
    for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    if (fd < 0) {
        failed(result, channel->host, strerror(errno));
    }
    return fd;
}

static bool
udp_send(const struct wire_notice *wire, struct wire_notice_result *result)
{
    char text[FORM_SYSLOG_SIZE], host[HOST_SIZE];
    bool is_sent = true;
    int fd = udp_connect(&wire->channel, result);
    if (fd < 0) {
        return false;
    }
    own_name(host);
    for (size_t i = 0; is_sent && i < wire->message.notice_count; i++) {
        size_t size = form_syslog(wire, &wire->message.notices[i], host, text);
        is_sent = send(fd, text, size, 0) == (ssize_t)size;
    }
    int error = is_sent ? 0 : errno;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    socklen_t size = sizeof(error);
    if (is_sent && poll(&wait, 1, REFUSAL_MS) > 0) {
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
        is_sent = error == 0;
    }
    close(fd);
    return is_sent || failed(result, wire->channel.host, strerror(error));
}

/* ---- TCP and TLS ---- */

static bool
stream_put(CURL *curl, int fd, const char *bytes, size_t size, int64_t until_us)
{
    while (size > 0) {
        size_t sent = 0;
        CURLcode code = curl_easy_send(curl, bytes, size, &sent);
        struct pollfd wait = {.fd = fd, .events = POLLOUT};
        if (code == CURLE_AGAIN && clock_boot_us(clock_system()) < until_us) {
            (void)poll(&wait, 1, POLL_MS);
        } else if (code != CURLE_OK) {
            return false;
        }
        bytes += sent;
        size -= sent;
    }
    return true;
}

/* Every byte acknowledged; then our end is closed, and what the receiver still has to say (a TLS
 * alert, a reset) is waited for. */
static bool
stream_end(CURL *curl, int fd, int64_t until_us)
{
    int waiting = 1;
    while (ioctl(fd, SIOCOUTQ, &waiting) == 0 && waiting > 0) {
        struct pollfd wait = {.fd = fd, .events = 0};
        if (clock_boot_us(clock_system()) > until_us || poll(&wait, 1, POLL_MS) > 0) {
            return false;
        }
    }
    shutdown(fd, SHUT_WR);
    int64_t drain_us = clock_boot_us(clock_system()) + DRAIN_MS * INT64_C(1000);
    char rest[256];
    size_t size = 1;
    CURLcode code = CURLE_AGAIN;
    while (clock_boot_us(clock_system()) < drain_us && (code == CURLE_AGAIN || size > 0)) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        (void)poll(&wait, 1, DRAIN_MS / 4);
        size = 0;
        code = curl_easy_recv(curl, rest, sizeof(rest), &size);
        if (code != CURLE_OK && code != CURLE_AGAIN) {
            return false;
        }
    }
    return true;
}

static CURLcode
stream_open(CURL *curl, const struct notify_channel *channel)
{
    char url[HOST_SIZE + 32];
    bool is_v6 = strchr(channel->host, ':') != NULL;
    bool is_tls = channel->transport == NOTIFY_OVER_TLS;
    snprintf(url, sizeof(url), "%s://%s%s%s:%u", is_tls ? "https" : "http", is_v6 ? "[" : "",
             channel->host, is_v6 ? "]" : "", notify_port(channel));
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_ENABLE_ALPN, 0L);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)DELIVER_CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    if (channel->ca_file[0]) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, channel->ca_file);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
    return curl_easy_perform(curl);
}

static bool
stream_write(CURL *curl, const struct wire_notice *wire, struct wire_notice_result *result)
{
    char text[FORM_SYSLOG_SIZE], frame[FORM_SYSLOG_SIZE + 16], host[HOST_SIZE];
    curl_socket_t fd = CURL_SOCKET_BAD;
    int64_t until_us = clock_boot_us(clock_system()) + DELIVER_CONNECT_MS * INT64_C(1000);
    curl_easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &fd);
    own_name(host);
    for (size_t i = 0; i < wire->message.notice_count; i++) {
        size_t size = form_syslog(wire, &wire->message.notices[i], host, text);
        int head = snprintf(frame, sizeof(frame), "%zu ", size);
        memcpy(frame + head, text, size);
        if (!stream_put(curl, fd, frame, (size_t)head + size, until_us)) {
            return failed(result, wire->channel.host, "the connection broke while sending");
        }
    }
    return stream_end(curl, fd, until_us) ||
           failed(result, wire->channel.host, "the receiver did not take it");
}

static bool
stream_send(const struct wire_notice *wire, struct wire_notice_result *result)
{
    char error[CURL_ERROR_SIZE] = "";
    CURL *curl = curl_easy_init();
    if (!curl) {
        return failed(result, wire->channel.host, "out of memory");
    }
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    CURLcode code = stream_open(curl, &wire->channel);
    bool is_sent = false;
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
        failed(result, "the server's certificate is refused, nothing was sent", error);
    } else if (code != CURLE_OK) {
        failed(result, wire->channel.host, error[0] ? error : curl_easy_strerror(code));
    } else {
        is_sent = stream_write(curl, wire, result);
    }
    curl_easy_cleanup(curl);
    return is_sent;
}

void
deliver_syslog(const struct wire_notice *wire, struct wire_notice_result *result)
{
    bool is_udp = wire->channel.transport == NOTIFY_OVER_UDP;
    result->is_delivered = is_udp ? udp_send(wire, result) : stream_send(wire, result);
    if (result->is_delivered) {
        snprintf(result->answer, TEXT_SIZE, "%s",
                 is_udp ? "sent; UDP receivers do not answer"
                        : "sent, and taken by the receiver; syslog has no answers");
    }
}
