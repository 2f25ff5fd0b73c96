# SPDX-License-Identifier: BSD-3-Clause
"""Neighbors that only the pair has asked for: after the kill none of them may be asked for anew."""

import struct

import echo
from commands import run
from live.companion import Companion, Serving
from wire import Wire

HOSTS = range(101, 121)  # more addresses of the server's
ADDRESSES = [text.format(number) for number in HOSTS for text in ("10.2.0.{}", "fd00:2::{}")]
ARP, IP6, ICMP6, SOLICITATION = 0x0806, 0x86DD, 58, 135


def asked_for(frame):
    """Whose address an ARP request or neighbor solicitation asks everyone for; None for other frames, for announcements,
    and for probes, which go to the one whose MAC is known."""
    if not frame[0] & 1:
        return None
    kind = struct.unpack_from("!H", frame, 12)[0]
    if kind == ARP and frame[20:22] == b"\x00\x01" and frame[28:32] != frame[38:42]:
        return ".".join(map(str, frame[38:42]))
    if kind == IP6 and len(frame) >= 78 and frame[20] == ICMP6 and frame[54] == SOLICITATION:
        return frame[62:78].hex(":", 2)
    return None


class Neighbors(Companion):
    name = "neighbors"
    kinds = ("arp", "nd")

    def start(self, scene):
        self.scene = scene
        names = scene.network.names
        for number in HOSTS:
            run("ip", "-n", names["server"], "address", "add", f"10.2.0.{number}/24", "dev", "s0")
            run("ip", "-n", names["server"], "address", "add", f"fd00:2::{number}/64", "dev", "s0", "nodad",
                "preferred_lft", "0")  # answers of others must not come from it
        self._reached()

    def _reached(self):
        """How many answer the client."""
        return len(echo.answered(self.scene.network.names["client"], ADDRESSES, tick=self.scene.tick))

    def is_live(self, active, tables):
        return all(tables[kind]["entries"] >= len(HOSTS) for kind in self.kinds)

    def before_kill(self, active, passive):
        """The survivor's frames, where they come in at the switch behind the servers."""
        self.wire = Wire(self.scene.network.names["switches"], f"outside-{passive.name}")

    def after_kill(self, survivor):
        reached = self._reached()
        asked = [address for frame in self.wire.taken() if (address := asked_for(frame))]
        self.wire.close()
        dropped = survivor.counters().get("drop_no_neighbor", 0)
        wanted = len(ADDRESSES)
        return Serving(
            self.name, self.kinds, reached == wanted and not asked and not dropped,
            f"{reached} of {wanted} hosts reached, {len(asked)} asked for anew, {dropped} packets dropped for want of one",
            numbers={"hosts": wanted, "reached": reached, "asked_anew": asked, "dropped": dropped})
