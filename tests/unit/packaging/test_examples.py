#!/usr/bin/env python3
"""The packaged example configurations: each program accepts its own, as it stands and with every
setting that is commented out put in; and every key that the program knows is in its example."""
import os
import re
import subprocess
import sys
import tempfile
import unittest

CORDOND, EDGE, SENSOR, SOURCE = sys.argv[1:5]
# program, example, and where the keys are declared
EXAMPLES = [
    (CORDOND, "cordond.yaml", ["src/cordond/config.c"]),
    (EDGE, "edge.yaml", ["src/edge/settings.c"]),
    (SENSOR, "sensor.yaml", ["src/sensor/settings.c"]),
]
# tables that cordond.yaml takes from elsewhere
RULE_TABLES = ["filter_fields", "mirror_fields"]


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding="utf-8") as file:
        return file.read()


def all_in_use(text):
    """A '#' directly before a word is a setting that is not in use."""
    return re.sub(r"^( *)#(?=[^ #\n])", r"\1", text, flags=re.M)


def nested_in_use(text):
    """As above for list entries, whose further lines are indented behind their '#'."""
    lines, is_entry = [], False
    for line in text.split("\n"):
        is_entry = bool(re.match(r" *#-", line)) or (is_entry and bool(re.match(r" *#  ", line)))
        lines.append(re.sub(r"^( *)#", r"\1", line) if is_entry else line)
    return "\n".join(lines)


def keys_of(table_text):
    return set(re.findall(r"F_\w+\(FIELD_\w+,\s*struct \w+,\s*(\w+)", table_text)) | set(
        re.findall(r'\.name = "(\w+)"', table_text))


class Examples(unittest.TestCase):
    def check(self, program, name, text):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, name)
            policy = os.path.join(SOURCE, "packaging", "policy.yaml")
            text = text.replace("/etc/cordon/policy.yaml", policy).replace("/run/cordon", folder)
            if "/etc/cordon/syslog.pem" in text and program == CORDOND:
                text = self.with_certificates(folder, text)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            return subprocess.run([program, "--check-config", "--config", path], text=True,
                                  capture_output=True, timeout=30, check=False)

    def with_certificates(self, folder, text):
        """The files that a source in use names must be there."""
        subprocess.run([CORDOND, "pki", "issue", "edge", "syslog", "--state", folder + "/state",
                        "--out", folder], check=True, capture_output=True)
        for name, made in (("syslog.pem",) * 2, ("syslog.key",) * 2,
                           ("syslog-senders.pem", "ca.pem")):
            text = text.replace("/etc/cordon/" + name, os.path.join(folder, made))
        return text

    def test_accepted(self):
        for program, name, _ in EXAMPLES:
            for variant in (str, lambda text: all_in_use(nested_in_use(text))):
                done = self.check(program, name, variant(read("packaging", name)))
                self.assertEqual(done.returncode, 0, f"{name}: {done.stderr}")
                self.assertIn(f"{name}: good", done.stdout)

    def test_more_in_use(self):
        """The variant above is one: it has more keys than the file as it stands."""
        for _, name, _ in EXAMPLES:
            text = read("packaging", name)
            in_use = all_in_use(nested_in_use(text))
            self.assertGreater(len(re.findall(r"^ *-? ?\w+:", in_use, re.M)),
                               len(re.findall(r"^ *-? ?\w+:", text, re.M)), name)

    def test_refused(self):
        for program, name, _ in EXAMPLES:
            done = self.check(program, name, read("packaging", name) + "\nno_such_key: 1\n")
            self.assertNotEqual(done.returncode, 0, name)
            self.assertIn("no_such_key", done.stderr)

    def test_unknown_driver(self):
        done = self.check(CORDOND, "cordond.yaml", "switches:\n  - {name: e1, driver: egde}\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cordond.yaml:2:16: switches[0].driver 'egde' is no driver; "
                      "known: edge, dummy", done.stderr)

    def test_every_key(self):
        for _, name, sources in EXAMPLES:
            tables = "".join(read(source) for source in sources)
            if name == "cordond.yaml":
                for table in RULE_TABLES:
                    found = re.search(r"struct field " + table + r"\[\] = \{.*?\n\};",
                                      read("src/wire/rule.c"), re.S)
                    tables += found.group(0)
            keys = keys_of(tables)
            self.assertGreater(len(keys), 10)
            example = all_in_use(nested_in_use(read("packaging", name)))
            shown = set(re.findall(r"(?:^ *(?:- )?|[{,] ?)(\w+):", example, re.M))
            self.assertEqual(keys - shown, set(), f"{name} does not show these keys")

    def test_every_metric_is_documented(self):
        """Names are a promise: whoever renames one must see it."""
        source = read("src/controller/ask/ask_metrics.c")
        used = set(re.findall(r'"(cordon_\w+)', source))
        self.assertGreater(len(used), 25)
        listed = set(re.findall(r"^\| `(cordon_\w+)`", read("docs/metrics.md"), re.M))
        self.assertEqual(used, listed)

    def test_units(self):
        """What a unit of cordon-edge must never have (see its comments)."""
        unit = read("packaging/systemd/cordon-edge@.service")
        settings = set(re.findall(r"^(\w+)=", unit, re.M))
        private = {name for name in settings
                   if re.match(r"(Protect|Private|\w+Paths$|RuntimeDirectory|Dynamic|Root)", name)}
        self.assertEqual(private, set())
        self.assertIn("network-pre.target", unit)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
