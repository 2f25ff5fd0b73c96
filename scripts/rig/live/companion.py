# SPDX-License-Identifier: BSD-3-Clause
"""What beside the sessions is alive in `scripts/run --all-tables`: each companion fills one or more kinds of tables with
real packets, and knows afterwards whether what stands there still served."""

from dataclasses import asdict, dataclass, field


@dataclass
class Serving:
    """What a companion found after the kill."""
    name: str
    kinds: tuple
    is_fine: bool
    said: str  # for people: what was seen, with units
    longest_ms: float = None
    numbers: dict = field(default_factory=dict)

    def as_json(self):
        return asdict(self)


class Companion:
    name = ""
    kinds = ()  # as /twinplane/tables names them

    def wire(self, network):
        """Adds what it needs to the network, before the boxes are there."""

    def sections(self, box):
        """What it needs in that box's configuration, as TOML."""
        return ""

    def start(self, scene):
        """Both boxes are in sync: begins to send. `scene`: the job."""

    def is_live(self, active, tables):
        """Whether everything of it is under way. `tables`: what the active box says of them."""
        return all(tables[kind]["entries"] > 0 for kind in self.kinds)

    def state(self):
        """What is known when it is not, for people."""
        return "no entries"

    def before_kill(self, active, passive):
        """Begins to watch what the passive box will do."""

    def after_kill(self, survivor):
        """Some seconds later. Gives a Serving."""
        raise NotImplementedError
