# SPDX-License-Identifier: BSD-3-Clause
"""What a soak does, in which order: drawn from the seed alone, so that a seed can be run again."""

import random
from dataclasses import asdict, dataclass

# How often each kind comes, in relation to the others.
WEIGHTS = {
    "kill active": 3,
    "kill passive": 2,
    "stop active": 3,
    "stop passive": 2,
    "cut HA2": 3,
    "cut HA1": 2,
    "cut both, HA1 first": 1,
    "cut both, HA2 first": 1,
}


@dataclass
class Event:
    number: int
    kind: str
    pause_s: float  # of calm traffic before it
    seconds: int  # how long the box is away, or the path is down
    faults: str  # of the HA2 link, for a box that comes back, as --faults takes them

    def as_json(self):
        return asdict(self)


class Plan:
    """Events without end, and what the first lives do to the link."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.first_faults = [faults(self.chance) for _ in range(2)]
        self.number = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.number += 1
        kind, = self.chance.choices(list(WEIGHTS), WEIGHTS.values())
        return Event(self.number, kind, round(self.chance.uniform(0.5, 4), 1),
                     self.chance.randint(1, 5), faults(self.chance))


def faults(chance):
    """Some of all kinds, seldom many; always one."""
    kinds = {
        "loss": f"{chance.uniform(0.1, 10):.1f}%",
        "burst": f"{chance.uniform(0.01, 0.2):.2f}%x{chance.randint(2, 30)}",
        "dup": f"{chance.uniform(0.1, 5):.1f}%",
        "reorder": f"{chance.uniform(0.1, 5):.1f}%",
        "delay": f"{chance.uniform(0, 1):.1f}ms-{chance.uniform(1, 4):.1f}ms",
        "corrupt": f"{chance.uniform(0.1, 2):.1f}%",
        "stall": f"{chance.randint(20, 300)}ms/{chance.randint(3, 15)}s",
        "rate": f"{chance.randint(500, 20_000)}/s",
    }
    chosen = chance.sample(sorted(kinds), chance.choice((1, 1, 2, 2, 3, 5)))
    return ",".join([f"{name}={kinds[name]}" for name in sorted(chosen)]
                    + [f"seed={chance.randint(1, 2**31)}"])
