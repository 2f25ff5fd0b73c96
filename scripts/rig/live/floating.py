# SPDX-License-Identifier: BSD-3-Clause
"""The floating addresses and their virtual MACs: who answers for them is replicated state."""

import echo
from live.companion import Companion, Serving
from network import INSIDE_GATEWAY


def holders(box):
    return {row["address"]: row["holder"] for row in (box.ask("/twinplane/floating") or {}).values()}


class Floating(Companion):
    name = "floating addresses"
    kinds = ("virtual_mac",)

    def start(self, scene):
        self.scene = scene

    def is_live(self, active, tables):
        return bool(held := holders(active)) and set(held.values()) == {f"box {active.id}"}

    def before_kill(self, active, passive):
        self.before = holders(passive)
        self.agreed = self.before == holders(active)

    def after_kill(self, survivor):
        held = holders(survivor)
        mine = sum(holder == f"box {survivor.id}" for holder in held.values())
        answered = len(echo.answered(self.scene.network.names["client"], INSIDE_GATEWAY, tick=self.scene.tick))
        fine = self.agreed and held.keys() == self.before.keys() and mine == len(held) and answered == len(INSIDE_GATEWAY)
        return Serving(self.name, self.kinds, fine,
                       f"{mine} of {len(self.before)} addresses held by {survivor.name},"
                       f" {answered} of {len(INSIDE_GATEWAY)} gateways answer",
                       numbers={"addresses": len(self.before), "held": mine, "agreed_before": self.agreed,
                                "answered": answered})
