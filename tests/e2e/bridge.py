# SPDX-License-Identifier: BSD-3-Clause
"""Two boxes bridge between the same switches: addresses, sessions and switches go on when the active one is killed."""

import itertools
import os
import re
import signal
import socket
import threading
import time

import frames
from announcements import Tap
from lab import Wire, expect, inside, lcores, run
from tagged import TaggedHost, heard_by, listening

CLIENT, SERVER = {4: "10.9.0.1", 6: "fd09::1"}, {4: "10.9.0.2", 6: "fd09::2"}
TAGGED = {10: ("10.10.0.1", "10.10.0.2"), 20: ("10.20.0.1", "10.20.0.2")}  # VLAN 20 is none of the bridge's
PORT = 7001
SILENT = [f"02:00:00:00:01:{number:02x}" for number in range(40)]  # stations that say a word and no more
STATIC = "02:00:00:00:02:01"
ROAMER = "02:00:00:00:03:01"
LOCAL = 0x88B5  # an EtherType for experiments (IEEE 802)
LIMIT = 400
REVERSE_ARP = b"\x80\x35"


def bridge_text(keys):
    """One bridge of both ports, with these keys; all of the inside may open sessions."""
    return f"""
[[rule]]
name = "hosts"
from = ["trust"]
to = ["untrust"]
action = "allow"

[[bridge]]
name = "lan"
ports = ["inside", "outside"]
unfiltered = ["arp", "nd", "0x{LOCAL:04x}"]
{keys}
[[bridge.mac]]
mac = "{STATIC}"
port = "inside"
"""


BRIDGE = bridge_text(f"vlans = [\"0\", \"10\"]\naddress_limit = {LIMIT}\nmove_limit = 3\nmove_hold_s = 3")


def bridged(box, sections=BRIDGE):
    """The rig's configuration with both ports in one bridge, and two workers."""
    processors = sorted(os.sched_getaffinity(0))
    box.edits = (("\naddresses = [\"10.1.0.254/24\", \"fd00:1::fe/64\"]", ""),
                 ("\naddresses = [\"10.2.0.254/24\", \"fd00:2::fe/64\"]", ""),
                 (re.compile(r"\[\[rule\]\].*?(?=\[tables\])", re.DOTALL), sections),
                 (f'lcores = "{lcores(box.id)}"', f'lcores = "0@{processors[0]},1@{processors[-1]},2@{processors[0]}"'))


def tagged_mac(side, vlan):
    return f"02:00:00:0{side}:00:{vlan:02x}"


def untagged_hosts(lab):
    for role, device, addresses in (("client", "c0", CLIENT), ("server", "s0", SERVER)):
        lab.command(role, "ip", "addr", "add", f"{addresses[4]}/24", "dev", device)
        lab.command(role, "ip", "addr", "add", f"{addresses[6]}/64", "dev", device, "nodad")


def tagged_hosts(lab):
    """A host on either side in VLAN 10 and in VLAN 20. The switches do not look at tags."""
    return [TaggedHost(lab, role, device, vlan, tagged_mac(side, vlan), addresses[side])
            for side, (role, device) in enumerate((("client", "c0"), ("server", "s0")))
            for vlan, addresses in TAGGED.items()]


def switch_port(lab, bridge, mac):
    """Where a switch has an address."""
    table = lab.command("switches", "bridge", "fdb", "show", "br", bridge).stdout
    found = re.search(rf"^{mac} dev (\S+) master {bridge}", table, re.MULTILINE)
    return found and found[1]


def addresses(box):
    """What the box says of its addresses, by address and VLAN."""
    rows, place = {}, 0
    while True:
        answer = box.ask(f"/twinplane/mac,{place}")
        place = answer.pop("next")
        rows.update({(row["mac"], row["vlan"]): row for row in answer.values()})
        if place == 0:
            return rows


def lan(box):
    return box.ask("/twinplane/bridges")["bridge0"]


