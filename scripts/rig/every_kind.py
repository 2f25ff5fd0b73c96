# SPDX-License-Identifier: BSD-3-Clause
"""All kinds of tables alive beside the sessions, through the kill: `scripts/run --all-tables`."""

import time

from commands import RigError
from live.associations import Associations
from live.blocked import Blocked
from live.bridge import Bridge
from live.floating import Floating
from live.ftp import Ftp
from live.multicast import Multicast
from live.neighbors import Neighbors
from live.returns import Returns
from live.security import Security

LIVE_TIMEOUT_S = 30
COMPANIONS = (Neighbors, Bridge, Floating, Multicast, Associations, Security, Ftp, Returns, Blocked)


class EveryKind:
    def __init__(self):
        self.companions = [make() for make in COMPANIONS]
        self.servings = []

    def wire(self, network):
        for one in self.companions:
            one.wire(network)

    def sections(self, box):
        return "".join(one.sections(box) for one in self.companions)

    def start(self, job):
        for one in self.companions:
            job.screen.say(f"beside it: {one.name} ({', '.join(one.kinds)})")
            one.start(job)
        deadline = time.monotonic() + LIVE_TIMEOUT_S
        while not_yet := self._not_live(job):
            if time.monotonic() > deadline:
                said = "\n".join(f"{one.name}: {one.state()}" for one in not_yet)
                raise RigError(f"not under way after {LIVE_TIMEOUT_S} s:\n{said}")
            job.tick()

    def _not_live(self, job):
        active, _ = job.pair.wait_in_sync(job.tick)
        tables = active.ask("/twinplane/tables") or {}
        return [one for one in self.companions if not one.is_live(active, tables)]

    def before_kill(self, active, passive):
        for one in self.companions:
            one.before_kill(active, passive)

    def after_kill(self, survivor):
        self.servings = [one.after_kill(survivor) for one in self.companions]
