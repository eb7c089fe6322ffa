"""Probes: one question each that real traffic answers, asked from any host of the campus.

    can(probe, c2)                 it works, and that is remembered
    cannot(probe, c2, twin=c3)     it fails from c2 although the same probe worked from c2 before and
                                   works from c3 within the same second
    cannot_be_reached(...)         the same, towards a host

So a "cannot" never passes because the lab itself is broken.
"""
import os
import socket
import ssl
import struct
import time

from netns import LabError

PATIENCE_S = 0.9
LONG_S = 15  # of what must work, on a machine that has much to do


class Probe:
    """A question.  answer(host) runs in the host's namespace and returns text when it works;
    failing is OSError or None."""

    words = ()

    def __repr__(self):
        return " ".join(str(word) for word in self.words)

    def answer(self, host):
        raise NotImplementedError

    def ask(self, host):
        """Asks from 'host'; returns (answer or None, why not, when begun, when ended)."""
        return self.begin(host).result()

    def begin(self, host):
        return host.ns.start(self._timed, host)

    def _timed(self, host):
        begin = time.monotonic()
        try:
            answer, why = self.answer(host), "no answer"
        except (OSError, EOFError) as error:
            answer, why = None, str(error) or type(error).__name__
        return answer, why, begin, time.monotonic()


def _family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _connect(address, port, timeout_s=PATIENCE_S):
    sock = socket.socket(_family(address), socket.SOCK_STREAM)
    sock.settimeout(timeout_s)
    try:
        sock.connect((address, port))
        return sock
    except OSError:
        sock.close()
        raise


class Ping(Probe):
    """ICMP or ICMPv6 echo."""

    def __init__(self, address):
        self.address = address
        self.words = ("ping", address)

    def answer(self, host):
        six = ":" in self.address
        protocol = socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP
        with socket.socket(_family(self.address), socket.SOCK_DGRAM, protocol) as sock:
            sock.settimeout(PATIENCE_S)
            payload = os.urandom(16)
            sock.sendto(struct.pack("!BBHHH", 128 if six else 8, 0, 0, 0, 1) + payload,
                        (self.address, 0))
            return "echo" if sock.recv(256)[8:] == payload else None


class Tcp(Probe):
    """A TCP connection that brings data (ports of services.Echo send a file; a web server is asked
    first)."""

    def __init__(self, address, port=445):
        self.address, self.port = address, port
        self.words = ("tcp", address, port)

    def answer(self, host):
        with _connect(self.address, self.port) as sock:
            if self.port == 80:
                sock.sendall(b"HEAD / HTTP/1.0\r\n\r\n")
            return "data" if sock.recv(64) else None


class Udp(Probe):
    """A datagram to the echo service and back."""

    def __init__(self, address, port=7):
        self.address, self.port = address, port
        self.words = ("udp", address, port)

    def answer(self, host):
        with socket.socket(_family(self.address), socket.SOCK_DGRAM) as sock:
            sock.settimeout(PATIENCE_S)
            sock.connect((self.address, self.port))
            payload = os.urandom(16)
            sock.send(payload)
            return "echo" if sock.recv(64) == payload else None


class Http(Probe):
    """Fetches a page by address and host name; works when 'expected' is in it."""

    def __init__(self, address, name, expected, path="/", port=80):
        self.address, self.name, self.expected = address, name, expected
        self.path, self.port = path, port
        self.words = ("http", name, address, path)

    def answer(self, host):
        page = self.fetch()
        return page if self.expected in page else None

    def fetch(self):
        with _connect(self.address, self.port) as sock:
            request = f"GET {self.path} HTTP/1.1\r\nHost: {self.name}\r\nConnection: close\r\n\r\n"
            sock.sendall(request.encode())
            page = b""
            while len(page) < 1 << 20:
                part = sock.recv(65536)
                if not part:
                    break
                page += part
            return page.decode("utf-8", "replace")


class Tls(Probe):
    """A TLS handshake with the server's name; works when its certificate is 'of' that name."""

    def __init__(self, address, name, port=443):
        self.address, self.name, self.port = address, name, port
        self.words = ("tls", name, address)

    def answer(self, host):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with _connect(self.address, self.port) as sock:
            with context.wrap_socket(sock, server_hostname=self.name) as wrapped:
                der = wrapped.getpeercert(binary_form=True)
                wrapped.sendall(f"GET / HTTP/1.1\r\nHost: {self.name}\r\n\r\n".encode())
                wrapped.recv(64)
                return "handshake" if self.name.encode() in der else None


# What names that are not permitted lead a contained endpoint to: its edge's warning page.
WARNING_ADDRESS = "192.0.2.80"


class Dns(Probe):
    """A query to a resolver; works when an address comes back that is not the warning page's."""

    def __init__(self, server, name, kind=1):
        self.server, self.name, self.kind = server, name, kind
        self.words = ("dns", name, "@" + server)

    def answer(self, host):
        number = os.urandom(2)
        labels = b"".join(bytes([len(p)]) + p.encode() for p in self.name.split("."))
        query = number + b"\x01\x00\x00\x01\0\0\0\0\0\0" + labels + b"\0" \
            + struct.pack("!HH", self.kind, 1)
        with socket.socket(_family(self.server), socket.SOCK_DGRAM) as sock:
            sock.settimeout(PATIENCE_S)
            sock.connect((self.server, 53))
            sock.send(query)
            reply = sock.recv(4096)
        if reply[:2] != number or reply[3] & 15 or not struct.unpack("!H", reply[6:8])[0]:
            return None
        size = 4 if self.kind == 1 else 16
        family = socket.AF_INET if self.kind == 1 else socket.AF_INET6
        address = socket.inet_ntop(family, reply[-size:])
        return None if address == WARNING_ADDRESS else address


