#!/usr/bin/env python3
"""cordon-sensor -r on captures that nobody here made: ordinary applications raise nothing, labelled
scans are found (also when the mirror doubles, tags, loses or swaps frames), and what is wrapped is
seen inside of its wrapping.  The captures are not part of the source: they are looked for in
$CORDON_SHARED, or in ../shared beside the checkout."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

SENSOR, SOURCE = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
SHARED = os.environ.get("CORDON_SHARED") or os.path.join(os.path.dirname(SOURCE), "shared")
PCAP = os.path.join(SHARED, "data", "pcap")
SWEEP, PORTS, ARP = 9200001, 9200002, 9200003

# labelled captures of scans -> what is to be found
SCANS = {
    "arp_sweep.pcap": ARP,
    "nmap_connect_vertical.pcap": PORTS,
    "nmap_horizontal_445.pcap": SWEEP,
    "nmap_slow_T2_horizontal.pcap": SWEEP,
    "slips__dataset__test7-malicious.pcap": SWEEP,
    "slips__dataset__test8-malicious.pcap": ARP,
}
# captures with encapsulation -> addresses that are only in the innermost packet
WRAPPED = {
    "zeek_erspanI.pcap": ["172.217.11.78", "172.16.133.2"],
    "zeek_erspan.pcap": ["192.168.69.2"],
    "arkime_gre-sample.pcap": ["66.59.111.190", "172.28.2.3"],
    "zeek_gre-within-gre.pcap": ["192.168.1.2", "10.10.25.1"],
    "arkime_ipv6-in-ipv4.pcap": ["2001:db8:0:1::1", "2001:db8:0:1::2"],
    "zeek_vxlan-encapsulated-http.pcap": ["54.86.237.188"],
    "zeek_http-qinq-0.pcap": ["192.150.187.43"],
    "zeek_icmp_dot1q.pcap": ["192.168.123.1", "192.168.123.2"],
    "arkime_twovlan.pcap": ["10.0.0.2"],
}


def alerts(path, *words):
    """The findings; every line must be JSON, and the program must end well."""
    done = subprocess.run([SENSOR, "-r", path, *words], capture_output=True, text=True, timeout=120,
                          check=False)
    if done.returncode != 0:
        raise AssertionError(f"{path}: status {done.returncode}: {done.stderr[-300:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def signatures(path, *words):
    return {a["alert"]["signature_id"] for a in alerts(path, *words)}


class Captures(unittest.TestCase):
    def test_benign(self):
        folder, wrong = os.path.join(PCAP, "benign"), []
        names = sorted(os.listdir(folder))
        self.assertGreater(len(names), 100)
        for name in names:
            found = alerts(os.path.join(folder, name))
            wrong += [f"{name}: {a['alert']['signature']}" for a in found]
        self.assertEqual(wrong, [])

    def test_scans(self):
        for name, signature in SCANS.items():
            with self.subTest(name):
                self.assertIn(signature, signatures(os.path.join(PCAP, "labelled", name)))

    def test_wrapped(self):
        for name, inner in WRAPPED.items():
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                config, listed = os.path.join(folder, "sensor.yaml"), os.path.join(folder, "list")
                with open(listed, "w", encoding="utf-8") as file:
                    file.write("\n".join(inner) + "\n")
                with open(config, "w", encoding="utf-8") as file:
                    file.write('name: s1\nhome_networks: [{prefix: "0.0.0.0/0"}, '
                               '{prefix: "2000::/3"}]\n'
                               f'lists: [{{name: inner, path: "{listed}"}}]\n')
                found = alerts(os.path.join(PCAP, "encap", name), "--config", config)
                self.assertTrue(found)
                self.assertTrue({a["dest_ip"] for a in found} <= set(inner))

    def test_mirror_faults(self):
        tool = os.path.join(SHARED, "tools", "mirror-faults.py")
        if not os.path.exists(tool):
            self.skipTest(f"{tool} is not there")
        names = [n for n in SCANS if n.startswith(("nmap_", "arp_"))]
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(folder, "source")
            os.mkdir(source)
            for name in names:
                shutil.copy(os.path.join(PCAP, "labelled", name), source)
            subprocess.run([sys.executable, tool, source, folder], check=True,
                           stdout=subprocess.DEVNULL, timeout=120)
            for fault in ("base", "dup", "vlanasym", "loss1", "reorder"):
                for name in names:
                    with self.subTest(f"{fault} {name}"):
                        path = os.path.join(folder, fault, name)
                        self.assertEqual(signatures(path), {SCANS[name]})


if __name__ == "__main__":
    if not os.path.isdir(PCAP):
        print(f"skipped: no captures in {PCAP} (CORDON_SHARED names the folder)")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
