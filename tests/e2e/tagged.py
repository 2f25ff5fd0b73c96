# SPDX-License-Identifier: BSD-3-Clause
"""Hosts in a VLAN, where the kernel has none of 802.1Q: a tap device is their stack, and a thread puts tags on and off."""

import contextlib
import fcntl
import os
import select
import socket
import struct
import threading

from lab import PACKET_OUTGOING, inside
from wire import ETH_P_ALL

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
SOL_PACKET, PACKET_AUXDATA, TP_STATUS_VLAN_VALID = 263, 8, 1 << 4
AUXDATA = struct.Struct("IIIHHHH")  # the kernel tells the tag there, and takes it off


def receive(wire, flags=0):
    """A frame without its tag, its VLAN (0 = none), and whether it came in."""
    frame, more, _, source = wire.recvmsg(65536, socket.CMSG_SPACE(AUXDATA.size), flags)
    vlan = 0
    for level, kind, data in more:
        if level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, *_, tag, _ = AUXDATA.unpack(data[:AUXDATA.size])
            vlan = tag & 0xFFF if status & TP_STATUS_VLAN_VALID else 0
    return frame, vlan, source[2] != PACKET_OUTGOING


def listening(namespace, device, protocol=ETH_P_ALL):
    with inside(namespace):
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    wire.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    wire.bind((device, protocol))
    return wire


def heard_by(wire):
    """(VLAN, frame) of all that came in since the last look."""
    taken = []
    with contextlib.suppress(BlockingIOError):
        while True:
            frame, vlan, came_in = receive(wire, socket.MSG_DONTWAIT)
            if came_in:
                taken.append((vlan, frame))
    return taken


class TaggedHost:
    def __init__(self, lab, role, device, vlan, mac, address):
        name = f"{device}v{vlan}"
        self.tag = struct.pack(">HH", 0x8100, vlan)
        self.vlan = vlan
        with inside(lab.network.names[role]):
            self.tap = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(self.tap, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
        self.wire = listening(lab.network.names[role], device)
        lab.command(role, "ip", "link", "set", name, "address", mac, "mtu", "1496", "up")
        lab.command(role, "ip", "addr", "add", f"{address}/24", "dev", name)
        self.is_over = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        with contextlib.suppress(OSError):
            while not self.is_over:
                for ready in select.select([self.tap, self.wire], [], [], 0.1)[0]:
                    if ready is self.wire:
                        self._take_in()
                    else:
                        frame = os.read(self.tap, 65536)
                        self.wire.send(frame[:12] + self.tag + frame[12:])

    def _take_in(self):
        frame, vlan, came_in = receive(self.wire)
        if came_in and vlan == self.vlan:
            os.write(self.tap, frame)

    def close(self):
        self.is_over = True
        self.thread.join()
        os.close(self.tap)
        self.wire.close()
