#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs fuzz targets that have been built, and says what they do. Started by scripts/fuzz.

usage: run.py list|check|programs|run [TARGET] [OPTION...]      (scripts/fuzz --help has the options)
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

FUZZ = pathlib.Path(__file__).resolve().parent
ROOT = FUZZ.parents[1]
BUILD = ROOT / "build-fuzz"
COVERAGE = ROOT / "build-fuzz-coverage"
FLAGS = ["-timeout=10", "-rss_limit_mb=2048", "-max_len=2048", "-len_control=0"]
PROGRESS = re.compile(r"^#(\d+)\s.*?(cov: \d+ ft: \d+ corp: \S+).*?(exec/s: \d+)", re.MULTILINE)
FAULT = re.compile(r"^WRONG|CHECK failed|ERROR: |runtime error: |Assertion .* failed|^SUMMARY")
OUR_FRAME = re.compile(r"^\s*#\d+ \S+ in (.*?) \S*/((?:tables|ha2|dataplane|tests)/\S+)$")


def say(text):
    print(f"== {text}", file=sys.stderr, flush=True)


def targets():
    return sorted(path.stem for path in FUZZ.glob("*.cpp"))


def about(target):
    """The first sentence of the target's file."""
    lines = (FUZZ / f"{target}.cpp").read_text().splitlines()[1:]
    text = " ".join(line.removeprefix("// ") for line in lines[:4] if line.startswith("// "))
    return re.split(r"[.:](?:\s|$)", text)[0].removeprefix("Fuzzes ")


def files_in(folder):
    return sorted(str(path) for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []


def program(target, build=BUILD):
    return str(build / "tests" / "fuzz" / f"fuzz_{target}")


def environment(mutant=None):
    return {
        **os.environ,
        "ASAN_OPTIONS": "detect_stack_use_after_return=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        **({"TWINPLANE_MUTANT": mutant} if mutant else {}),
    }


class Run:
    """One target: its old faults, then the corpus, then new inputs; what is new is kept in `work`."""

    def __init__(self, target, seconds, work, findings, mutant=None, extra=()):
        self.target = target
        self.log = findings / f"{target}.log"
        self.work = work / target
        self.findings = findings / target
        for folder in (self.work, self.findings):
            folder.mkdir(parents=True, exist_ok=True)
        self.environment = environment(mutant)
        self.seconds = seconds
        self.extra = [*FLAGS, f"-artifact_prefix={self.findings}/", *extra]
        self.old = files_in(FUZZ / "regressions" / target)

    def steps(self):
        if self.old:
            yield [program(self.target), *self.extra, *self.old]
        corpora = [self.work, *(path for path in [FUZZ / "corpus" / self.target] if path.is_dir())]
        words = FUZZ / f"{self.target}.dict"
        dictionary = [f"-dict={words}"] if words.exists() else []
        yield [program(self.target), *self.extra, *dictionary, f"-max_total_time={self.seconds}", *map(str, corpora)]

    def is_clean(self, on_tick=lambda: None):
        for command in self.steps():
            with self.log.open("wb") as log:
                child = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment)
            try:
                while child.poll() is None:
                    time.sleep(0.2)
                    on_tick()
            finally:
                if child.poll() is None:
                    child.terminate()
                    child.wait()
            if child.returncode != 0:
                return False
        return True

    def said(self):
        return self.log.read_text(errors="replace")

    def state(self):
        found = PROGRESS.findall(self.said())
        return "{} inputs, {}, {}".format(*found[-1]) if found else "starting"

    def report(self):
        """A fault, and what to do with it."""
        said = self.said()
        say(f"FOUND by {self.target}:")
        lines = [line for line in said.splitlines() if FAULT.search(line)]
        frames = [f"    {m[1][:90]}  {m[2]}" for m in map(OUR_FRAME.match, said.splitlines()) if m]
        print(*lines[:4], *frames[:12], sep="\n", file=sys.stderr)
        artifact = re.findall(r"Test unit written to (\S+)", said)
        failed = re.findall(r"^Running: (\S+)", said, re.MULTILINE)
        if artifact or failed:
            path = pathlib.Path(artifact[-1] if artifact else failed[-1])
            say(f"once more: scripts/fuzz {self.target} --input {path.relative_to(ROOT)}")
            say(f"when it is mended, the input belongs into tests/fuzz/regressions/{self.target}/")
        else:
            say(f"everything it said: {self.log.relative_to(ROOT)}")


def run_one(options):
    run = Run(options.target, options.seconds, BUILD / "corpus", BUILD / "findings", options.mutant)
    if options.input:
        return subprocess.run([program(options.target), *FLAGS, options.input], env=run.environment).returncode
    start = time.monotonic()
    next_s = [10.0]

    def tick():
        passed_s = time.monotonic() - start
        if passed_s >= next_s[0]:
            next_s[0] += 10
            say(f"{passed_s:.0f} s: {run.state()}")

    say(f"{run.target} for {options.seconds} s, {len(run.old)} old faults first")
    is_clean = run.is_clean(tick)
    say(run.state())
    if not is_clean:
        run.report()
        return 1
    print(f"{run.target}: nothing found in {time.monotonic() - start:.0f} s")
    return 0


