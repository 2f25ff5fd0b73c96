#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Counts the test cases of one `meson test` run.

usage: count_cases.py LOGBASE     (reads LOGBASE.junit.xml and LOGBASE.json)

Prints a line for each case that failed or was skipped, with the reason, and last
"PASSED FAILED SKIPPED". A program that died before it wrote its cases counts as one failure,
a program that has no cases of its own (not GoogleTest) as one case.
"""

import json
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def reason_of(element):
    return " ".join((element.get("message") or element.text or "no reason given").split())


def count_junit(path):
    """Cases by the name of their program, as [passed, failed, skipped]."""
    by_program = {}
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        for case in suite.iter("testcase"):
            name = f"{case.get('classname') or suite.get('name')}.{case.get('name')}"
            counts = by_program.setdefault(suite.get("name", ""), [0, 0, 0])
            skipped = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                counts[1] += 1
                print(f"   failed: {name}")
            elif skipped is not None:
                counts[2] += 1
                print(f"   skipped: {name}: {reason_of(skipped)}")
            elif case.get("status") == "notrun":
                counts[2] += 1
                print(f"   skipped: {name}: disabled")
            else:
                counts[0] += 1
    return by_program


def main():
    base = sys.argv[1]
    junit = pathlib.Path(base + ".junit.xml")
    log = pathlib.Path(base + ".json")
    totals = [0, 0, 0]
    by_program = count_junit(junit) if junit.exists() else {}
    for counts in by_program.values():
        totals = [a + b for a, b in zip(totals, counts)]
    if log.exists():
        for line in log.read_text().splitlines():
            program = json.loads(line)
            if program["result"] in ("OK", "SKIP", "EXPECTEDFAIL"):
                continue
            stem = program["name"].split("/")[-1].strip().split(" ")[-1]
            known = [c for name, c in by_program.items() if stem in name]
            if not any(c[1] for c in known):
                totals[1] += 1
                print(f"   failed: {program['name']}: {program['result']}")
    print(*totals)


main()