def ping(lab, *words, check=True):
    return lab.command("client", "ping", "-c", "1", "-W", "1", *words, check=check).returncode == 0


class Side:
    """Stations on one side of the bridge, that say numbered words to all and hear them."""

    def __init__(self, lab, role, device):
        self.wire = Wire(lab.network.names[role], device)
        self.ear = listening(lab.network.names[role], device, LOCAL)

    def say(self, mac, number=0, target="ff:ff:ff:ff:ff:ff"):
        self.wire.send(frames.ethernet(frames.mac(target), frames.mac(mac), LOCAL, number.to_bytes(4, "big") + bytes(46)))

    def heard(self, mac):
        """How often each word of that station came in since the last look."""
        time.sleep(0.3)
        counts = {}
        for _, frame in heard_by(self.ear):
            if frame[6:12] == frames.mac(mac):
                number = int.from_bytes(frame[14:18], "big")
                counts[number] = counts.get(number, 0) + 1
        return counts


class Stream:
    """TCP across the bridge, both ways, until it is told to stop; what arrives is looked at."""

    def __init__(self, lab, version):
        family = {4: socket.AF_INET, 6: socket.AF_INET6}[version]
        with inside(lab.network.names["server"]):
            listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((SERVER[version], PORT))
        listener.listen(1)
        with inside(lab.network.names["client"]):
            self.client = socket.socket(family, socket.SOCK_STREAM)
        self.client.settimeout(10)
        self.client.connect((SERVER[version], PORT))
        self.server, _ = listener.accept()
        self.server.settimeout(10)
        listener.close()
        self.is_over = False
        self.count = 0
        self.fault = None
        self.longest_s = 0
        self.threads = [threading.Thread(target=self._echo), threading.Thread(target=self._send)]
        for thread in self.threads:
            thread.start()

    def _echo(self):
        try:
            while taken := self.server.recv(65536):
                self.server.sendall(taken)
        except OSError as error:
            self.fault = self.fault or error

    def _send(self):
        try:
            for number in itertools.count():
                if self.is_over:
                    break
                sent = number.to_bytes(4, "big") * 2000
                before = time.monotonic()
                self.client.sendall(sent)
                back = b""
                while len(back) < len(sent):
                    taken = self.client.recv(65536)
                    if not taken:
                        raise OSError("the connection ended")
                    back += taken
                if back != sent:
                    raise OSError("other bytes came back")
                self.longest_s = max(self.longest_s, time.monotonic() - before)
                self.count += 1
                time.sleep(0.005)
            self.client.shutdown(socket.SHUT_WR)
        except OSError as error:
            self.fault = self.fault or error

    def end(self):
        self.is_over = True
        for thread in self.threads:
            thread.join()
        self.client.close()
        self.server.close()


def meets_the_rules(lab, active):
    """What is bridged is asked of the rules, and of the VLANs."""
    before = active.counters()
    with inside(lab.network.names["server"]):
        wrong_way = socket.socket()
    wrong_way.settimeout(0.5)
    try:
        wrong_way.connect((CLIENT[4], 22))
        expect(False, "a connection against the rules fails")
    except TimeoutError:
        after = active.counters()
        expect(after["drop_rule"] > before["drop_rule"], "a connection from untrust to trust is dropped by the rules")
    finally:
        wrong_way.close()
    expect(not ping(lab, TAGGED[20][1], check=False) and lan(active)["drop_wrong_vlan"] > 0,
           "a VLAN that is not the bridge's does not pass")


def is_no_loop(lab, sender, receiver, station, count=200):
    """Both boxes are there; each word is heard once."""
    receiver.heard(station)
    for number in range(count):
        sender.say(station, number)
        if number % 20 == 19:
            lab.tick()
    counts = receiver.heard(station)
    expect(counts == {number: 1 for number in range(count)}, f"{count} broadcasts arrive once each",
           {number: times for number, times in counts.items() if times != 1} or len(counts))


