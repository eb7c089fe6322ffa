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


def kill_family(cordond):
    """SIGKILL to the supervisor and to every role, at once."""
    pids = [cordond.pid] + children_of(cordond.pid)
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    cordond.popen.wait(5)
    wait_for(lambda: not any(is_alive(pid) for pid in pids), "cordond is gone", 5)
