# SPDX-License-Identifier: BSD-3-Clause
"""The traffic: a twinplane-load process at each end, and both their reports as one."""

import json
import selectors
import subprocess
import time

import network
from commands import RigError

ANSWER_TIMEOUT_S = 10
# All transfers together send about this many chunks a second, but none more often than the pace.
CHUNKS_PER_SECOND = 10_000
PACE_MIN_US = 5_000
PACE_MAX_US = 1_000_000


class Load:
    """One twinplane-load process."""

    def __init__(self, rundir, namespace, build, name, *words):
        self.name = name
        self.log = rundir.path / f"load-{name}.log"
        with self.log.open("wb") as log:
            self.child = rundir.start(
                [str(build / "scripts/rig/load/twinplane-load"), name, *words], namespace,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.child.stdout, selectors.EVENT_READ)

    def ask(self, command):
        try:
            self.child.stdin.write(command.encode() + b"\n")
            self.child.stdin.flush()
            if self.selector.select(ANSWER_TIMEOUT_S):
                return json.loads(self.child.stdout.readline())
        except (OSError, ValueError):
            pass
        raise RigError(f"the traffic's {self.name} does not answer:\n{self.log.read_text()}")


class Traffic:
    def __init__(self, rundir, names, options):
        self.rundir = rundir
        self.names = names
        self.options = options
        wanted = options.connections * 1_000_000 // CHUNKS_PER_SECOND
        self.pace_us = min(max(wanted, PACE_MIN_US), PACE_MAX_US)

    def start(self):
        self.server = Load(self.rundir, self.names["server"], self.options.build, "server")
        self.server.ask("report")
        addresses = []
        for source in (*network.CLIENT_TRANSLATED, *network.CLIENT_PLAIN):
            addresses += ["--source", source]
        for server in network.SERVER:
            addresses += ["--server", server]
        self.client = Load(
            self.rundir, self.names["client"], self.options.build, "client", *addresses,
            "--transfers", str(self.options.connections), "--interval-us", str(self.pace_us),
            "--rate", str(self.options.rate), "--datagram-flows", str(self.options.udp_flows))

    def report(self):
        return Report(self.client.ask("report"), self.server.ask("report"))

    def mark(self):
        """Reports, and begins a new window for the longest waits."""
        return Report(self.client.ask("mark"), self.server.ask("mark"))

    def wait_busy(self, tick, seconds=15):
        """Until every transfer has been under way for a second, and short connections come back."""
        deadline = time.monotonic() + seconds
        busy_since = None
        while True:
            now = self.report()
            if not self._is_busy(now):
                busy_since = None
            elif busy_since is None:
                busy_since = time.monotonic()
            elif time.monotonic() - busy_since > 1:
                return
            if now.broken_transfers or time.monotonic() > deadline:
                raise RigError(f"traffic did not get going: {now.describe()}")
            tick()

    def _is_busy(self, now):
        return (now.server["transfers"]["started"] == self.options.connections
                and now.open_ms < 100 + 2 * self.pace_us / 1e3
                and 0 < now.shorts["done"] and now.running_shorts <= 10 + self.options.rate / 10
                and now.datagrams["open"]["ns"] < 1e9)

    def stop(self, tick, seconds=25):
        """Lets everything end orderly. Gives the last report; what is still open then is broken."""
        self.client.ask("stop")
        deadline = time.monotonic() + seconds
        while True:
            now = self.report()
            if now.running_transfers + now.running_shorts == 0 or time.monotonic() > deadline:
                return now
            tick()


def broken(tally):
    return tally["reset"] + tally["timeout"] + tally["corrupt"] + tally["cut"]


def running(tally):
    return tally["started"] - tally["done"] - broken(tally)


def longest(waits):
    return max(waits, key=lambda wait: wait["ns"])


class Report:
    """What both ends of the traffic say at one moment. The client counts how connections ended."""

    def __init__(self, client, server):
        self.now_ns = client["now_ns"]
        self.transfers = client["transfers"]
        self.shorts = client["shorts"]
        self.datagrams = client["datagrams"]
        self.server = server
        self.bytes = self.transfers["bytes"] + server["transfers"]["bytes"]
        both = (client["transfers"], server["transfers"])
        self.silence = longest(tally["silence"] for tally in both)
        self.lateness = longest(tally["lateness"] for tally in both)
        self.open = longest(tally["open"] for tally in both)  # a silence that has not ended

    @property
    def open_ms(self):
        return self.open["ns"] / 1e6

    @property
    def running_transfers(self):
        return running(self.transfers)

    @property
    def running_shorts(self):
        return running(self.shorts)

    @property
    def broken_transfers(self):
        return broken(self.transfers)

    @property
    def broken_shorts(self):
        return broken(self.shorts)

    def describe(self):
        def ends(tally):
            return ", ".join(f"{tally[key]} {key}" for key in
                             ("started", "done", "reset", "timeout", "corrupt", "cut"))
        return (f"transfers: {ends(self.transfers)}, {self.bytes} bytes,"
                f" longest open silence {self.open_ms:.0f} ms; short connections:"
                f" {ends(self.shorts)}")
