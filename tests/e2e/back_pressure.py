# SPDX-License-Identifier: BSD-3-Clause
"""HA2 at 1 % of what the changes need, then a peer that answers nothing: packets do not wait, tables become equal."""

import os

from lab import expect, run, say
from pressure import SLOTS, measure, run_all, switch

RATE_FRAMES = 20  # a second and core; full frames of all changes would be some 1,800
SILENT_S = int(os.environ.get("TWINPLANE_SILENT_S", "10"))
FAULTS = {
    "east": f"\n[faults]\nenabled = true\nrate_frames_per_s = {RATE_FRAMES}\n",
    # All of an hour but its first second.
    "west": "\n[faults]\nenabled = true\nstall_ms = 3599000\nstall_every_s = 3600\n",
}


def squeezed(lab, active, passive):
    before = active.counters()
    lab.wait(1)
    needed = active.counters()["ha2_bytes_sent"] - before["ha2_bytes_sent"]  # a second
    changed, samples = measure(lab, active, switch(active), 4, "a squeezed link")
    theirs = changed[passive.name]
    came = theirs["ha2_bytes_received"] / samples[-1][0]
    expect(came < 0.02 * needed, f"of {needed / 1e3:.0f} kB a second {came / 1e3:.1f} came: {came / needed:.2%}",
           changed)
    say(f"   {theirs['ha2_frames_received']} frames with changes and {theirs['ha2_heartbeats_received']} heartbeats came")
    lost = changed[active.name]["fault_queue_full"]
    expect(lost > 0.9 * changed[active.name]["fault_frames"], f"the rest was lost as by a full queue: {lost} frames")


def silent(lab, active, passive):
    changed, samples = measure(lab, active, switch(passive), SILENT_S, "a silent peer")
    expect(samples[-1][1] > (SILENT_S - 1.5) * 1e6, "the lag is as old as the silence")
    answered = changed[active.name]["ha2_frames_answered"]
    expect(answered == 0, f"the peer answered nothing: {answered} frames")
    expect(changed[active.name]["ha2_waits_no_window"] > 0, "the window was full")
    expect(changed[passive.name]["fault_stalled"] > 0, "what the peer sent was held")


if __name__ == "__main__":
    run(lambda lab: run_all(lab, FAULTS, (squeezed, silent)), session_slots=SLOTS)
