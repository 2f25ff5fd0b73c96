# SPDX-License-Identifier: BSD-3-Clause
"""What is done to the HA2 link on purpose: the words of --faults, the section [faults] that they mean."""

import re

NUMBER = r"(\d+(?:\.\d+)?)"

# What may be asked for: what it looks like, and the keys of [faults] that its numbers are for, each
# with the range that the box takes.
WORDS = {
    "loss": (f"{NUMBER}%", "5%", [("loss_percent", 0, 100)]),
    "burst": (f"{NUMBER}%x(\\d+)", "0.1%x8", [("burst_percent", 0, 100), ("burst_frames", 2, 1000)]),
    "dup": (f"{NUMBER}%", "1%", [("duplicate_percent", 0, 100)]),
    "reorder": (f"{NUMBER}%", "1%", [("reorder_percent", 0, 100)]),
    "delay": (f"{NUMBER}ms(?:-{NUMBER}ms)?", "2ms or delay=1ms-3ms",
              [("delay_ms", 0, 1000), ("delay_max_ms", 0, 1000)]),
    "corrupt": (f"{NUMBER}%", "0.1%", [("corrupt_percent", 0, 100)]),
    "stall": (r"(\d+)ms/(\d+)s", "200ms/5s", [("stall_ms", 0, 3_600_000), ("stall_every_s", 1, 3600)]),
    "rate": (r"(\d+)/s", "10000/s", [("rate_frames_per_s", 1, 10_000_000)]),
    "seed": (r"(\d+)", "1", [("seed", 0, 4_294_967_295)]),
}

# Of /twinplane/counters, with "fault_" in front.
COUNTERS = ("frames", "lost", "lost_in_burst", "queue_full", "corrupted", "delayed", "stalled",
            "reordered", "duplicated", "not_held")


class Faults:
    """The same for both boxes, which draw different fates from one seed."""

    def __init__(self, text):
        """ValueError says what is wrong and what would be right."""
        self.text = text
        self.keys = {}
        seen = set()
        for item in text.split(","):
            name, equals, value = item.strip().partition("=")
            if name not in WORDS:
                raise ValueError(f'"{name}" is no fault; there are: {", ".join(WORDS)}')
            if name in seen:
                raise ValueError(f"{name} is given twice")
            seen.add(name)
            pattern, example, keys = WORDS[name]
            match = re.fullmatch(pattern, value)
            if not equals or not match:
                raise ValueError(f'{name} takes a value as in {name}={example}, not "{value}"')
            for (key, low, high), number in zip(keys, match.groups()):
                if number is None:
                    continue
                if not low <= float(number) <= high:
                    raise ValueError(f"{name}={value}: {number} is not from {low} to {high}")
                self.keys[key] = number
        if seen == {"seed"}:
            raise ValueError("a seed alone does nothing: give at least one fault")

    def section(self):
        return "".join(["\n[faults]\nenabled = true\n",
                        *(f"{key} = {number}\n" for key, number in self.keys.items())])


# How a receiver finds that a frame was damaged.
REFUSED = tuple(f"ha2_drop_{name}" for name in
                ("too_short", "version", "type", "length", "checksum", "section"))


def refused_by(boxes):
    """Damaged frames that boxes noticed, over all their lives."""
    return sum(box.total(name) for box in boxes for name in REFUSED)


def done_by(boxes):
    """What was done, over all lives of the boxes."""
    return {name: sum(box.total(f"fault_{name}") for box in boxes) for name in COUNTERS}


def describe(done):
    """The same for people: what happened at all."""
    return ", ".join([f"of {done['frames']} frames"] +
                     [f"{done[name]} {name.replace('_', ' ')}" for name in COUNTERS[1:]
                      if done[name]])
