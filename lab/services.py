"""The servers of the campus: web, TLS, file traffic and echo, all threads of the lab's process.

Each is opened inside its namespace and then served from there; nothing here knows of Cordon.
"""
import http.server
import socket
import socketserver
import ssl
import threading

FILE_BYTES = b"campus file traffic " * 512


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "campus", self.server_address[1]

    def handle_error(self, request, client_address):
        pass  # a client that went away is ordinary here


class _TlsServer(_Server):
    context = None

    def finish_request(self, request, client_address):
        request.settimeout(5)
        with self.context.wrap_socket(request, server_side=True) as wrapped:
            super().finish_request(wrapped, client_address)


class _Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_GET(self):
        body = f"<html><title>{self.server.title}</title><p>{self.server.title}</p></html>\n"
        self.server.served += 1
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body.encode())
        self.close_connection = True

    do_POST = do_GET

    def log_message(self, *args):
        pass


def http_server(namespace, title, port=80, context=None):
    """Opens a web server with one page that shows 'title'; with a context: TLS."""
    def make():
        server = (_TlsServer if context else _Server)(("::", port), _Page)
        server.title, server.served, server.context = title, 0, context
        return server
    server = namespace.call(make)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True,
                     name=f"{namespace.name}:{port}").start()
    return server


def tls_context(cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


class Echo:
    """Answers every UDP datagram, and sends a file to whoever connects (ports 445 and others)."""

    def __init__(self, namespace, udp_port=7, tcp_ports=(445,)):
        self.sockets = []
        self.closing = False
        self._udp = namespace.call(self._open, socket.SOCK_DGRAM, udp_port)
        threading.Thread(target=self._serve_udp, daemon=True).start()
        for port in tcp_ports:
            listener = namespace.call(self._open, socket.SOCK_STREAM, port)
            threading.Thread(target=self._serve_tcp, args=(listener,), daemon=True).start()

    def _open(self, kind, port):
        sock = socket.socket(socket.AF_INET6, kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        # Answers come from the stable address, not from the temporary one (RFC 5014).
        sock.setsockopt(socket.IPPROTO_IPV6, 72, 2)
        sock.bind(("::", port))
        if kind == socket.SOCK_STREAM:
            sock.listen(64)
        self.sockets.append(sock)
        return sock

    def _serve_udp(self):
        while not self.closing:
            try:
                data, peer = self._udp.recvfrom(2048)
                if peer:  # none: woken by close()
                    self._udp.sendto(data, peer)
            except OSError:
                continue

    def _serve_tcp(self, listener):
        while not self.closing:
            try:
                peer, _ = listener.accept()
                peer.settimeout(2)
                with peer:
                    peer.sendall(FILE_BYTES)
            except OSError:
                continue

    def close(self):
        self.closing = True
        for sock in self.sockets:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()
