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
                for kind, number in self.compare(path).items():
                    sums[kind] += number
        print(f"{len(paths)} captures: {sums}")
        self.assertGreater(sum(sums.values()), 0)


if __name__ == "__main__":
    unittest.main()
