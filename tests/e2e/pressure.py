# SPDX-License-Identifier: BSD-3-Clause
"""Back-pressure on HA2, measured: the packet path's rate with and without it, in turns, under one flood of changes."""

import collections
import socket
import statistics
import subprocess
import sys
import time

from flood import GATEWAY_MAC, deaf
from lab import ROOT, Failure, differences, expect, say
from watch import memory_kib

SERVER = "10.2.0.1"
PORT = 82
SLOTS = 65_536
# Each turn is a while without and a while with it, which goes first changes. Two cores run the torrent, both
# boxes and whatever else there is, and a turn's ratio is 0.7 to 1.3 though nothing waits: when the median of a
# few is low, more turns tell a slow machine from packets that wait, which no number of turns makes better.
TURNS_MIN, TURNS_MAX = 5, 31
TURN_S = 0.5
SETTLE_S = 0.15  # before each
ON_ITS_WAY_S = 0.5  # until it has come, also where a machine stands still for a while
RATIO_MIN = 0.95  # of the rate without: the median of all turns
# For long, beside whatever else the machine does meanwhile: this only says that nothing stood still.
STEADY_MIN = 0.5
MEMORY_GROWTH_KIB_MAX = 512
EVEN_US = 50_000
EVEN_S = 10


class Torrent:
    """Each packet wants a session of its own, which is over a second later: every packet is a change, and more."""

    edits = (("[worker]", "[timeouts]\nudp = 1\n\n[worker]"),)

    def __init__(self, lab):
        self.lab = lab
        self.unanswering = deaf(lab, socket.SOCK_DGRAM, SERVER, PORT)
        mac = ":".join(f"{byte:02x}" for byte in GATEWAY_MAC)
        self.child = lab.rundir.start(
            [sys.executable, str(ROOT / "tests/e2e/torrent.py"), "c0", mac, SERVER, str(PORT)],
            lab.network.names["client"], stdout=subprocess.PIPE)
        self.child.stdout.readline()
        lab.wait(2.5)  # until as many sessions end as begin

    def end(self):
        self.child.kill()
        self.child.wait()
        self.unanswering.close()


def rate(active, seconds):
    """Packets a second that left the box."""
    before, began = active.status()["packets_tx"], time.monotonic()
    time.sleep(seconds)
    after, ended = active.status()["packets_tx"], time.monotonic()
    return (after - before) / (ended - began)


def turn(active, press, on_first):
    """The rate without, and with it."""
    rates = {}
    for is_on in (on_first, not on_first):
        press(is_on)
        time.sleep(SETTLE_S)
        rates[is_on] = rate(active, TURN_S)
    return rates[False], rates[True]


def measure(lab, active, press, long_s, name):
    """Turns without and with it, then a long time with it.

    Gives what changed in the counters of both boxes meanwhile, and a row for each look: seconds, lag, at risk.
    """
    pairs, ratio = [], 0
    while len(pairs) < TURNS_MIN or (ratio < RATIO_MIN and len(pairs) < TURNS_MAX):
        pairs.append(turn(active, press, on_first=len(pairs) % 2 == 1))
        ratio = statistics.median(with_it / without for without, with_it in pairs)
    press(False)
    without, with_it = (statistics.median(column) for column in zip(*pairs))
    say(f"   {name}: {without:.0f} packets/s without, {with_it:.0f} with; ratios "
        + ", ".join(f"{b / a:.3f}" for a, b in pairs))
    even(lab, active, f"after turns of {name}")
    memory = memory_kib(active.child.pid)
    press(True)
    time.sleep(ON_ITS_WAY_S)
    before = [box.counters() for box in lab.pair.boxes]
    samples, began = [], time.monotonic()
    packets = active.status()["packets_tx"]
    while time.monotonic() < began + long_s:
        time.sleep(0.25)
        lab.pair.poll()
        samples.append((time.monotonic() - began, active.last_status["lag_us"], active.last_status["at_risk"]))
    steady = (active.status()["packets_tx"] - packets) / (time.monotonic() - began)
    grown = memory_kib(active.child.pid) - memory
    changed = {box.name: collections.Counter(differences(old, box.counters()))
               for box, old in zip(lab.pair.boxes, before)}
    expect(ratio >= RATIO_MIN, f"{name}: the packet path keeps its rate: {ratio:.3f} of what it is without, in turns")
    expect(steady / without > STEADY_MIN, f"and for {long_s} s: {steady:.0f} packets/s, {steady / without:.3f}")
    expect(grown <= MEMORY_GROWTH_KIB_MAX, f"memory stays: {grown} KiB more")
    lag_us, at_risk = samples[-1][1:]
    lags = [lag for _, lag, _ in samples[2:]]
    expect(lag_us > 4 * EVEN_US and lags[-1] >= max(lags) * 0.5,
           f"the lag grew and is shown: {lag_us / 1e6:.1f} s, {at_risk} slots at risk", samples)
    press(False)
    return changed, samples


def even(lab, active, when):
    lab.until(f"even {when}", lambda: active.status()["sync"] == "in-sync" and active.last_status["lag_us"] < EVEN_US,
              EVEN_S)


class Streams:
    """That nothing was done in bulk and no stream began between two moments."""

    def __init__(self, lab, active):
        self.lab = lab
        self.active = active
        self.seen = self._now()

    def _now(self):
        return self.active.status()["bulk_done_slots"], [box.streams()[-1:] for box in self.lab.pair.boxes]

    def same(self, when):
        now = self._now()
        expect(now == self.seen, f"no bulk, the same stream {when}: {now[0]} slots stated, as before", (self.seen, now))


def switch(box):
    """Turns what its configuration does to HA2 on and off."""
    def press(is_on):
        if box.ask("/twinplane/faults," + ("on" if is_on else "off")) is None:
            raise Failure(f"{box.name} does not switch its faults")
    return press


def run_all(lab, faults, conditions):
    """Each condition in turn under one torrent; faults are off in between, and the tables equal at the end."""
    for box in lab.pair.boxes:
        # The torrent takes the processors that keepalives need, too.
        box.detection = ("keepalive_threshold = 3", "keepalive_threshold = 100")
        box.edits += Torrent.edits
        box.more = faults.get(box.name, "")
    lab.pair.start()
    for box in lab.pair.boxes:
        if box.more:
            lab.until(f"{box.name} answers", lambda box=box: box.ask("/twinplane/faults,off"))
    active, passive = lab.in_sync()
    torrent = Torrent(lab)
    streams = Streams(lab, active)
    for condition in conditions:
        condition(lab, active, passive)
        even(lab, active, f"after {condition.__name__}")
        streams.same("after it")
    torrent.end()
    lab.verify(active, "at the end")
    expect((active.status()["role"], passive.status()["role"]) == ("active", "passive"), "no takeover came of it")