# An edge answers in the place of all whom a contained endpoint must not reach, so that its browser
# gets as far as the warning page.  That answer is no neighbour's.
SINK_MAC = "02:c0:4d:00:00:01"


class Arp(Probe):
    """Who has this IPv4 address?  Asked on the wire, whatever the cache says."""

    def __init__(self, address):
        self.address = address
        self.words = ("arp", address)

    def answer(self, host):
        mac = bytes.fromhex(host.mac.replace(":", ""))
        frame = b"\xff" * 6 + mac + b"\x08\x06" + b"\0\x01\x08\0\x06\x04\0\x01" + mac \
            + socket.inet_aton(host.ip4) + b"\0" * 6 + socket.inet_aton(self.address)

        def is_reply(got):
            return got[12:14] == b"\x08\x06" and got[20:22] == b"\0\x02" \
                and got[28:32] == socket.inet_aton(self.address)
        got = _exchange(frame, 0x0806, is_reply)
        return got and got[22:28].hex(":") != SINK_MAC and got[22:28].hex(":")


class Neighbour(Probe):
    """The same for IPv6: a neighbour solicitation."""

    def __init__(self, address):
        self.address = address
        self.words = ("nd", address)

    def answer(self, host):
        target = socket.inet_pton(socket.AF_INET6, self.address)
        source = socket.inet_pton(socket.AF_INET6, host.ip6)
        mac = bytes.fromhex(host.mac.replace(":", ""))
        group = bytes.fromhex("ff0200000000000000000001ff") + target[13:]
        body = b"\x87\0\0\0\0\0\0\0" + target + b"\x01\x01" + mac
        pseudo = source + group + struct.pack("!IBBBB", len(body), 0, 0, 0, 58)
        body = body[:2] + struct.pack("!H", _checksum(pseudo + body)) + body[4:]
        frame = b"\x33\x33" + group[12:] + mac + b"\x86\xdd" \
            + struct.pack("!IHBB", 6 << 28, len(body), 58, 255) + source + group + body

        def is_reply(got):
            return got[12:14] == b"\x86\xdd" and got[20] == 58 and got[54] == 136 \
                and got[62:78] == target
        got = _exchange(frame, 0x86dd, is_reply)
        return got and got[6:12].hex(":") != SINK_MAC and got[6:12].hex(":")


def _checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def _exchange(frame, ethertype, is_reply):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ethertype)) as sock:
        sock.bind(("eth0", ethertype))
        sock.send(frame)
        end = time.monotonic() + PATIENCE_S
        while (left := end - time.monotonic()) > 0:
            sock.settimeout(left)
            got, where = sock.recvfrom(2048)
            if where[2] != socket.PACKET_OUTGOING and len(got) >= 42 and is_reply(got):
                return got
    return None


class Probed(AssertionError):
    """A probe did not come out as the story says."""


_worked = {}  # (probe in words, host's name) -> when it last worked


def can(probe, from_):
    """The probe works from there before long, and within three tries: a release is acknowledged some
    milliseconds before switches hear of it, and a lab's first packet can be lost."""
    tries, end_of_time = 0, time.monotonic() + LONG_S
    while tries < 3 or time.monotonic() < end_of_time:
        tries += 1
        answer, why, _, end = probe.ask(from_)
        if answer:
            _worked[(repr(probe), from_.name)] = end
            return answer
        time.sleep(0.02)
    neighbours = from_.ns.run("ip", "neigh", check=False).stdout.strip().replace("\n", "; ")
    raise Probed(f"{from_} cannot {probe}: {why}; its neighbours: {neighbours}")


def _cannot(probe, from_, twin_probe, twin_host):
    if (repr(probe), from_.name) not in _worked:
        raise LabError(f"unsound: '{probe}' never worked from {from_} before")
    tries, end_of_time = 0, time.monotonic() + LONG_S
    while tries < 2 or time.monotonic() < end_of_time:  # the twin may be late: the machine is busy
        tries += 1
        bad = probe.begin(from_)
        good = twin_probe.begin(twin_host)
        bad_answer, bad_why, bad_begin, _ = bad.result()
        good_answer, good_why, _, good_end = good.result()
        if bad_answer:
            raise Probed(f"{from_} can {probe}, and should not")
        if good_answer and good_end - bad_begin < 1.0:
            return bad_why
    raise Probed(f"nothing is said of {from_}: its twin {twin_host} cannot {twin_probe} "
                 f"either ({good_why})")


def cannot(probe, from_, twin):
    """Fails from 'from_' where it worked before; works from 'twin' within the same second."""
    return _cannot(probe, from_, probe, twin)


def cannot_be_reached(make, target, from_, twin):
    """make(host) gives the probe of a host: of 'target' it fails from 'from_' where it worked
    before, of 'twin' it works from there within the same second."""
    return _cannot(make(target), from_, make(twin), from_)
