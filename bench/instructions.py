#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Counts instructions a record with callgrind.

usage: instructions.py DRIVER     prints {"metrics": {...}, "remarks": {...}}
"""

import json
import re
import subprocess
import sys
import tempfile


def instructions(driver, what):
    with tempfile.NamedTemporaryFile() as out:
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--toggle-collect=measured_{what}", "--collect-jumps=no",
             f"--callgrind-out-file={out.name}", driver, what],
            capture_output=True, text=True,
        )
    collected = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or not collected:
        sys.exit(f"callgrind on {what} failed:\n{run.stderr}")
    return int(collected[1]) / int(run.stdout)


def main():
    metrics = {f"{what}.instr_update": round(instructions(sys.argv[1], what), 2) for what in ("encode", "apply")}
    print(json.dumps({"metrics": metrics, "remarks": {}}))


main()
