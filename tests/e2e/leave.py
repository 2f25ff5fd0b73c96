# SPDX-License-Identifier: BSD-3-Clause
"""SIGTERM to the active box: the peer takes over at once, not after the detection time, and nothing is lost."""

import signal
import time

from lab import copy_sparse, expect, processes, run

DETECTION_MS = 100


def leave(lab, active, passive):
    term = active.status()["term"]
    lab.traffic.mark()
    began_ns = time.monotonic_ns()
    processes.kill(active.child.pid, lab.rundir.started_at(active.child), signal.SIGTERM)
    active.killed = True
    status = lab.until("the peer takes over",
                       lambda: (one := passive.status()) and one["role"] == "active" and one["takeover_ns"] and one)
    # Opening ends, the last changes are answered, and then the peer is told: some milliseconds where
    # processors are free.
    expect(status["reason"] == "the peer leaves", f"because it was told so: {status['reason']}")
    expect(status["term"] == term + 1, "under the next term")
    took_ms = (status["takeover_ns"] - began_ns) / 1e6
    expect(took_ms < 2 * DETECTION_MS, f"{took_ms:.1f} ms after the signal")
    expect(active.child.wait(timeout=5) == 0, "the box that leaves ends with status 0")
    # Once it has given way it mirrors the other, so its tables hold what the other had; that nothing it
    # had itself was lost is what the connections say at the end.
    copy = passive.file("tables-at-leave")
    copy_sparse(passive.file("tables"), copy)
    lab.wait(1.5)
    compared = lab.pair.compare_images(active.file("tables"), copy)
    expect(compared["lost"] == 0 and compared["kept"] > 0, f"no session is lost: {compared}")
    silence_ms = lab.traffic.mark().silence["ns"] / 1e6
    expect(silence_ms < 1000, f"longest silence of a transfer {silence_ms:.1f} ms")
    active.bury()
    return took_ms


def test(lab):
    active, passive = lab.start()
    lab.start_traffic()
    took_ms = [leave(lab, active, passive)]
    active.start()
    took = lab.in_sync()
    expect(took == (passive, active), "the box that comes back is passive")
    lab.verify(passive, "after the return")
    took_ms.append(leave(lab, passive, active))
    expect(min(took_ms) < DETECTION_MS, f"faster than silence is noticed: {took_ms}")
    last = lab.end_traffic()
    expect(last.broken_shorts + last.running_shorts == 0, f"no short connection breaks: {last.shorts}")


if __name__ == "__main__":
    run(test, rate=200)