def takes_over(lab, active, passive, streams):
    known = addresses(active)
    expect(addresses(passive).keys() == known.keys(), f"the passive box knows all {len(known)} addresses")
    ears = {side: listening(lab.network.names["switches"], f"{side}-{passive.name}") for side in ("inside", "outside")}
    counts = [stream.count for stream in streams]
    active.kill()
    lab.until("the other box took over", lambda: (passive.status() or {}).get("role") == "active")
    # Not one of these stations has said anything since.
    lab.until("the switch has the silent stations behind the new box",
              lambda: all(switch_port(lab, "outside", mac) == f"outside-{passive.name}" for mac in SILENT))
    lab.until("the streams go on", lambda: all(stream.count > count + 20 or stream.fault
                                               for stream, count in zip(streams, counts)))
    expect(not any(stream.fault for stream in streams), "no connection broke", [stream.fault for stream in streams])
    lab.until("told twice", lambda: lan(passive)["announced"] >= 2 * len(known))
    told = {side: {(vlan, frame[6:12]) for vlan, frame in heard_by(ear) if frame[12:14] == REVERSE_ARP}
            for side, ear in ears.items()}
    expect({(0, frames.mac(mac)) for mac in SILENT} <= told["outside"], "the silent stations were told to the outside")
    host = frames.mac(lab.command("server", "cat", "/sys/class/net/s0/address").stdout.strip())
    expect((0, host) in told["inside"] and (0, host) not in told["outside"], "the server to the inside alone")
    expect({one for one in told["inside"] if one[0]} == {(10, frames.mac(tagged_mac(1, 10)))},
           "and the server in VLAN 10 with its tag", told["inside"])
    expect(lan(passive)["flooded_unknown"] == 0, "not one frame to a known address was flooded", lan(passive))
    expect(addresses(passive).keys() >= known.keys(), "all addresses are still known")
    for vlan_target in (SERVER[4], SERVER[6], TAGGED[10][1]):
        expect(ping(lab, vlan_target), f"{vlan_target} answers")
    active.bury()


def moves(lab, box, inner, outer):
    """A station goes to and fro: it is followed, held, and in the end forgiven."""
    inner.say(ROAMER)
    row = lab.until("a new station is learned", lambda: addresses(box).get((ROAMER, 0)))
    expect(row["port"] == "inside" and row["kind"] == "learned" and row["moves"] == 0, "inside", row)
    for number, (wire, port) in enumerate(((outer, "outside"), (inner, "inside"), (outer, "outside")), 1):
        lab.wait(0.1)  # an address is told to the home worker once in 50 ms
        wire.say(ROAMER)
        lab.until(f"it is followed to the {port}",
                  lambda number=number, port=port: (row := addresses(box)[ROAMER, 0])["port"] == port
                  and row["moves"] == number)
    lab.wait(0.1)
    inner.say(ROAMER)
    lab.until("one move more, and it is held", lambda: addresses(box)[ROAMER, 0]["kind"] == "held")
    dropped = lan(box)["drop_held_source"]
    outer.heard(ROAMER)
    inner.say(ROAMER, 7)
    expect(outer.heard(ROAMER) == {}, "nothing of it passes")
    expect(lan(box)["drop_held_source"] > dropped, "and that is counted")
    lab.until("it is forgiven", lambda: (ROAMER, 0) not in addresses(box), 8)
    inner.say(ROAMER, 8)
    expect(outer.heard(ROAMER) == {8: 1}, "and passes again")


def is_static(lab, box, inner, outer):
    row = addresses(box)[STATIC, 0]
    expect(row["kind"] == "static" and row["port"] == "inside", "the static address is there from the start", row)
    before = lan(box)["drop_static_elsewhere"]
    inner.heard(STATIC)
    outer.say(STATIC)
    expect(inner.heard(STATIC) == {} and lan(box)["drop_static_elsewhere"] == before + 1,
           "who claims it behind the other port is dropped")
    expect(addresses(box)[STATIC, 0]["port"] == "inside", "and it stays where it is")


