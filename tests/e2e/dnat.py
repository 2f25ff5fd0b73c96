# SPDX-License-Identifier: BSD-3-Clause
"""Translated destinations: servers behind public names, both ways and back in, and all of it after a takeover."""

import os
import socket
import threading

from lab import differences, expect, inside, lcores, run
from mail import MAIL, MAIL_REAL, RULES

CLIENT = {4: "10.1.0.2", 6: "fd00:1::2"}     # plain: no rule hides it
HIDDEN = "10.1.0.1"                          # of the rig's own source NAT
REAL = {4: "10.2.0.1", 6: "fd00:2::1"}       # the server, where it really is
WEB = {4: "203.0.113.80", 6: "fd00:3::80"}   # public, port 80, which the client's side routes to the box
TURN = "10.2.0.99"                           # public, on the servers' side: from there to a server there
TURN_SOURCE = "10.2.0.251"                   # and as whom
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
MORE = """
[[rule]]
name = "in"
from = ["untrust"]
to = ["trust"]
action = "allow"

[[rule]]
name = "turn"
from = ["untrust"]
to = ["untrust"]
destination = ["10.2.0.99/32"]
action = "allow"

[[nat]]
name = "web4"
from = ["trust"]
destination = "203.0.113.80"
protocol = "tcp"
destination_port = "80"
translated_destination = "10.2.0.1"
translated_port = 7001

[[nat]]
name = "web6"
from = ["trust"]
destination = "fd00:3::80"
destination_port = "80"
translated_destination = "fd00:2::1"
translated_port = 7001

"""+ RULES + """[[nat]]
name = "turn"
from = ["untrust"]
destination = "10.2.0.99"
protocol = "tcp"
destination_port = "80"
translated_destination = "10.2.0.1"
translated_port = 7003

[[nat]]
name = "turn-source"
from = ["untrust"]
to = ["untrust"]
source = ["10.2.0.25/32"]
addresses = ["10.2.0.251"]
"""


def opened(lab, role, version, address, port=0, kind=socket.SOCK_STREAM):
    with inside(lab.network.names[role]):
        one = socket.socket(FAMILY[version], kind)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind((address, port))
    one.settimeout(5)
    return one


def listening(lab, role, version, address, port):
    one = opened(lab, role, version, address, port)
    one.listen(100)
    return one


class Connection:
    """Two ends of TCP through the pair, and as whom each knows the other."""

    def __init__(self, lab, roles, version, source, name, listener):
        self.client = opened(lab, roles[0], version, source)
        self.client.connect(name)
        self.server, self.seen = listener.accept()
        self.server.settimeout(5)
        self.seen = self.seen[:2]
        self.own = self.client.getsockname()[:2]

    def works(self):
        """A few frames of bytes there and back."""
        content = os.urandom(20_000)
        for sender, receiver in ((self.client, self.server), (self.server, self.client)):
            sender.sendall(content)
            left = len(content)
            while left:
                got = receiver.recv(left)
                if not got:
                    return False
                left -= len(got)
        return True


class Load(threading.Thread):
    """Bytes over all of these connections, round after round."""

    def __init__(self, connections):
        super().__init__(daemon=True)
        self.connections = connections
        self.rounds = 0
        self.fault = None
        self.is_stopping = False
        self.start()

    def run(self):
        try:
            while not self.is_stopping and all(one.works() for one in self.connections):
                self.rounds += 1
        except OSError as error:
            self.fault = error

    def stop(self):
        """How many rounds there were; 0: a connection broke."""
        self.is_stopping = True
        self.join(30)
        return 0 if self.fault or self.is_alive() else self.rounds


def expect_all(connections, what):
    expect(all(one.works() for one in connections), f"{what}: {len(connections)} connections carry bytes")


def many(lab, count, *words):
    connections = []
    for _ in range(count):
        connections.append(Connection(lab, *words))
        lab.pair.poll()
    return connections


