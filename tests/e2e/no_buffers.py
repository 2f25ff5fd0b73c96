# SPDX-License-Identifier: BSD-3-Clause
"""A sender without a packet buffer for HA2, then one whose device ring is full: packets do not wait for either."""

from lab import expect, run
from pressure import SLOTS, measure, run_all, switch

PRESSED_S = 4
BUFFERS = 256
# The frames that a stall holds take every buffer.
FAULTS = {"east": "\n[faults]\nenabled = true\nstall_ms = 3599000\nstall_every_s = 3600\n"}


def without_buffers(lab, active, _passive):
    changed, samples = measure(lab, active, switch(active), PRESSED_S, "no buffers")
    waits = changed[active.name]["ha2_waits_no_buffer"]
    expect(waits > 1000, f"there was no buffer again and again: {waits} times")
    expect(samples[-1][1] > (PRESSED_S - 1) * 1e6, "the lag is as old as that")


def with_full_ring(lab, active, _passive):
    def press(is_on):
        lab.network.link(active.name, "ha2", "down" if is_on else "up")
    changed, samples = measure(lab, active, press, PRESSED_S, "a full ring")
    dropped = changed[active.name]["ha2_drop_transmit_full"]
    expect(dropped > 100, f"the device took nothing: {dropped} frames dropped")
    expect(samples[-1][1] > (PRESSED_S - 1) * 1e6, "the lag is as old as that")


def test(lab):
    for box in lab.pair.boxes:
        box.edits = (("[ha2]\n", f"[ha2]\nbuffers = {BUFFERS}\n"),)
    run_all(lab, FAULTS, (without_buffers, with_full_ring))


if __name__ == "__main__":
    run(test, session_slots=SLOTS)
