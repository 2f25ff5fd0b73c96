# SPDX-License-Identifier: BSD-3-Clause
"""A box killed in the middle of a rematch: the survivor ends what is denied and was left, and keeps all the rest."""

import socket
import subprocess
import sys

from flood import GATEWAY_MAC, deaf
from lab import ROOT, expect, run, say
from rematch import OUT, hang_up, load, rule, rules, write

SERVER = "10.2.0.1"
KEPT, DENIED = 7201, 7202
SLOTS = 65_536
SESSIONS_MIN = 20_000  # of each kind
LOOKED_AT = 500        # rules, before one that matches: so a look takes a few us

SLOW = "".join(rule(f"other-{number}", ["any"], "drop", f'destination = ["10.9.{number // 250}.{number % 250}/32"]')
               for number in range(LOOKED_AT)).replace('"tcp"', '"any"')
OTHER = SLOW + rule("denied", [DENIED], "drop").replace('"tcp"', '"udp"')


def fill(lab, active, port):
    """Some ten thousand sessions to that port. Gives how many there are now."""
    before = active.status()["sessions"]
    mac = ":".join(f"{byte:02x}" for byte in GATEWAY_MAC)
    torrent = lab.rundir.start([sys.executable, str(ROOT / "tests/e2e/torrent.py"), "c0", mac, SERVER, str(port)],
                               lab.network.names["client"], stdout=subprocess.PIPE)
    torrent.stdout.readline()
    lab.until(f"{SESSIONS_MIN} sessions to port {port}", lambda: active.status()["sessions"] > before + SESSIONS_MIN)
    torrent.kill()
    torrent.wait()
    lab.in_sync()
    lab.until("the peer has them all", lambda: active.status()["lag_us"] < 50_000)
    return active.status()["sessions"]


def kill_in_mid_walk(lab, active, denied):
    hang_up(active)
    while (seen := rules(active))["rematch_percent"] < 30:
        active.check()
    expect(seen["rematch"] == "running", "it is in the middle of its walk", seen)
    active.kill()
    say(f"    killed after {seen['rematch_percent']} % of the slots, {seen['rematch_ended']} of {denied} ended")


def test(lab):
    for box in lab.pair.boxes:
        # Nothing ends by time here.
        box.edits = (("[worker]", "[timeouts]\nudp = 600\n\n[worker]"),)
    active, passive = lab.start()
    silent = [deaf(lab, socket.SOCK_DGRAM, SERVER, port) for port in (KEPT, DENIED)]
    kept = fill(lab, active, KEPT)
    denied = fill(lab, active, DENIED) - kept
    for box in (passive, active):
        write(box, OUT, OTHER + OUT)
    load(lab, passive, 1)
    kill_in_mid_walk(lab, active, denied)
    lab.until(f"{passive.name} takes over", lambda: passive.last_status["role"] == "active")
    active.bury()
    done = lab.until("it has looked at all", lambda: (now := rules(passive))["rematch"] == "done" and now, 30)
    expect(0 < done["rematch_ended"] < denied, f"it ends the {done['rematch_ended']} denied ones that were left", done)
    expect(passive.status()["sessions"] == kept, f"and has the {kept} sessions that are not denied, and no other",
           passive.last_status)
    expect(done["rematch_kept"] + done["rematch_reassigned"] == kept, "all of which it has looked at", done)
    active.start()
    active, passive = lab.in_sync()
    lab.verify(active, "with the box that is back")
    for one in silent:
        one.close()


if __name__ == "__main__":
    run(test, session_slots=SLOTS)
