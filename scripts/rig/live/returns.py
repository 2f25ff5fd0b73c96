# SPDX-License-Identifier: BSD-3-Clause
"""Sessions of clients to which no route leads: each answer finds back by the neighbor that brought the question alone."""

import contextlib
import socket

from live.companion import Companion, Serving
from network import CLIENT_PLAIN, inside

GATEWAY = ("10.19.0.254", "fd19::fe")
NEIGHBOR = ("10.19.0.1", "fd19::1")
FAR = ("198.51.100.1", "fd20::1")
TABLE = "19"  # of routes, for who asks as FAR
PORT = 7700
COUNT = 10  # of each family
SECTIONS = """
[[port]]
name = "provider"
device = "net_af_packet5,iface=provider0,qpairs=1"
zone = "provider"
symmetric_return = true
addresses = ["10.19.0.254/24", "fd19::fe/64"]

[[rule]]
name = "provider"
from = ["provider"]
to = ["trust"]
action = "allow"
"""


def bound(namespace, address, port=0):
    with inside(namespace):
        one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    one.bind((address, port))
    one.settimeout(1)
    return one


class Returns(Companion):
    name = "return paths"
    kinds = ("return_mac",)

    def wire(self, network):
        network.add_switch("provider", "server", "providerh", "provider0")
        network.address("server", "providerh", *NEIGHBOR)
        # Who asks is behind the neighbor: it is the neighbor that asks for the box's MAC.
        network._sysctl("server", "net.ipv4.conf.providerh.arp_announce=2")
        for own, gateway in zip(FAR, GATEWAY):
            family = "-6" if ":" in own else "-4"
            network._ip("server", "address", "add", own, "dev", "lo")
            network._ip("server", family, "rule", "add", "from", own, "table", TABLE)
            network._ip("server", family, "route", "add", "default", "via", gateway, "dev", "providerh", "table", TABLE)

    def sections(self, box):
        return SECTIONS

    def start(self, scene):
        names = scene.network.names
        self.pairs = []
        for far, near in zip(FAR, CLIENT_PLAIN):
            answering = bound(names["client"], near, PORT)
            for _ in range(COUNT):
                asking = bound(names["server"], far)
                asking.connect((near, PORT))
                self.pairs.append((asking, answering))
        self.answered = self._answered()

    def _answered(self):
        """How many questions are answered."""
        count = 0
        for asking, answering in self.pairs:
            with contextlib.suppress(OSError):
                asking.send(b"question")
                question, asker = answering.recvfrom(2048)
                answering.sendto(question, asker)
                count += asking.recv(2048) == question
        return count

    def is_live(self, active, tables):
        if self.answered < len(self.pairs):
            self.answered = self._answered()
        return self.answered == len(self.pairs) and tables["return_mac"]["entries"] >= len(self.pairs)

    def state(self):
        return f"{self.answered} of {len(self.pairs)} questions were answered"

    def after_kill(self, survivor):
        answered = self._answered()
        told = survivor.ask("/twinplane/symmetric_return")
        wanted = len(self.pairs)
        return Serving(self.name, self.kinds,
                       answered == wanted and told["opened"] == told["fell_back_unknown"] == 0,
                       f"{answered} of {wanted} answers found back, {told['opened']} return paths made anew",
                       numbers={"answered": answered, "wanted": wanted, **told})
