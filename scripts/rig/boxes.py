# SPDX-License-Identifier: BSD-3-Clause
"""The two Twinplane boxes: their configuration, their processes, what they say of themselves.

A box may live more than once. Each life has tables, a log and a DPDK prefix of its own, so that
the tables of a killed box can be read after its death, whatever comes next.
"""

import collections
import os
import signal
import subprocess
import time

import network
import processes
from commands import RigError
from rundir import dpdk_directory
from telemetry import Telemetry

CONFIGURATION = """\
[box]
name = "{name}"
id = {id}
priority = {priority}

[eal]
huge_pages = "auto"
memory_mib = 256
lcores = "{lcores}"
file_prefix = "{prefix}"
args = []

[[port]]
name = "inside"
device = "net_af_packet0,iface=in0,qpairs=1"
zone = "trust"
mtu = 1500
virtual_mac_group = 1
addresses = ["10.1.0.254/24", "fd00:1::fe/64"]

[[port]]
name = "outside"
device = "net_af_packet1,iface=out0,qpairs=1"
zone = "untrust"
mtu = 1500
virtual_mac_group = 1
addresses = ["10.2.0.254/24", "fd00:2::fe/64"]

[[rule]]
name = "out"
from = ["trust"]
to = ["untrust"]
source = ["10.1.0.0/24", "fd00:1::/64"]
destination = ["any"]
protocol = "any"
ports = ["any"]
action = "allow"
sync = true

[[nat]]
name = "hide4"
from = ["trust"]
to = ["untrust"]
source = ["10.1.0.1/32"]
addresses = ["10.2.0.254"]
ports = "1024-65535"

[[nat]]
name = "hide6"
from = ["trust"]
to = ["untrust"]
source = ["fd00:1::1/128"]
addresses = ["fd00:2::fe"]
ports = "1024-65535"

[tables]
partitions = 4
session4_slots = {session_slots}
session6_slots = {session_slots}
full_policy = "refuse"
file = "{tables}"
{keep}
[ha2]
device = "net_af_packet2,iface=ha2{ha2_ring}"
transport = "{transport}"
{ha2_addresses}mtu = {mtu}

[ha1]
local = "{ha1_local}:28260"
peer = "{ha1_peer}:28260"

[ha]
enabled = true
keepalive_interval_ms = 10
keepalive_threshold = {threshold}
boot_hold_ms = 1000

[worker]
idle_sleep_us = 50
{more}"""


