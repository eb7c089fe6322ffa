"""One burst of an infected machine: outbreak.py NAME SERVER,SERVER ADDRESS,ADDRESS...

Opens HTTP and TLS to each server and TCP 445 to each address, all before anybody has answered, and
then says what the server's protocol expects.  First in line for the processor: a burst that is
interrupted is cut off half way."""
import os
import select
import socket
import ssl
import sys
import time


def client_hello(name):
    """A real ClientHello with that server name."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def say(sock, port, name):
    try:
        if port == 80:
            sock.send(f"GET /gate.php HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
        elif port == 443:
            sock.send(client_hello(name))
    except OSError:
        pass  # blocked already


def main():
    name, servers, swept = sys.argv[1], sys.argv[2].split(","), sys.argv[3].split(",")
    targets = [(server, port) for server in servers for port in (80, 443)]
    socks = {}
    for target, port in targets + [(address, 445) for address in swept]:
        family = socket.AF_INET6 if ":" in target else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        socks[sock] = (target, port)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        pass
    for sock, target in socks.items():
        sock.connect_ex(target)
    end = time.monotonic() + 1.0
    waiting = set(socks)
    while waiting and time.monotonic() < end:
        _, writable, _ = select.select([], list(waiting), [], 0.05)
        for sock in writable:
            waiting.discard(sock)
            say(sock, socks[sock][1], name)
    for sock in socks:
        sock.close()


main()
