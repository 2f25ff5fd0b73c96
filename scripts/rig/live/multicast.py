# SPDX-License-Identifier: BSD-3-Clause
"""A stream to a group of each family: its listeners are known to the dead box by their reports alone, and stay served."""

from live import streams
from live.companion import Companion, Serving
from network import CLIENT_PLAIN

GROUPS = {"multicast4": "239.1.2.3", "multicast6": "ff08::123"}
PORT = 7500
SECTIONS = """
[multicast]
enabled = true
query = ["outside"]
listen = ["inside"]
"""


class Multicast(Companion):
    name = "multicast"
    kinds = tuple(GROUPS)

    def sections(self, box):
        return SECTIONS

    def start(self, scene):
        self.streams = {group: streams.Stream(scene, kind, ("client", source, group), ("server", "s0"), PORT)
                        for (kind, group), source in zip(GROUPS.items(), CLIENT_PLAIN)}

    def is_live(self, active, tables):
        return super().is_live(active, tables) and all(one.is_busy() for one in self.streams.values())

    def state(self):
        return ", ".join(f"{group}: {one.received} datagrams came" for group, one in self.streams.items())

    def before_kill(self, active, passive):
        for one in self.streams.values():
            one.mark()

    def after_kill(self, survivor):
        reports = {group: one.report() for group, one in self.streams.items()}
        return Serving(self.name, self.kinds, all(map(streams.Stream.is_fine, reports.values())), streams.said(reports),
                       max(one["longest_ms"] for one in reports.values()), reports)
