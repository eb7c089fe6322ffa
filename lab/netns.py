"""Network namespaces: making them, running things inside, taking everything away again.

A namespace is entered by a thread (setns), never by the whole process: sockets that such a thread
opens and programs that it starts belong to the namespace.  Programs keep the machine's mounts, so
that what they mount (a bpffs) outlives them as it would on a real switch.
"""
import concurrent.futures
import ctypes
import os
import signal
import subprocess
import threading
import time

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class LabError(Exception):
    """Something in the lab did not come about; the text says what."""


def set_namespace(fd):
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise LabError(f"setns: {os.strerror(error)}")


LEAST_S = 60.0


def wait_for(condition, what, timeout_s=LEAST_S, every_s=0.02, least_s=LEAST_S):
    """Polls until condition() is true and returns its value; LabError after the time-out.  A test that
    measures how long something takes does so itself: here there is time, on a machine that is busy, whatever
    somebody thought enough ('least_s').
    It is asked more seldom the longer it lasts, so that who waits does not keep the others from work."""
    begin, timeout_s = time.monotonic(), max(timeout_s, least_s)
    while True:
        value = condition()
        if value:
            return value
        waited = time.monotonic() - begin
        if waited > timeout_s:
            raise LabError(f"waited {timeout_s:g} s in vain: {what}")
        time.sleep(max(every_s, min(waited * 0.05, 0.2)))


class Process:
    """A program in a namespace with its output in a file."""

    def __init__(self, name, popen, log_path):
        self.name = name
        self.popen = popen
        self.log_path = log_path

    @property
    def pid(self):
        return self.popen.pid

    def is_running(self):
        return self.popen.poll() is None

    def log_size(self):
        return os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0

    def log_since(self, size):
        """What was written after log_size() was that."""
        with open(self.log_path, "rb") as file:
            file.seek(size)
            return file.read().decode("utf-8", "replace")

    def log(self, last=4000):
        try:
            with open(self.log_path, "rb") as file:
                return file.read()[-last:].decode("utf-8", "replace")
        except OSError:
            return ""

    def kill(self, number=signal.SIGKILL):
        if self.is_running():
            self.popen.send_signal(number)

    def stop(self, timeout_s=30.0):
        """SIGTERM, then SIGKILL; returns the exit status."""
        if self.is_running():
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        return self.popen.wait(30)


