#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Counts the test cases of one `meson test` run.

usage: count_cases.py LOGBASE     (reads LOGBASE.json and LOGBASE.junit.xml)

Prints a line for each case that failed or was skipped, with the reason, and last
"PASSED FAILED SKIPPED". A GoogleTest program counts by its cases; one that died before it wrote
them is one failure. Any other program is one case.
"""

import json
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

PASSED, FAILED, SKIPPED = range(3)


def one_line(text):
    return " ".join((text or "").split()) or "no reason given"


def verdict_of(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return FAILED, ""
    skipped = case.find("skipped")
    if skipped is not None:
        return SKIPPED, one_line(skipped.get("message"))
    if case.get("status") == "notrun":
        return SKIPPED, "disabled"
    return PASSED, ""


def cases_by_program(path):
    """GoogleTest's cases. Meson names their suites PROJECT.PROGRAM.SUITE, and nothing else so."""
    found = {}
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        parts = suite.get("name", "").split(".", 2)
        if len(parts) == 3:
            cases = found.setdefault(parts[1], [])
            for case in suite.iter("testcase"):
                cases.append((f"{parts[2]}.{case.get('name')}", *verdict_of(case)))
    return found


def verdicts(program, cases):
    """(name, verdict, reason) of one program of the run."""
    result = program["result"]
    if result in ("OK", "EXPECTEDFAIL"):
        return cases or [(program["name"], PASSED, "")]
    if result == "SKIP":
        return [(program["name"], SKIPPED, one_line(program.get("stdout", "")[-200:]))]
    if any(verdict == FAILED for _, verdict, _ in cases):
        return cases
    return [*cases, (program["name"], FAILED, result)]


def main():
    base = sys.argv[1]
    log, junit = pathlib.Path(base + ".json"), pathlib.Path(base + ".junit.xml")
    cases = cases_by_program(junit) if junit.exists() else {}
    totals = [0, 0, 0]
    for line in log.read_text().splitlines() if log.exists() else []:
        program = json.loads(line)
        stem = program["name"].split(" / ")[-1]
        for name, verdict, reason in verdicts(program, cases.get(stem, [])):
            totals[verdict] += 1
            if verdict != PASSED:
                print(f"   {'failed' if verdict == FAILED else 'skipped'}: {name} {reason}".rstrip())
    print(*totals)


main()
