# SPDX-License-Identifier: BSD-3-Clause
"""A SYN flood on small tables that evict half-open sessions: established ones live on, new ones come through."""

import socket

import frames
from flood import Flood, deaf, sources
from lab import differences, expect, run

SERVER = "10.2.0.1"
PORT = 81
SLOTS = 256  # of each of four partitions
FLOOD_S = 5


def test(lab):
    for box in lab.pair.boxes:
        box.edits = (('full_policy = "refuse"', 'full_policy = "evict-half-open"'),)
    active, passive = lab.start()
    lab.start_traffic()
    unanswering = deaf(lab, socket.SOCK_STREAM, SERVER, PORT)
    flood = Flood(lab, [frames.ip(source, SERVER, frames.TCP, frames.tcp(source, SERVER, port, PORT, frames.SYN))
                        for source, port in sources(35_000)])
    flood.run(0.5)
    before, shorts = active.counters(), lab.traffic.report().shorts["done"]
    sent, levels = flood.sent, []
    flood.run(FLOOD_S, lambda: levels.append(active.last_status["sessions4"]))
    changed = differences(before, active.counters())
    sent = flood.sent - sent
    done = lab.traffic.report().shorts["done"] - shorts
    created, evicted = (changed.get(name, 0) for name in ("sessions_created", "sessions_evicted"))
    expect(min(levels) > 3 * SLOTS and max(levels) <= 4 * SLOTS, f"the tables are full: {min(levels)} to {max(levels)}")
    expect(created >= sent * 0.9, f"of {sent} SYNs nearly each gets a session: {created}", changed)
    expect(evicted >= sent * 0.5, f"for which older half-open ones go: {evicted}", changed)
    expect(changed.get("drop_table_full", 0) <= sent * 0.01, "hardly one is refused", changed)
    expect(done > FLOOD_S * lab.options.rate / 2, f"{done} new connections came through meanwhile")
    lab.verify(active, "under the flood", flood.tick)
    last = lab.end_traffic()
    expect(last.broken_shorts + last.running_shorts == 0, f"no short connection broke: {last.describe()}")
    unanswering.close()
    lab.verify(active, "after the flood")
    expect(passive.status()["role"] == "passive", "no takeover came of it")


if __name__ == "__main__":
    run(test, session_slots=SLOTS)
