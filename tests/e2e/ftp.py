# SPDX-License-Identifier: BSD-3-Clause
"""FTP through the pair: vsftpd, curl and Python's ftplib, translated and not, and on after a takeover.

Rules let clients reach port 21 alone, and nobody reach clients: every data connection is one that
its control session has announced.
"""

import hashlib
import os
import shutil
import socket
import subprocess

from lab import Failure, expect, inside, lcores, run, skip
from ftp_ends import Server, Session

SERVER = {4: "10.2.0.1", 6: "fd00:2::1"}
HIDDEN = {4: "10.1.0.1", 6: "fd00:1::1"}  # of the rig's own source NAT
PLAIN = {4: "10.1.0.2", 6: "fd00:1::2"}
PUBLIC = "203.0.113.21"                   # of the server's control port, for clients
MORE = """
[[helper]]
name = "ftp"

[[nat]]
name = "ftp-server"
from = ["trust"]
destination = "203.0.113.21"
protocol = "tcp"
destination_port = "21"
translated_destination = "10.2.0.1"
"""
MODES = {  # of curl, and for which versions of IP
    "EPSV": ((), (4, 6)),
    "PASV": (("--disable-epsv", "--no-ftp-skip-pasv-ip"), (4,)),
    "EPRT": (("--ftp-port", "-"), (4, 6)),
    "PORT": (("--ftp-port", "-", "--disable-eprt"), (4,)),
}


def url(host, name):
    return f"ftp://[{host}]/{name}" if ":" in host else f"ftp://{host}/{name}"


def curl(lab, source, host, name, *words):
    """A transfer with curl, as a process and the file that it writes."""
    path = lab.rundir.path / f"got-{os.urandom(4).hex()}"
    child = subprocess.Popen(["ip", "netns", "exec", lab.network.names["client"], "curl", "-sS", "--max-time", "60",
                              "--interface", source, *words, "-o", str(path), url(host, name)],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return child, path


def sum_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetch(lab, server, what, source, host, *words):
    child, path = curl(lab, source, host, "small", *words)
    lab.until(f"{what}: curl ends", lambda: child.poll() is not None, 65)
    expect(child.returncode == 0 and sum_of(path) == server.sums["small"], f"{what}: the file is the server's",
           child.stdout.read())


def in_all_modes(lab, server, when):
    for mode, (words, versions) in MODES.items():
        for version in versions:
            for name, source in (("hidden", HIDDEN[version]), ("plain", PLAIN[version])):
                fetch(lab, server, f"{when}, {mode}, IPv{version}, {name} client", source, SERVER[version], *words)
        for name, source in (("hidden", HIDDEN[4]), ("plain", PLAIN[4])) if 4 in versions else ():
            fetch(lab, server, f"{when}, {mode}, {name} client, the server's public name", source, PUBLIC, *words)


def sessions(lab, server):
    places = [(source, SERVER[version]) for version in (4, 6) for source in (HIDDEN[version], PLAIN[version])]
    return [Session(lab, server, source, host) for source, host in (*places, (HIDDEN[4], PUBLIC), (PLAIN[4], PUBLIC))]


def refused(lab, box):
    """Nothing is open that was not announced."""
    for port in (50_000, 50_001):
        with inside(lab.network.names["client"]):
            one = socket.socket()
        one.settimeout(0.3)
        try:
            one.connect((SERVER[4], port))
        except TimeoutError:
            one.close()
            continue
        raise Failure(f"port {port} of the server can be reached")
    expect(box.ask("/twinplane/expectations")["waiting"] == 0, "nothing is expected without a control session")


def through_a_kill(lab, server, active, passive):
    early, late = sessions(lab, server), sessions(lab, server)
    expect(all(one.works() for one in early + late), f"{len(early + late)} control sessions, both modes")
    transfers = [curl(lab, HIDDEN[4], host, "large", "--limit-rate", "1M", *words)
                 for host in (SERVER[4], PUBLIC) for words in ((), ("--ftp-port", "-"))]
    lab.wait(1)
    for one in early:
        one.announce_active()
    for one in late:
        one.announce_passive()
    lab.wait(0.2)
    expect(active.ask("/twinplane/expectations")["waiting"] == len(early + late), "each is known as one that waits",
           active.ask("/twinplane/expectations"))
    expect(all(child.poll() is None for child, _ in transfers), "the transfers go on at the kill")
    active.kill()
    lab.until(f"{passive.name} takes over", lambda: passive.last_status["role"] == "active")
    active.bury()
    for one in early:
        expect(one.retrieve(), f"a server ({one.host}) connects to where it was told before the kill")
    for one in late:
        expect(one.retrieve(), f"a client connects to where its server ({one.host}) said before the kill")
    expect(all(one.works() for one in early + late), "every control session goes on, both modes")
    for child, path in transfers:
        lab.until("a transfer ends", lambda child=child: child.poll() is not None, 60)
        expect(child.returncode == 0 and sum_of(path) == server.sums["large"], "a transfer goes through the kill",
               child.stdout.read())
    for one in early + late:
        one.ftp.quit()


def test(lab):
    first, last = min(os.sched_getaffinity(0)), max(os.sched_getaffinity(0))
    for box in lab.pair.boxes:
        box.more = MORE
        box.edits = (('protocol = "any"\nports = ["any"]', 'protocol = "tcp"\nports = ["21"]'),)
    # A data connection belongs to another worker than its control session as often as not.
    lab.east.edits += ((f'lcores = "{lcores(0)}"', f'lcores = "0@{first},1@{last},2@{first}"'),)
    active, passive = lab.start()
    expect(active is lab.east, "the box with two workers is active")
    server = Server(lab)
    try:
        refused(lab, active)
        in_all_modes(lab, server, "before")
        lab.verify(active, "with shifts and expectations")
        through_a_kill(lab, server, active, passive)
        in_all_modes(lab, server, "after the takeover")
        counters = passive.counters()
        wrong = {name: value for name, value in counters.items()
                 if name.startswith(("drop_helper", "drop_shift")) and value}
        expect(not wrong, "no segment of a control session was refused", wrong)
        told = passive.ask("/twinplane/expectations")
        expect(told["opened"] > 0 and told["rewritten_texts"] > 0 and told["malformed_texts"] == 0, "as counted", told)
    finally:
        server.stop()


if __name__ == "__main__":
    for program in ("vsftpd", "curl"):
        if shutil.which(program) is None:
            skip(f"{program} is not here: install {program}")
    run(test)
