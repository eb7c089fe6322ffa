"""The clock of one program, or of several, that a test sets: lab/clock.c, preloaded.

    with Clock(lab, "cordond") as clock:  # a file in the lab's folder
        lab.start_cordond(env=clock.env)
        clock.set(3600)
"""
import mmap
import os
import struct


class Clock:
    """Seconds to add to the wall clock, and to the clocks that only go on: as if hours passed."""

    def __init__(self, folder, name, build):
        self.path = os.path.join(folder, f"{name}.clock")
        with open(self.path, "wb") as file:
            file.write(bytes(16))
        os.chmod(self.path, 0o644)
        with open(self.path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 16)
        self.env = {"LD_PRELOAD": os.path.join(build, "lab", "libclock.so"),
                    "LAB_CLOCK": self.path}

    def set(self, wall_s, passed_s=0):
        """'wall_s': somebody set it; 'passed_s': time goes by, on every clock."""
        self._map[0:16] = struct.pack("=qq", int((wall_s + passed_s) * 1e6), int(passed_s * 1e6))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self._map.close()
