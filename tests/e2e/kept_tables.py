# SPDX-License-Identifier: BSD-3-Clause
"""A restart with tables kept: what differs travels and nothing else; an unclean or foreign file starts empty and says so.

A file that another box uses and a file system without room end the start; a start that fails leaves what was kept.
"""

import re
import shutil
import time

import frames
from lab import BUILD, Wire, expect, run

from crowd import Crowd  # of the rig, which lab has found

IDLE_SESSIONS = 20_000


def keep(lab):
    """One table file for all lives of a box."""
    for box in lab.pair.boxes:
        box.kept = lab.rundir.path / f"{box.name}.kept"
        box.left = lab.rundir.path / f"{box.name}.left"  # a copy of what an orderly end left
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
    shutil.copyfile(passive.kept, passive.left)
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


def second_fails(lab, box, what, words, file=None, before=""):
    """A second process with the box's configuration, but for its prefix and perhaps its file, after the shell's `before`."""
    prefix = lab.rundir.add_dpdk_prefix(f"{box.name}-second")
    path = lab.rundir.path / "second.toml"
    path.write_text(box.file("toml").read_text().replace(box.prefix, prefix).replace(str(box.kept), str(file or box.kept)))
    done = lab.command(box.name, "sh", "-ec", f'{before}\nexec "$0" --config "$1"',
                       str(BUILD / "dataplane/twinplane"), str(path), check=False)
    lab.rundir.forget_dpdk_files(prefix)
    said = [line for line in done.stderr.splitlines() if line.startswith("twinplane: ")]
    expect(done.returncode == 1 and said and all(word in said[-1] for word in words), f"{what}: {said}",
           f"{done.returncode}: {done.stderr}")


def second_box(lab, active, passive):
    second_fails(lab, passive, "a file in use is not taken", (str(passive.kept), "another box"))
    link = lab.rundir.path / "link"
    link.symlink_to(passive.kept)
    second_fails(lab, passive, "nor by another name", ("link", "symbolic link"), file=link)
    # The mount is the namespace's that `ip netns exec` makes for the command, and goes with it.
    small = lab.rundir.path / "small"
    small.mkdir()
    second_fails(lab, passive, "a file system without room is no crash later", ("MiB are missing in", str(small)),
                 file=small / "tables", before=f'mount -t tmpfs -o size=4m none "{small}"')
    lab.verify(active, "after the others were refused")


def failed_start(lab, passive):
    end(passive)
    edits = passive.edits
    passive.edits = (*edits, (re.compile(r'^local = ".*:28260"$', re.M), 'local = "198.51.100.1:28260"'))
    passive.start()
    passive.killed = True
    expect(passive.child.wait(timeout=10) == 1 and "198.51.100.1" in passive.log_end(),
           f"a start fails: {passive.log_end(1)}")
    expect(lines(passive, "tables=kept"), "it had kept the tables by then")
    passive.bury()
    passive.edits = edits
    come_back(lab, passive, "after a start that failed")
    kept = lines(passive, "tables=kept")
    expect(kept and int(re.search(r"sessions=(\d+)", kept[0])[1]) >= IDLE_SESSIONS, f"the next start has them: {kept}")


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
    shutil.copyfile(active.left, passive.kept)
    come_back(lab, passive, "with what the other box left in order")
    expect("the other box's" in "".join(lines(passive, "tables=empty")), f"it says why: {lines(passive, 'tables=')}")
    end(passive)
    passive.kept.write_bytes(b"no tables" * 1000)
    come_back(lab, passive, "with a file of another size")
    expect("another size" in "".join(lines(passive, "tables=empty")), "what is no table file is not taken")
    lab.verify(active, "at the end")


def entries(box, kind):
    return box.ask("/twinplane/tables")[kind]["entries"]


def asked_everybody(wire):
    """The ARP requests and neighbor solicitations to all that came since the last look."""
    asked = []
    while frame := wire.receive(0.1):
        is_arp = frame[12:14] == b"\x08\x06" and frame[20:22] == b"\x00\x01" and frame[28:32] != frame[38:42]
        is_solicitation = frame[12:14] == b"\x86\xdd" and frame[20] == frames.ICMP6 and frame[54] == 135
        if (is_arp and frame[:6] == b"\xff" * 6) or (is_solicitation and frame[:2] == b"\x33\x33"):
            asked.append(frame.hex())
    return asked


def alone(lab, active, passive):
    """What all workers share is kept as well: nobody could tell this box, and it asks nobody."""
    known = {kind: entries(active, kind) for kind in ("arp", "nd", "virtual_mac")}
    expect(all(known.values()), f"the box knows its neighbors: {known}")
    end(passive)
    end(active)
    wires = [Wire(lab.network.names["client"], "c0"), Wire(lab.network.names["server"], "s0")]
    active.start()
    lab.until("it is active alone", lambda: (active.status() or {}).get("role") == "active")
    kept = lines(active, "home_tables=kept")
    expect(kept and int(re.search(r"entries=(\d+)", kept[0])[1]) >= sum(known.values()), f"it says so: {kept}")
    expect(all(entries(active, kind) >= count for kind, count in known.items()), "and has them")
    for source, server in (("10.1.0.2", "10.2.0.1"), ("fd00:1::2", "fd00:2::1")):
        done = lab.command("client", "ping", "-c", "3", "-i", "0.2", "-W", "2", "-I", source, server, check=False)
        expect(done.returncode == 0, f"{source} reaches {server}", done.stdout)
    asked = [frame for wire in wires for frame in asked_everybody(wire)]
    expect(not asked, "no neighbor is asked for anew", asked)


def test(lab):
    keep(lab)
    active, passive = lab.start()
    lab.start_traffic()
    Crowd(lab.network.names, IDLE_SESSIONS).come(active, lab.tick)
    passive_comes_back(lab, active, passive)
    active_comes_back(lab, active, passive)
    active, passive = passive, active
    second_box(lab, active, passive)
    failed_start(lab, passive)
    unclean(lab, active, passive)
    foreign(lab, active, passive)
    lab.end_traffic()
    end(passive)
    come_back(lab, passive, "once more")
    lab.verify(active, "before both end")
    alone(lab, active, passive)


if __name__ == "__main__":
    run(test)
