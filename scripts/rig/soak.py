# SPDX-License-Identifier: BSD-3-Clause
"""scripts/soak, after everything is built: `python3 scripts/rig/soak.py --help`."""

import argparse
import contextlib
import itertools
import random
import signal
import sys
import time
from pathlib import Path

import entry
import failover
import resync
import soak_results
from commands import RigError
from faults import Faults
from job import Job
from options import number
from soak_plan import Plan
from watch import Watch

DESCRIPTION = """\
Two boxes under traffic and under everything that can happen to a pair, for as long as you like:
boxes are killed and ended, come back, and lose one path or both, in an order that a seed decides;
all the time both do faults to what they send over HA2, of kinds that the seed decides for each
life of a box. After each event the pair must be in sync again and its tables equal by digests;
memory, files, buffers and counters are watched for growth. Everything happens in network
namespaces of its own. Needs root.
"""

EPILOG = """\
exit status
  0  no transfer broke, and short connections only where sessions were lost; roles were as they
     should be, all comparisons equal, nothing grew, and what must stay 0 did
  1  that was not so, or the soak could not run; the reason is the last thing printed
"""

SAMPLE_S = 0.5
SCREEN_S = 10
SPLIT_S = 1
HEAL_TIMEOUT_S = 10
IDLE_SESSIONS = 5_000


