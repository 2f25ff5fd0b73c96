# SPDX-License-Identifier: BSD-3-Clause
"""A flood of packets that each want a session, from addresses that nobody has, to a server that answers none."""

import ctypes
import random
import socket
import struct

from frames import IP4, ethernet, mac
from lab import Wire, inside

GATEWAY_MAC = mac("00:1b:17:00:01:00")
SO_ATTACH_FILTER = 26
FRAMES_PER_TICK = 100  # of about 20 ms


def sources(count, seed=1):
    """That many different ends: address and port."""
    chosen = random.Random(seed).sample(range(100 * 60000), count)
    return [(f"10.1.0.{100 + number // 60000}", 1024 + number % 60000) for number in chosen]


class Flood:
    """`packets` are IPv4 packets; each goes out once."""

    def __init__(self, lab, packets):
        self.lab = lab
        self.wire = Wire(lab.network.names["client"], "c0")
        self.frames = [ethernet(GATEWAY_MAC, self.wire.mac, IP4, packet) for packet in packets]
        self.sent = 0

    def tick(self):
        for frame in self.frames[self.sent:self.sent + FRAMES_PER_TICK]:
            self.wire.send(frame)
            self.sent += 1
        self.lab.tick()

    def run(self, seconds, look=lambda: None):
        """Some thousand a second; `look` is called at every tick."""
        for _ in range(int(seconds / 0.02)):
            self.tick()
            look()


def deaf(lab, kind, address, port):
    """A socket of the server's that drops what comes: neither answered nor refused."""
    instruction = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # return 0: keep nothing
    with inside(lab.network.names["server"]):
        one = socket.socket(socket.AF_INET, kind)
    one.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(instruction)))
    one.bind((address, port))
    if kind == socket.SOCK_STREAM:
        one.listen(1)
    return one
