"""What the wire says: continuous flows that count every lost datagram, and a witness that counts
every frame of a suspect.  Both are C programs, so that a busy lab does not lose what it counts."""
import json
import os
import subprocess
import time

from netns import LabError, wait_for


class _Program:
    def __init__(self, campus, name, arguments):
        path = os.path.join(campus.build, "lab", name)
        if not os.path.exists(path):
            raise LabError(f"{path} is missing: run make build")
        self._popen = subprocess.Popen([path] + [str(a) for a in arguments], text=True,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       start_new_session=True)
        campus.closers.append(self.close)

    def _say(self, line):
        self._popen.stdin.write(line + "\n")
        self._popen.stdin.flush()
        answer = self._popen.stdout.readline()
        if not answer:
            raise LabError(f"{self._popen.args[0]} has ended")
        return json.loads(answer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self._popen.poll() is None:
            self._popen.stdin.close()
            try:
                self._popen.wait(2)
            except subprocess.TimeoutExpired:
                self._popen.kill()
                self._popen.wait(2)
        self._popen.stdout.close()


class Flows(_Program):
    """Two-way UDP flows between pairs of hosts, 'rate' datagrams a second in each direction."""

    def __init__(self, campus, pairs, rate=100):
        words = [rate]
        self.names = {}
        for a, b in pairs:
            for attribute in ("ip4", "ip6"):
                for host in (a, b):
                    address = getattr(host, attribute)
                    self.names[address] = host.name
                    words += [host.ns.name, address]
        super().__init__(campus, "flows", words)
        self.base = None

    def snapshot(self):
        return self._say("counts")

    def begin(self):
        """Waits until every flow runs; what is lost from now on counts."""
        wait_for(lambda: all(f["received"] > 5 for f in self.snapshot()), "flows that run", 30)
        self.base = self.snapshot()

    def lost(self, settle_s=3.0):
        """The datagrams lost since begin(), of all that were sent until now: {flow: count}."""
        until = self.snapshot()
        end = time.monotonic() + settle_s
        while True:
            now = self.snapshot()
            if all(n["highest"] >= u["sent"] for n, u in zip(now, until)):
                break
            if time.monotonic() > end:
                break
            time.sleep(0.02)
        found = {}
        for before, after in zip(self.base, now):
            if after["lost"] > before["lost"]:
                name = f"{self.names[after['from']]} > {self.names[after['to']]}" \
                       f" ({'IPv6' if ':' in after['to'] else 'IPv4'})"
                found[name] = after["lost"] - before["lost"]
        return found

    def total(self):
        return sum(f["received"] for f in self.snapshot()) - sum(f["received"] for f in self.base)


class Witness(_Program):
    """Counts frames whose sender is a suspect, where they arrive."""

    def __init__(self, campus, hosts, interface="eth0"):
        words = []
        for host in hosts:
            words += [host.ns.name, interface]
        super().__init__(campus, "witness", words)
        self._prefix = campus.prefix + "-"

    def suspect(self, host):
        """Every MAC and address that the host has now."""
        self._say(f"mac {host.mac}")
        for _, address, _ in host.addresses():
            self._say(f"ip {address}")

    def suspect_address(self, word, value):
        self._say(f"{word} {value}")

    def clear(self):
        self._say("clear")

    def counts(self):
        """{host: {kind of frame: count}}, only hosts where something arrived."""
        answer = self._say("counts")
        return {place.split("@")[1].removeprefix(self._prefix): seen["kinds"]
                for place, seen in answer.items() if seen["frames"]}

    def strangers(self, permitted=()):
        """The same without what is permitted: hosts of 'permitted', and who-has for a permitted
        server or the router.  That is a broadcast: it also arrives at the machines beside them on
        server ports."""
        resolving = {"arp", "nd 133", "nd 135", "nd 136"}
        found = {}
        for host, kinds in self.counts().items():
            kinds = {k: n for k, n in kinds.items()
                     if not (host in ("rt", "web") and k in resolving)}
            if kinds and host not in permitted:
                found[host] = kinds
        return found

    def kinds(self):
        """For a witness of one place: {kind of frame: count}."""
        counts = self.counts()
        return next(iter(counts.values())) if counts else {}


class watching:
    """with watching(campus, "sensor", "mon") as witness: what arrives on one interface."""

    def __init__(self, campus, host, interface, everything=False):
        self._witness = Witness(campus, [campus[host]], interface)
        if everything:
            self._witness._say("everything")

    def __enter__(self):
        return self._witness

    def __exit__(self, *_):
        self._witness.close()