def fills_up(lab, box, passive, inner):
    for number in range(LIMIT + 100):
        inner.say(f"02:00:00:01:{number >> 8:02x}:{number & 255:02x}")
        if number % 50 == 49:
            lab.tick()
    lab.until("addresses beyond the limit are refused, and counted", lambda: lan(box)["refused_limit"] >= 50)
    expect(lan(box)["entries"] == LIMIT, f"{LIMIT} are known, as the limit says", lan(box)["entries"])
    lab.until("and at the peer", lambda: addresses(passive).keys() == addresses(box).keys())
    flooded = lan(box)["flooded_unknown"]
    inner.say(SILENT[0], 0, "02:00:00:0f:0f:0f")
    lab.until("what is sent to an unknown address is flooded", lambda: lan(box)["flooded_unknown"] > flooded)


def leaves_in_order(lab, active, passive, inner, outer):
    """SIGTERM, and a broadcast every millisecond: while one box leaves and the other takes over nothing goes round."""
    outer.heard(SILENT[1])
    active.end(signal.SIGTERM)
    for number in range(400):
        inner.say(SILENT[1], number)
        time.sleep(0.001)
    counts = outer.heard(SILENT[1])
    expect(len(counts) > 200, f"{len(counts)} of 400 broadcasts arrive")
    expect(max(counts.values()) == 1, "none of them twice", {n: c for n, c in counts.items() if c > 1})
    lab.until("the other box is active", lambda: (passive.status() or {}).get("role") == "active")


def test(lab):
    for box in lab.pair.boxes:
        bridged(box)
    untagged_hosts(lab)
    tagged = tagged_hosts(lab)
    active, passive = lab.start()
    inner, outer = Side(lab, "client", "c0"), Side(lab, "server", "s0")
    for target in (SERVER[4], SERVER[6], TAGGED[10][1]):
        expect(ping(lab, target), f"{target} answers across the bridge")
    meets_the_rules(lab, active)
    for station in SILENT:
        inner.say(station)
    lab.until("every station is learned", lambda: all((mac, 0) in addresses(active) for mac in SILENT))
    untagged = lab.command("client", "cat", "/sys/class/net/c0/address").stdout.strip()
    for mac, vlan in ((untagged, 0), (tagged_mac(0, 10), 10)):
        expect(addresses(active)[mac, vlan]["port"] == "inside", f"the client's host in VLAN {vlan} too")
    quiet = Tap(lab, passive)
    is_no_loop(lab, inner, outer, SILENT[0])
    expect(not any(quiet.sent().values()), "the passive box sends nothing")
    lab.verify(active, "with addresses")
    expect(active.ask("/twinplane/tables")["mac"]["now"] == "kept", "the table is kept equal")

    streams = [Stream(lab, version) for version in (4, 6)]
    try:
        lab.until("bytes flow across", lambda: all(stream.count > 20 for stream in streams))
        lab.until("the peer knows every address", lambda: addresses(passive).keys() == addresses(active).keys())
        takes_over(lab, active, passive, streams)
        moves(lab, passive, inner, outer)
        is_static(lab, passive, inner, outer)
        active.start()
        active, passive = lab.in_sync()
        lab.until("who came back knows every address", lambda: addresses(passive).keys() == addresses(active).keys())
        fills_up(lab, active, passive, inner)
        is_no_loop(lab, inner, outer, SILENT[0])
        leaves_in_order(lab, active, passive, inner, outer)
        counts = [stream.count for stream in streams]
        lab.until("the streams go on", lambda: all(stream.count > count + 20 or stream.fault
                                                   for stream, count in zip(streams, counts)))
    finally:
        for stream in streams:
            stream.end()
        for host in tagged:
            host.close()
    expect(not any(stream.fault for stream in streams),
           f"{sum(stream.count for stream in streams)} rounds came back whole, the longest after "
           f"{max(stream.longest_s for stream in streams) * 1000:.0f} ms", [stream.fault for stream in streams])


if __name__ == "__main__":
    run(test)