def ring(mtu):
    """The devargs of an af_packet ring for that MTU: its frames hold 2 KiB unless told otherwise."""
    kib = -(-(mtu + 128) // 1024)
    return "" if kib <= 2 else f",blocksz={4 * kib * 1024},framesz={kib * 1024},framecnt=512"


def lcores(box_id):
    """A control lcore and a worker. On few processors the boxes take them crosswise."""
    processors = sorted(os.sched_getaffinity(0))
    order = [0, 1, 3, 2] if len(processors) >= 4 else [0, 1, 1, 0]
    control, worker = (processors[place % len(processors)]
                       for place in order[2 * box_id:2 * box_id + 2])
    return f"0@{control},1@{worker}"


class Box:
    def __init__(self, rundir, namespace, name, options, sections=None):
        self.rundir = rundir
        self.namespace = namespace
        self.name = name
        self.id = network.BOXES.index(name)
        self.options = options
        self.sections = sections or (lambda box: "")
        self.faults = options.faults  # of the next life
        self.life = 0
        self.killed = False
        self.child = None
        self.telemetry = None
        self.last_status = None
        self.last_counters = {}
        self.totals_before = collections.Counter()

    @property
    def peer_name(self):
        return network.BOXES[1 - self.id]

    def file(self, kind):
        return self.rundir.path / f"{self.name}-{self.life}.{kind}"

    @property
    def tables(self):
        """The file of this life's tables: one for all lives where they are to be kept."""
        if self.options.keep_tables:
            return self.rundir.path / f"{self.name}.tables"
        return self.file("tables")

    def start(self):
        self._bank_totals()
        self.life += 1
        self.killed = False
        self.prefix = self.rundir.add_dpdk_prefix(f"{self.name}-{self.life}")
        self.file("toml").write_text(self._configuration())
        with self.file("log").open("wb") as log:
            self.child = self.rundir.start(
                [str(self.options.build / "dataplane/twinplane"), "--config",
                 str(self.file("toml"))],
                self.namespace, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.telemetry = Telemetry(dpdk_directory(self.prefix) / "dpdk_telemetry.v2")

    def _configuration(self):
        addresses = ""
        if self.options.transport != "ethernet":
            pair = network.HA2[self.options.underlay]
            addresses = f'local = "{pair[self.name]}"\npeer = "{pair[self.peer_name]}"\n'
        return CONFIGURATION.format(
            name=self.name, id=self.id, priority=100 - 10 * self.id, lcores=lcores(self.id),
            prefix=self.prefix, session_slots=self.options.session_slots,
            tables=self.tables, keep="keep = true\n" if self.options.keep_tables else "", transport=self.options.transport,
            ha2_ring=ring(self.options.mtu),
            ha2_addresses=addresses, mtu=self.options.mtu, ha1_local=network.HA1[self.name],
            ha1_peer=network.HA1[self.peer_name],
            threshold=self.options.keepalive_threshold, more=self._more())

    def _more(self):
        """Sections that only some runs have."""
        text = self.faults.section() if self.faults else ""
        if self.options.idle_sessions:
            text += "\n[timeouts]\nudp = 86400\n"  # they stay, unanswered as they are
        return text + self.sections(self)

    def is_running(self):
        return self.child is not None and self.child.poll() is None

    def check(self):
        """A box that is meant to live and does not ends the run."""
        if not self.is_running():
            raise RigError(f"box {self.name} ended by itself (status {self.child.returncode});"
                           f" the end of its log:\n{self.log_end()}")

    def log_end(self, lines=15):
        return "\n".join(self.file("log").read_text(errors="replace").splitlines()[-lines:])

    def ask(self, command):
        return self.telemetry.ask(command) if self.is_running() else None

    def status(self):
        """What the box says of itself now, or None."""
        answer = self.ask("/twinplane/status")
        if answer is not None:
            self.last_status = answer
        return answer

    def counters(self):
        """All of the box's counters now, or those of its last answer."""
        self.last_counters = self.ask("/twinplane/counters") or self.last_counters
        return self.last_counters

    def has_kept_tables(self):
        """Whether this life began with the tables of the one before."""
        return "tables=kept" in self.file("log").read_text(errors="replace")

    def streams(self):
        """The streams that this life began, as its log names them."""
        return [line for line in self.file("log").read_text(errors="replace").splitlines()
                if "stream=started" in line]

    def end(self, number=signal.SIGKILL):
        """SIGKILL, or SIGTERM for an orderly end. Gives the moment, CLOCK_MONOTONIC."""
        self.status()
        self.counters()
        started = self.rundir.started_at(self.child)
        moment_ns = time.monotonic_ns()
        if not processes.kill(self.child.pid, started, number):
            self.check()
        self.killed = True
        return moment_ns

    def kill(self):
        return self.end()

    def bury(self):
        """After its end: takes away what the dead process left, but for its tables and log."""
        self.child.wait()
        self.telemetry.close()
        self.rundir.forget_dpdk_files(self.prefix)

    def forget_tables(self):
        """After the burial, when nobody will read them: many lives fill the memory."""
        for file in self.rundir.path.glob(f"{self.name}-*.tables*"):
            if file != self.file("tables") or not self.is_running():
                file.unlink()

    def _bank_totals(self):
        self.totals_before.update(self._numbers())
        self.last_status = None
        self.last_counters = {}

    def total(self, key):
        """A number that only rises, over all lives of this box; as of its last answers."""
        return self.totals_before[key] + self._numbers().get(key, 0)

    def _numbers(self):
        known = {**self.last_counters, **(self.last_status or {})}
        return {key: value for key, value in known.items() if isinstance(value, int)}