def in_all_directions(lab, listeners):
    """Connections of every kind, by what they are."""
    kinds = {}
    for version in (4, 6):
        web = many(lab, 20, ("client", "server"), version, CLIENT[version], (WEB[version], 80),
                   listeners["web", version])
        expect(all(one.seen == one.own for one in web), f"IPv{version}: the server sees who asks")
        kinds[f"IPv{version} to a public port"] = web
        inward = many(lab, 20, ("client", "server"), version, CLIENT[version], (MAIL[version], 7002),
                      listeners["mail", version])
        kinds[f"IPv{version} to a public address"] = inward
        outward = many(lab, 20, ("server", "client"), version, MAIL_REAL[version], (CLIENT[version], 7004),
                       listeners["client", version])
        expect(all(one.seen == (MAIL[version], one.own[1]) for one in outward),
               f"IPv{version}: the server is known by its public address where it asks itself")
        kinds[f"IPv{version} from a public address"] = outward
    both = many(lab, 20, ("client", "server"), 4, HIDDEN, (WEB[4], 80), listeners["web", 4])
    expect({one.seen[0] for one in both} == {"10.2.0.254"}, "both ends are translated where both rules match")
    kinds["both ends"] = both
    turned = many(lab, 20, ("server", "server"), 4, MAIL_REAL[4], (TURN, 80), listeners["turn", 4])
    expect({one.seen[0] for one in turned} == {TURN_SOURCE}, "a session turns round at the box")
    kinds["turned round"] = turned
    for what, connections in kinds.items():
        expect_all(connections, what)
    return kinds


def errors(lab):
    """A port nobody listens on: the ICMP error reaches the client's socket, which knows the public name alone."""
    for version in (4, 6):
        client = opened(lab, "client", version, CLIENT[version], kind=socket.SOCK_DGRAM)
        client.connect((MAIL[version], 9))
        client.send(b"anyone?")
        try:
            client.recv(1)
            told = False
        except ConnectionRefusedError:
            told = True
        except TimeoutError:
            told = False
        expect(told, f"IPv{version}: port unreachable comes back through the translation")


def pings(lab):
    for version in (4, 6):
        done = lab.command("client", "ping", "-c", "3", "-i", "0.05", "-W", "2", "-I", CLIENT[version], MAIL[version],
                           check=False)
        expect(done.returncode == 0, f"IPv{version}: a public address answers echoes", done.stdout)


def refusals(lab, box):
    before = box.counters()
    client = opened(lab, "client", 4, CLIENT[4])
    client.settimeout(0.3)
    try:
        client.connect((TURN, 80))
    except OSError:
        pass
    changed = differences(before, box.counters())
    expect(changed.get("drop_local_refused", 0) >= 1, "a name of another zone leads nowhere", changed)


def prepare(lab):
    for version, words in ((4, ("24",)), (6, ("64", "nodad"))):
        lab.network._ip("server", "address", "add", f"{MAIL_REAL[version]}/{words[0]}", "dev", "s0", *words[1:])


def test(lab):
    first, last = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))
    for box in lab.pair.boxes:
        box.more = MORE
    # Partitions have two owners on one box: a packet to a public name comes to the other one as often as not.
    lab.east.edits = ((f'lcores = "{lcores(0)}"', f'lcores = "0@{first},1@{last},2@{first}"'),)
    prepare(lab)
    active, passive = lab.start()
    expect(active is lab.east, "the box with two workers is active")
    listeners = {}
    for version in (4, 6):
        listeners["web", version] = listening(lab, "server", version, REAL[version], 7001)
        listeners["mail", version] = listening(lab, "server", version, MAIL_REAL[version], 7002)
        listeners["client", version] = listening(lab, "client", version, CLIENT[version], 7004)
    listeners["turn", 4] = listening(lab, "server", 4, REAL[4], 7003)
    kinds = in_all_directions(lab, listeners)
    pings(lab)
    errors(lab)
    refusals(lab, active)
    lab.verify(active, "with all of these sessions")
    lab.equal_when_quiet()
    loads = [Load(connections) for connections in kinds.values()]
    lab.wait(0.3)
    active.kill()
    lab.until(f"{passive.name} takes over", lambda: passive.last_status["role"] == "active")
    active.bury()
    lab.wait(0.5)
    rounds = [load.stop() for load in loads]
    expect(all(rounds), f"every kind goes on through the kill: {sum(rounds)} rounds of 20 connections",
           [load.fault for load in loads])
    for what, connections in kinds.items():
        expect_all(connections, f"after the takeover, {what}")
    pings(lab)
    in_all_directions(lab, listeners)
    counters = passive.counters()
    expect(counters["drop_nat_conflict"] == 0 and counters["drop_tcp_not_syn"] == 0,
           "no packet lost its session", {name: value for name, value in counters.items() if value})


if __name__ == "__main__":
    run(test)
