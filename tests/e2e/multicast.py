# SPDX-License-Identifier: BSD-3-Clause
"""Streams to groups go on when the active box is killed: Linux listens by IGMP 2 and 3 and MLD 1 and 2, and reports nothing anew."""

import os
import struct
import time

import frames
from lab import expect, lcores, run, say
from multicast_ends import Captures, Host, Sender

CLIENT, SERVER, DMZ = "10.1.0.2", "10.2.0.1", "10.3.0.2"
SERVER6 = "fd00:2::1"
OTHER_SERVER = "10.2.0.9"
ANY4, BLOCKED4, SOURCE4 = "239.1.1.1", "239.1.1.2", "232.1.1.1"
ANY6, SOURCE6 = "ff1e::101", "ff3e::8000:1"
STREAMS = (ANY4, SOURCE4, ANY6, SOURCE6)
PORT = 5004
LEAVE_S = 1.0  # robustness times last_member_interval_ms, as configured below

FRAGMENTED6 = [f"ff1e::f:{number:x}" for number in range(1, 13)]

# More ports, so that a packet leaves by several: dmz's hosts speak the earlier versions, and tagged's are
# behind a VLAN, on which af_packet hears nobody: there the group is static. What comes from there may go nowhere.
MORE_PORTS = """[[port]]
name = "dmz"
device = "net_af_packet3,iface=dmz0,qpairs=1"
zone = "dmz"
mtu = 1300
addresses = ["10.3.0.254/24", "fd00:3::fe/64"]

[[port]]
name = "tagged"
device = "net_af_packet4,iface=tag0,qpairs=1"
zone = "dmz"
vlan = 7
addresses = ["10.4.0.254/24"]

[[rule]]
name = "streams"
from = ["untrust"]
to = ["trust", "dmz"]
destination = ["224.0.0.0/4", "ff00::/8"]
protocol = "udp"
action = "allow"

[[rule]]
name = "out"
"""
MULTICAST = """
[multicast]
enabled = true
query_interval_s = 400
last_member_interval_ms = 500
stream_timeout_s = 4

[[multicast.group]]
group = "239.1.1.1"
port = "tagged"
"""


def add_link(lab, name, device, box_device):
    network = lab.network
    network.names[name] = lab.rundir.add_namespace(name)
    network._sysctl(name, "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0")
    network._ip(name, "link", "set", "lo", "up")
    network._ip("switches", "link", "add", name, "type", "bridge", "stp_state", "0", "mcast_snooping", "0")
    network._ip("switches", "link", "set", name, "up")
    network._plug(name, name, device)
    for box in lab.pair.boxes:
        network._plug(name, box.name, box_device)


def prepare(lab):
    network = lab.network
    add_link(lab, "dmz", "d0", "dmz0")
    add_link(lab, "tagged", "t0", "tag0")
    for box in lab.pair.boxes:
        box.edits = (('[[rule]]\nname = "out"\n', MORE_PORTS),)
        box.more = MULTICAST
    # Two workers: fragments meet at either, and there a stream's first packet may be seen.
    first, last = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))
    for box in lab.pair.boxes:
        box.edits += ((f'lcores = "{lcores(box.id)}"', f'lcores = "0@{first},1@{last},2@{first}"'),
                      ("memory_mib = 256", "memory_mib = 384"))
    network._address("dmz", "d0", (DMZ, "fd00:3::2"), ("10.3.0.254", "fd00:3::fe"))
    network._sysctl("dmz", "net.ipv4.conf.d0.force_igmp_version=2", "net.ipv6.conf.d0.force_mld_version=1",
                    "net.ipv4.conf.d0.igmpv2_unsolicited_report_interval=300",
                    "net.ipv6.conf.d0.mldv1_unsolicited_report_interval=300")


def entries(box):
    """What the box says of groups and streams, by group and source."""
    place, found = "", {}
    while True:
        page = box.ask("/twinplane/multicast" + (f",{place}" if place else ""))
        found.update({(row["group"], row["source"]): row for name, row in page.items() if name.startswith("entry")})
        place = page["next_place"]
        if not place:
            return found


def counters(box):
    return box.ask("/twinplane/multicast_counters")


