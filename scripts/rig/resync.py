# SPDX-License-Identifier: BSD-3-Clause
"""The HA2 link cut and healed: what was at risk meanwhile, and what it cost to be equal again."""

import time
from dataclasses import asdict, dataclass, field

CUT_S = 5
HEAL_TIMEOUT_S = 10
POLL_S = 0.004
LAG_EVEN_US = 50_000  # what is under way counts as even below this: traffic goes on
# The least that a bulk says of a session: a brief record. Runs of empty slots come on top.
BRIEF_BYTES = {"sessions4": 26, "sessions6": 36}


@dataclass
class Resync:
    cut_s: int
    path: list = field(default_factory=list)  # at each second of the cut: lag, changes at risk
    # At risk when the link came back. A slot that changed again after its last frame counts twice.
    slots_changed_at_most: int = 0
    slots_total: int = 0
    sessions: int = 0
    bulk_bytes_at_least: int = 0
    seconds: float = None  # from the heal until even; None: never
    records_sent: int = 0
    bytes_sent: int = 0
    bulk_slots_stated: int = 0
    streams_begun: int = 0

    @property
    def share_of_bulk(self):
        """Bytes sent, of those that a bulk would take at least."""
        return self.bytes_sent / self.bulk_bytes_at_least if self.bulk_bytes_at_least else None

    def as_json(self):
        return {**asdict(self), "share_of_bulk": self.share_of_bulk}

    def faults(self):
        """Why this was no resync by difference; empty when it was."""
        lags = [lag_us for lag_us, _ in self.path]
        if self.seconds is None:
            yield f"the boxes were not even {HEAL_TIMEOUT_S} s after the link came back"
        if self.slots_changed_at_most == 0 or lags != sorted(lags) or lags[-1] < (self.cut_s - 0.5) * 1e6:
            yield f"the cut was not shown: lag in us and changes at risk were {self.path}"
        if self.bulk_slots_stated or self.streams_begun:
            yield (f"a bulk was done: {self.bulk_slots_stated} slots stated,"
                   f" {self.streams_begun} streams begun")


def cut_link(pair, network, active, tick, say, seconds=CUT_S):
    """Takes HA2 down; the boxes live on. Gives what came of it."""
    one = Resync(seconds)
    before = active.status()
    streams = [box.streams() for box in pair.boxes]
    # The end of the peer's: its veth is then without carrier on both sides.
    network.link(pair.boxes[1].name, "ha2", "down")
    began = time.monotonic()
    for second in range(1, seconds + 1):
        while time.monotonic() < began + second:
            tick()
        status = active.status()
        one.path.append((status["lag_us"], status["at_risk"]))
        say(f"HA2 is down for {second} s: lag {status['lag_us'] / 1e6:.1f} s,"
            f" {status['at_risk']} at risk")
    one.slots_changed_at_most = status["at_risk"]
    one.slots_total = status["bulk_total_slots"]
    one.sessions = status["sessions"]
    one.bulk_bytes_at_least = sum(status[kind] * size for kind, size in BRIEF_BYTES.items())
    sent = active.counters()
    healed = time.monotonic()
    network.link(pair.boxes[1].name, "ha2", "up")
    _wait_even(one, active, healed)
    now = active.counters()
    one.records_sent = now["ha2_records_sent"] - sent["ha2_records_sent"]
    one.bytes_sent = now["ha2_bytes_sent"] - sent["ha2_bytes_sent"]
    one.bulk_slots_stated = active.status()["bulk_done_slots"] - before["bulk_done_slots"]
    one.streams_begun = sum(len(box.streams()) - len(old)
                            for box, old in zip(pair.boxes, streams))
    return one


def _wait_even(one, active, healed):
    while time.monotonic() < healed + HEAL_TIMEOUT_S:
        status = active.status() or {}
        if status.get("sync") == "in-sync" and status["lag_us"] < LAG_EVEN_US:
            one.seconds = time.monotonic() - healed
            return
        time.sleep(POLL_S)


def summary(one):
    even = "never even again" if one.seconds is None else f"even again after {one.seconds:.2f} s"
    return [
        f"HA2 cut for {one.cut_s:.0f} s: {even}",
        f"  at risk           at most {one.slots_changed_at_most} slots, lag {one.path[-1][0] / 1e6:.1f} s,"
        " when the link came back",
        f"  sent until even   {one.records_sent} records, {one.bytes_sent / 1e3:.0f} kB, among them"
        " what changed meanwhile",
        f"  a full bulk       {one.slots_total} slots with {one.sessions} sessions, at least"
        f" {one.bulk_bytes_at_least / 1e3:.0f} kB; done: {one.bulk_slots_stated} slots",
    ]
