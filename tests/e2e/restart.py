# SPDX-License-Identifier: BSD-3-Clause
"""Boxes that come back: within the detection time, with a path down, again and again, and alone behind a cut."""

import time

from lab import expect, run


def restart(box):
    box.kill()
    box.bury()
    box.start()


def active_within_detection(lab, active, passive):
    """The peer was never silent long enough, but it is not the one that was active."""
    began = time.monotonic()
    restart(active)
    lab.until("the peer takes over", lambda: (passive.status() or {}).get("role") == "active")
    expect(time.monotonic() - began < 1 and passive.last_status["reason"] == "the peer started anew",
           f"before the silence was too long: {passive.last_status['reason']}")
    now = lab.in_sync()
    expect(now == (passive, active), "who came back is passive")
    lab.verify(passive, f"after {active.name} came back")
    return now


def test(lab):
    for box in lab.pair.boxes:
        box.detection = ("keepalive_threshold = 3", "keepalive_threshold = 100")
    boxes = lab.start()
    lab.start_traffic()
    boxes = active_within_detection(lab, *boxes)
    # With HA1 down: a box must start then too, and be known by HA2 alone.
    lab.network.link("west", "ha1", "down")
    lab.until("HA1 is down", lambda: boxes[0].last_status["paths_up"] == 1)
    boxes = active_within_detection(lab, *boxes)
    term = boxes[0].status()["term"]
    restart(boxes[1])
    expect(lab.in_sync() == boxes and boxes[0].status()["term"] == term, "a passive box's return changes no role")
    lab.verify(boxes[0], "after the passive box came back")
    # Behind a cut a box that starts finds nobody and becomes active, under a lower term; it yields.
    lab.network.link("west", "ha2", "down")
    restart(boxes[1])
    lab.until("both are active", lambda: lab.roles() == ("active", "active"))
    lab.network.link("west", "ha1", "up")
    lab.network.link("west", "ha2", "up")
    expect(lab.in_sync() == boxes, "the box with the higher term stays")
    lab.verify(boxes[0], "after the cut")
    lab.end_traffic()


if __name__ == "__main__":
    run(test)
