# SPDX-License-Identifier: BSD-3-Clause
"""Two providers outside, the routes lead to one, clients come by the other: replies go back by who brought them."""

import os
import socket
import threading

from lab import Wire, expect, inside, run

OUTSIDE_MAC = bytes.fromhex("001b17000101")  # the pair's, towards the providers
FAR = {4: "198.51.100.2", 6: "fd00:9::2"}    # the client, behind both providers
SERVER = {4: "10.1.0.2", 6: "fd00:1::2"}     # behind the boxes
PUBLIC = {4: "203.0.113.80", 6: "fd00:3::80"}
NETWORKS = {4: ("10.1.0.0/24", "203.0.113.0/24"), 6: ("fd00:1::/64", "fd00:3::/64")}
BOX = {4: "10.2.0.254", 6: "fd00:2::fe"}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
LENGTH = {4: "24", 6: "64"}
PROVIDERS = {"a": 11, "b": 12}
# The route back is provider a, for each family.
MORE = """
[[route]]
prefix = "0.0.0.0/0"
via = "10.2.0.11"
port = "outside"

[[route]]
prefix = "::/0"
via = "fd00:2::11"
port = "outside"

[[rule]]
name = "in"
from = ["untrust"]
to = ["trust"]
action = "allow"

[[nat]]
name = "web4"
from = ["untrust"]
destination = "203.0.113.80"
translated_destination = "10.1.0.2"

[[nat]]
name = "web6"
from = ["untrust"]
destination = "fd00:3::80"
translated_destination = "fd00:1::2"
"""
SYMMETRIC = ('virtual_mac_group = 1\naddresses = ["10.2.0.254/24"',
             'virtual_mac_group = 1\nsymmetric_return = true\naddresses = ["10.2.0.254/24"')


