# SPDX-License-Identifier: BSD-3-Clause
"""Raw frames on one device of a namespace."""

import contextlib
import socket
import time

from network import inside

ETH_P_ALL = 3
PACKET_OUTGOING = 4


class Wire:
    def __init__(self, namespace, device):
        with inside(namespace):
            # Bound before it takes anything: a socket of all protocols hears every device of the namespace until then.
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.socket.bind((device, ETH_P_ALL))
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
            self.mac = self.socket.getsockname()[4]

    def send(self, frame):
        self.socket.send(frame)

    def receive(self, seconds, wanted=lambda frame: True):
        """The first frame that came in and is wanted, or None."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                frame, source = self.socket.recvfrom(65536)
            except TimeoutError:
                return None
            if source[2] != PACKET_OUTGOING and wanted(frame):
                return frame
        return None

    def taken(self):
        """Every frame that came in since the last look."""
        self.socket.settimeout(0)
        frames = []
        with contextlib.suppress(BlockingIOError):
            while True:
                frame, source = self.socket.recvfrom(65536)
                if source[2] != PACKET_OUTGOING:
                    frames.append(frame)
        return frames

    def drain(self):
        self.socket.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.socket.recv(65536)

    def close(self):
        self.socket.close()
