# SPDX-License-Identifier: BSD-3-Clause
"""SCTP associations with two addresses a side, over two paths and two workers: a path is cut, the active box is killed.

       10.1.0.2 --inside--- in0  out0 ---outside--- 10.2.0.1
  client                    the pair                         server
       10.3.0.2 --inside2-- in1  out1 ---outside2-- 10.4.0.1
       10.3.0.3, which joins the associations later
"""

import os
import struct

import frames
from lab import Wire, expect, lcores, run
from sctp_ends import Ends, associations, drops, need_library

CLIENT, SERVER, PORT = ("10.1.0.2", "10.3.0.2"), ("10.2.0.1", "10.4.0.1"), 5000
JOINING = "10.3.0.3"
OWN_PORT, COUNT = 5100, 8
DATA, HEARTBEAT, HEARTBEAT_ACK, ABORT = 0, 4, 5, 6
MORE = """
[[port]]
name = "inside2"
device = "net_af_packet3,iface=in1,qpairs=1"
zone = "trust"
virtual_mac_group = 1
addresses = ["10.3.0.254/24"]

[[port]]
name = "outside2"
device = "net_af_packet4,iface=out1,qpairs=1"
zone = "untrust"
virtual_mac_group = 1
addresses = ["10.4.0.254/24"]

[[rule]]
name = "signalling"
from = ["trust"]
to = ["untrust"]
source = ["10.3.0.0/24"]
destination = ["any"]
protocol = "sctp"
action = "allow"

[[nat]]
name = "named"
from = ["trust"]
destination = "10.1.0.80"
translated_destination = "10.2.0.1"

[timeouts]
sctp_closed = 1
"""


def second_path(lab):
    """Its two networks, and the ends' addresses on them."""
    network = lab.network
    for bridge, role, device, address, route in (
            ("inside2", "client", "c1", CLIENT[1], ("10.4.0.0/24", "10.3.0.254")),
            ("outside2", "server", "s1", SERVER[1], ("10.3.0.0/24", "10.4.0.254"))):
        network._ip("switches", "link", "add", bridge, "type", "bridge", "stp_state", "0", "mcast_snooping", "0")
        network._ip("switches", "link", "set", bridge, "up")
        network._plug(bridge, role, device)
        network._ip(role, "address", "add", f"{address}/24", "dev", device)
        network._ip(role, "route", "add", route[0], "via", route[1])
    network._ip("client", "address", "add", f"{JOINING}/24", "dev", "c1")
    for role in ("client", "server"):  # who asks on a link asks as an address of that link
        network._sysctl(role, "net.ipv4.conf.all.arp_announce=2")
    for box in ("east", "west"):
        network._plug("inside2", box, "in1")
        network._plug("outside2", box, "out1")


def chunks_of(frame):
    """Source, target and types of an SCTP packet over IPv4; nothing of another frame."""
    if frame[12:14] != b"\x08\x00" or frame[23] != 132:
        return None
    at = 14 + 4 * (frame[14] & 0x0F)
    end = 14 + int.from_bytes(frame[16:18], "big")
    types = set()
    at += 12
    while at + 4 <= end:
        types.add(frame[at])
        at += (int.from_bytes(frame[at + 2:at + 4], "big") + 3) // 4 * 4
    return ".".join(map(str, frame[26:30])), ".".join(map(str, frame[30:34])), types


def sees(wire, what, source, target, chunk, seconds=3):
    def is_it(frame):
        one = chunks_of(frame)
        return one is not None and one[0] in source and one[1] in target and chunk in one[2]

    wire.drain()
    expect(wire.receive(seconds, is_it) is not None, what)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def send_sctp(lab, role, device, source, target, ports, tag, chunks):
    """A packet that no association sends, to the box that is active."""
    head = struct.pack(">HHI", *ports, tag)
    packet = head + struct.pack("<I", crc32c(head + bytes(4) + chunks)) + chunks
    wire = Wire(lab.network.names[role], device)
    gateway = lab.command(role, "ip", "neighbor", "show", "dev", device).stdout.split()
    mac = frames.mac(gateway[gateway.index("lladdr") + 1])
    wire.send(frames.ethernet(mac, wire.mac, frames.IP4, frames.ip(source, target, 132, packet)))


def all_go_on(lab, ends, what, seconds=2):
    before = ends.ask("count")
    lab.wait(seconds)
    after = ends.ask("count")
    expect(all(one["fault"] is None for one in after), f"{what}: every message came back, in order", after)
    expect(all(now["messages"] > then["messages"] for then, now in zip(before, after)),
           f"{what}: all {len(after)} associations carry messages", (before, after))
    return after


