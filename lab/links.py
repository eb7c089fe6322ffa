"""A cable that a test can cut, in both directions or in one, or make long: two interfaces in a
namespace of its own, and a thread that carries frames from the one to the other.

Frames go with the header that says what the sending stack left to the device (checksums, segments),
so that neither stack notices that the cable is a program.
"""
import heapq
import os
import select
import socket
import threading
import time

SOL_PACKET, PACKET_VNET_HDR, ETH_P_ALL = 263, 15, 3
ROOM = 1 << 17


class Link:
    """Between the interfaces 'a' and 'b' of 'namespace'.  'drops' and 'delay_s' are by direction:
    Link.TO_A, Link.TO_B."""

    TO_A, TO_B = 0, 1

    def __init__(self, namespace, a, b):
        self.sockets = [namespace.call(self._open, name) for name in (a, b)]
        self.drops, self.delay_s = [False, False], [0.0, 0.0]
        self.carried = [0, 0]
        self._wake, self._waker = os.pipe()
        self._is_over = False
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    @staticmethod
    def _open(name):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
        sock.bind((name, ETH_P_ALL))
        sock.setblocking(False)
        return sock

    def cut(self, *directions):
        """Nothing passes any more, and nobody is told."""
        for direction in directions or (self.TO_A, self.TO_B):
            self.drops[direction] = True

    def mend(self):
        self.drops, self.delay_s = [False, False], [0.0, 0.0]

    def stretch(self, delay_s):
        self.delay_s = [delay_s, delay_s]

    def _carry(self):
        late, count = [], 0
        while not self._is_over:
            wait_s = max(late[0][0] - time.monotonic(), 0) if late else None
            ready = select.select([*self.sockets, self._wake], [], [], wait_s)[0]
            for sock in ready:
                if sock is self._wake:
                    return
                direction = self.TO_B if sock is self.sockets[0] else self.TO_A
                for frame in self._frames(sock):
                    count += 1
                    heapq.heappush(late, (time.monotonic() + self.delay_s[direction], count,
                                          direction, frame))
            while late and late[0][0] <= time.monotonic():
                _, _, direction, frame = heapq.heappop(late)
                if not self.drops[direction]:
                    self._put(direction, frame)

    @staticmethod
    def _frames(sock):
        try:
            for _ in range(64):
                frame, where = sock.recvfrom(ROOM)
                if where[2] != socket.PACKET_OUTGOING:
                    yield frame
        except OSError:
            return

    def _put(self, direction, frame):
        try:
            self.sockets[direction].send(frame)
            self.carried[direction] += 1
        except OSError:
            pass  # full, or the interface is down: as on a cable

    def close(self):
        self._is_over = True
        os.write(self._waker, b"x")
        self._thread.join(5)
        for sock in self.sockets:
            sock.close()
        os.close(self._wake)
        os.close(self._waker)