def same_routes(one, other):
    """As both boxes have them, but for ages and counts."""
    def bare(box):
        return {key: (row["ingress"], row["egress"], row["state"]) for key, row in entries(box).items()}
    return bare(one) == bare(other)


def lost(host, group, sent):
    numbers = {number for number, _ in host.received[group]}
    return [number for number in range(min(numbers), sent) if number not in numbers]


def check_fragments(lab, active, client, sender):
    """Datagrams in pieces: their fragments meet at either worker, and begin streams there."""
    for group in FRAGMENTED6:
        client.join(group)
    lab.until("the box knows who listens to those", lambda: all((group, "any") in entries(active)
                                                                for group in FRAGMENTED6))
    for _ in range(3):
        for group in FRAGMENTED6:
            sender.send_once(group, size=2000)
        lab.wait(0.05)
    lab.until("datagrams in fragments arrive whole, whichever worker they meet at", lambda: all(
        len(client.received[group]) == 3 for group in FRAGMENTED6))
    for group in FRAGMENTED6:
        client.leave(group)
    lab.until("and are forgotten", lambda: not any(group in FRAGMENTED6 for group, _ in entries(active)), 10)


def check_copies(lab):
    """One packet by three ports: alike but for the link header, which is the port's."""
    capture = Captures(lab, {"client": "c0", "dmz": "d0", "tagged": "t0"})
    lab.wait(0.5)
    copies = {name: {} for name in capture.wires}
    for name, found in copies.items():
        for _, frame, is_out in capture.taken(name):
            at = 18 if frame[12:14] == b"\x81\x00" else 14
            if not is_out and frame[at + 16:at + 20] == frames.packed(ANY4) and frame[at + 9] == frames.UDP:
                found[frame[at + 28:at + 32]] = frame[:at], frame[at:]
    shared = set.intersection(*(set(found) for found in copies.values()))
    expect(len(shared) > 20, f"{len(shared)} packets seen at all three ports")
    heads = {name: {found[number][0] for number in shared} for name, found in copies.items()}
    group = "01005e010101"
    wanted = {"client": f"{group}001b170001000800", "dmz": f"{group}001b170001020800",
              "tagged": f"{group}001b17000103810000070800"}
    expect({name: {head.hex() for head in found} for name, found in heads.items()} ==
           {name: {head} for name, head in wanted.items()}, "each with the port's own MAC address and tag", heads)
    bodies = [{number: found[number][1] for number in shared} for found in copies.values()]
    expect(bodies[0] == bodies[1] == bodies[2] and all(body[8] == 7 and frames.checksum(body[:20]) == 0
                                                       for body in bodies[0].values()),
           "alike behind it, their TTL one less")


def check_blocked(lab, active, client, sender):
    """EXCLUDE of one source: seen on the wire, as the host's own kernel would not take it either."""
    blocked, welcome = lab.network, Sender(lab, "server", OTHER_SERVER)
    client.join(BLOCKED4)
    client.block(BLOCKED4, SERVER)
    lab.until("the box knows of the blocked source", lambda: (BLOCKED4, SERVER) in entries(active))
    capture = Captures(lab, {"client": "c0"})
    for _ in range(20):
        sender.send_once(BLOCKED4)
        welcome.send_once(BLOCKED4)
        lab.wait(0.01)
    lab.wait(0.3)
    sources = [frame[26:30] for _, frame, is_out in capture.taken("client") if not is_out and
               frame[30:34] == frames.packed(BLOCKED4)]
    expect(set(sources) == {frames.packed(OTHER_SERVER)} and len(sources) == 20,
           "the blocked source is not delivered, another of the same group is", sources)
    expect(entries(active)[(BLOCKED4, SERVER)]["state"] == "membership", "and begins no stream: nobody wants it",
           entries(active)[(BLOCKED4, SERVER)])


