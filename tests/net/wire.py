"""Frames put on the wire as they are, and where they arrive.

An attempt gives frames that bear its token, so that one that arrives is known again wherever that
is, also behind a router.  All attempts of one sender are made in one go; a tap on every other
machine says who got which.
"""
import os
import select
import socket
import time

from scapy.all import raw

SETTLE_S = 0.4
AT_MOST_S = 20.0
SO_RCVBUFFORCE = 33
SOL_PACKET, PACKET_VNET_HDR = 263, 15
ETH_P_ALL = 3


class Whole(bytes):
    """In the place of a token: the frame itself, for one that is too short for a token."""


class Tap:
    """Every frame that comes in at some machines."""

    def __init__(self, hosts):
        self._names = {host.ns.call(self._open): host.name for host in hosts}

    @staticmethod
    def _open():
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        sock.bind(("eth0", ETH_P_ALL))
        sock.setblocking(False)
        return sock

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for sock in self._names:
            sock.close()

    def frames(self, settle_s=SETTLE_S):
        """[(host's name, frame)]; ends when nothing more can be on its way: that time is over, and what has
        come is read, however long a busy machine takes for it."""
        found, now = [], time.monotonic()
        end, latest = now + settle_s, now + AT_MOST_S
        while time.monotonic() < latest:
            ready = select.select(list(self._names), [], [], max(end - time.monotonic(), 0))[0]
            if not ready:
                break
            for sock in ready:
                data, where = sock.recvfrom(65536)
                if where[2] != socket.PACKET_OUTGOING:
                    found.append((self._names[sock], data))
        return found


def put(host, frames, gap_s=0.001):
    """Sends frames from the host's interface."""
    def inside():
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind(("eth0", 0))
            for frame in frames:
                sock.send(bytes(frame))
                time.sleep(gap_s)
    host.ns.call(inside)


def put_large(host, frame, header_size, segment_size):
    """One TCP/IPv4 frame of many segments, as a stack gives it to a device that cuts it (TSO)."""
    head = b"\x01\x01" + b"".join(number.to_bytes(2, "little")
                                  for number in (header_size, segment_size, 34, 16))

    def inside():
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
            sock.bind(("eth0", 0))
            sock.send(head + bytes(frame))
    host.ns.call(inside)


def arrivals(taps, sender, names, make):
    """Makes every attempt; {name: {host: frames that arrived there}}.

    make(name, token) gives the frames; or (frames, mark), where another mark than the token is to
    be looked for: bytes that are in no other frame, or the Whole frame."""
    marks, frames = {}, []
    for name in names:
        token = os.urandom(6)
        made = make(name, token)
        made, mark = made if isinstance(made, tuple) else (made, token)
        marks[name] = mark
        frames += [raw(frame) for frame in made]
    taps.frames(0.01)  # what was before
    put(sender, frames)
    found = {name: {} for name in names}
    for host, data in taps.frames():
        for name, mark in marks.items():
            if data == mark if isinstance(mark, Whole) else mark in data:
                found[name][host] = found[name].get(host, 0) + 1
    return found
