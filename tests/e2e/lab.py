# SPDX-License-Identifier: BSD-3-Clause
"""A pair in a network of its own, made by the rig's own modules, and what the end-to-end tests ask of it.

A test is a function that takes a Lab; run() gives it one, shows what failed, and takes everything
away again. Exit status: 0 passed, 1 failed, 77 skipped, with the reason as the last line.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/rig"))

import machine  # noqa: E402
from boxes import Box, lcores, ring  # noqa: E402
from commands import RigError, run as run_command  # noqa: E402
from network import BOXES, Network, inside  # noqa: E402
from pair import Pair, copy_sparse  # noqa: E402
import processes  # noqa: E402
from rundir import RunDirectory, clean_leftovers  # noqa: E402
from traffic import Traffic  # noqa: E402
from wire import PACKET_OUTGOING, Wire  # noqa: E402

BUILD = Path(os.environ.get("TWINPLANE_BUILD", ROOT / "build"))


class Failure(Exception):
    """What was expected and what was there instead."""


class LabBox(Box):
    """A box whose configuration a test may change: `edits` are pairs of text (or pattern) and what takes its
    place.

    Detection is slower than in the main job: who tests other things must not see a takeover because
    the machine was busy for 30 ms.
    """

    edits = ()
    more = ""  # sections behind the others
    detection = ("keepalive_threshold = 3", "keepalive_threshold = 10")

    def _configuration(self):
        text = super()._configuration()
        for old, new in (self.detection, *self.edits):
            pattern = re.compile(re.escape(old)) if isinstance(old, str) else old
            text, count = pattern.subn(lambda _, new=new: new, text)
            if count == 0:
                raise Failure(f"the rig's configuration has no {old!r}")
        return text + self.more


class LabPair(Pair):
    def __init__(self, rundir, names, options):
        super().__init__(rundir, names, options)
        self.boxes = [LabBox(rundir, names[name], name, options) for name in BOXES]


class LabNetwork(Network):
    """The rig's network; with `has_switched_ha2` HA2 goes through a bridge that has a third port, `intruder`."""

    def __init__(self, rundir, ha2_mtu, has_switched_ha2):
        super().__init__(rundir, ha2_mtu)
        self.has_switched_ha2 = has_switched_ha2

    def _wire(self, device, mtu):
        if device != "ha2" or not self.has_switched_ha2:
            super()._wire(device, mtu)
            return
        self._ip("switches", "link", "add", "ha2", "mtu", str(mtu), "type", "bridge", "stp_state", "0",
                 "mcast_snooping", "0")
        self._ip("switches", "link", "set", "ha2", "up")
        for box in BOXES:
            self._veth(box, "ha2", "switches", f"ha2-{box}", mtu)
            self._ip("switches", "link", "set", f"ha2-{box}", "master", "ha2")
        self._veth("client", "intruder", "switches", "ha2-intruder", mtu)
        self._ip("switches", "link", "set", "ha2-intruder", "master", "ha2")


class Lab:
    def __init__(self, rundir, options):
        self.options = options
        self.network = LabNetwork(rundir, options.mtu, options.has_switched_ha2)
        self.network.build()
        self.rundir = rundir
        self.pair = LabPair(rundir, self.network.names, options)
        self.east, self.west = self.pair.boxes
        self.traffic = None

    def start(self):
        """Both boxes; gives the active and the passive one once they are in sync."""
        self.pair.start()
        return self.in_sync()

    def in_sync(self):
        return self.pair.wait_in_sync(self.tick)

    def start_traffic(self):
        self.traffic = Traffic(self.rundir, self.network.names, self.options)
        self.traffic.start()
        self.traffic.wait_busy(self.tick)

    def end_traffic(self):
        """Nothing of it may have broken."""
        last = self.traffic.stop(self.tick)
        for load in (self.traffic.client, self.traffic.server):
            load.child.kill()
            load.child.wait()
        expect(last.broken_transfers + last.running_transfers == 0, f"no transfer breaks: {last.describe()}")
        return last

    def tick(self):
        self.pair.poll()
        time.sleep(0.02)

    def wait(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.tick()

    def until(self, what, condition, seconds=5):
        """Waits for it; gives what it gave."""
        deadline = time.monotonic() + seconds
        while not (answer := condition()):
            if time.monotonic() > deadline:
                raise Failure(f"did not happen in {seconds} s: {what}")
            self.tick()
        say(f"ok: {what}")
        return answer

    def verify(self, active, when, tick=None):
        result = self.pair.verify(active, when, tick or self.tick)
        expect(result["passed"], f"every range of both tables is equal {when}: {result}")

    def equal_when_quiet(self):
        """Both table files hold the same sessions."""
        self.pair.compare_quiet(self.tick)
        expect(self.pair.verifications[-1]["passed"], f"both table files are equal: {self.pair.verifications[-1]}")

    def command(self, role, *words, check=True):
        """Runs a program in a namespace to its end."""
        done = subprocess.run(["ip", "netns", "exec", self.network.names[role], *words], capture_output=True,
                              text=True, stdin=subprocess.DEVNULL)
        if check and done.returncode != 0:
            raise Failure(f"{' '.join(words)} in {role}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def roles(self):
        return tuple((box.last_status or {}).get("role") for box in self.pair.boxes)


def say(text):
    print(text, flush=True)


def expect(condition, what, detail=""):
    """`detail` is shown only when it is not so."""
    if not condition:
        raise Failure(f"not so: {what}\n{detail}")
    say(f"ok: {what}")


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def interrupt(number, _frame):
    raise Failure(f"interrupted by signal {number}")


def run(test, **changes):
    """Gives `test` a Lab and ends the process as it went."""
    options = SimpleNamespace(build=BUILD, mtu=1500, transport="ethernet", underlay="4", session_slots=16_384,
                              connections=20, rate=50, udp_flows=4, reference=None, faults=None, idle_sessions=0, keepalive_threshold=3, keep_tables=False, has_switched_ha2=False)
    vars(options).update(changes)
    try:
        machine.check_privileges()
    except RigError as error:
        skip(str(error).replace("\n", " "))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    machine.check_tools(options)
    machine.check_programs(options)
    clean_leftovers()
    rundir = RunDirectory.create()
    lab = None
    status = 1
    try:
        lab = Lab(rundir, options)
        test(lab)
        status = 0
    except (Failure, RigError) as error:
        say(f"FAILED: {error}")
        for box in lab.pair.boxes if lab else ():
            if box.life:
                say(f"--- {box.name}: {box.last_status}\n{box.log_end(12)}")
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        rundir.close()
    if status == 0:
        summary = sys.modules[test.__module__].__doc__ or test.__name__
        say(f"passed: {summary.splitlines()[0]}")
    sys.exit(status)


def differences(before, after):
    """Of two readings of the counters: those that changed, and by how much."""
    return {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}


__all__ = ["BOXES", "BUILD", "Box", "Failure", "Lab", "PACKET_OUTGOING", "ROOT", "RigError", "Wire",
           "copy_sparse", "differences", "expect", "inside", "lcores", "machine", "processes",
           "ring", "run", "run_command", "say", "skip"]
