"""A port of this machine's loopback that leads into a namespace: a browser outside can look at what
runs inside."""
import socket
import threading

BUFFER = 65536


def _pump(source, target):
    try:
        while data := source.recv(BUFFER):
            target.sendall(data)
    except OSError:
        pass
    for sock in (source, target):
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def _serve(listener, namespace, port):
    while True:
        try:
            outside, _ = listener.accept()
        except OSError:
            return
        try:
            inside = namespace.call(socket.create_connection, ("127.0.0.1", port), 5)
        except OSError:
            outside.close()
            continue
        inside.settimeout(None)  # that was for the connection: an answer may take longer, or be silent
        for pair in ((outside, inside), (inside, outside)):
            threading.Thread(target=_pump, args=pair, daemon=True).start()


def _listen(port):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.bind(("127.0.0.1", 0))
    listener.listen(16)
    return listener


def forward(campus, short, port):
    """127.0.0.1:port of this machine, another port where that one is taken, leads to that machine of the
    campus.  Returns the port; ends with the process."""
    listener = campus.outside(_listen, port)
    threading.Thread(target=_serve, args=(listener, campus.machines[short], port), daemon=True).start()
    return listener.getsockname()[1]
