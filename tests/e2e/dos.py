# SPDX-License-Identifier: BSD-3-Clause
"""Floods: a loud source is blocked for its time and nobody else, floods of many are thinned out, and the list is local."""

import socket
import struct
import time

import frames
from flood import Flood, deaf, sources
from lab import differences, expect, inside, run

SERVER = "10.2.0.1"
PORT = 82
PLAIN = "10.1.0.2"      # an end that no flood comes from
LOUD = "10.1.0.77"      # has a Linux behind it as well, whose pings say whether it is let in
LOUD_ICMP = "10.1.0.78"
EXEMPT = "10.1.0.79"
BLOCK_S = 3
SOURCE_RATE = 300
MORE = f"""
[[zone_protection]]
zone = "trust"
syn = {{ alarm = 100, activate = 200, maximum = 400, action = "random-early-drop" }}
udp = {{ activate = 50000, maximum = 60000 }}
icmp = {{ activate = 50000, maximum = 60000 }}
source_rate = {SOURCE_RATE}
block_seconds = {BLOCK_S}
exempt = ["{EXEMPT}/32"]
"""


def datagrams(source, count):
    """Each from another port: a session each."""
    return [frames.ip(source, SERVER, frames.UDP, frames.udp(source, SERVER, 2000 + number, PORT))
            for number in range(count)]


def echoes(source, count):
    return [frames.ip(source, SERVER, frames.ICMP, frames.icmp(source, SERVER, 8, 0, struct.pack(">HH", 2000 + number, 1)))
            for number in range(count)]


def pings(lab, source):
    done = lab.command("client", "ping", "-c", "3", "-i", "0.05", "-W", "1", "-I", source, SERVER, check=False)
    return done.returncode == 0


def blocked(box):
    answer = box.ask("/twinplane/dos")
    return {row["source"]: row for name, row in answer.items() if name.startswith("blocked") and isinstance(row, dict)}


def meter(box, kind):
    """What the zone's meter of a kind shows."""
    rows = [row for name, row in box.ask("/twinplane/dos").items() if name.startswith("meter")]
    return next(row for row in rows if (row["zone"], row["kind"]) == ("trust", kind))


def until_blocked(lab, box, flood, source, kind):
    """Floods until it is; the others go on meanwhile."""
    before = box.counters()
    for _ in range(150):
        flood.tick()
        if source in blocked(box):
            break
    row = blocked(box).get(source)
    expect(row is not None, f"{source} is on the block list", box.ask("/twinplane/dos"))
    expect(row["zone"] == "trust" and row["kind"] == kind and 0 < row["seconds_left"] <= BLOCK_S,
           f"with zone, kind and the time left: {row}")
    since = time.monotonic()
    for _ in range(10):
        flood.tick()
    changed = differences(before, box.counters())
    expect(changed.get("drop_dos_blocked", 0) > 100, "what it sends is dropped for it", changed)
    return since


def one_source(lab, active, passive):
    flood = Flood(lab, datagrams(LOUD, 50_000))
    expect(pings(lab, LOUD), "the source is let in while it is quiet")
    since = until_blocked(lab, active, flood, LOUD, "udp")
    expect(not pings(lab, LOUD), "nothing of it gets in, of whatever kind")
    expect(pings(lab, PLAIN), "another source of the same zone is let in")
    table = active.ask("/twinplane/tables")["dos_block"]
    expect(table["entries"] == 1 and table["capacity"] == 4096, "the table has the entry", table)
    expect(table["now"].startswith("local: each box blocks what it has seen itself"), "and says why it stays here", table)
    expect(table["wholes_sent"] == 0 and passive.ask("/twinplane/tables")["dos_block"]["entries"] == 0,
           "none of it was sent", table)
    expect(passive.ask("/twinplane/dos")["blocked"] == 0, "the peer blocks nobody")
    lab.until("the block ends", lambda: active.ask("/twinplane/dos")["blocked"] == 0, BLOCK_S + 2)
    lasted = time.monotonic() - since
    expect(BLOCK_S - 1.5 < lasted < BLOCK_S + 1, f"in its time: {lasted:.1f} s after it was seen")
    expect(pings(lab, LOUD), "and the source is let in again")


def others(lab, active):
    """Echo requests are a kind too; an exempt source is not blocked for as many; an operator may clear."""
    until_blocked(lab, active, Flood(lab, echoes(LOUD_ICMP, 20_000)), LOUD_ICMP, "icmp")
    exempt = Flood(lab, datagrams(EXEMPT, 20_000))
    for _ in range(50):
        exempt.tick()
    expect(exempt.sent > 2 * SOURCE_RATE and EXEMPT not in blocked(active), "an exempt source is not blocked")
    until_blocked(lab, active, Flood(lab, datagrams(LOUD, 20_000)), LOUD, "udp")
    expect(active.ask(f"/twinplane/dos,clear,{LOUD}") == {"cleared": 1}, "an operator takes one source off the list")
    expect(LOUD not in blocked(active) and pings(lab, LOUD), "and it is let in")


def many_sources(lab, active):
    """From addresses that nobody has: none is blocked, and what comes is thinned out."""
    unanswering = deaf(lab, socket.SOCK_STREAM, SERVER, PORT)
    flood = Flood(lab, [frames.ip(source, SERVER, frames.TCP, frames.tcp(source, SERVER, port, PORT, frames.SYN))
                        for source, port in sources(35_000)])
    before, created = active.counters(), active.status()["sessions4"]
    states = set()
    flood.run(3, lambda: states.add(meter(active, "syn")["state"]))
    row = meter(active, "syn")
    changed = differences(before, active.counters())
    thinned = changed.get("drop_dos_random", 0) + changed.get("drop_dos_maximum", 0)
    expect(thinned > flood.sent * 0.3, f"of {flood.sent} SYNs {thinned} go no further", changed)
    expect(thinned == row["dropped_random"] + row["dropped_maximum"], "and are counted by zone and kind", row)
    expect(states & {"active", "maximum"} and "maximum" in row, f"the zone's state is shown: {sorted(states)}")
    expect(active.status()["sessions4"] - created < flood.sent * 0.7, "most leave no session behind")
    expect(pings(lab, PLAIN), "other kinds are let in")
    unanswering.close()
    lab.until("the state is quiet again", lambda: meter(active, "syn")["state"] == "quiet")


def after_a_kill(lab, active, passive):
    flood = Flood(lab, datagrams(LOUD, 50_000))
    until_blocked(lab, active, flood, LOUD, "udp")
    active.kill()
    lab.until(f"{passive.name} takes over", lambda: passive.last_status["role"] == "active")
    expect(passive.ask("/twinplane/dos")["blocked"] == 0, "its block list is empty: it is local")
    expect(pings(lab, LOUD), "the source is let in there")
    until_blocked(lab, passive, flood, LOUD, "udp")


def test(lab):
    for box in lab.pair.boxes:
        box.more = MORE
    for address in (LOUD, LOUD_ICMP, EXEMPT):
        lab.network._ip("client", "address", "add", f"{address}/24", "dev", "c0")
    active, passive = lab.start()
    with inside(lab.network.names["server"]):
        sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind((SERVER, PORT))
    one_source(lab, active, passive)
    others(lab, active)
    many_sources(lab, active)
    lab.verify(active, "after the floods")
    after_a_kill(lab, active, passive)
    sink.close()


if __name__ == "__main__":
    run(test)
