#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Checks the Spin models of this folder: each in full, and each again with every deliberate breakage.

A model says in its header what it claims and how it can be broken; these lines are read here:

  // claim NAME: meaning               an assertion on a variable of that name, or an LTL formula
  // mutant NAME -> CLAIM: meaning     with -DMUTANT_NAME (upper case, _ for -) CLAIM must fail
  // variant NAME: meaning             with -DVARIANT_NAME everything must hold as well

Every mutant in the text must stand in the header, and every claim must be broken by a mutant: a check
that cannot fail is none.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

FOLDER = pathlib.Path(__file__).resolve().parent
LIMIT_S = 150  # of one search; it takes a tenth of that
DEPTH_MAX = 3_000_000  # steps; a search that wants more has failed
CLAIM = re.compile(r"^// claim ([a-z_]+): ", re.M)
VARIANT = re.compile(r"^// variant ([a-z0-9-]+): (.*(?:\n//   .*)*)", re.M)
MUTANT = re.compile(r"^// mutant ([a-z0-9-]+) -> ([a-z_]+): (.*(?:\n//   .*)*)", re.M)
# What Spin says of a search that was not complete.
INCOMPLETE = (
    "max search depth too small", "Search not completed", "out of memory", "reached -DMEMLIM", "aborted")
# Of a trail: what no side of the model says.
NO_STEP = ("spin: trail ends", "ltl ", "Never claim", "starting claim", "using statement")


class Fault(Exception):
    """What is wrong with a model, in words."""


class Model:
    def __init__(self, path):
        self.path, self.name, self.text = path, path.stem, path.read_text()
        self.claims = CLAIM.findall(self.text)
        self.mutants = {
            name: (claim, re.sub(r"\s*\n//\s*", " ", why)) for name, claim, why in MUTANT.findall(self.text)}
        self.variants = [name for name, _ in VARIANT.findall(self.text)]
        self.formulas = re.findall(r"^ltl ([a-z_]+)", self.text, re.M)

    def faults(self):
        """Where header and text disagree."""
        macros = set(re.findall(r"\bMUTANT_([A-Z0-9_]+)", self.text))
        for name in macros ^ {macro_of(mutant) for mutant in self.mutants}:
            yield f"MUTANT_{name} stands in the header or in the text, but not in both"
        for claim in self.claims:
            if not re.search(rf"\bassert\({claim}\)", self.text) and claim not in self.formulas:
                yield f"nothing in the text asserts {claim}"
        for claim in set(self.claims) ^ {claim for claim, _ in self.mutants.values()}:
            yield f"{claim} is not both claimed and broken by a mutant"
        if len(self.formulas) > 1:
            yield "more than one LTL formula"


def macro_of(name):
    return name.upper().replace("-", "_")


def defines(model, name):
    """What the preprocessor is told of a mutant or variant; nothing of the model as it is."""
    return [f"-D{'VARIANT' if name in model.variants else 'MUTANT'}_{macro_of(name)}"] if name else []


def run(words, folder):
    result = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S)
    return result.returncode, result.stdout + result.stderr


def search(model, mutant, folder, is_shortest=False):
    """Compiles and runs the verifier in `folder`; returns what it printed."""
    text = model.text
    if mutant in model.mutants:
        # Its claim alone is asked, so that it fails by itself and not behind another one.
        for claim in set(model.claims) - {model.mutants[mutant][0]}:
            text = text.replace(f"assert({claim})", "skip")
    (pathlib.Path(folder) / model.path.name).write_text(text)
    status, text = run(["spin", *defines(model, mutant), "-a", model.path.name], folder)
    if status != 0 or "error" in text.lower():
        raise Fault(f"spin refuses it:\n{text}")
    # Breadth first finds the shortest counterexample, at a price. Cycles are found depth first alone, in
    # weakly fair runs (-f), where every process that always can do something does.
    if model.formulas:
        kind, options = ["-DNFAIR=3"], ["-a", "-f"]
    else:
        kind, options = ["-DSAFETY", "-DNOCLAIM", *(["-DBFS"] if is_shortest else [])], []
    status, text = run(["gcc", "-O1" if mutant else "-O2", "-w", *kind, "-o", "pan", "pan.c"], folder)
    if status != 0:
        raise Fault(f"gcc refuses the verifier:\n{text}")
    if mutant in model.mutants:
        options += ["-E"]  # nor behind a deadlock
    return run(["./pan", f"-m{DEPTH_MAX}", "-w23", *options], folder)[1]


def judge_clean(model, text, all_runs):
    """Raises unless the whole state space was searched, nothing was found and (all_runs) no line is dead."""
    found = re.search(r"pan:1: (.*)", text)
    if found:
        raise Fault(f"it does not hold: {found[1]}")
    for words in INCOMPLETE:
        if words in text:
            raise Fault(f"the search is not complete: {words}")
    is_claimed = all(re.search(rf"never claim\s+\+ \({name}\)", text) for name in model.formulas)
    if "Full statespace search" not in text or not is_claimed:
        raise Fault(f"this was no full search:\n{text}")
    if not re.search(r"errors: 0\b", text):
        raise Fault(f"it does not hold:\n{text}")
    unreached = [line.strip() for line in re.findall(r"^\t.*, state \d+, .*$", text, re.M) if '"-end-"' not in line]
    if unreached and all_runs:
        raise Fault("some of it never runs:\n  " + "\n  ".join(unreached))


