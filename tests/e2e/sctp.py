# SPDX-License-Identifier: BSD-3-Clause
"""An SCTP association of two real ends goes on when the active box is killed: usrsctp over raw IP."""

import ctypes
import json
import pathlib
import subprocess
import sys

import sctp_end
from lab import Failure, expect, run, skip

CLIENT, SERVER, PORT = "10.1.0.2", "10.2.0.1", 5000
SECONDS = 8
END = pathlib.Path(sctp_end.__file__)


def start_end(lab, role, *words):
    """Its output is one line that says it is ready, and what it found in the end."""
    end = subprocess.Popen(["ip", "netns", "exec", lab.network.names[role], sys.executable, str(END), *words],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    line = end.stdout.readline().strip()
    if not line:
        raise Failure(f"the {role} does not start: {end.stderr.read()}")
    return end


def associations(box):
    return box.ask("/twinplane/sctp")


def test(lab):
    active, passive = lab.start()
    server = start_end(lab, "server", "server", SERVER, str(PORT))
    client = start_end(lab, "client", "client", SERVER, str(PORT), CLIENT, str(SECONDS))
    try:
        lab.wait(2)
        for box in (active, passive):
            expect(associations(box)["entries"] == 1, f"{box.name} holds the association", associations(box))
        lab.verify(active, "while the ends talk")
        active.kill()
        lab.until("the peer takes over", lambda: (one := passive.status()) and one["role"] == "active")
        lab.until("it forwards a packet of the association", lambda: passive.status()["first_packet_ns"] > 0)
        lab.until("the client is done", lambda: client.poll() is not None, SECONDS + 5)
        output, faults = client.communicate()
        expect(client.returncode == 0, "every message came back, in order", faults)
        result = json.loads(output)
        expect(result["messages"] > SECONDS * 10 and result["longest_ms"] < 2000,
               f"{result['messages']} messages, the longest took {result['longest_ms']} ms")
        now = associations(passive)
        wrong = {name: value for name, value in now.items() if name.startswith("drop_") and value}
        expect(now["entries"] == 1 and not wrong, f"nothing of it was dropped: {wrong}")
    finally:
        for end in (client, server):
            end.kill()
            end.wait()


if __name__ == "__main__":
    try:
        ctypes.CDLL(sctp_end.LIBRARY)
    except OSError:
        skip(f"{sctp_end.LIBRARY} is not here: install libusrsctp2")
    run(test)
