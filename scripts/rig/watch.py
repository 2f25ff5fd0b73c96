# SPDX-License-Identifier: BSD-3-Clause
"""What must not grow and what must stay 0 while boxes run for long."""

import re
from pathlib import Path

# Beyond these, from the first look at a box's life to the last: room for what is made once, late.
MEMORY_GROWTH_KIB_MAX = 1024
FILES_GROWTH_MAX = 4
BUFFERS_GROWTH_MAX = 128

# Each says that tables, streams or code are wrong, whatever the link did.
ZERO = ("ha2_digests_different", "ha2_drop_record", "ha2_drop_section", "ha2_drop_body",
        "ha2_unknown_kind_records", "sessions_unindexed", "sessions_damaged", "refused_hellos")
POOLS = ("packets_buffers_in_use", "ha2_buffers_in_use")


def memory_kib(pid):
    """The process's own memory: not the tables, which are a file."""
    return int(re.search(r"^RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(),
                         re.MULTILINE)[1])


def files(pid):
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


class Life:
    """One life of a box: its first look, its last, and what was least in use since the one before."""

    def __init__(self, box):
        self.name = f"{box.name}-{box.life}"
        self.first = None
        self.last = None
        self.least = {}
        self.faults = []

    def sample(self, box):
        """Any time: buffers in use go up and down, so only the least of many looks tells."""
        counters = box.counters()
        for pool in POOLS:
            now = counters.get(pool, 0)
            self.least[pool] = min(now, self.least.get(pool, now))

    def look(self, box):
        """Between events: everything at rest but the traffic."""
        self.sample(box)
        counters = box.last_counters
        now = {"memory_kib": memory_kib(box.child.pid), "files": files(box.child.pid), **self.least}
        self.least = {}
        self.first = self.first or now
        self.last = now
        self.faults = [*self._grown(), *self._not_zero(counters)]

    def _grown(self):
        for name, most in (("memory_kib", MEMORY_GROWTH_KIB_MAX), ("files", FILES_GROWTH_MAX),
                           *((pool, BUFFERS_GROWTH_MAX) for pool in POOLS)):
            if self.last[name] - self.first[name] > most:
                yield f"{self.name}: {name} grew from {self.first[name]} to {self.last[name]}"

    def _not_zero(self, counters):
        for name in ZERO:
            if counters.get(name) != 0:
                yield f"{self.name}: {name} is {counters.get(name)}"
        if counters["ha2_patches_other_generation"] and not counters["ha2_frames_lost"]:
            yield (f"{self.name}: {counters['ha2_patches_other_generation']} patches met another"
                   " generation although no frame was lost")

    def as_json(self):
        return {"life": self.name, "first": self.first, "last": self.last, "faults": self.faults}


class Watch:
    def __init__(self, boxes):
        self.boxes = boxes
        self.lives = {}

    def _each(self):
        for box in self.boxes:
            if box.is_running() and not box.killed:
                yield self.lives.setdefault((box.name, box.life), Life(box)), box

    def sample(self):
        for life, box in self._each():
            life.sample(box)

    def look(self):
        for life, box in self._each():
            life.look(box)

    def faults(self):
        return [fault for life in self.lives.values() for fault in life.faults]

    def as_json(self):
        return [life.as_json() for life in self.lives.values() if life.first]
