"""No descriptor left: whoever is connected goes on, nobody new gets in, and neither the processor nor the
disk is spent on saying so."""
import os
import socket
import time

import ledger
import pytest
from light import Light
from netns import wait_for

DESCRIPTORS = 48  # of each process; more than what is needed, less than what strangers take
STRANGERS = 60
LOOK_S = 2


@pytest.fixture(scope="module")
def lab():
    with Light() as made:
        made.cordond.stop()
        made.cordond = made.machines["ctl"].spawn(
            "cordond", "sh", "-c", f'ulimit -n {DESCRIPTORS}; exec "$@"', "sh",
            made.program("cordond"), "--config", made.config_file, env=made.env)
        wait_for(made.is_answering, "cordond answers", 30, 0.05)
        made.wait_level()
        yield made


def spent_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        words = file.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def log_size(lab):
    return os.path.getsize(lab.cordond.log_path)


@pytest.mark.parametrize("role, port", [("driver", 8701), ("intake", 8702), ("web", 8443)])
def test_strangers_take_every_descriptor(lab, role, port):
    pid = lab.role_pids()[role]
    strangers = []
    for _ in range(STRANGERS):
        one = socket.socket()
        one.settimeout(30)
        one.connect(("127.0.0.1", port))
        strangers.append(one)
    wait_for(lambda: len(os.listdir(f"/proc/{pid}/fd")) >= DESCRIPTORS, "none is left", 30, 0.02)
    before, size = spent_s(pid), log_size(lab)
    if role == "web":  # nobody new gets in there, and the switches are not its business
        time.sleep(LOOK_S)
    else:
        begin = time.monotonic()
        made = lab.contain(lab.endpoints[1])["id"]
        lab.wait_state(made)
        ledger.frames(lab, {lab.endpoints[1].mac: 1})
        lab.release(made)
        time.sleep(max(0, LOOK_S - (time.monotonic() - begin)))
    assert spent_s(pid) - before < LOOK_S / 3, "it spends its time at the door"
    assert log_size(lab) - size < 20_000, "it fills the disk"
    assert "no connection can be accepted just now" in lab.cordond.log(50_000)
    for one in strangers:
        one.close()
    wait_for(lab.is_answering, "it answers again", 30, 0.1)
    assert lab.role_pids()[role] == pid, "it died"
    lab.wait_level()
