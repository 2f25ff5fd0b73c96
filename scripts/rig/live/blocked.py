# SPDX-License-Identifier: BSD-3-Clause
"""A source that floods and is blocked by the active box. The list is local by design: the survivor has seen nothing of
the flood, and lets the source in again."""

import socket
import time

from commands import run
from live.companion import Companion, Serving
from network import CLIENT_IDLE, CLIENT_PLAIN, CLIENT_TRANSLATED, SERVER, inside

FLOODER = "10.1.0.9"
RATE_MAX = 200  # new sessions a second of one source
FLOOD = 2 * RATE_MAX  # datagrams, each to a port of its own, within half a second
SECTIONS = """
[[zone_protection]]
zone = "trust"
source_rate = {rate}
block_seconds = 600
exempt = [{exempt}]
"""


class Blocked(Companion):
    name = "block list"
    kinds = ("dos_block",)

    def sections(self, box):
        exempt = ", ".join(f'"{address}/{128 if ":" in address else 32}"' for address in (*CLIENT_TRANSLATED, *CLIENT_PLAIN, *CLIENT_IDLE))
        return SECTIONS.format(rate=RATE_MAX, exempt=exempt)

    def start(self, scene):
        client = scene.network.names["client"]
        run("ip", "-n", client, "address", "add", f"{FLOODER}/24", "dev", "c0")
        with inside(client):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((FLOODER, 0))
        for number in range(FLOOD):
            self._send(20_000 + number)
            time.sleep(0.5 / FLOOD)

    def _send(self, port):
        try:
            self.socket.sendto(b"flood", (SERVER[0], port))
        except OSError:
            pass  # the ICMP error of one before

    def before_kill(self, active, passive):
        def entries(box):
            return box.ask("/twinplane/tables")["dos_block"]["entries"]
        self.blocked, self.at_the_peer = entries(active), entries(passive)

    def after_kill(self, survivor):
        blocked = survivor.ask("/twinplane/tables")["dos_block"]["entries"]
        fine = self.blocked == 1 and self.at_the_peer == 0 and blocked == 0
        return Serving(self.name, self.kinds, fine,
                       f"{self.blocked} source blocked by the dead box; the survivor, who has not seen it, blocks {blocked}",
                       numbers={"blocked": self.blocked, "at_the_peer": self.at_the_peer, "by_the_survivor": blocked})
