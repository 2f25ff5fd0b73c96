# SPDX-License-Identifier: BSD-3-Clause
"""A soak of one minute by a seed that has every kind of event; and that its watch would have seen what grows."""

import itertools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

from lab import BUILD, ROOT, Failure, RigError, expect, machine, say, skip
from soak_plan import WEIGHTS, Plan
from watch import ZERO, Life, files, memory_kib

SEED = 48
EVENTS_MIN = 4  # on a machine that is busy with other things


def watch_sees(changed, what):
    """Two looks at a box whose second one differs; `changed` gives the counters of both."""
    answers = iter(changed)
    calm = dict.fromkeys(ZERO, 0) | {"ha2_patches_other_generation": 0, "ha2_frames_lost": 0}
    box = SimpleNamespace(name="box", life=1, child=SimpleNamespace(pid=os.getpid()), last_counters={})

    def counters():
        box.last_counters = calm | next(answers)
        return box.last_counters
    box.counters = counters
    life = Life(box)
    life.look(box)
    first = life.faults
    life.look(box)
    expect(not first and any(what in fault for fault in life.faults), f"the watch sees: {life.faults}")


def watch_works():
    watch_sees([{"ha2_buffers_in_use": 3}, {"ha2_buffers_in_use": 300}], "ha2_buffers_in_use grew")
    watch_sees([{}, {"ha2_digests_different": 1}], "ha2_digests_different is 1")
    watch_sees([{}, {"ha2_patches_other_generation": 1}], "no frame was lost")
    held, opened, before = [], [], (memory_kib(os.getpid()), files(os.getpid()))
    held.append(bytearray(os.urandom(1 << 20)) * 8)
    opened += [open("/dev/null", "rb") for _ in range(5)]  # noqa: SIM115
    expect(memory_kib(os.getpid()) >= before[0] + 7000 and files(os.getpid()) == before[1] + 5,
           "and looks at the process itself")
    for file in opened:
        file.close()


def main():
    try:
        machine.check_privileges()
    except RigError as error:
        skip(str(error).replace("\n", " "))
    watch_works()
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.json"
        done = subprocess.run([sys.executable, ROOT / "scripts/rig/soak.py", "--build", BUILD, "--minutes", "1", "--seed",
                               str(SEED), "--report", report], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL)
        say(done.stdout + done.stderr)
        expect(done.returncode == 0, "the soak ends with status 0")
        result = json.loads(report.read_text())
    events = [event["kind"] for event in result["events"]]
    planned = [event.kind for event in itertools.islice(Plan(SEED), 20)]
    expect(set(planned[:len(WEIGHTS)]) == set(WEIGHTS), f"the seed has all kinds of events: {planned}")
    expect(len(events) >= EVENTS_MIN and events == planned[:len(events)], f"as the seed has them: {events}")
    expect(all(event["faults_found"] == [] for event in result["events"]), "none found a fault")
    kept = {event.get("tables_kept") for event in result["events"]}
    expect(kept >= {True, False}, "boxes came back with their tables, and with new ones")
    expect(len(result["lives"]) >= 3 and all(life["first"] for life in result["lives"]), "all lives were watched")
    expect(sum(result["link_faults_done"].values()) > result["link_faults_done"]["frames"], "faults were done to HA2")
    say(f"passed: {__doc__}")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        say(f"FAILED: {failure}")
        sys.exit(1)