def build_providers(lab):
    """Two routers between the outside segment and the client's, which leaves by b alone."""
    network = lab.network
    for role in ("a", "b", "far"):
        network.names[role] = lab.rundir.add_namespace(role)
        network._ip(role, "link", "set", "lo", "up")
        network._sysctl(role, "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0",
                        "net.ipv6.conf.all.accept_ra=0", "net.ipv6.conf.default.accept_ra=0",
                        "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0",
                        "net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.default.send_redirects=0")
    network._ip("switches", "link", "add", "far", "type", "bridge", "stp_state", "0", "mcast_snooping", "0")
    network._ip("switches", "link", "set", "far", "up")
    network._plug("far", "far", "f0")
    network._address("far", "f0", FAR.values(), ("198.51.100.12", "fd00:9::12"))
    for role, number in PROVIDERS.items():
        network._plug("outside", role, "o0")
        network._plug("far", role, "f0")
        network._address(role, "o0", (f"10.2.0.{number}", f"fd00:2::{number}"), ())
        network._address(role, "f0", (f"198.51.100.{number}", f"fd00:9::{number}"), ())
        network._sysctl(role, "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        for version, networks in NETWORKS.items():
            for destination in networks:
                network._ip(role, f"-{version}", "route", "add", destination, "via", BOX[version])


class Tap:
    """What comes to a provider from the pair: frames of IP to its own MAC, for the client behind it."""

    def __init__(self, lab, role):
        self.wire = Wire(lab.network.names[role], "o0")

    def taken(self):
        """How many there were since the last time."""
        count = 0
        while (frame := self.wire.receive(0.05, self._is_wanted)) is not None:
            count += len(frame) > 0
        return count

    def _is_wanted(self, frame):
        if frame[:6] != self.wire.mac or frame[6:12] != OUTSIDE_MAC:
            return False
        if frame[12:14] == b"\x08\x00":
            return frame[30:34] == socket.inet_pton(socket.AF_INET, FAR[4])
        return frame[12:14] == b"\x86\xdd" and frame[38:54] == socket.inet_pton(socket.AF_INET6, FAR[6])


class Taps:
    def __init__(self, lab):
        self.by_role = {role: Tap(lab, role) for role in PROVIDERS}

    def expect_only(self, role, what):
        taken = {name: tap.taken() for name, tap in self.by_role.items()}
        others = sum(count for name, count in taken.items() if name != role)
        expect(taken[role] > 0 and others == 0, f"{what}: all replies go to provider {role}", taken)

    def forget(self):
        for tap in self.by_role.values():
            tap.wire.drain()


def opened(lab, role, version, address, kind, port=0):
    with inside(lab.network.names[role]):
        one = socket.socket(FAMILY[version], kind)
    if kind == socket.SOCK_STREAM:  # two datagram sockets might get one port
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind((address, port))
    one.settimeout(5)
    return one


class Echo(threading.Thread):
    """The server: says what it hears, over TCP and UDP."""

    def __init__(self, lab, version):
        super().__init__(daemon=True)
        self.listener = opened(lab, "client", version, SERVER[version], socket.SOCK_STREAM, 7001)
        self.listener.listen(100)
        self.listener.settimeout(None)
        self.datagrams = opened(lab, "client", version, SERVER[version], socket.SOCK_DGRAM, 7001)
        self.datagrams.settimeout(None)
        threading.Thread(target=self._answer_datagrams, daemon=True).start()
        self.start()

    def run(self):
        while True:
            one, _ = self.listener.accept()
            threading.Thread(target=self._answer, args=(one,), daemon=True).start()

    @staticmethod
    def _answer(one):
        while data := one.recv(65536):
            one.sendall(data)

    def _answer_datagrams(self):
        while True:
            data, sender = self.datagrams.recvfrom(65536)
            self.datagrams.sendto(data, sender)


def connected(lab, version, address, kind):
    one = opened(lab, "far", version, FAR[version], kind)
    one.connect((address, 7001))
    return one


def works(one):
    if one.type == socket.SOCK_DGRAM:
        return any(is_answered(one) for _ in range(3))
    content = os.urandom(20_000)
    one.sendall(content)
    got = b""
    while len(got) < len(content):
        part = one.recv(65536)
        if not part:
            return False
        got += part
    return got == content


def is_answered(one):
    """A datagram may be lost, and its answer late."""
    content = os.urandom(1000)
    one.send(content)
    try:
        while one.recv(65536) != content:
            pass
    except TimeoutError:
        return False
    return True


def open_all(lab):
    """Ten of each kind: TCP and UDP, of both families, to the server's own address and to its public one."""
    connections = []
    for version in (4, 6):
        for address in (SERVER[version], PUBLIC[version]):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                for _ in range(10):
                    connections.append(connected(lab, version, address, kind))
                    expect_quietly(works(connections[-1]), f"IPv{version} to {address}")
                    lab.pair.poll()
    return connections


def expect_quietly(condition, what):
    if not condition:
        expect(False, what)


def expect_works(connections, what):
    expect(all(works(one) for one in connections), f"{what}: {len(connections)} connections carry bytes")


def errors_and_pings(lab):
    """ICMP of these sessions: errors that the server sends about them, and echoes."""
    for version in (4, 6):
        for address in (SERVER[version], PUBLIC[version]):
            client = opened(lab, "far", version, FAR[version], socket.SOCK_DGRAM)
            client.connect((address, 9))
            client.send(b"anyone?")
            try:
                client.recv(1)
                told = False
            except ConnectionRefusedError:
                told = True
            except TimeoutError:
                told = False
            expect(told, f"{address}: port unreachable comes back")
            lab.command("far", "ping", "-c", "3", "-i", "0.05", "-W", "2", address)


def figures(box):
    return box.ask("/twinplane/symmetric_return")


def without(lab):
    """The same packets where the port does not say symmetric_return: by the routes, so the taps can tell."""
    lab.pair.start()
    lab.in_sync()
    taps = Taps(lab)
    connections = open_all(lab)
    errors_and_pings(lab)
    taps.expect_only("a", "without symmetric_return")
    for one in connections:
        one.close()
    for box in lab.pair.boxes:
        box.kill()
        box.bury()


def change_mac(lab):
    lab.network._ip("b", "link", "set", "o0", "address", "02:00:00:00:0b:0b")
    for version, networks in NETWORKS.items():
        for destination in networks:
            lab.network._ip("b", f"-{version}", "route", "replace", destination, "via", BOX[version])


def test(lab):
    build_providers(lab)
    for box in lab.pair.boxes:
        box.more = MORE
    for version in (4, 6):
        Echo(lab, version)
    without(lab)
    for box in lab.pair.boxes:
        box.edits = (SYMMETRIC,)
    active, passive = lab.start()
    taps = Taps(lab)
    connections = open_all(lab)
    errors_and_pings(lab)
    taps.expect_only("b", "sessions that provider b has brought")
    told = figures(active)
    expect(told["ports"] == "outside" and told["opened"] >= len(connections) and told["refused_full"] == 0,
           "each has a return path", told)
    lab.verify(active, "with return paths")
    lab.equal_when_quiet()

    active.kill()
    lab.until(f"{passive.name} takes over", lambda: passive.last_status["role"] == "active")
    active.bury()
    taps.forget()
    expect_works(connections, "after the takeover")
    taps.expect_only("b", "sessions from before the takeover")
    told = figures(passive)
    expect(told["fell_back_unknown"] == 0 and told["opened"] == 0, "by the paths that the peer has told", told)

    lab.wait(1.1)
    change_mac(lab)
    taps = Taps(lab)
    expect_works(connections, "with another MAC of provider b")
    taps.expect_only("b", "sessions from before it changed its MAC")
    expect(figures(passive)["moved"] >= len(connections), "each return path has followed", figures(passive))
    more = open_all(lab)
    errors_and_pings(lab)
    taps.expect_only("b", "sessions that begin at the survivor")
    expect_works(connections + more, "at the end")
    told = figures(passive)
    expect(all(told[name] == 0 for name in ("refused_full", "refused_mac", "fell_back_port_down",
                                            "fell_back_unknown")), "nothing was refused and nothing fell back", told)


if __name__ == "__main__":
    run(test)