def judge_mutant(model, claim, text):
    """Raises unless this very claim has failed."""
    if claim in model.formulas:
        if "acceptance cycle" in text:
            return
    elif re.search(rf"assertion violated {claim}\b", text):
        return
    other = re.search(r"pan:1: (.*)", text)
    raise Fault(f"{claim} does not fail; " + (f"but: {other[1]}" if other else "nothing does"))


def case(model, mutant):
    """One search: (seconds, states, fault or None)."""
    start = time.monotonic()
    states = 0
    try:
        with tempfile.TemporaryDirectory(prefix="twinplane-model-") as folder:
            text = search(model, mutant, folder)
        found = re.search(r"(\S+) states, stored", text)
        states = int(float(found[1])) if found else 0
        if mutant in model.mutants:
            judge_mutant(model, model.mutants[mutant][0], text)
        else:
            judge_clean(model, text, not mutant)
    except Fault as fault:
        return time.monotonic() - start, states, str(fault)
    except subprocess.TimeoutExpired as expired:
        return time.monotonic() - start, states, f"{expired.cmd[0]} took more than {LIMIT_S} s"
    return time.monotonic() - start, states, None


def check(models, jobs):
    cases = [(model, None) for model in models] + [
        (model, name) for model in models for name in [*model.variants, *model.mutants]]
    results, faults = {}, [f"{model.name}: {fault}" for model in models for fault in model.faults()]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(case, *one): one for one in cases}
        for future in concurrent.futures.as_completed(futures):
            model, mutant = futures[future]
            results[model.name, mutant] = future.result()
            seconds, _, fault = future.result()
            label = f"{model.name} {mutant or ''}".strip()
            print(f"   [{len(results)}/{len(cases)}] {label}: {'FAILED' if fault else 'caught' if mutant in model.mutants else 'holds'},"
                  f" {seconds:.1f} s", file=sys.stderr, flush=True)
            if fault:
                faults.append(f"{label}: {fault}")
    print(f"{'model':<14}{'states':>12}{'seconds':>10}   mutants caught")
    mutant_count = sum(len(model.mutants) for model in models)
    for model in models:
        seconds, states, fault = results[model.name, None]
        caught = sum(results[model.name, mutant][2] is None for mutant in model.mutants)
        print(f"{model.name:<14}{states:>12,}{seconds:>10.1f}   {caught} of {len(model.mutants)}"
              f"{'   FAILED' if fault else ''}")
    if faults:
        print("\n" + "\n".join(faults))
        print(f"\n{len(faults)} faults; a counterexample step by step: scripts/models --trail MODEL MUTANT")
    else:
        print(f"{len(models)} models hold, {mutant_count} mutants caught")
    return 1 if faults else 0


def trail(model, mutant):
    """Prints the counterexample of a mutant, or of the model itself ('none'), as what each side does."""
    with tempfile.TemporaryDirectory(prefix="twinplane-model-") as folder:
        text = search(model, mutant, folder, is_shortest=True)
        if not list(pathlib.Path(folder).glob("*.trail")):
            print(f"{model.name}: no counterexample")
            return 1
        _, text = run(["spin", *defines(model, mutant), "-T", "-t", model.path.name], folder)
    if mutant in model.mutants:
        print(f"{model.name}, {mutant}: {model.mutants[mutant][1]}; so {model.mutants[mutant][0]} fails:\n")
    for line in text.split("#processes")[0].splitlines():
        if line.strip() and not line.startswith(NO_STEP):
            print("  " + re.sub(r"^spin: .*Error: ", "", line.strip()))
    return 0


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--trail", action="store_true")
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    models = {path.stem: Model(path) for path in sorted(FOLDER.glob("*.pml"))}
    names = options.words[:1] if options.trail else options.words
    for name in names:
        if name not in models:
            sys.exit(f"error: there is no model {name}\n       there are: {', '.join(models)}")
    if options.list:
        for model in models.values():
            print(f"{model.name}: {model.text.splitlines()[1].split(' - ', 1)[1]}")
            for name, (claim, why) in model.mutants.items():
                print(f"  {name}: {why}; breaks {claim}")
        return 0
    if options.trail:
        model = models[names[0]] if names else sys.exit("error: --trail takes a model and a mutant")
        mutant = options.words[1] if len(options.words) == 2 else ""
        if mutant not in ("none", *model.variants, *model.mutants):
            sys.exit(f"error: {model.name} has no mutant {mutant!r}\n       it has: {', '.join(model.mutants)}")
        return trail(model, None if mutant == "none" else mutant)
    return check([models[name] for name in names] or list(models.values()), options.jobs)


sys.exit(main())