def wrong_tags(lab, box, ends):
    """What is made up is dropped by a name, and ends nothing."""
    before = drops(box)
    abort = struct.pack(">BBH", ABORT, 0, 4)
    for tag in (1, 0xDEADBEEF):
        send_sctp(lab, "server", "s0", SERVER[0], CLIENT[0], (PORT, OWN_PORT), tag, abort)
        send_sctp(lab, "client", "c1", CLIENT[1], SERVER[1], (OWN_PORT, PORT), tag, abort)
    lab.until("wrong tags are dropped under their name",
              lambda: drops(box).get("drop_no_association", 0) == before.get("drop_no_association", 0) + 4)
    all_go_on(lab, ends, "after ABORTs of a wrong tag", 1)


def names(lab, box):
    """A name that a rule for destinations leads on is none for SCTP."""
    before = box.ask("/twinplane/sctp").get("drop_translated", 0)
    init = struct.pack(">BBHIIHHI", 1, 0, 20, 7, 65536, 1, 1, 1)
    send_sctp(lab, "client", "c0", CLIENT[0], "10.1.0.80", (5999, PORT), 0, init)
    lab.until("an INIT to a name that leads elsewhere is dropped as translated",
              lambda: box.ask("/twinplane/sctp").get("drop_translated", 0) == before + 1)


def test(lab):
    first, last = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))
    for box in lab.pair.boxes:
        box.more = MORE
        box.edits = ((f'lcores = "{lcores(box.id)}"', f'lcores = "0@{first},1@{last},2@{first}"'),
                     ("memory_mib = 256", "memory_mib = 512"))
    second_path(lab)
    active, passive = lab.start()
    ends = Ends(lab, (",".join(SERVER), PORT), (SERVER[0], PORT, ",".join(CLIENT), OWN_PORT, COUNT))
    wire = Wire(lab.network.names["server"], "s1")
    try:
        all_go_on(lab, ends, "two addresses a side")
        for box in (active, passive):
            expect(associations(box)["entries"] == COUNT, f"{box.name} holds all of them", associations(box))
        expect(active.counters()["packets_handed_over"] > 0, "packets go to the worker of their ports")
        sees(wire, "HEARTBEATs come through on the second path", CLIENT, SERVER[1:], HEARTBEAT)
        wire_back = Wire(lab.network.names["client"], "c1")
        sees(wire_back, "and are answered on it", SERVER, CLIENT[1:], HEARTBEAT_ACK)
        wrong_tags(lab, active, ends)
        names(lab, active)
        lab.verify(active, "while HEARTBEATs confirm paths")

        lab.network.link("switches", "inside-client", "down")
        lab.network.link("switches", "outside-server", "down")
        sees(wire, "with the first path cut messages come by the second", CLIENT[1:], SERVER[1:], DATA, 6)
        all_go_on(lab, ends, "with the first path cut", 4)

        ends.ask("join", JOINING)
        sees(wire_back, "HEARTBEATs go to an address that joined", SERVER, (JOINING,), HEARTBEAT)
        expect("drop_unknown_address" not in drops(active), "no packet of it was refused", drops(active))
        lab.verify(active, "with an address that joined")

        active.kill()
        lab.until("the peer takes over", lambda: (one := passive.status()) and one["role"] == "active")
        active.bury()
        sees(wire, "messages come by the second path through the other box", CLIENT[1:] + (JOINING,), SERVER[1:], DATA)
        after = all_go_on(lab, ends, "after the kill")
        expect(not drops(passive), "and the other box drops nothing of them", drops(passive))
        lab.network.link("switches", "inside-client", "up")
        lab.network.link("switches", "outside-server", "up")
        first_path = Wire(lab.network.names["server"], "s0")
        sees(first_path, "the first path is used again", CLIENT, SERVER[:1], DATA, 6)

        ends.ask("abort")
        lab.until("an association that was aborted leaves the table",
                  lambda: associations(passive)["entries"] == COUNT - 1)
        all_go_on(lab, ends, "the others", 1)
        longest = max(one["longest_ms"] for one in after)
        expect(all(one["fault"] is None for one in ends.ask("end")), f"none broke; the longest message: {longest} ms")
        lab.until("those that shut down leave it too", lambda: associations(passive)["entries"] == 0, 10)
    finally:
        ends.kill()


if __name__ == "__main__":
    need_library()
    run(test)
