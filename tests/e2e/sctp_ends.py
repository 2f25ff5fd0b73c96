# SPDX-License-Identifier: BSD-3-Clause
"""Both ends of SCTP associations through the pair as a test starts and asks them, and what boxes say of theirs."""

import ctypes
import json
import pathlib
import subprocess
import sys

from lab import Failure, skip
import sctp_end  # of the rig, which lab finds

PROGRAM = pathlib.Path(sctp_end.__file__)


class Ends:
    def __init__(self, lab, server, client):
        """What the two programs are to be called with behind their first word."""
        self.lab = lab
        self.children = []
        self._start("server", server)
        self.client = self._start("client", client)

    def _start(self, role, words):
        end = subprocess.Popen(["ip", "netns", "exec", self.lab.network.names[role], sys.executable, str(PROGRAM), role,
                                *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
        self.children.append(end)
        if not end.stdout.readline():
            raise Failure(f"the {role} does not start: {end.stderr.read()}")
        return end

    def ask(self, *words):
        """What the client says of each of its associations."""
        self.client.stdin.write(" ".join(words) + "\n")
        self.client.stdin.flush()
        line = self.client.stdout.readline()
        if not line:
            raise Failure(f"the client has ended: {self.client.stderr.read()}")
        return json.loads(line)

    def kill(self):
        for end in self.children:
            end.kill()
            end.wait()


def associations(box):
    return box.ask("/twinplane/sctp")


def drops(box):
    """Those of SCTP that are not 0."""
    return {name: value for name, value in associations(box).items() if name.startswith("drop_") and value}


def need_library():
    try:
        ctypes.CDLL(sctp_end.LIBRARY)
    except OSError:
        skip(f"{sctp_end.LIBRARY} is not here: install libusrsctp2")
