"""The way between a browser and the controller, which can be cut: a forwarder of TCP connections."""
import contextlib
import socket
import threading

from receivers import free_port


class Way:
    def __init__(self, target):
        self.target = target
        self.listening, self.ends, self.lock = None, set(), threading.Lock()
        self.port = free_port()  # stays ours while it is cut
        self.join()

    def join(self):
        """Whoever asks gets through."""
        self.listening = socket.create_server(("127.0.0.1", self.port), reuse_port=False)
        threading.Thread(target=self._accept, args=(self.listening,), daemon=True).start()

    def cut(self):
        """Nobody gets through, and every connection is broken."""
        with contextlib.suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        with self.lock:
            ends, self.ends = self.ends, set()
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self, listening):
        with contextlib.suppress(OSError):
            while True:
                near, _ = listening.accept()
                try:
                    far = socket.create_connection(self.target)
                except OSError:  # it is away for a moment: so it seems to who asks
                    near.close()
                    continue
                with self.lock:
                    self.ends |= {near, far}
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)
        with self.lock:
            self.ends.discard(source)
        source.close()
