# SPDX-License-Identifier: BSD-3-Clause
"""One kill and its accounting: when it was noticed, what was kept, how long transfers heard nothing."""

import signal
import time
from dataclasses import asdict, dataclass, field

from pair import copy_sparse
from traffic import longest

TAKEOVER_TIMEOUT_S = 5
SETTLE_S = 2
POLL_S = 0.004


@dataclass
class Failover:
    killed: str
    survivor: str
    kill_ns: int
    # The survivor's own stamps; None for what did not happen.
    last_heard_ns: int = None
    detected_ns: int = None
    takeover_ns: int = None
    first_packet_ns: int = None
    sessions_at_failover: int = 0
    sessions_kept: int = 0
    sessions_lost: int = 0
    at_risk: int = 0
    kinds: dict = field(default_factory=dict)  # of every kind of table, as twinplane-tables compares them
    steady_silence_ms: float = 0
    longest_silence_ms: float = 0
    longest_silence_from_ns: int = 0
    longest_silence_flow: int = 0
    longest_lateness_ms: float = 0
    udp_longest_silence_ms: float = 0

    def _between(self, start_ns, end_ns, unit_ns):
        return None if start_ns is None or end_ns is None else (end_ns - start_ns) / unit_ns

    @property
    def detection_ms(self):
        return self._between(self.kill_ns, self.detected_ns, 1e6)

    @property
    def takeover_us(self):
        return self._between(self.detected_ns, self.takeover_ns, 1e3)

    @property
    def first_packet_us(self):
        return self._between(self.takeover_ns, self.first_packet_ns, 1e3)

    @property
    def parts_ms(self):
        """The longest silence, cut at the survivor's stamps; None when there was no takeover."""
        stamps = (self.kill_ns, self.detected_ns, self.takeover_ns, self.first_packet_ns)
        if None in stamps:
            return None
        begin = self.longest_silence_from_ns
        end = begin + int(self.longest_silence_ms * 1e6)
        cuts = [begin, *(min(max(stamp, begin), end) for stamp in stamps), end]
        names = ("before_the_kill", "detection", "takeover", "first_packet", "after")
        return {name: (stop - start) / 1e6 for name, start, stop in zip(names, cuts, cuts[1:])}

    def as_json(self):
        return {**asdict(self), "detection_ms": self.detection_ms,
                "takeover_us": self.takeover_us, "first_packet_us": self.first_packet_us,
                "silence_parts_ms": self.parts_ms}


def kill_active(pair, traffic, active, passive, tick, number=signal.SIGKILL):
    """Kills the active box, or has it end orderly with SIGTERM, and follows what happens.

    Gives the failover, and the traffic's reports of the time before it and around it.
    """
    steady = traffic.mark()
    failover = Failover(active.name, passive.name, active.end(number))
    failover.steady_silence_ms = steady.silence["ns"] / 1e6
    failover.at_risk = (active.last_status or {}).get("at_risk", 0)
    _follow_takeover(failover, passive)
    copy = passive.file("tables-at-failover")
    copy_sparse(passive.tables, copy)
    active.bury()

    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        passive.check()
        tick()
    after = traffic.mark()
    silence = longest((after.silence, after.open))
    failover.longest_silence_ms = silence["ns"] / 1e6
    failover.longest_silence_from_ns = silence["from_ns"]
    failover.longest_silence_flow = silence["flow"]
    failover.longest_lateness_ms = after.lateness["ns"] / 1e6
    failover.udp_longest_silence_ms = after.datagrams["silence"]["ns"] / 1e6
    compared = pair.compare_images(active.tables, copy)
    failover.sessions_at_failover = compared["sessions_a"]
    failover.sessions_kept = compared["kept"]
    failover.sessions_lost = compared["lost"]
    failover.kinds = compared["kinds"]
    return failover, [steady, after]


def _follow_takeover(failover, survivor):
    deadline = time.monotonic() + TAKEOVER_TIMEOUT_S
    while failover.first_packet_ns is None and time.monotonic() < deadline:
        survivor.check()
        status = survivor.status() or {}
        for stamp in ("last_heard_ns", "detected_ns", "takeover_ns", "first_packet_ns"):
            # Those of an earlier takeover do not count; the peer was last heard before it died.
            moment_ns = status.get(stamp, 0)
            if moment_ns > failover.kill_ns - (1_000_000_000 if stamp == "last_heard_ns" else 0):
                setattr(failover, stamp, moment_ns)
        time.sleep(POLL_S)
