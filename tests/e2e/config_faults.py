# SPDX-License-Identifier: BSD-3-Clause
"""Broken configurations: status 1 with the line, the fault and the remedy, before any device is touched."""

import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

from lab import BUILD, Box, expect, say

# What to change in a good configuration, and the words that must be said of it.
FAULTS = (
    ("id = 0", "id = 7", ("id", "0", "1")),
    ("priority = 100", "priority = 1000", ("priority", "255")),
    ("priority = 100", 'priority = "high"', ("priority",)),
    ("priority = 100", "priorty = 100", ("priorty",)),
    ("mtu = 1500\nvirtual_mac_group = 1\naddresses = [\"10.1", "mtu = 20\nvirtual_mac_group = 1\naddresses = [\"10.1",
     ("mtu",)),
    ('"10.1.0.254/24"', '"10.1.0.999/24"', ("10.1.0.999",)),
    ('"10.1.0.254/24"', '"10.1.0.254/33"', ("10.1.0.254/33",)),
    ('to = ["untrust"]\nsource = ["10.1.0.0/24"', 'to = ["nowhere"]\nsource = ["10.1.0.0/24"', ("nowhere",)),
    ('action = "allow"', 'action = "maybe"', ("maybe", "allow", "drop")),
    ('ports = "1024-65535"', 'ports = "65535-1024"', ("65535-1024",)),
    ('ports = "1024-65535"', "translated_port = 80", ("translated_port", "destination")),
    ('ports = "1024-65535"', "block_ports = 3", ("block_ports", "partitions")),
    ("partitions = 4", "partitions = 3", ("partitions", "power of two")),
    ("session4_slots = 65536", "session4_slots = 1", ("session4_slots", "64")),
    ('full_policy = "refuse"', "sctp_slots = 1", ("sctp_slots", "64")),
    ('full_policy = "refuse"', 'full_policy = "panic"', ("panic", "refuse", "evict-half-open")),
    ('transport = "ethernet"', 'transport = "udp"', ("local",)),
    ('transport = "ethernet"', 'transport = "pigeon"', ("pigeon", "ethernet", "ip", "udp")),
    ('local = "192.0.2.1:28260"', 'local = "192.0.2.1"', ("192.0.2.1",)),
    ("keepalive_threshold = 3", "keepalive_threshold = 0", ("keepalive_threshold",)),
    ('lcores = "0@', 'lcores = "zero@', ("lcores",)),
    ("[worker]", "[worker", ("syntax",)),
    ("[worker]", "[wrker]", ("wrker",)),
)


def good_text():
    options = SimpleNamespace(transport="ethernet", session_slots=65536, mtu=1500, keep_tables=False, faults=None,
                              idle_sessions=0, keepalive_threshold=3)
    box = Box(SimpleNamespace(path=Path("/nonexistent")), "nowhere", "east", options)
    box.prefix, box.life = "tp-config", 1
    return box._configuration()


def start(path, *words):
    return subprocess.run([BUILD / "dataplane/twinplane", "--config", path, *words], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=20)


def check(directory, good, number, fault):
    old, new, words = fault
    expect(old in good, f"the good configuration has {old!r}")
    path = directory / f"{number}.toml"
    path.write_text(good.replace(old, new, 1))
    # What is missing is said of its table's line, what is there of its own.
    line = good[:good.index("[ha2]") if "udp" in new else good.index(old)].count("\n") + 1
    for arguments in ((), ("--check",)):
        done = start(path, *arguments)
        said = done.stdout + done.stderr
        expect(done.returncode == 1, f"{new!r}: status 1", f"{done.returncode}: {said}")
        expect("EAL:" not in said, f"{new!r}: no device was touched", said)
        missing = [word for word in words if word not in said]
        expect(not missing, f"{new!r}: said what is wrong", f"{missing} missing in {said}")
        lines = [f"{path.name}:{near}" for near in range(line, line + 2 + old.count(chr(10)))]
        expect(any(one in said for one in lines) or any(f"line {one.rpartition(':')[2]}" in said for one in lines),
               f"{new!r}: said in which line", f"{lines} not in {said}")


def main():
    good = good_text()
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        path = directory / "good.toml"
        path.write_text(good)
        done = start(path, "--check")
        expect(done.returncode == 0 and "EAL:" not in done.stdout + done.stderr,
               "a good one passes --check and no device is touched", done.stdout + done.stderr)
        for number, fault in enumerate(FAULTS):
            check(directory, good, number, fault)
        done = start(directory / "absent.toml")
        expect(done.returncode == 1 and "absent.toml" in done.stderr, "a file that is not there is named", done.stderr)
        # All faults at once: each is named.
        text = good.replace("priority = 100", "priority = 1000").replace("partitions = 4", "partitions = 3")
        path.write_text(text)
        said = start(path).stderr
        expect("priority" in said and "partitions" in said, "several faults are said together", said)
    say("passed: broken configurations are refused with line, fault and remedy")


if __name__ == "__main__":
    try:
        main()
    except Exception as error:  # what was expected stands in it
        say(f"FAILED: {error}")
        sys.exit(1)
