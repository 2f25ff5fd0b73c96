# SPDX-License-Identifier: BSD-3-Clause
"""The main job, from the first cable to the summary."""

import time

import failover
import reference
import results
import resync
from crowd import Crowd
from every_kind import EveryKind
from network import BOXES, Network
from pair import Pair
from screen import Screen
from traffic import Traffic

TICK_S = 0.05


class Job:
    def __init__(self, rundir, options, result):
        self.options = options
        self.result = result
        self.screen = Screen(options.seconds)
        self.network = Network(rundir, options.mtu)
        self.rundir = rundir
        self.pair = None
        self.every_kind = EveryKind() if options.all_tables else None
        self.traffic = None
        self.report = None
        self.failovers = []
        self.resync = None
        self.windows = []

    def run(self):
        """Completes the result."""
        self._build()
        self._start_boxes()
        self._start_traffic()
        if self.options.kill == "active":
            self._kill_and_return()
        elif self.options.kill == "link":
            self._cut_link()
        self._until(self.options.seconds)
        last = self._end_traffic()
        results.collect(self, last)
        for line in results.summary(self.result, self.failovers, self.resync):
            print(line)
        if self.pair and not self.result["passed"]:
            for box in self.pair.boxes:
                print(f"the log of {box.name} ends:", box.log_end(), sep="\n")

    def tick(self):
        """Between two looks at anything: shows what there is and sleeps a little."""
        if self.pair:
            self.pair.poll()
        if self.screen.due():
            if self.traffic:
                self.report = self.traffic.report()
            self.screen.show(self.pair.boxes if self.pair else (), self.report)
        time.sleep(TICK_S)

    def _build(self):
        self.screen.phase = "building the network"
        self.screen.say("building the network: client, server, two boxes, two switches")
        self.network.build()
        if self.every_kind:
            self.every_kind.wire(self.network)

    def _start_boxes(self):
        names = self.network.names
        if self.options.reference:
            self.screen.say("a kernel router stands in the boxes' place")
            reference.start(names[BOXES[0]])
            return
        self.screen.say(f"starting the boxes {' and '.join(BOXES)};"
                        f" HA2 over {self.options.transport}, MTU {self.options.mtu}")
        self.screen.phase = "the boxes find each other"
        self.pair = self._pair()
        self.pair.start()
        active, passive = self.pair.wait_in_sync(self.tick)
        self.screen.say(f"{active.name} is active, {passive.name} is in sync with it")

    def _pair(self):
        return Pair(self.rundir, self.network.names, self.options,
                    self.every_kind.sections if self.every_kind else None)

    def _start_traffic(self):
        traffic = Traffic(self.rundir, self.network.names, self.options)
        self.screen.say(f"starting traffic: {self.options.connections} transfers, a chunk each"
                        f" {traffic.pace_us / 1e3:.0f} ms; {self.options.rate} short connections"
                        f" a second; {self.options.udp_flows} UDP flows")
        self.screen.phase = "traffic starts"
        traffic.start()
        self.traffic = traffic
        traffic.wait_busy(self.tick)
        if self.options.idle_sessions:
            self.screen.say(f"{self.options.idle_sessions} idle sessions come up beside it")
            active, _ = self.pair.wait_in_sync(self.tick)
            self.crowd = Crowd(self.network.names, self.options.idle_sessions)
            self.crowd.come(active, self.tick)
        if self.every_kind:
            self.every_kind.start(self)
        traffic.mark()
        self.screen.began = time.monotonic()
        self.screen.phase = "traffic is under way"

    def _kill_and_return(self):
        share = 0.25 if self.options.comes_back else 0.4
        self._kill_one(self.options.seconds * share)
        if not self.options.comes_back:
            return
        dead = next(box for box in self.pair.boxes if box.killed)
        self._until(self.options.seconds * 0.4)
        self.screen.phase = f"{dead.name} is back and syncs in full beside the traffic"
        self.screen.say(f"{dead.name} comes back, with empty tables")
        back_ns = time.monotonic_ns()
        dead.start()
        self.pair.wait_in_sync(self.tick)
        self.screen.say(f"{dead.name} is in sync, {(time.monotonic_ns() - back_ns) / 1e9:.1f} s"
                        " after its start")
        self.screen.phase = "traffic is under way"
        self._kill_one(self.options.seconds * 0.7)

    def _kill_one(self, at_s):
        self._until(at_s)
        active, passive = self._verify("under load, before the kill")
        if self.every_kind:
            self.every_kind.before_kill(active, passive)
        self.screen.say(f"SIGKILL for {active.name}")
        self.screen.phase = f"{active.name} was killed"
        one, windows = failover.kill_active(self.pair, self.traffic, active, passive, self.tick)
        self.failovers.append(one)
        self.windows += windows
        self.screen.say(f"{passive.name} goes on: {one.sessions_kept} sessions kept,"
                        f" {one.sessions_lost} lost, longest silence"
                        f" {one.longest_silence_ms:.1f} ms")
        if self.every_kind:
            self.every_kind.after_kill(passive)
            for serving in self.every_kind.servings:
                self.screen.say(f"{serving.name}: {serving.said}")

    def _cut_link(self):
        self._until(self.options.seconds * 0.2)
        active, _ = self._verify("under load, before the cut")
        self.screen.say("HA2 is taken down; HA1 stays")
        self.screen.phase = "HA2 is down"
        self.resync = resync.cut_link(self.pair, self.network, active, self.tick, self.screen.say)
        self.screen.phase = "HA2 is up again"
        self.screen.say("HA2 is up again")
        self._verify("under load, after the cut")

    def _verify(self, when):
        active, passive = self.pair.wait_in_sync(self.tick)
        verified = self.pair.verify(active, when, self.tick)
        self.screen.say(f"verified under load: {verified['equal']} of {verified['ranges']} ranges"
                        " equal")
        return active, passive

    def _until(self, seconds):
        """Lets time pass, on the clock that began when traffic was busy."""
        end = self.screen.began + seconds
        while time.monotonic() < end:
            self.tick()

    def _end_traffic(self):
        verify_end = self.pair and self.options.kill != "active"
        if verify_end:
            self._verify("under load, at the end")
        self.windows.append(self.traffic.mark())
        self.screen.phase = "letting every connection end"
        last = self.traffic.stop(self.tick)
        if verify_end:
            active, _ = self.pair.wait_in_sync(self.tick)
            self.pair.verify(active, "quiet", self.tick)
            self.pair.compare_quiet(self.tick)
        self.tick()
        if self.pair:
            self.pair.count()
        return last
