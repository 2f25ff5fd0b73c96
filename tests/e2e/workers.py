# SPDX-License-Identifier: BSD-3-Clause
"""A box with two workers beside one with one: the same partitions on other cores. A kill each way, tables equal."""

import importlib.util
import os
import sys

from lab import ROOT, expect, lcores, run

# By its file, as a test here has the same name.
spec = importlib.util.spec_from_file_location("rig_failover", ROOT / "scripts/rig/failover.py")
rig_failover = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = rig_failover
spec.loader.exec_module(rig_failover)

LOST_MAX = 5  # see main_job.py


def kill(lab, active, passive):
    lab.verify(active, f"before {active.name} is killed")
    one, _ = rig_failover.kill_active(lab.pair, lab.traffic, active, passive, lab.tick)
    expect(one.takeover_ns is not None, f"{passive.name} took over")
    expect(one.sessions_at_failover > 0 and one.sessions_lost <= LOST_MAX,
           f"{one.sessions_kept} sessions kept, {one.sessions_lost} lost")


def test(lab):
    # Three lcores share what processors there are.
    processors = sorted(os.sched_getaffinity(0))
    first, last = processors[0], processors[-1]
    lab.east.edits = ((f'lcores = "{lcores(0)}"', f'lcores = "0@{first},1@{last},2@{first}"'),)
    active, passive = lab.start()
    expect((active, passive) == (lab.east, lab.west), "the box with two workers is active")
    lab.start_traffic()
    lab.wait(1)
    handed_over = lab.east.counters()["packets_handed_over"]
    expect(handed_over > 0, f"packets go to the worker that owns their partition: {handed_over}")
    kill(lab, active, passive)
    active.start()
    active, passive = lab.in_sync()
    expect((active, passive) == (lab.west, lab.east), "one worker is active, two are the mirror")
    kill(lab, active, passive)
    lab.end_traffic()


if __name__ == "__main__":
    run(test)
