# SPDX-License-Identifier: BSD-3-Clause
"""A program of the rig at work in a namespace, asked by lines."""

import json
import selectors
import subprocess
import sys
from pathlib import Path

from commands import RigError

RIG = Path(__file__).resolve().parents[1]
ANSWER_TIMEOUT_S = 10


class Program:
    """`words`: the name of a file of the rig, and its arguments."""

    def __init__(self, scene, role, name, *words):
        self.name = f"{Path(words[0]).stem} {name}"
        self.log = scene.rundir.path / f"{self.name.replace(' ', '-')}.log"
        with self.log.open("wb") as log:
            self.child = scene.rundir.start(
                [sys.executable, str(RIG / words[0]), *map(str, words[1:])], scene.network.names[role],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.child.stdout, selectors.EVENT_READ)

    def line(self, seconds=ANSWER_TIMEOUT_S):
        """The next one that it prints."""
        if self.selector.select(seconds) and (line := self.child.stdout.readline()):
            return line.decode()
        raise RigError(f"{self.name} does not answer:\n{self.log.read_text()}")

    def ask(self, command="report"):
        try:
            self.child.stdin.write(command.encode() + b"\n")
            self.child.stdin.flush()
        except OSError:
            pass
        return json.loads(self.line())
