# SPDX-License-Identifier: BSD-3-Clause
"""A third party on HA2 sends what must change nothing: each kind has its counter, the pair goes on."""

import random
import struct
import time

import ha2_frames
from ha2_frames import DATA, HEARTBEAT, LINK_PARTITION, STATUS, Frame, empty_slot
from lab import Wire, differences, expect, run

EACH = 20
STRANGER = bytes.fromhex("0200000000ee")


def ethernet(target, payload, ethertype=ha2_frames.ETHERTYPE):
    return target + STRANGER + struct.pack(">H", ethertype) + payload


def newest_of(wire, kinds):
    """Of what has come in on that device: the last frame of each partition."""
    newest = {}
    while frame := wire.receive(0.2, lambda one: one[12:14] == b"\x72\x61" and one[15] in kinds):
        read = ha2_frames.read(frame[14:])
        newest[read.partition] = read
    return newest


def forgeries(mirror, real):
    """Name of the counter, and bytes for it. `real` is a frame of the running stream that has been passed."""
    beat = Frame(HEARTBEAT, 0, real.session, real.term, real.seq)
    data = Frame(DATA, 0, real.session, real.term, real.seq, section_count=1, body=empty_slot(0))
    sealed = data.bytes()
    yield "drop_too_short", sealed[:8]
    yield "drop_too_short", b""
    yield "drop_length", sealed + bytes(40)
    yield "drop_length", sealed[:-1]
    yield "drop_length", data.but(frame_bytes=8).bytes()
    yield "drop_length", data.but(frame_bytes=65535).bytes()
    yield "drop_version", data.but(version=2).bytes()
    yield "drop_version", data.but(version=0).bytes()
    yield "drop_type", data.but(type=0).bytes()
    yield "drop_type", data.but(type=77).bytes()
    yield "drop_checksum", data.bytes(checksum=0)
    yield "drop_checksum", sealed[:20] + bytes([sealed[20] ^ 1]) + sealed[21:]
    yield "drop_section", data.but(section_count=2).bytes()
    yield "drop_section", data.but(section_count=65535).bytes()
    yield "drop_section", beat.but(section_count=1).bytes()
    yield "drop_section", data.but(body=ha2_frames.section(5, bytes(4), count=65535)).bytes()
    yield "drop_section", data.but(body=ha2_frames.section(5, bytes(4), count=0)).bytes()
    yield "drop_section", data.but(body=ha2_frames.section(5, bytes(5))).bytes()
    yield "drop_section", data.but(body=ha2_frames.section(5, bytes(4), record_bytes=0)).bytes()
    yield "drop_section", data.but(body=empty_slot(0) + b"x").bytes()
    yield "drop_partition", data.but(partition=5).bytes()  # 4 is the home partition
    yield "drop_partition", data.but(partition=0xFFFE).bytes()
    yield "drop_session", data.but(session=real.session ^ 2).bytes()
    yield "drop_session", data.but(session=0).bytes()
    yield "drop_old_term", data.but(term=real.term - 1).bytes()
    yield "drop_future_term", data.but(term=real.term + 1).bytes()
    yield "drop_future_term", data.but(term=0xFFFFFFFF).bytes()
    if mirror:
        yield "drop_role", data.but(type=STATUS, section_count=0, body=bytes(ha2_frames.STATUS_BYTES)).bytes()
        yield "drop_seq_range", data.but(seq=0).bytes()
        yield "drop_seq_range", data.but(floor_distance=0).bytes()
        yield "drop_seq_range", data.but(floor_distance=real.seq + 9).bytes()
        yield "drop_floor", data.but(seq=real.seq + 1_000_000).bytes()
        yield "drop_duplicate", data.bytes()
        yield "drop_record", data.but(seq=real.seq + 1, body=empty_slot(0x7FFFFFFF)).bytes()
    else:
        yield "drop_role", data.bytes()
        yield "drop_body", data.but(type=STATUS, section_count=0, body=bytes(ha2_frames.STATUS_BYTES - 1)).bytes()
        yield "drop_body", data.but(type=STATUS, section_count=0, body=struct.pack("<QH", 1, 999) + bytes(ha2_frames.STATUS_BYTES - 10)).bytes()
        yield "drop_seq_range", data.but(type=STATUS, section_count=0, seq=1 << 60, body=bytes(ha2_frames.STATUS_BYTES)).bytes()


