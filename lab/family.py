"""A cordond and the processes that it started."""
import os
import signal

import netns
from netns import wait_for


def is_alive(pid):
    return os.path.exists(f"/proc/{pid}") and not netns._is_zombie(pid)


def children_of(pid):
    found = []
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            for child in file.read().split():
                found += [int(child)] + children_of(int(child))
    except OSError:
        pass
    return found


class Stall:
    """How long programs (and we) wanted to run and had no processor, since this was made: on a busy
    machine that is no time of theirs.  'pids' gives those that run now."""

    def __init__(self, pids):
        self.pids, self.seen, self.total_ns = pids, {}, 0
        self.look()
        self.total_ns = 0

    def look(self):
        for pid in [os.getpid(), *self.pids()]:
            try:
                tasks = os.listdir(f"/proc/{pid}/task")
            except OSError:
                continue  # it has ended
            for task in tasks:
                try:
                    with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
                        now = int(file.read().split()[1])
                except (OSError, IndexError):
                    continue
                self.total_ns += max(now - self.seen.get(task, 0), 0)  # another one may have its number now
                self.seen[task] = now

    def seconds(self):
        self.look()
        return self.total_ns / 1e9


def kill_family(cordond):
    """SIGKILL to the supervisor and to every role, at once."""
    pids = [cordond.pid] + children_of(cordond.pid)
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    cordond.popen.wait(30)
    wait_for(lambda: not any(is_alive(pid) for pid in pids), "cordond is gone", 30)
