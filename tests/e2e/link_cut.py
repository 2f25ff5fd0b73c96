# SPDX-License-Identifier: BSD-3-Clause
"""HA2 cut alone, HA1 cut alone, both cut and healed: who is active, and that the stream goes on where it stood."""

from lab import expect, run

QUIET_S = 1.5


def stream(box):
    """What names the running stream, as both boxes' logs say it."""
    return [line for line in box.file("log").read_text().splitlines() if "stream=started" in line][-1:]


def stays(lab, roles, seconds):
    """Roles as they are, at every look."""
    seen = set()

    def look():
        lab.pair.poll()
        seen.add(lab.roles())
    for _ in range(int(seconds / 0.05)):
        look()
        lab.wait(0.04)
    expect(seen == {roles}, f"roles stay {roles} for {seconds} s: {seen}")


def cut_ha2(lab, active, passive):
    roles = lab.roles()
    before = {box.name: (stream(box), box.status()["term"]) for box in lab.pair.boxes}
    bulk = active.status()["bulk_done_slots"]
    lab.network.link("west", "ha2", "down")
    lab.until("both boxes say that the link is down",
              lambda: {box.last_status["sync"] for box in lab.pair.boxes} == {"link-down"})
    stays(lab, roles, 2)
    expect(active.last_status["paths_up"] == 2, "the peer is alive by HA1 alone")
    frames = active.status()["frames_sent"]
    lab.network.link("west", "ha2", "up")
    lab.until("in sync again", lambda: active.last_status["sync"] == "in-sync" == passive.last_status["sync"])
    lab.until("what waited has been answered", lambda: active.status()["lag_us"] < 50_000)
    after = {box.name: (stream(box), box.status()["term"]) for box in lab.pair.boxes}
    expect(before == after, f"the same stream goes on, under the same term: {after}")
    expect(active.status()["bulk_done_slots"] == bulk, "nothing is stated in bulk again")
    sent = active.status()["frames_sent"] - frames
    expect(sent < 2000, f"only what changed meanwhile is sent: {sent} frames")
    expect(active.last_status["frames_lost"] > 0 or sent > 0, "what the cut took is repaired")
    lab.verify(active, "after the HA2 link was cut")


def cut_ha1(lab, active):
    roles = lab.roles()
    lab.network.link("west", "ha1", "down")
    lab.until("HA1 is seen as down", lambda: active.last_status["paths_up"] == 1)
    stays(lab, roles, QUIET_S)
    lab.network.link("west", "ha1", "up")
    lab.until("both paths are up again", lambda: active.last_status["paths_up"] == 3)
    stays(lab, roles, 0.5)


def cut_both(lab, passive):
    for device in ("ha1", "ha2"):
        lab.network.link("west", device, "down")
    lab.until("alone, both boxes are active", lambda: lab.roles() == ("active", "active"))
    lab.wait(QUIET_S)
    for device in ("ha1", "ha2"):
        lab.network.link("west", device, "up")
    lab.until("one gives way", lambda: sorted(map(str, lab.roles())) == ["active", "passive"])
    active, other = lab.in_sync()
    expect(active is passive, "the higher term stays: the box that took over")
    expect("announce=again" in active.file("log").read_text(), "the one that stays announces its addresses again")
    stays(lab, lab.roles(), QUIET_S)
    lab.verify(active, "after the split brain")
    return active, other


def test(lab):
    active, passive = lab.start()
    lab.start_traffic()
    cut_ha2(lab, active, passive)
    cut_ha1(lab, active)
    lab.end_traffic()
    cut_both(lab, passive)
    # Traffic that begins after the split brain finds the box that stayed.
    lab.start_traffic()
    lab.wait(1)
    lab.end_traffic()


if __name__ == "__main__":
    run(test)
