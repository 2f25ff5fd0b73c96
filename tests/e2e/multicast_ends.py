# SPDX-License-Identifier: BSD-3-Clause
"""Hosts that listen to groups and send to them, by the kernel's own sockets, and what passes on their wires."""

import collections
import select
import socket
import struct
import threading
import time

from lab import PACKET_OUTGOING, Wire, inside

PORT = 5004
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35
MCAST_JOIN_SOURCE_GROUP, MCAST_LEAVE_SOURCE_GROUP = 46, 47
IP_BLOCK_SOURCE = 38
SOL_PACKET, PACKET_AUXDATA, TP_STATUS_VLAN_VALID = 263, 8, 0x10
IPPROTO_IGMP = 2


def packed_sockaddr(address):
    """struct sockaddr_storage."""
    if ":" in address:
        text = struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, socket.inet_pton(socket.AF_INET6, address), 0)
    else:
        text = struct.pack("=HH4s", socket.AF_INET, 0, socket.inet_aton(address))
    return text.ljust(128, b"\0")


class Host:
    """Listens; `received` holds number and sender of each packet, by group. One socket a group."""

    def __init__(self, lab, role, address, device):
        self.namespace = lab.network.names[role]
        self.address = address
        with inside(self.namespace):
            self.device = socket.if_nametoindex(device)
        self.received = collections.defaultdict(list)
        self.sockets = {}
        threading.Thread(target=self._listen, daemon=True).start()

    def wire(self, device):
        return Wire(self.namespace, device)

    def _socket(self, group):
        family = socket.AF_INET6 if ":" in group else socket.AF_INET
        with inside(self.namespace):
            end = socket.socket(family, socket.SOCK_DGRAM)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        end.bind((group, PORT))
        return end

    def join(self, group, source=None):
        end = self._socket(group)
        level = socket.IPPROTO_IPV6 if ":" in group else socket.IPPROTO_IP
        if source is not None:
            request = struct.pack("=I4x", self.device) + packed_sockaddr(group) + packed_sockaddr(source)
            end.setsockopt(level, MCAST_JOIN_SOURCE_GROUP, request)
        elif ":" in group:
            end.setsockopt(level, socket.IPV6_JOIN_GROUP,
                           socket.inet_pton(socket.AF_INET6, group) + struct.pack("=I", self.device))
        else:
            end.setsockopt(level, socket.IP_ADD_MEMBERSHIP, self._member(group))
        self.sockets[group] = end

    def _member(self, group):
        return socket.inet_aton(group) + socket.inet_aton(self.address) + struct.pack("=I", self.device)

    def block(self, group, source):
        self.sockets[group].setsockopt(socket.IPPROTO_IP, IP_BLOCK_SOURCE, socket.inet_aton(group) +
                                       socket.inet_aton(self.address) + socket.inet_aton(source))

    def leave(self, group):
        self.sockets.pop(group).close()

    def _listen(self):
        while True:
            ends = {end: group for group, end in list(self.sockets.items())}
            try:
                ready = select.select(list(ends), [], [], 0.05)[0]
                for end in ready:
                    packet, sender = end.recvfrom(2048)
                    self.received[ends[end]].append((struct.unpack_from(">I", packet)[0], sender[0]))
            except (OSError, ValueError):
                continue  # one was closed meanwhile


class Sender:
    """Numbered packets to groups."""

    def __init__(self, lab, role, address, address6=None):
        namespace = lab.network.names[role]
        self.number = 0
        self.thread = None
        with inside(namespace):
            self.end4 = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.end6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) if address6 else None
        self.end4.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
        self.end4.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 8)
        self.end4.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        self.end4.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER: may be cut
        self.end4.bind((address, 0))
        if self.end6:
            self.end6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 8)
            self.end6.bind((address6, 0))

    def send_once(self, group, size=200):
        end = self.end6 if ":" in group else self.end4
        end.sendto(struct.pack(">I", self.number).ljust(size, b"."), (group, PORT))

    def start(self, groups, interval_s):
        self.stopping = False
        self.thread = threading.Thread(target=self._run, args=(groups, interval_s), daemon=True)
        self.thread.start()

    def _run(self, groups, interval_s):
        due = time.monotonic()
        while not self.stopping:
            for group in groups:
                self.send_once(group)
            self.number += 1
            due += interval_s
            time.sleep(max(0, due - time.monotonic()))

    def is_running(self):
        return self.thread.is_alive()

    def stop(self):
        self.stopping = True
        self.thread.join()


class Captures:
    """Frames on devices by role, in both directions, with the kernel's time of each."""

    def __init__(self, lab, devices):
        self.wires = {role: Wire(lab.network.names[role], device) for role, device in devices.items()}
        for wire in self.wires.values():
            wire.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
            wire.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            wire.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)

    def taken(self, role):
        """Moment, frame, and whether the host itself sent it; of all since the last look."""
        wire, found = self.wires[role].socket, []
        wire.settimeout(0)
        while True:
            try:
                frame, extra, _, source = wire.recvmsg(2048, 256)
            except BlockingIOError:
                return found
            extra = {(level, kind): data for level, kind, data in extra}
            seconds, nanoseconds = struct.unpack("=qq", extra[(socket.SOL_SOCKET, SO_TIMESTAMPNS)])
            status, _, _, _, _, tag = struct.unpack_from("=IIIHHH", extra[(SOL_PACKET, PACKET_AUXDATA)])
            if status & TP_STATUS_VLAN_VALID:  # the kernel takes tags off
                frame = frame[:12] + struct.pack(">HH", 0x8100, tag) + frame[12:]
            found.append((seconds + nanoseconds / 1e9, frame, source[2] == PACKET_OUTGOING))