def link_forgeries(box):
    """Of the link itself: what is no good hello or keepalive, or a frame of the other sort."""
    same = box.id
    yield "bad_link_frames", ha2_frames.keepalive(1, same, 1).bytes()
    yield "bad_link_frames", ha2_frames.keepalive(1, 1 - same, 9).bytes()
    yield "bad_link_frames", ha2_frames.keepalive(1, 1 - same, 1, path=1).bytes()
    yield "bad_link_frames", Frame(ha2_frames.KEEPALIVE, LINK_PARTITION, body=bytes(5)).bytes()
    yield "ha2_drop_type", Frame(DATA, LINK_PARTITION, section_count=1, body=empty_slot(0)).bytes()
    yield "ha2_drop_type", ha2_frames.hello(7, 1 - same).but(partition=0).bytes()
    yield "bad_link_frames", ha2_frames.hello(7, 1 - same, item_count=5).bytes()
    yield "bad_link_frames", ha2_frames.hello(0, 1 - same).bytes()
    yield "bad_link_frames", ha2_frames.hello(7, 1 - same, item_count=33, items=bytes(33 * 33)).bytes()
    yield "refused_hellos", ha2_frames.hello(7, same).bytes()


def settled(lab, box):
    """The counters, once what was sent has arrived."""
    lab.wait(0.1)
    return box.counters()


def attack(lab, wire, mac, box, name, payload):
    before = box.counters()
    for _ in range(EACH):
        wire.send(ethernet(mac, payload))
    changed = differences(before, settled(lab, box))
    expect(changed.get(name) == EACH,
           f"{box.name}: {EACH} frames of {len(payload)} bytes under {name}: "
           f"{ {key: value for key, value in changed.items() if 'drop' in key or key == name} }")


def test(lab):
    for box in lab.pair.boxes:  # an audit's frames would take the seqs that are forged
        box.edits = (("\n[ha1]\n", "audit_cycle_s = 0\n\n[ha1]\n"),)
    active, passive = lab.start()
    wire = Wire(lab.network.names["client"], "intruder")
    macs = {box.name: Wire(lab.network.names[box.name], "ha2").mac for box in lab.pair.boxes}
    # Some sessions to lose, and then quiet, so that what is counted is the third party's doing.
    real = genuine_stream(lab, passive)
    before = {box.name: box.status() for box in lab.pair.boxes}
    for box in (passive, active):
        for name, payload in forgeries(box is passive, real):
            attack(lab, wire, macs[box.name], box, "ha2_" + name, payload)
        for name, payload in link_forgeries(box):
            attack(lab, wire, macs[box.name], box, name, payload)
        attack_other(lab, wire, macs[box.name], box)
    after = {box.name: box.status() for box in lab.pair.boxes}
    for key in ("role", "term", "sync", "refusal", "sessions"):
        expect(all(before[name][key] == after[name][key] for name in before),
               f"{key} is as it was: {[status[key] for status in after.values()]}")
    expect(active.status()["bulk_done_slots"] == before[active.name]["bulk_done_slots"],
           "the stream did not begin anew")
    lab.verify(active, "after the attack")
    lab.equal_when_quiet()
    lab.start_traffic()
    flood(lab, wire, macs, real)
    lab.verify(active, "under traffic and attack")
    lab.end_traffic()


def genuine_stream(lab, passive):
    """The last frame of partition 0 of the running stream, which the mirror has passed."""
    wire = Wire(lab.network.names[passive.name], "ha2")
    real = {}

    def look():
        lab.command("client", "bash", "-c",
                    "for port in {1..20}; do echo x >/dev/udp/10.2.0.1/$((20000 + RANDOM % 9999)); done")
        real.update(newest_of(wire, (DATA, HEARTBEAT)))
        return 0 in real
    lab.until("a frame of partition 0 was seen on the link", look, 15)
    lab.wait(0.5)
    real.update(newest_of(wire, (DATA, HEARTBEAT)))
    return real[0]


def attack_other(lab, wire, mac, box):
    """What is no frame at all, and noise."""
    before = box.counters()
    for _ in range(EACH):
        wire.send(ethernet(mac, bytes(100), 0x88B5))
    changed = differences(before, settled(lab, box))
    expect(changed.get("ha2_drop_encap_not_ours") == EACH, f"{box.name}: another EtherType is not ours", changed)
    noise = random.Random(7261)
    before = box.counters()
    for _ in range(500):
        wire.send(ethernet(mac, noise.randbytes(noise.randrange(0, 1480))))
    dropped = sum(value for key, value in differences(before, settled(lab, box)).items() if key.startswith("ha2_drop_"))
    expect(dropped == 500, f"{box.name}: 500 frames of noise are dropped and counted: {dropped}")


def flood(lab, wire, macs, real):
    """All of it once more, mixed, while traffic runs."""
    noise = random.Random(1)
    # What would be believed as the stream's own is left out: there is no key yet.
    payloads = [payload for mirror in (True, False) for name, payload in forgeries(mirror, real)
                if name not in ("drop_record", "drop_duplicate", "drop_floor", "drop_seq_range")]
    end = time.monotonic() + 2
    while time.monotonic() < end:
        for _ in range(50):
            wire.send(ethernet(noise.choice(list(macs.values())), noise.choice(payloads)))
        lab.tick()
    expect(lab.pair.boxes[0].is_running() and lab.pair.boxes[1].is_running(), "both boxes live")


if __name__ == "__main__":
    run(test, has_switched_ha2=True)
