# SPDX-License-Identifier: BSD-3-Clause
"""A client of DPDK's telemetry socket, version 2: one packet asks, one packet of JSON answers."""

import json
import socket

GREETING_BYTES = 1024


class Telemetry:
    def __init__(self, path, timeout_s=1.0):
        self.path = str(path)
        self.timeout_s = timeout_s
        self.socket = None
        self.answer_bytes = 0

    def ask(self, command):
        """The answer to `command`, or None while nobody answers (not started yet, or dead)."""
        try:
            if self.socket is None:
                self._connect()
            self.socket.send(command.encode())
            answer = self.socket.recv(self.answer_bytes)
            if answer:
                return json.loads(answer).get(command.partition(",")[0])
        except (OSError, ValueError):
            pass
        self.close()
        return None

    def _connect(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(self.timeout_s)
        self.socket.connect(self.path)
        self.answer_bytes = json.loads(self.socket.recv(GREETING_BYTES))["max_output_len"]

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None
