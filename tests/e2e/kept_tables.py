# SPDX-License-Identifier: BSD-3-Clause
"""A restart with tables kept: what differs travels and nothing else; an unclean or foreign file starts empty and says so."""

import re
import time

from lab import expect, run, say

from crowd import Crowd  # of the rig, which lab has found

IDLE_SESSIONS = 20_000


def keep(lab):
    """One table file for all lives of a box."""
    for box in lab.pair.boxes:
        box.kept = lab.rundir.path / f"{box.name}.kept"
        box.edits = ((re.compile(r'^file = ".*"$', re.M), f'file = "{box.kept}"\nkeep = true'),)
        box.more = "\n[timeouts]\nudp = 600\n"


def end(box):
    """SIGTERM, and the process gone."""
    box.child.terminate()
    box.killed = True
    expect(box.child.wait(timeout=10) == 0, f"{box.name} ends in order")
    box.bury()


def lines(box, word):
    return [line for line in box.file("log").read_text().splitlines() if word in line]


def sent(box):
    return box.ask("/twinplane/counters")["ha2_bytes_sent"]


def come_back(lab, box, why):
    """Starts it and gives how long it takes until the pair is in sync again, in seconds."""
    began = time.monotonic()
    box.start()
    lab.until(f"{box.name} takes part again, {why}", lambda: (box.status() or {}).get("sync") == "in-sync")
    return time.monotonic() - began


def passive_comes_back(lab, active, passive):
    before = sent(active)
    end(passive)
    lab.wait(0.5)
    seconds = come_back(lab, passive, "with its tables")
    kept = lines(passive, "tables=kept")
    expect(kept and int(re.search(r"sessions=(\d+)", kept[0])[1]) >= IDLE_SESSIONS, f"it says so: {kept}")
    status = active.status()
    bytes_sent = sent(active) - before
    expect(bytes_sent < status["sessions"] * 26 / 4,
           f"only what differs travels: {bytes_sent} bytes for {status['sessions']} sessions, {seconds:.2f} s")
    lab.verify(active, "after the passive box came back")


def active_comes_back(lab, active, passive):
    end(active)
    lab.until("the peer is active", lambda: (passive.status() or {}).get("role") == "active")
    before = sent(passive)
    lab.wait(0.5)
    come_back(lab, active, "as passive, with its tables")
    expect(lines(active, "tables=kept"), "it kept them")
    bytes_sent = sent(passive) - before
    sessions = passive.status()["sessions"]
    expect(bytes_sent < sessions * 26 / 4, f"only what differs travels: {bytes_sent} bytes for {sessions} sessions")
    lab.verify(passive, "after the other box came back")


def unclean(lab, active, passive):
    passive.kill()
    passive.bury()
    come_back(lab, passive, "after SIGKILL")
    expect("unclean" in "".join(lines(passive, "tables=empty")), f"it says why: {lines(passive, 'tables=')}")
    expect(not lines(passive, "tables=kept"), "it started empty")
    lab.verify(active, "after it was told all")


def foreign(lab, active, passive):
    end(passive)
    edits = passive.edits
    passive.edits = (*edits, ('name = "out"', 'name = "outwards"'))
    passive.start()
    lab.until("it is up", lambda: passive.status())
    expect("configuration" in "".join(lines(passive, "tables=empty")), f"it says why: {lines(passive, 'tables=')}")
    end(passive)
    passive.edits = edits
    come_back(lab, passive, "with its old configuration")
    expect(lines(passive, "tables=empty"), "what the other configuration left is foreign now")
    end(passive)
    passive.kept.write_bytes(active.kept.read_bytes())
    come_back(lab, passive, "with the other box's file")
    say(f"   {lines(passive, 'tables=empty')}")
    expect("unclean" in "".join(lines(passive, "tables=empty")), "a living box's file is not taken")
    end(passive)
    passive.kept.write_bytes(b"no tables" * 1000)
    come_back(lab, passive, "with a file of another size")
    expect("another size" in "".join(lines(passive, "tables=empty")), "what is no table file is not taken")
    lab.verify(active, "at the end")


def test(lab):
    keep(lab)
    active, passive = lab.start()
    lab.start_traffic()
    Crowd(lab.network.names, IDLE_SESSIONS).come(active, lab.tick)
    passive_comes_back(lab, active, passive)
    active_comes_back(lab, active, passive)
    active, passive = passive, active
    unclean(lab, active, passive)
    foreign(lab, active, passive)
    lab.end_traffic()


if __name__ == "__main__":
    run(test)
