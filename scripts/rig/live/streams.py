# SPDX-License-Identifier: BSD-3-Clause
"""One-way streams of numbered datagrams through the pair, and the longest time that a receiver heard nothing."""

from live.program import Program

INTERVAL_MS = 5
SILENCE_MAX_MS = 1000  # of a stream that is said to have outlived the kill
BUSY = 20  # datagrams between two looks, of a stream that is under way


class Stream:
    def __init__(self, scene, name, sender, receiver, port):
        """`sender`: role, own address, target. `receiver`: role, device, and the source if it wants that one alone."""
        role, source, target = sender
        receiver_role, device, *only = receiver
        self.receiver = Program(scene, receiver_role, name + " receiver", "numbered.py", "receive", target, port, device,
                                *only)
        self.receiver.line()
        self.sender = Program(scene, role, name + " sender", "numbered.py", "send", source, target, port, INTERVAL_MS)
        self.received = 0

    def is_busy(self):
        self.received += self.receiver.ask()["received"]
        return self.received > BUSY

    def mark(self):
        """Begins a new window."""
        self.lost_before = self.receiver.ask()["lost"]

    def report(self):
        """What came since mark(), as numbers."""
        said = self.receiver.ask()
        longest_ns = max(said["longest_ns"], said["open_ns"])
        return {"received": said["received"], "lost": said["lost"] - self.lost_before, "repeated": said["repeated_or_late"],
                "longest_ms": longest_ns / 1e6, "open_ms": said["open_ns"] / 1e6}

    @staticmethod
    def is_fine(report):
        """It went on, and each number came at most once."""
        return report["received"] > BUSY and report["longest_ms"] < SILENCE_MAX_MS and report["repeated"] == 0


def said(reports):
    """Of streams by name, for people."""
    return "; ".join(f"{name}: {one['received']} came, {one['lost']} lost, longest silence {one['longest_ms']:.1f} ms"
                     for name, one in reports.items())