def run_all(options):
    """Nothing of earlier runs, and one seed: what has nothing to do with a target does not fail it by chance."""
    folder = BUILD / "bounded"
    shutil.rmtree(folder, ignore_errors=True)
    found = 0
    runs = [Run(name, options.seconds, folder / "corpus", folder, options.mutant, ["-seed=1"]) for name in targets()]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for run, is_clean in zip(runs, pool.map(Run.is_clean, runs)):
            if is_clean:
                say(f"{run.target}: {len(run.old)} old faults, then {run.state()}")
            else:
                run.report()
                found += 1
    print(f"{len(runs)} fuzz targets, {found} found something")
    return 1 if found else 0


def show_coverage(names):
    """By clang's own counters, in a build without sanitizers."""
    profiles = COVERAGE / "profiles"
    shutil.rmtree(profiles, ignore_errors=True)
    profiles.mkdir(parents=True)
    for name in names:
        inputs = [
            path
            for folder in (FUZZ / "corpus", FUZZ / "regressions", BUILD / "corpus", BUILD / "bounded" / "corpus")
            for path in files_in(folder / name)
        ]
        for at in range(0, len(inputs), 1000):
            subprocess.run(
                [program(name, COVERAGE), *FLAGS, *inputs[at : at + 1000]],
                env={**environment(), "LLVM_PROFILE_FILE": str(profiles / f"{name}-{at}.raw")},
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
            )
    merged = profiles / "all"
    subprocess.run(["llvm-profdata", "merge", "-o", merged, *profiles.glob("*.raw")], check=True)
    objects = [word for name in names for word in ("-object", program(name, COVERAGE))][1:]
    report = subprocess.run(
        ["llvm-cov", "export", "-summary-only", f"-instr-profile={merged}", *objects],
        check=True, capture_output=True, text=True,
    ).stdout
    print_coverage(report)


def print_coverage(report):
    rows = {}
    for file in json.loads(report)["data"][0]["files"]:
        path = pathlib.Path(file["filename"]).resolve()
        if path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] != "tests":
            rows[path.relative_to(ROOT).as_posix()] = file["summary"]
    print(f"{'file':38} {'lines':>12} {'regions':>12}")
    for name, summary in sorted(rows.items()):
        cells = (f"{summary[kind]['covered']}/{summary[kind]['count']}" for kind in ("lines", "regions"))
        print(f"{name:38}", *(f"{cell:>12}" for cell in cells), f"{summary['lines']['percent']:5.0f} %")


def keep(target):
    """A small set of inputs that reaches every edge that all of them reach.

    How often each edge is taken is left out, or the tree would hold ten times as much; a run learns that again in
    seconds.
    """
    corpus = FUZZ / "corpus" / target
    sources = [path for path in (corpus, BUILD / "corpus" / target) if path.is_dir()]
    with tempfile.TemporaryDirectory() as new:
        subprocess.run(
            [program(target), *FLAGS, "-merge=1", "-use_counters=0", new, *sources],
            check=True, capture_output=True, env=environment(),
        )
        shutil.rmtree(corpus, ignore_errors=True)
        shutil.copytree(new, corpus)
    sizes = [os.path.getsize(path) for path in files_in(corpus)]
    print(f"{target}: {len(sizes)} inputs, {sum(sizes)} bytes")
    return 0


class Parser(argparse.ArgumentParser):
    def error(self, message):
        sys.exit(f"error: {message}\n       scripts/fuzz --help says what there is")


def read_options(words):
    parser = Parser(allow_abbrev=False, add_help=False)
    parser.add_argument("target", nargs="?")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--coverage", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--input")
    parser.add_argument("--mutant")
    options = parser.parse_args(words)
    if options.all == (options.target is not None):
        parser.error("one TARGET, or --all")
    if options.target is not None and options.target not in targets():
        parser.error(f"there is no target {options.target}; there are: {', '.join(targets())}")
    if options.input is not None and not os.path.isfile(options.input):
        parser.error(f"--input: no such file: {options.input}")
    if options.minutes is not None:
        options.seconds = int(60 * options.minutes)
    if options.seconds is None:
        options.seconds = 10 if options.all else 60
    return options


def main():
    order, words = sys.argv[1], sys.argv[2:]
    if order == "list":
        for target in targets():
            print(f"{target:14} {about(target)}")
        return 0
    options = read_options(words)
    names = targets() if options.all else [options.target]
    if order == "programs":
        print(*(f"tests/fuzz/fuzz_{name}" for name in names), sep="\n")
    if order != "run":
        return 0
    if options.keep:
        return keep(options.target)
    status = run_all(options) if options.all else run_one(options)
    if options.coverage:
        show_coverage(names)
    return status


sys.exit(main())
