# SPDX-License-Identifier: BSD-3-Clause
"""A UDP flood on small tables that refuse: counted, what is established goes on, and new sessions when it is over."""

import socket

import frames
from flood import Flood, deaf, sources
from lab import differences, expect, run

SERVER = "10.2.0.1"
PORT = 82
SLOTS = 256  # of each of four partitions
FLOOD_S = 5
UDP_S = 2  # how long an unanswered session lives


def test(lab):
    for box in lab.pair.boxes:
        box.edits = (("[worker]", f"[timeouts]\nudp = {UDP_S}\n\n[worker]"),)
    active, passive = lab.start()
    lab.start_traffic()
    unanswering = deaf(lab, socket.SOCK_DGRAM, SERVER, PORT)
    flood = Flood(lab, [frames.ip(source, SERVER, frames.UDP, frames.udp(source, SERVER, port, PORT))
                        for source, port in sources(35_000)])
    flood.run(0.5)
    before, moved = active.counters(), lab.traffic.mark()
    sent, levels = flood.sent, []
    flood.run(FLOOD_S, lambda: levels.append(active.last_status["sessions4"]))
    changed, now = differences(before, active.counters()), lab.traffic.report()
    sent = flood.sent - sent
    full, refused = (changed.get(name, 0) for name in ("drop_table_full", "sessions_refused"))
    expect(min(levels) > 2 * SLOTS and max(levels) <= 4 * SLOTS, f"the tables are full: {min(levels)} to {max(levels)}")
    expect(full >= sent * 0.5, f"of {sent} datagrams {full} are refused", changed)
    expect(refused >= full * 0.9, f"and counted as sessions refused: {refused}", changed)
    expect("sessions_evicted" not in changed, "nothing is evicted", changed)
    expect(now.running_transfers == lab.options.connections and now.bytes > moved.bytes,
           f"all transfers go on: {now.bytes - moved.bytes} bytes")
    expect(now.silence["ns"] < 1e9, f"none is silent for long: {now.silence['ns'] / 1e6:.0f} ms")
    lab.verify(active, "under the flood", flood.tick)
    unanswering.close()
    lab.until("the flood's sessions end", lambda: active.last_status["sessions4"] < SLOTS, UDP_S + 5)
    lab.command("client", "ping", "-c", "2", "-i", "0.1", "-W", "2", SERVER)
    done = lab.traffic.report().shorts["done"]
    lab.wait(1)
    expect(lab.traffic.report().shorts["done"] > done, "new connections are made again")
    lab.end_traffic()
    lab.verify(active, "after the flood")
    expect(passive.status()["role"] == "passive", "no takeover came of it")


if __name__ == "__main__":
    run(test, session_slots=SLOTS)
