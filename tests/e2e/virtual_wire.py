# SPDX-License-Identifier: BSD-3-Clause
"""Two boxes as one wire between two switches, spanning tree and all: a kill, and stations that fall silent."""

import time

import frames
from bridge import (SERVER, SILENT, STATIC, Side, Stream, addresses, bridge_text, bridged, ping, switch_port,
                    untagged_hosts)
from lab import Wire, expect, run
from tagged import heard_by, listening

AGING_S = 10
BPDU_GROUP = "01:80:c2:00:00:00"
BPDU = bytes.fromhex("424203") + bytes(35)  # LLC of spanning tree, and a body
TALKER, ROAMER = "02:00:00:00:04:01", "02:00:00:00:04:02"
STATIONS = SILENT[:10]

WIRE = bridge_text(f"mode = \"virtual-wire\"\naging_s = {AGING_S}")


def bpdus_pass(lab, sender, receiver):
    """What bridges say to each other goes through, once: of the two boxes one is the wire."""
    out = Wire(lab.network.names[sender[0]], sender[1])
    ear = listening(lab.network.names[receiver[0]], receiver[1])
    source = frames.mac("02:00:00:00:05:01")
    sent = frames.mac(BPDU_GROUP) + source + len(BPDU).to_bytes(2, "big") + BPDU
    for _ in range(20):
        out.send(sent)
        lab.tick()
    time.sleep(0.2)
    heard = [frame for _, frame in heard_by(ear) if frame[:12] == sent[:12]]
    expect(len(heard) == 20 and all(frame[:len(sent)] == sent for frame in heard),
           f"20 BPDUs of the {sender[0]}'s side arrive at the {receiver[0]}'s, unchanged", len(heard))


def follows(lab, box, inner, outer):
    """Whoever moves is followed in what is shown, and nobody is held."""
    outer.heard(ROAMER)
    for number in range(12):
        inner.say(ROAMER, number)
        lab.wait(0.06)
        outer.say(ROAMER, number)
        lab.wait(0.06)
    expect(len(outer.heard(ROAMER)) == 12, "who is here and there is heard all the same")
    row = addresses(box)[ROAMER, 0]
    expect(row["kind"] == "learned" and row["moves"] > 6, f"it has moved {row['moves']} times", row)


def takes_over(lab, active, passive, streams):
    lab.until("the peer knows every address", lambda: addresses(passive).keys() == addresses(active).keys())
    known = addresses(active)
    counts = [stream.count for stream in streams]
    active.kill()
    lab.until("the other box took over", lambda: (passive.status() or {}).get("role") == "active")
    lab.until("the switch has the silent stations behind the new box",
              lambda: all(switch_port(lab, "outside", mac) == f"outside-{passive.name}" for mac in STATIONS))
    lab.until("the streams go on", lambda: all(stream.count > count + 20 or stream.fault
                                               for stream, count in zip(streams, counts)))
    expect(addresses(passive).keys() >= known.keys(), "all addresses are still known")
    active.bury()


def forgets(lab, box, inner):
    """Those that say nothing for the time that is configured; not who speaks, and not what is static."""
    for station in STATIONS:
        inner.say(station)
    inner.say(TALKER)
    began = time.monotonic()

    def are_gone():
        inner.say(TALKER)
        lab.wait(0.25)
        return not any((mac, 0) in addresses(box) for mac in STATIONS)

    lab.until("the silent ones are forgotten", are_gone, 3 * AGING_S)
    # Whole seconds are remembered; a look at each comes by now and then.
    took_s = time.monotonic() - began
    expect(took_s > AGING_S - 1, f"the last after {took_s:.1f} s")
    expect((TALKER, 0) in addresses(box) and (STATIC, 0) in addresses(box),
           "who speaks is still known, and what is static", addresses(box))


def test(lab):
    for box in lab.pair.boxes:
        bridged(box, WIRE)
    untagged_hosts(lab)
    active, passive = lab.start()
    inner, outer = Side(lab, "client", "c0"), Side(lab, "server", "s0")
    for version in (4, 6):
        expect(ping(lab, SERVER[version]), f"{SERVER[version]} answers through the wire")
    for sender, receiver in ((("client", "c0"), ("server", "s0")), (("server", "s0"), ("client", "c0"))):
        bpdus_pass(lab, sender, receiver)
    for station in STATIONS:
        inner.say(station)
    lab.until("every station is learned", lambda: all((mac, 0) in addresses(active) for mac in STATIONS))
    follows(lab, active, inner, outer)
    streams = [Stream(lab, version) for version in (4, 6)]
    try:
        lab.until("bytes flow across", lambda: all(stream.count > 20 for stream in streams))
        takes_over(lab, active, passive, streams)
        bpdus_pass(lab, ("client", "c0"), ("server", "s0"))
        active.start()
        active, passive = lab.in_sync()
        forgets(lab, active, inner)
        lab.until("the peer has forgotten the same", lambda: addresses(passive).keys() == addresses(active).keys())
        lab.verify(active, "after stations were forgotten")
    finally:
        for stream in streams:
            stream.end()
    expect(not any(stream.fault for stream in streams),
           f"{sum(stream.count for stream in streams)} rounds came back whole, the longest after "
           f"{max(stream.longest_s for stream in streams) * 1000:.0f} ms", [stream.fault for stream in streams])


if __name__ == "__main__":
    run(test)
