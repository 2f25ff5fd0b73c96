# SPDX-License-Identifier: BSD-3-Clause
"""The scripts answer --help and wrong options before anything is installed or built."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SETUP = "#!/bin/sh\necho setup ran >&2\nexit 9\n"

# What is asked of a machine without a build, the exit status, and a part of the answer.
ASKED = (
    ("replay", "--help", 0, "Exit status"),
    ("replay", "-h", 0, "--pick-up"),
    ("replay", "", 1, "FILE"),
    ("replay", "--loss=5 --seed 7", 1, "FILE"),
    ("replay", "--los 5 x.pcap", 1, "no option --los"),
    ("replay", "-x x.pcap", 1, "no option -x"),
    ("replay", "x.pcap --loss", 1, "--loss takes a value"),
    ("replay", "x.pcap --seed one", 1, "--seed takes a number, not: one"),
    ("replay", "--loss 100 x.pcap", 1, "0..99"),
    ("replay", "--slots4 99999999999999999999 x.pcap", 1, "64..67108864"),
    ("replay", "-ceast.toml --write out.pcap --loss 0.5 --partitions 08 x.pcap", 9, "setup ran"),
    ("replay", "-- --los", 9, "setup ran"),
    ("sim", "--help", 0, "--first-seed"),
    ("sim", "--seed 5", 2, "no option --seed"),
    ("sim", "--seeds", 2, "--seeds takes a value"),
    ("sim", "--seeds many", 2, "takes a number, not: many"),
    ("sim", "7", 2, "unknown option: 7"),
    ("sim", "--seeds 1 --mutant list --verbose", 9, "setup ran"),
    ("models", "--help", 0, "--trail"),
    ("models", "--job 3", 2, "no option --job"),
    ("models", "--jobs many", 2, "takes a number, not: many"),
    ("models", "bulk", 9, "setup ran"),
    ("fuzz", "--help", 0, "--coverage"),
    ("fuzz", "", 0, "ha2_decode"),
    ("fuzz", "frames", 2, "no target frames"),
    ("fuzz", "--all --seconds many", 2, "takes a number, not: many"),
    ("fuzz", "--all", 9, "setup ran"),
    ("run", "--help", 0, "--faults"),
    ("soak", "--help", 0, "--minutes"),
    ("soak", "--minutes 1", 9, "setup ran"),
)


def options_of(text):
    """Names of options, whichever way they are listed."""
    return set(re.findall(r"^  (?:-\w, ?)?(--[\w-]+)", text, re.MULTILINE)) - {"--help"}


def answers(root):
    for script, words, status, said in ASKED:
        done = subprocess.run([root / "scripts" / script, *words.split()], capture_output=True, text=True, timeout=20)
        if done.returncode != status or said not in (done.stdout if status == 0 else done.stderr):
            yield f"scripts/{script} {words}: status {done.returncode}, not {status} with {said!r}:\n" \
                  f"{done.stdout}{done.stderr}"


def differences(root):
    """Where the help of a script and that of its program name other options."""
    for script, program in (("replay", "dataplane/twinplane-replay"), ("sim", "tests/sim/ha2_sim")):
        built = pathlib.Path(os.environ.get("TWINPLANE_BUILD", ROOT / "build")) / program
        if not built.exists():
            yield f"{built} is missing: nothing to compare the help of scripts/{script} with"
            continue
        texts = [subprocess.run([words, "--help"], capture_output=True, text=True, check=True).stdout
                 for words in (root / "scripts" / script, built)]
        if options_of(texts[0]) != options_of(texts[1]):
            yield f"scripts/{script}: {options_of(texts[0]) ^ options_of(texts[1])} in one help alone"


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        shutil.copytree(ROOT / "scripts", root / "scripts")
        shutil.copytree(ROOT / "tests/fuzz", root / "tests/fuzz")
        setup = root / "scripts/setup"
        setup.write_text(SETUP)
        setup.chmod(0o755)
        faults = [*answers(root), *differences(root)]
    print(*faults, f"{'FAILED' if faults else 'passed'}: {__doc__}", sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
