# SPDX-License-Identifier: BSD-3-Clause
"""Every capture gives both boxes the entries that tshark counts in it: sessions, neighbors, associations, groups.

usage: captures.py PATH_OF_SCRIPTS_REPLAY MadeHere|RealNetworks

MadeHere: those that capture_makers.py makes, of every kind. RealNetworks: those of the folder that TWINPLANE_CAPTURES
names.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import capture_makers
from capture_counts import count

REPLAY = sys.argv.pop(1)
FOLDER = os.environ.get("TWINPLANE_CAPTURES", "")
# What captures that are known give, as tshark counted them. SCTP: of two associations one has its INIT there, and
# sctp-isup carries an Adler-32.
KNOWN = {
    "arp-2282-malformed": {"arp": 109},
    "esp-aes": {"session4": 1},
    "esp-v4-v6": {},
    "hostile-ipv6-fragments": {"session6": 1, "nd": 1},
    "hostile-ipv6-rsmurf": {},
    "igmp-v1-v2": {"multicast4": 7},
    "igmp-v3": {},
    "mixed-155-flows-v4-v6-multicast": {"session4": 97, "arp": 3, "nd": 1, "multicast4": 1},
    "mixed-198-flows-v4-v6": {"session4": 102, "arp": 5, "nd": 3, "multicast4": 1},
    "mixed-64-flows": {"session4": 39, "arp": 3},
    "nd-router-advertisement": {},
    "nd-router": {"session6": 2, "nd": 2},
    "pim-join-prune": {},
    "sctp-2-associations": {"sctp": 1},
    "sctp-isup": {},
    "tcp-53-flows": {"session4": 53},
    "tcp-syn-flood": {"session4": 200},
    "tcp6-16-flows": {"session6": 16},
    "tcp6-2-flows": {"session6": 2},
    "udp-156-flows": {"session4": 14},
    "udp-sip-115-flows": {"session4": 111, "arp": 2},
    "vlan-tcp-retransmit": {"session4": 1},
    "vlan-tcp": {"session4": 1},
    "vrrp-v4-v6": {},
}
KINDS = ("session4", "session6", "arp", "nd", "sctp", "multicast4", "multicast6")


def replayed(path):
    """What each box holds at the end, kind by kind, in the words of capture_counts; and the summary."""
    done = subprocess.run([REPLAY, "--as-fast-as-possible", str(path)], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise AssertionError(f"{path}: status {done.returncode}: {done.stderr}")
    *lines, summary = map(json.loads, done.stdout.splitlines())
    held = {"active": {kind: set() for kind in KINDS}, "passive": {kind: set() for kind in KINDS}}
    for line in lines:
        of = held[line["box"]]
        if line.get("table") in ("arp", "nd"):
            of[line["table"]].add((line["address"], line["mac"]))
        elif "table" in line:
            of[line["table"]].add((line["group"], line.get("source")))
        elif "sctp" in line:
            of["sctp"].add((line["client"], line["server"]))
        else:
            ends = frozenset((line["client"], line["server"]))
            of[f"session{line['family']}"].add((line["protocol"], ends))
    return held, summary


class Comparison(unittest.TestCase):
    maxDiff = None

    def compare(self, path):
        """Gives how many entries of each kind there are."""
        expected = count(path)
        held, summary = replayed(path)
        self.assertTrue(summary["equal"], path)
        for box in ("active", "passive"):
            for kind in KINDS:
                self.assertEqual(held[box][kind], expected[kind], f"{path.name}: {kind} of the {box} box")
        numbers = {kind: len(entries) for kind, entries in expected.items()}
        print(f"{path.name}: {summary['packets']} packets,",
              ", ".join(f"{number} {kind}" for kind, number in numbers.items() if number) or "no entry", flush=True)
        return numbers


class MadeHere(Comparison):
    def test_captures_that_are_made_here(self):
        with tempfile.TemporaryDirectory() as folder:
            made = capture_makers.make_all(pathlib.Path(folder))
            for kind, (path, entries) in made.items():
                with self.subTest(kind):
                    numbers = self.compare(path)
                    self.assertEqual(numbers[kind], entries, f"{path.name}: as many {kind} as were put into it")
            self.assertEqual(set(made), set(KINDS))
            self.assertTrue(all(entries > 0 for _, entries in made.values()), made)


class RealNetworks(Comparison):
    def test_captures_of_real_networks(self):
        paths = sorted(pathlib.Path(FOLDER).glob("*.pcap"))
        self.assertTrue(paths, f"{FOLDER} holds no capture")
        sums = dict.fromkeys(KINDS, 0)
        for path in paths:
            with self.subTest(path.name):
                numbers = self.compare(path)
                if path.stem in KNOWN:
                    self.assertEqual({kind: number for kind, number in numbers.items() if number}, KNOWN[path.stem])
                for kind, number in numbers.items():
                    sums[kind] += number
        print(f"{len(paths)} captures: {sums}")
        self.assertGreater(sum(sums.values()), 0)

    def test_real_associations(self):
        """By tshark (sctp.checksum.status) 16 of the 19 packets are of an association whose INIT is there, and all have a
        right CRC32c; of the other capture's 6 none has."""
        for name, forwarded, dropped in (("sctp-2-associations", 16, {"sctp_no_association": 3}),
                                         ("sctp-isup", 0, {"sctp_bad_checksum": 6})):
            path = pathlib.Path(FOLDER) / f"{name}.pcap"
            if not path.exists():
                continue
            with self.subTest(name):
                _, summary = replayed(path)
                self.assertEqual((summary["forwarded"], summary["dropped"]), (forwarded, dropped))


if __name__ == "__main__":
    unittest.main()
