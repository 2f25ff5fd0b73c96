# SPDX-License-Identifier: BSD-3-Clause
"""SCTP associations of two real ends (usrsctp) that send numbers back and forth."""

import ctypes

import sctp_end
from commands import RigError
from live.companion import Companion, Serving
from live.program import Program
from network import CLIENT_PLAIN, SERVER

COUNT = 4
PORT, OWN_PORT = 5000, 5100
LONGEST_MAX_MS = 3000  # an end that has lost a packet waits for its own timer, longer each time
BUSY = 20


class Associations(Companion):
    name = "SCTP"
    kinds = ("sctp",)

    def wire(self, network):
        try:
            ctypes.CDLL(sctp_end.LIBRARY)
        except OSError:
            raise RigError(f"{sctp_end.LIBRARY} is not here; type: scripts/setup")

    def start(self, scene):
        self.server = Program(scene, "server", "server", "sctp_end.py", "server", SERVER[0], PORT)
        self.server.line()
        self.client = Program(scene, "client", "client", "sctp_end.py", "client", SERVER[0], PORT, CLIENT_PLAIN[0],
                              OWN_PORT, COUNT)
        self.client.line()

    def is_live(self, active, tables):
        return tables["sctp"]["entries"] >= COUNT and all(one["messages"] > BUSY for one in self.client.ask("count"))

    def before_kill(self, active, passive):
        self.before = [one["messages"] for one in self.client.ask("count")]

    def after_kill(self, survivor):
        ends = self.client.ask("count")
        went = [one["messages"] - before for one, before in zip(ends, self.before)]
        broken = [one["fault"] for one in ends if one["fault"] is not None]
        longest_ms = max(one["longest_ms"] for one in ends)
        dropped = {name: value for name, value in survivor.ask("/twinplane/sctp").items()
                   if name.startswith("drop_") and value}
        fine = not broken and min(went) > BUSY and longest_ms < LONGEST_MAX_MS and not dropped
        return Serving(self.name, self.kinds, fine,
                       f"{len(ends)} associations, {len(broken)} broken, {min(went)} to {max(went)} messages each after the"
                       f" kill, the longest took {longest_ms} ms",
                       longest_ms, {"messages": went, "broken": broken, "dropped": dropped})
