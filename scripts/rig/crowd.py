# SPDX-License-Identifier: BSD-3-Clause
"""Sessions that say nothing more: what a table is full of, beside those that change."""

import itertools
import socket

import network
from commands import RigError

PORT = 83
FIRST_SOURCE_PORT = 20_000  # of addresses that nobody else uses
A_TICK = 250


class Crowd:
    """UDP datagrams, each from a port of its own, to a socket that nobody reads."""

    def __init__(self, names, count):
        self.names = names
        self.count = count
        self.ends = [(client, server) for client, server
                     in zip(network.CLIENT_IDLE, network.SERVER)]
        with network.inside(names["server"]):
            self.deaf = [self._socket(server, PORT) for _, server in self.ends]

    @staticmethod
    def _socket(address, port):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        one = socket.socket(family, socket.SOCK_DGRAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind((address, port))
        return one

    def come(self, box, tick, seconds=20):
        """Until the box has them all; what was lost on the way is sent again."""
        wanted = self.count
        before = box.status()["sessions"]
        for _ in range(int(seconds / 5)):
            self._send(tick)
            for _ in range(20):
                tick()
                if box.status()["sessions"] - before >= wanted * 0.98:
                    return
        raise RigError(f"of {wanted} idle sessions {box.last_status['sessions'] - before} came up")

    def _send(self, tick):
        numbers = iter(range(self.count))
        while batch := list(itertools.islice(numbers, A_TICK)):
            with network.inside(self.names["client"]):
                for number in batch:
                    client, server = self.ends[number % len(self.ends)]
                    with self._socket(client, FIRST_SOURCE_PORT + number // 2) as one:
                        one.sendto(b"here", (server, PORT))
            tick()
