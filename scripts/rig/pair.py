# SPDX-License-Identifier: BSD-3-Clause
"""The two boxes together: who is active, are they in sync, are their tables equal."""

import json
import os
import time

from boxes import Box
from commands import RigError, run
from network import BOXES

READY_TIMEOUT_S = 60
VERIFY_TIMEOUT_S = 60


class Pair:
    def __init__(self, rundir, names, options, sections=None):
        """`sections`, given a box, is what its configuration has beside that of every run."""
        self.options = options
        self.boxes = [Box(rundir, names[name], name, options, sections) for name in BOXES]
        self.verifications = []

    def start(self):
        for box in self.boxes:
            box.start()

    def poll(self):
        """Asks both boxes how they are; those that are meant to live must."""
        for box in self.boxes:
            if not box.killed:
                box.check()
                box.status()

    def count(self):
        """Reads the counters of those that live."""
        for box in self.boxes:
            if box.is_running():
                box.counters()

    def with_role(self, role):
        return [box for box in self.boxes
                if box.is_running() and (box.last_status or {}).get("role") == role]

    def wait_in_sync(self, tick):
        """Until one box is active and the other its equal. Gives both, the active first."""
        deadline = time.monotonic() + READY_TIMEOUT_S
        while True:
            tick()
            active, passive = self.with_role("active"), self.with_role("passive")
            if len(active) == len(passive) == 1 and active[0].last_status["sync"] == "in-sync":
                return active[0], passive[0]
            self._refuse_refusal()
            if time.monotonic() > deadline:
                raise RigError(f"the boxes were not in sync after {READY_TIMEOUT_S} s:\n"
                               + "\n".join(self.describe(box) for box in self.boxes))

    def _refuse_refusal(self):
        for box in self.boxes:
            if (box.last_status or {}).get("sync") == "refused":
                raise RigError(f"box {box.name} refuses its peer: {box.last_status['refusal']}")

    def describe(self, box):
        return f"{box.name}: {json.dumps(box.last_status)}; its log ends:\n{box.log_end(5)}"

    def verify(self, active, when, tick):
        """Every range of every table digested in the stream and compared by the mirror."""
        active.ask("/twinplane/verify")
        result = {"running": True}
        deadline = time.monotonic() + VERIFY_TIMEOUT_S
        while result.get("running") and time.monotonic() < deadline:
            tick()
            result = active.ask("/twinplane/verified") or {"running": True}
        ranges = result.get("ranges", 0)
        verified = {
            "when": when, "finished": not result.get("running", True), "ranges": ranges,
            "equal": result.get("equal", 0), "different": result.get("different", 0)}
        verified["passed"] = verified["finished"] and 0 < ranges == verified["equal"]
        self.verifications.append(verified)
        return verified

    def compare_images(self, first, second):
        """What of one table file the other has too."""
        answer = run("nice", "-n", "19", str(self.options.build / "dataplane/twinplane-tables"),
                     str(first), str(second))
        return json.loads(answer)

    def compare_quiet(self, tick, seconds=10):
        """Both boxes' live tables, when nothing moves: each must have what the other has."""
        deadline = time.monotonic() + seconds
        while True:
            files = [box.tables for box in self.boxes]
            lost = [sum(kind["lost"] for kind in self.compare_images(*order)["kinds"].values())
                    for order in (files, files[::-1])]
            if lost == [0, 0] or time.monotonic() > deadline:
                self.verifications.append({"when": "quiet, both table files", "lost": lost,
                                           "passed": lost == [0, 0]})
                return
            tick()

    def total(self, key):
        return sum(box.total(key) for box in self.boxes)


def copy_sparse(source, target):
    """Copies a file's data and not its holes; inside the kernel, so that it is over soon."""
    with source.open("rb") as given, target.open("wb") as made:
        size = os.fstat(given.fileno()).st_size
        made.truncate(size)
        offset = 0
        while offset < size:
            try:
                start = os.lseek(given.fileno(), offset, os.SEEK_DATA)
            except OSError:
                break
            offset = os.lseek(given.fileno(), start, os.SEEK_HOLE)
            os.lseek(made.fileno(), start, os.SEEK_SET)
            while start < offset:
                start += os.sendfile(made.fileno(), given.fileno(), start, offset - start)
