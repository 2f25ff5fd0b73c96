# SPDX-License-Identifier: BSD-3-Clause
"""Two hosts in one subnet, with the pair as a bridge between them: the survivor knows where both are, and so do the
switches."""

import re

from commands import run
from live import streams
from live.companion import Companion, Serving

HOSTS = {"left": ("client", "10.9.0.1", "fd09::1"), "right": ("server", "10.9.0.2", "fd09::2")}
PORT = 7600
SECTIONS = """
[[port]]
name = "left"
device = "net_af_packet3,iface=left0,qpairs=1"
zone = "lan-left"

[[port]]
name = "right"
device = "net_af_packet4,iface=right0,qpairs=1"
zone = "lan-right"

[[bridge]]
name = "lan"
ports = ["left", "right"]

[[rule]]
name = "lan"
from = ["lan-left", "lan-right"]
to = ["lan-left", "lan-right"]
action = "allow"
"""


class Bridge(Companion):
    name = "bridge"
    kinds = ("mac",)

    def wire(self, network):
        for side, (role, *addresses) in HOSTS.items():
            network.add_switch(side, role, f"{side}h", f"{side}0")
            network.address(role, f"{side}h", *addresses)

    def sections(self, box):
        return SECTIONS

    def start(self, scene):
        self.scene = scene
        (_, left4, left6), (_, right4, right6) = HOSTS["left"], HOSTS["right"]
        self.streams = {
            "to the right": streams.Stream(scene, "right", ("client", left4, right4), ("server", "righth"), PORT),
            "to the left": streams.Stream(scene, "left", ("server", right6, left6), ("client", "lefth"), PORT),
        }

    def is_live(self, active, tables):
        return tables["mac"]["entries"] >= len(HOSTS) and all(one.is_busy() for one in self.streams.values())

    def state(self):
        return ", ".join(f"{way}: {one.received} datagrams came" for way, one in self.streams.items())

    def before_kill(self, active, passive):
        for one in self.streams.values():
            one.mark()

    def after_kill(self, survivor):
        reports = {way: one.report() for way, one in self.streams.items()}
        moved = sum(self._is_behind(survivor, side) for side in HOSTS)
        return Serving(self.name, self.kinds, moved == len(HOSTS) and all(map(streams.Stream.is_fine, reports.values())),
                       f"{streams.said(reports)}; {moved} of {len(HOSTS)} switches know",
                       max(one["longest_ms"] for one in reports.values()), {"switches_told": moved, **reports})

    def _is_behind(self, box, side):
        """Whether the switch at that side has the host of the other behind the box."""
        other = next(name for name in HOSTS if name != side)
        role = HOSTS[other][0]
        names = self.scene.network.names
        mac = re.search(r"link/ether (\S+)", run("ip", "-n", names[role], "link", "show", f"{other}h"))[1]
        table = run("ip", "netns", "exec", names["switches"], "bridge", "fdb", "show", "br", side)
        return re.search(rf"^{mac} dev {side}-{box.name} ", table, re.MULTILINE) is not None
