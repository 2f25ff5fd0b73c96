# SPDX-License-Identifier: BSD-3-Clause
"""A one-way stream of numbered datagrams, to one address or to a group, and what came of it.

usage: numbered.py send FROM TO PORT INTERVAL_MS
       numbered.py receive TO PORT DEVICE [SOURCE]     (a group is joined; with SOURCE, for it alone)

The receiver answers each line that it reads with what came since the one before, as JSON. Both end with their input.
"""

import ipaddress
import json
import os
import selectors
import socket
import struct
import sys
import time

HEAD = struct.Struct("!Q")  # the number
MCAST_JOIN_GROUP, MCAST_JOIN_SOURCE_GROUP = 42, 46
STORAGE_BYTES = 128  # of a struct sockaddr_storage


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def storage(address):
    """A struct sockaddr_storage of it."""
    packed = ipaddress.ip_address(address).packed
    head = struct.pack("=HH", family_of(address), 0)
    body = head + packed if len(packed) == 4 else head + bytes(4) + packed
    return body.ljust(STORAGE_BYTES, b"\0")


def send(source, target, port, interval_ms):
    out = socket.socket(family_of(target), socket.SOCK_DGRAM)
    out.bind((source, 0))
    if ipaddress.ip_address(target).is_multicast:
        if out.family == socket.AF_INET:
            out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 8)
            out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(source))
        else:
            out.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 8)
    interval_ns = int(interval_ms * 1e6)
    due_ns = time.monotonic_ns()
    number = 0
    os.set_blocking(sys.stdin.fileno(), False)
    while sys.stdin.buffer.read(1) != b"":  # None: nothing to read yet
        try:
            out.sendto(HEAD.pack(number), (target, port))
        except OSError:
            pass  # an ICMP error of the one before; the number is lost, and counted so
        number += 1
        due_ns += interval_ns
        time.sleep(max(0, due_ns - time.monotonic_ns()) / 1e9)


class Window:
    """What came between two reports."""

    def __init__(self):
        self.received = self.repeated = 0
        self.longest_ns = 0


class Receiver:
    def __init__(self, target, port, device, source=None):
        self.socket = socket.socket(family_of(target), socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind((target, port))
        if ipaddress.ip_address(target).is_multicast:
            level = socket.IPPROTO_IPV6 if self.socket.family == socket.AF_INET6 else socket.IPPROTO_IP
            request = struct.pack("=II", socket.if_nametoindex(device), 0) + storage(target)
            if source:
                self.socket.setsockopt(level, MCAST_JOIN_SOURCE_GROUP, request + storage(source))
            else:
                self.socket.setsockopt(level, MCAST_JOIN_GROUP, request)
        self.first, self.highest, self.last_ns = None, None, time.monotonic_ns()
        self.distinct = 0
        self.window = Window()

    def take(self):
        number, = HEAD.unpack(self.socket.recv(2048)[:HEAD.size])
        now_ns = time.monotonic_ns()
        if self.first is None:
            self.first = self.highest = number - 1
            self.last_ns = now_ns
        self.window.longest_ns = max(self.window.longest_ns, now_ns - self.last_ns)
        self.last_ns = now_ns
        self.window.received += 1
        if number > self.highest:
            self.distinct += 1
            self.highest = number
        else:
            self.window.repeated += 1

    def report(self):
        now_ns = time.monotonic_ns()
        said = {"received": self.window.received, "repeated_or_late": self.window.repeated,
                "lost": 0 if self.first is None else self.highest - self.first - self.distinct,
                "open_ns": now_ns - self.last_ns, "longest_ns": self.window.longest_ns}
        self.window = Window()
        return said


def receive(*words):
    end = Receiver(words[0], int(words[1]), *words[2:])
    watched = selectors.DefaultSelector()
    watched.register(end.socket, selectors.EVENT_READ)
    watched.register(sys.stdin, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in watched.select():
            if key.fileobj is end.socket:
                end.take()
            elif sys.stdin.readline():
                print(json.dumps(end.report()), flush=True)
            else:
                return


if __name__ == "__main__":
    if sys.argv[1] == "send":
        send(sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
    else:
        receive(*sys.argv[2:])
