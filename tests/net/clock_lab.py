"""A small lab (lab/light.py) whose programs have clocks that a test sets."""
import os
import shutil
import tempfile

from clocks import Clock
from light import SWITCHES, Light


class ClockLab(Light):
    """Each program has a clock of its own."""

    def __init__(self, settings="", **more):
        super().__init__(**more)
        self.clock_dir = tempfile.mkdtemp(prefix="cordon-clocks-")
        os.chmod(self.clock_dir, 0o755)
        self.clocks = {name: Clock(self.clock_dir, name, self.build)
                       for name in ("cordond", *SWITCHES)}
        self.eve = os.path.join(self.dir, "eve", "eve.json")
        os.makedirs(os.path.dirname(self.eve))
        self.sources = f"""sources:
  - {{name: ids, kind: eve-file, path: "{self.eve}", strength: strong, confidence: 80,
     adjacent: true}}
{settings}
"""

    def start_cordond(self, wait=True, env=None):
        super().start_cordond(wait, dict(self.env, **self.clocks["cordond"].env))

    def start_edge(self, name, env=None):
        super().start_edge(name, dict(self.env, **self.clocks[name].env))

    def set(self, seconds, *names):
        for name in names or self.clocks:
            self.clocks[name].set(seconds)

    def passes(self, seconds):
        """Time goes by for everybody, on every clock."""
        for clock in self.clocks.values():
            clock.set(0, seconds)

    def close(self):
        super().close()
        shutil.rmtree(self.clock_dir, ignore_errors=True)
