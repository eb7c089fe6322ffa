#!/usr/bin/python3
"""Every capture that nobody here made, and faulty copies of them, through the whole sensor: ends
well, in bounded time and memory.  CORDON_MUTATIONS says how many faulty runs (10000)."""
import os
import pathlib
import re
import subprocess
import sys

MEMORY_MIB = 1024  # also with an address sanitizer

program, source = sys.argv[1:3]
shared = os.environ.get("CORDON_SHARED") or os.path.join(os.path.dirname(source), "shared")
folder = pathlib.Path(shared, "data", "pcap")
if not folder.is_dir():
    print(f"skipped: no captures in {folder} (CORDON_SHARED names the folder)")
    sys.exit(77)
names = sorted(str(path) for path in folder.rglob("*.pcap*"))
assert len(names) > 1000, names
done = subprocess.run([program, os.environ.get("CORDON_MUTATIONS", "10000"), "1"],
                      input="\n".join(names), text=True, stdout=subprocess.PIPE, check=False)
print(done.stdout)
memory = re.search(r"(\d+) MiB", done.stdout)
unread = re.search(r"(\d+) faulty runs, (\d+) of no Ethernet or damaged, (\d+) findings", done.stdout)
assert done.returncode == 0, done.returncode
assert memory and int(memory[1]) < MEMORY_MIB, done.stdout
# where nothing is read or seen, nothing is tried
assert unread and int(unread[2]) < (len(names) + int(unread[1])) / 4 and int(unread[3]) > 0, done.stdout
