"""SIGKILL at a system call (lab/killer.c): the moments of a kill are the calls that a process makes,
counted, not guessed by sleeping.

    with Killer(pid, nth, "disk") as killer:  # or "wire", or a call's name; nth 0: only counts
        ...                                   # what is to be interrupted
        killer.wait()                         # it is dead; the call at which
"""
import os
import signal
import subprocess
import threading

from netns import wait_for

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(os.environ.get("CORDON_BUILD", os.path.join(TOP, "build")), "lab", "killer")


class Killer:
    def __init__(self, pid, nth, kind, end=""):
        self.calls, self.nth = [], nth
        self._process = subprocess.Popen([PROGRAM, str(pid), str(nth), kind, *([end] if end else [])],
                                         stdout=subprocess.PIPE, text=True)
        self._is_ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._is_ready.wait(60) and self._process.poll() in (None, 0), "it cannot be followed"

    def _read(self):
        for line in self._process.stdout:
            if line == "ready\n":
                self._is_ready.set()
            else:
                self.calls.append(line.split(" ", 1)[1].strip())
        self._is_ready.set()

    @property
    def has_killed(self):
        if self._process.poll() != 0:
            return False
        self._reader.join(5)  # it has ended, and what it said last may not have been read yet
        return len(self.calls) == self.nth > 0

    def wait(self, timeout_s=30):
        """The call before which it was killed."""
        wait_for(lambda: self._process.poll() is not None, f"call {self.nth} is made", timeout_s,
                 0.002)
        self._reader.join(5)
        return self.calls[-1]

    def stop(self):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)
        self._reader.join(5)
        self._process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.stop()
