# SPDX-License-Identifier: BSD-3-Clause
"""FTP control sessions with vsftpd: data connections that they announced before the kill open after it. Those of the
hidden clients carry a longer text, so their sequence numbers are shifted from then on."""

import ftplib
import shutil

from commands import RigError
from ftp_ends import Server, Session
from live.companion import Companion, Serving
from network import CLIENT_PLAIN, CLIENT_TRANSLATED, SERVER

SECTIONS = """
[[helper]]
name = "ftp"
"""
TWICE = 2  # each source: one server connects to its client, one client to its server


class Ftp(Companion):
    name = "FTP"
    kinds = ("sequence_shift", "expectation")

    def wire(self, network):
        if shutil.which("vsftpd") is None:
            raise RigError("vsftpd is not here; type: scripts/setup")

    def sections(self, box):
        return SECTIONS

    def start(self, scene):
        self.server = Server(scene)
        self.sessions = [Session(scene, self.server, source, SERVER[":" in source])
                         for source in (*CLIENT_TRANSLATED, *CLIENT_PLAIN) for _ in range(TWICE)]
        self.worked = sum(one.works() for one in self.sessions)

    def is_live(self, active, tables):
        return self.worked == len(self.sessions) and tables["sequence_shift"]["entries"] > 0

    def state(self):
        return f"{self.worked} of {len(self.sessions)} control sessions carried files"

    def before_kill(self, active, passive):
        for place, one in enumerate(self.sessions):
            if place % TWICE:
                one.announce_passive()
            else:
                one.announce_active()

    def after_kill(self, survivor):
        opened = self._count(Session.retrieve)
        worked = self._count(Session.works)
        wanted = len(self.sessions)
        return Serving(
            self.name, self.kinds, opened == worked == wanted,
            f"{opened} of {wanted} data connections announced before the kill opened after it, {worked} of {wanted} control"
            " sessions go on",
            numbers={"opened": opened, "worked": worked, "sessions": wanted})

    def _count(self, action):
        """Of how many it comes to a good end."""
        count = 0
        for one in self.sessions:
            try:
                count += action(one)
            except (*ftplib.all_errors, OSError):
                pass
        return count
