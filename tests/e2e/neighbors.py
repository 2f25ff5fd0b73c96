# SPDX-License-Identifier: BSD-3-Clause
"""Neighbors are kept equal: after a kill nobody is asked for anew, shown by a capture; and a table that is switched off."""

from announcements import Tap
from lab import expect, run
from live.floating import holders
from live.neighbors import asked_for

HOSTS = range(101, 121)  # more addresses of the server's, which nobody asks the pair from


def has_neighbors(box, count):
    tables = box.ask("/twinplane/tables")
    return all(tables[kind]["entries"] >= count for kind in ("arp", "nd"))


def is_held_by(lab, box):
    """Both boxes that are there agree on it."""
    return all(set(holders(other).values()) == {f"box {lab.pair.boxes.index(box)}"} for other in lab.pair.boxes
               if other.is_running())


def ping_all(lab):
    for number in HOSTS:
        lab.command("client", "ping", "-c", "1", "-W", "2", f"10.2.0.{number}")
        lab.command("client", "ping", "-6", "-c", "1", "-W", "2", f"fd00:2::{number}")


def test(lab):
    active, passive = lab.start()
    for number in HOSTS:
        lab.command("server", "ip", "addr", "add", f"10.2.0.{number}/24", "dev", "s0")
        lab.command("server", "ip", "addr", "add", f"fd00:2::{number}/64", "dev", "s0", "nodad")
    tap = Tap(lab, active)
    ping_all(lab)
    asked = [address for frame in tap.sent()["out0"] if (address := asked_for(frame))]
    expect(len(set(asked)) >= 2 * len(HOSTS), f"the active box has asked for each of them ({len(asked)} requests)", asked)
    lab.until("the peer holds them", lambda: has_neighbors(passive, len(HOSTS)))
    tables = {box.name: box.ask("/twinplane/tables") for box in lab.pair.boxes}
    for kind in ("arp", "nd"):
        here, there = tables[active.name][kind], tables[passive.name][kind]
        expect(here["entries"] == there["entries"], f"{kind}: as many there as here ({here['entries']})", (here, there))
        expect(here["now"] == there["now"] == "kept", f"{kind} is shown as kept", (here, there))
        expect(there["wholes_applied"] >= len(HOSTS), f"{kind}: its wholes were applied", there)
        expect(here["active_passive"] == "kept equal" and here["active_active"] == "local", "as the matrix says")
    expect(tables[active.name]["dos_block"]["now"].startswith("local"), "the block list is shown as local")
    lab.verify(active, "with neighbors")
    lab.until("both say that the active box answers for every address", lambda: is_held_by(lab, active))
    expect(len(holders(active)) == 6, "for six addresses", holders(active))

    tap = Tap(lab, passive)
    active.kill()
    lab.until("the other box took over", lambda: (passive.status() or {}).get("role") == "active")
    ping_all(lab)
    lab.wait(2)
    asked = [address for frame in tap.sent()["out0"] if (address := asked_for(frame))]
    expect(asked == [], "after the takeover nobody is asked for", asked)
    counters = passive.counters()
    expect(counters["drop_no_neighbor"] == 0, "no packet was dropped for a neighbor", counters["drop_no_neighbor"])
    lab.until("the new box answers for every address", lambda: is_held_by(lab, passive))
    active.bury()

    # The same with both tables switched off at the box that comes back: shown at both, and not refused.
    active.edits = (("[ha2]", '[ha2]\noff_tables = ["arp", "nd"]'),)
    active.start()
    lab.in_sync()
    off = {box.name: box.ask("/twinplane/tables") for box in lab.pair.boxes}
    for kind in ("arp", "nd"):
        expect("here" in off[active.name][kind]["now"], "off, and by whom", off[active.name][kind])
        expect("at the peer" in off[passive.name][kind]["now"], "off by the peer", off[passive.name][kind])
        expect(off[active.name][kind]["wholes_applied"] == 0, f"nothing of {kind} has come", off[active.name][kind])
    expect(off[active.name]["session4"]["now"] == "kept", "sessions are kept all the same")
    lab.until("who came back knows who answers", lambda: is_held_by(lab, passive))


if __name__ == "__main__":
    run(test)