def parse(words):
    parser = argparse.ArgumentParser(prog="scripts/soak", description=DESCRIPTION, epilog=EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    option = parser.add_argument
    option("--minutes", type=number(1, 10_080), default=10, metavar="N",
           help="how long, start and end not counted (10)")
    option("--seed", type=number(0, 2**32 - 1), metavar="S",
           help="the same one, the same sequence of events (drawn, and printed)")
    option("--plan", type=number(1, 10_000), metavar="N",
           help="print the first N events of the seed, and do nothing")
    option("--report", type=Path, metavar="FILE", help="write the results there, as JSON")
    option("--keep", action="store_true", help="keep the run's directory: configurations, logs")
    option("--build", type=Path, default=Path(__file__).resolve().parents[2] / "build",
           help=argparse.SUPPRESS)
    option("--check", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    if options.report and not options.report.resolve().parent.is_dir():
        parser.error(f"--report: there is no directory {options.report.resolve().parent}")
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(2**32)
    vars(options).update(
        seconds=options.minutes * 60, connections=50, rate=200, udp_flows=10, transport="ethernet",
        underlay="4", mtu=1500, faults=None, idle_sessions=IDLE_SESSIONS, reference=None, all_tables=False,
        session_slots=16_384, keepalive_threshold=10, keep_tables=True, kill="none")
    return options


class Soak(Job):
    def __init__(self, rundir, options, result):
        super().__init__(rundir, options, result)
        self.screen.line_every_s = SCREEN_S
        self.plan = Plan(options.seed)
        self.watch = None
        self.next_sample = 0
        self.events = []
        self.faults = []
        self.returned = None  # a box that is on its way back, and how it had ended
        self.shorts_excused = 0  # that may break: of lost sessions, and of a split pair

    def run(self):
        """Completes the result, also when something ends the soak before its time."""
        try:
            self._build()
            self._start_boxes()
            self._start_traffic()
            self.screen.say(f"soaking for {self.options.minutes} min, seed {self.options.seed}")
            self.watch = Watch(self.pair.boxes)
            self.watch.look()
            for event in self.plan:
                self._pass_time(event.pause_s)
                if self._left_s() <= 0:
                    break
                self._do(event)
            last = self._end_traffic()
            self.watch.look()
        except (RigError, entry.Interrupted):
            soak_results.collect(self, self.report)
            raise
        soak_results.collect(self, last)
        for line in soak_results.summary(self.result):
            print(line)

    def tick(self):
        super().tick()
        if self.watch and time.monotonic() > self.next_sample:
            self.next_sample = time.monotonic() + SAMPLE_S
            self.watch.sample()

    def _pair(self):
        pair = super()._pair()
        for box, asked in zip(pair.boxes, self.plan.first_faults):
            box.faults = Faults(asked)
        return pair

    def _left_s(self):
        return self.screen.began + self.options.seconds - time.monotonic()

    def _pass_time(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.tick()

    def _do(self, event):
        active, passive = self.pair.wait_in_sync(self.tick)
        done = event.as_json() | {"at_s": round(time.monotonic() - self.screen.began, 1),
                                  "faults_found": []}
        self.events.append(done)
        self.screen.say(f"event {event.number}: {event.kind} ({active.name} is active),"
                        f" {self._left_s() / 60:.1f} min left")
        self.screen.phase = f"event {event.number}: {event.kind}"
        number = signal.SIGKILL if event.kind.startswith("kill") else signal.SIGTERM
        if event.kind.endswith(" active"):
            expected = self._end_active(active, passive, number, event, done)
        elif event.kind.endswith(" passive"):
            expected = self._end_passive(active, passive, number, event, done)
        elif event.kind == "cut HA2":
            expected = self._cut_ha2(active, passive, event, done)
        elif event.kind == "cut HA1":
            expected = self._cut_ha1(active, passive, event)
        else:
            expected = self._split(event)
        self._come_even(expected, done)

    def _come_even(self, expected, done):
        """In sync again, in the roles that should be, and equal."""
        began = time.monotonic()
        boxes = self.pair.wait_in_sync(self.tick)
        done["even_after_s"] = round(time.monotonic() - began, 2)
        found = done["faults_found"]
        if self.returned:
            self._check_return(boxes[0], done)
        if expected and boxes != expected:
            found.append(f"{boxes[0].name} is active and not {expected[0].name}")
        verified = self.pair.verify(boxes[0], f"after event {done['number']}", self.tick)
        if not verified["passed"]:
            found.append(f"the tables were not equal: {verified}")
        self.report = self.traffic.report()
        if self.report.broken_transfers:
            found.append(f"{self.report.broken_transfers} transfers are broken")
        self.watch.look()
        for fault in found:
            self.faults.append(f"event {done['number']}, {done['kind']}: {fault}")
            self.screen.say("FAULT: " + self.faults[-1])

    def _check_return(self, active, done):
        """A box that had ended in order has its tables again, one that was killed has new ones."""
        box, was_orderly, bytes_before = self.returned
        self.returned = None
        done["tables_kept"] = box.has_kept_tables()
        done["bytes_until_even"] = active.counters()["ha2_bytes_sent"] - bytes_before
        if done["tables_kept"] != was_orderly:
            done["faults_found"].append(
                f"{box.name} came back with{'out' if was_orderly else ''} the tables that it had")

    def _end_active(self, active, passive, number, event, done):
        one, _ = failover.kill_active(self.pair, self.traffic, active, passive, self.tick, number)
        if number == signal.SIGTERM:
            # A box that leaves mirrors the other for a while, so its tables do not tell what was lost.
            one.sessions_lost = None
            self.shorts_excused += one.at_risk
        else:
            self.shorts_excused += one.sessions_lost
        done.update(sessions_lost=one.sessions_lost, longest_silence_ms=one.longest_silence_ms)
        self.failovers.append(one)
        if one.takeover_ns is None:
            done["faults_found"].append(f"{passive.name} did not take over")
        self._come_back(active, passive, number, event, done)
        return passive, active

    def _end_passive(self, active, passive, number, event, done):
        passive.end(number)
        passive.bury()
        self._come_back(passive, active, number, event, done)
        return active, passive

    def _come_back(self, box, peer, number, event, done):
        """After an end that is over. The box does other faults to the link than before."""
        is_orderly = number == signal.SIGTERM
        if is_orderly and box.child.returncode != 0:
            done["faults_found"].append(f"{box.name} ended with status {box.child.returncode}:"
                                        f" {box.log_end(3)}")
        self._pass_time(event.seconds)
        box.forget_tables()
        box.faults = Faults(event.faults)
        box.start()
        self.returned = (box, is_orderly, peer.counters()["ha2_bytes_sent"])

    def _cut_ha2(self, active, passive, event, done):
        one = resync.cut_link(self.pair, self.network, active, self.tick, lambda _: None,
                              event.seconds)
        done["resync"] = one.as_json()
        done["faults_found"] += one.faults()
        return active, passive

    def _cut_ha1(self, active, passive, event):
        with self.clean_ha2():
            self.network.link("west", "ha1", "down")
            self._pass_time(event.seconds)
            self.network.link("west", "ha1", "up")
            self._wait_paths()
        return active, passive

    def _split(self, event):
        """Both paths lost: both boxes are active, and answer for the same addresses."""
        first, second = ("ha1", "ha2") if event.kind.endswith("HA1 first") else ("ha2", "ha1")
        shorts = self.traffic.report().shorts["started"]
        with self.clean_ha2():
            self.network.link("west", first, "down")
            self._pass_time(event.seconds)
            self.network.link("west", second, "down")
            self._pass_time(SPLIT_S)
            self.network.link("west", first, "up")
            self.network.link("west", second, "up")
            self._wait_paths()
        self.shorts_excused += self.traffic.report().shorts["started"] - shorts
        return None  # who stays is by term, not by what was before

    @contextlib.contextmanager
    def clean_ha2(self):
        """While HA2 is the only path: a bad one would rightly be taken for a dead peer."""
        self._ask_faults("off")
        yield
        self._ask_faults("on")

    def _ask_faults(self, wanted):
        for box in self.pair.boxes:
            if box.ask(f"/twinplane/faults,{wanted}") is None:
                raise RigError(f"{box.name} does not switch its faults {wanted}")

    def _wait_paths(self):
        deadline = time.monotonic() + HEAL_TIMEOUT_S
        while any((box.last_status or {}).get("paths_up") != 3 for box in self.pair.boxes):
            if time.monotonic() > deadline:
                raise RigError(f"not both paths are up again after {HEAL_TIMEOUT_S} s")
            self.tick()


def main():
    options = parse(sys.argv[1:])
    if options.plan:
        for event in itertools.islice(Plan(options.seed), options.plan):
            print(f"{event.number:5}  after {event.pause_s} s: {event.kind}, {event.seconds} s;"
                  f" then {event.faults}")
        return 0
    return entry.main(Soak, options, soak_results.unknown(options))


if __name__ == "__main__":
    sys.exit(main())