def check_refusals(lab, active, client):
    """What must not be forwarded, each with its counter."""
    wire = client.wire("c0")
    gateway = bytes.fromhex("01005e010101")

    def counted(name, frame, what):
        before = counters(active)[name]
        for _ in range(5):
            wire.send(frame)
        lab.until(f"{what}: {name}", lambda: counters(active)[name] == before + 5)

    def to(source, group=ANY4, ttl=8, target=gateway):
        return frames.ethernet(target, wire.mac, frames.IP4,
                               frames.ip(source, group, frames.UDP, frames.udp(source, group, 9, PORT), ttl=ttl))

    counted("drop_wrong_ingress", to(SERVER), "the server's address from the clients' side")
    counted("drop_link_scope", to(CLIENT, "224.0.0.251", target=bytes.fromhex("01005e0000fb")), "a link's own group")
    counted("drop_no_listener", to(CLIENT, "239.9.9.9", target=bytes.fromhex("01005e090909")), "a group of nobody's")
    counted("drop_ttl_exceeded", to(CLIENT, ttl=1), "a packet at its end")
    counted("drop_rule", to(CLIENT), "trust to dmz is not allowed")
    counted("drop_not_group_frame", to(CLIENT, target=frames.mac("00:1b:17:00:01:00")), "a group in a unicast frame")
    forged = struct.pack(">BBH4s", 0x11, 100, 0, bytes(4))
    forged = forged[:2] + struct.pack(">H", frames.checksum(forged)) + forged[4:]
    query = frames.ethernet(bytes.fromhex("01005e000001"), wire.mac, frames.IP4,
                            frames.ip("9.9.9.9", "224.0.0.1", 2, forged, ttl=1))
    counted("group_ignored_off_link", query, "a querier that is not of the link")
    expect(active.ask("/twinplane/multicast_ports")["inside"]["igmp_querier"] == "10.1.0.254", "the pair asks still")


def check_leave(lab, client, sender, group, box):
    capture = Captures(lab, {"client": "c0"})
    lab.wait(0.3)
    left = time.time()
    client.leave(group)
    lab.wait(LEAVE_S + 1.5)
    last = max(moment for moment, frame, is_out in capture.taken("client")
               if not is_out and frames.packed(group) in frame[:54])
    expect(0 <= last - left < LEAVE_S + 0.7, f"after the leave of {group} packets stop ({last - left:.2f} s later)")
    row = entries(box).get((group, "any"))
    expect(row is None or "inside" not in row["egress"], "and the box knows it", row)
    expect(sender.is_running(), "while the sender goes on")


def check_nat(lab, active, server):
    """What NAT would hide stays inside; what it leaves alone goes out."""
    server.join("239.7.7.7")
    lab.until("somebody outside listens", lambda: ("239.7.7.7", "any") in entries(active))
    hidden, plain = Sender(lab, "client", "10.1.0.1"), Sender(lab, "client", CLIENT)
    before = counters(active)["drop_translated"]
    for _ in range(10):
        hidden.send_once("239.7.7.7")
        plain.send_once("239.7.7.7")
        lab.wait(0.01)
    lab.until("the hidden one's are counted", lambda: counters(active)["drop_translated"] == before + 10)
    expect({source for _, source in server.received["239.7.7.7"]} == {CLIENT} and
           len(server.received["239.7.7.7"]) == 10, "and the other's arrive", server.received["239.7.7.7"])