class Namespace:
    """One machine of the lab."""

    def __init__(self, prefix, short, log_dir):
        self.short = short
        self.name = f"{prefix}-{short}"
        self.log_dir = log_dir
        self.fd = os.open(f"/var/run/netns/{self.name}", os.O_RDONLY | os.O_CLOEXEC)
        # One thread lives as long as the namespace: what it starts is not orphaned with a thread.
        self._home = concurrent.futures.ThreadPoolExecutor(
            1, thread_name_prefix=self.name, initializer=set_namespace, initargs=(self.fd,))
        self._crowd = concurrent.futures.ThreadPoolExecutor(
            16, thread_name_prefix=self.name, initializer=set_namespace, initargs=(self.fd,))
        self.processes = []

    def __repr__(self):
        return self.short

    def call(self, function, *args, **kwargs):
        """Runs a short function inside and returns its value."""
        return self._home.submit(function, *args, **kwargs).result()

    def start(self, function, *args, **kwargs):
        """Runs a function inside beside others; returns a future."""
        return self._crowd.submit(function, *args, **kwargs)

    def serve(self, function, *args):
        """Runs a function inside for ever, in a daemon thread of its own."""
        def inside():
            set_namespace(self.fd)
            function(*args)
        thread = threading.Thread(target=inside, name=self.name, daemon=True)
        thread.start()
        return thread

    def run(self, *command, timeout_s=60, check=True, resolver=None, env=None, cwd=None):
        """Runs a program to its end; returns CompletedProcess with text output."""
        argv = [str(word) for word in command]
        if resolver:  # its own /etc/resolv.conf, in a mount namespace of its own
            argv = ["unshare", "-m", "sh", "-c",
                    'mount --bind "$0" /etc/resolv.conf && exec "$@"', resolver] + argv
        done = self.start(self._run, argv, timeout_s, env, cwd).result()
        if check and done.returncode != 0:
            raise LabError(f"{self.short}: {' '.join(argv)}: status {done.returncode}\n"
                           f"{done.stdout}{done.stderr}")
        return done

    @staticmethod
    def _run(argv, timeout_s, env, cwd):
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, errors="replace",
                              start_new_session=True, env=env, cwd=cwd) as popen:
            try:
                out, err = popen.communicate(timeout=timeout_s)
                return subprocess.CompletedProcess(argv, popen.returncode, out, err)
            except subprocess.TimeoutExpired:
                os.killpg(popen.pid, signal.SIGKILL)
                try:
                    out, err = popen.communicate(timeout=10)
                except subprocess.TimeoutExpired:
                    out, err = "", "what it started in another session lives on"
                return subprocess.CompletedProcess(argv, 124, out, err)

    def spawn(self, name, *command, env=None, stdin=None, pass_fds=()):
        """Starts a program that keeps running; its output goes to the log folder."""
        log_path = os.path.join(self.log_dir, f"{name}.log")
        argv = [str(word) for word in command]

        def begin():
            with open(log_path, "ab") as log:
                return subprocess.Popen(argv, stdin=stdin or subprocess.DEVNULL, stdout=log,
                                        stderr=log, start_new_session=True, env=env,
                                        pass_fds=pass_fds)
        process = Process(name, self.call(begin), log_path)
        self.processes.append(process)
        return process

    def sysctl(self, settings):
        def write():
            for key, value in settings.items():
                try:
                    with open(f"/proc/sys/net/{key}", "w", encoding="ascii") as file:
                        file.write(str(value))
                except FileNotFoundError:
                    continue  # this kernel has no such knob (no IPv6, no br_netfilter)
        self.call(write)

    def ip(self, *lines):
        batch(self.name, lines)

    def close(self):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            try:
                process.popen.wait(30)
            except subprocess.TimeoutExpired:
                pass
        self._home.shutdown(wait=False, cancel_futures=True)
        self._crowd.shutdown(wait=False, cancel_futures=True)
        os.close(self.fd)


def batch(namespace, lines, program="ip"):
    """Several ip or tc commands in one go."""
    argv = [program] + (["-n", namespace] if namespace else []) + ["-batch", "-"]
    done = subprocess.run(argv, input="\n".join(lines) + "\n", text=True, capture_output=True,
                          timeout=60, check=False)
    if done.returncode != 0:
        raise LabError(f"{program} {namespace or ''}: {done.stderr.strip()}\n" + "\n".join(lines))


def names_with_prefix(prefix):
    try:
        return sorted(n for n in os.listdir("/var/run/netns") if n.startswith(prefix + "-"))
    except FileNotFoundError:
        return []


def remove(prefix):
    """Ends every program in the namespaces of 'prefix' and deletes them."""
    names = names_with_prefix(prefix)
    own = os.getpid()
    for number in (signal.SIGTERM, signal.SIGKILL):
        pids = set()
        for name in names:
            done = subprocess.run(["ip", "netns", "pids", name], text=True, capture_output=True,
                                  timeout=20, check=False)
            pids.update(int(word) for word in done.stdout.split())
        pids.discard(own)
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        end = time.monotonic() + 2
        while pids and time.monotonic() < end:
            pids = {pid for pid in pids if os.path.exists(f"/proc/{pid}")
                    and not _is_zombie(pid)}
            time.sleep(0.02)
        if not pids:
            break
    if names:
        subprocess.run(["ip", "-batch", "-"], input="\n".join(f"netns del {n}" for n in names),
                       text=True, capture_output=True, timeout=60, check=False)


def _is_zombie(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True