def test(lab):
    prepare(lab)
    lab.command("server", "ip", "address", "add", f"{OTHER_SERVER}/24", "dev", "s0")
    active, passive = lab.start()
    client, dmz = Host(lab, "client", CLIENT, "c0"), Host(lab, "dmz", DMZ, "d0")
    sender = Sender(lab, "server", SERVER, SERVER6)
    check_fragments(lab, active, client, sender)

    # The passive box is away while everybody joins, so it can only know from its peer.
    passive.kill()
    passive.bury()
    lab.wait(11)  # nobody owes an answer to the first query any more: the next comes after 100 s
    for group in (ANY4, ANY6):
        client.join(group)
        dmz.join(group)
    client.join(SOURCE4, SERVER)
    client.join(SOURCE6, SERVER6)
    lab.until("the active box knows who listens", lambda: len(entries(active)) == 4 and
              entries(active)[(ANY4, "any")]["egress"].count(" ") == 2)
    expect(entries(active)[(ANY4, "any")]["egress"] == "inside dmz tagged", "on all ports, by IGMP 3 and 2 and fixed",
           entries(active)[(ANY4, "any")])
    expect(entries(active)[(ANY6, "any")]["egress"] == "inside dmz", "on both ports, by MLD 2 and 1")
    lab.wait(2)  # reports are said twice
    passive.start()
    lab.in_sync()
    sender.start(STREAMS, 0.002)
    lab.until("both boxes forward the four streams", lambda: all(
        sum(row["state"] == "forwarding" for row in entries(box).values()) == 4 for box in lab.pair.boxes))
    expect(same_routes(active, passive), "routes are the same on both", (entries(active), entries(passive)))
    tables = {box.name: box.ask("/twinplane/tables") for box in lab.pair.boxes}
    for kind, count in (("multicast4", 3), ("multicast6", 3)):
        here, there = tables[active.name][kind], tables[passive.name][kind]
        expect(here["entries"] == there["entries"] == count and here["now"] == there["now"] == "kept" and
               there["high_water"] >= count and there["wholes_applied"] >= count,
               f"{kind}: kept, {count} entries on both", (here, there))
    check_copies(lab)
    lab.verify(active, "while streams run")
    expect(counters(passive)["group_reports_heard"] == 0, "the passive box has heard no report itself")

    capture = Captures(lab, {"client": "c0", "dmz": "d0"})
    lab.wait(0.5)
    killed = time.time()
    active.kill()
    lab.until("the other box took over", lambda: (passive.status() or {}).get("role") == "active")
    takeover = time.time() - (time.monotonic_ns() - passive.status()["takeover_ns"]) / 1e9
    lab.wait(2)
    for name, host, groups in (("client", client, STREAMS), ("dmz", dmz, (ANY4, ANY6))):
        taken = capture.taken(name)
        for group in groups:
            arrivals = [moment for moment, frame, is_out in taken if not is_out and
                        frames.packed(group) in frame[30:54] and frame[20 if ":" in group else 23] == frames.UDP]
            after = min(moment for moment in arrivals if moment > takeover)
            gap = after - max(moment for moment in arrivals if moment < after)
            reports = [moment for moment, frame, is_out in taken if is_out and moment > killed and
                       frames.is_report(frame)]
            expect(not reports or after < reports[0],
                   f"{name}, {group}: served {1000 * (after - killed):.0f} ms after the kill, before any report"
                   f" ({len(reports)} in 2 s)", (after, reports))
            missing = len(lost(host, group, sender.number - 50))
            expect(gap < 1, f"{name}, {group}: gap of {1000 * gap:.0f} ms, {1000 * (after - takeover):.1f} ms of it"
                   f" after the takeover, {missing} of {sender.number} lost", gap)
            expect(missing <= 1.5 * gap / 0.002 + 5, "and nothing was lost before or after it", missing)
            numbers = [number for number, _ in host.received[group]]
            expect(len(set(numbers)) == len(numbers), "and nothing came twice")
    expect(counters(passive)["drop_wrong_ingress"] == 0 and counters(passive)["group_streams_begun"] == 0,
           "no stream had to begin anew", counters(passive))
    expect(counters(passive)["group_entries_restored"] >= 6, "it has taken the listeners back",
           counters(passive)["group_entries_restored"])
    active.bury()

    # The new box knows who joined by the dead one, well enough to let go.
    check_leave(lab, client, sender, ANY4, passive)
    expect(entries(passive)[(ANY4, "any")]["egress"] == "dmz tagged", "dmz is served still")
    check_blocked(lab, passive, client, sender)
    check_refusals(lab, passive, client)
    check_nat(lab, passive, Host(lab, "server", SERVER, "s0"))
    large = Sender(lab, "server", SERVER)
    before = len(dmz.received[ANY4])
    lab.wait(0.1)
    made = passive.counters()["fragments_made"]
    large.send_once(ANY4, size=1400)
    lab.until("what is too large for dmz goes in pieces", lambda: passive.counters()["fragments_made"] == made + 2)
    expect(len(dmz.received[ANY4]) > before, "and streams go on")
    sender.stop()
    lab.until("silent streams end", lambda: not any(
        row["state"] != "membership" for row in entries(passive).values()), 10)
    say(f"counters: { {name: value for name, value in counters(passive).items() if value} }")


if __name__ == "__main__":
    run(test)
