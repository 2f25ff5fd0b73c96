# SPDX-License-Identifier: BSD-3-Clause
"""As many new sessions a second as one core can ask for: a program that tests start in the client's namespace.

usage: torrent.py DEVICE GATEWAY_MAC SERVER PORT

Datagrams from so many ends that a session of one second is over before its end comes again; whole bursts
in one system call, over and over, until it is killed.
"""

import ctypes
import socket
import struct
import sys

from frames import IP4, UDP, ethernet, mac

SOURCES = [f"10.1.0.{number}" for number in range(100, 150)]
FIRST_PORT = 1024
PORTS = 12_000
BURST = 64
libc = ctypes.CDLL(None, use_errno=True)


class IoVec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("bytes", ctypes.c_size_t)]


class MessageHead(ctypes.Structure):
    """struct msghdr."""
    _fields_ = [("name", ctypes.c_void_p), ("name_bytes", ctypes.c_uint32), ("iov", ctypes.c_void_p),
                ("iov_count", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_bytes", ctypes.c_size_t),
                ("flags", ctypes.c_int)]


class Message(ctypes.Structure):
    """struct mmsghdr."""
    _fields_ = [("head", MessageHead), ("sent_bytes", ctypes.c_uint32)]


def checksum(header):
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


def packets(server, port):
    """One from each end. Without UDP checksum, as IPv4 allows, so that all of a source share a header."""
    headers = []
    for source in SOURCES:
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + 4, 0, 0, 64, UDP, 0, socket.inet_aton(source),
                             socket.inet_aton(server))
        headers.append(header[:10] + struct.pack("!H", checksum(header)) + header[12:])
    for source_port in range(FIRST_PORT, FIRST_PORT + PORTS):
        tail = struct.pack("!HHHH4s", source_port, port, 12, 0, b"here")
        for header in headers:
            yield header + tail


def main(device, gateway, server, port):
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    wire.bind((device, 0))
    link = ethernet(mac(gateway), wire.getsockname()[4], IP4, b"")
    frames = [link + packet for packet in packets(server, int(port))]
    frame_bytes = len(frames[0])
    content = ctypes.create_string_buffer(b"".join(frames))
    start, count = ctypes.addressof(content), len(frames)
    vectors = (IoVec * count)(*(IoVec(start + i * frame_bytes, frame_bytes) for i in range(count)))
    first = ctypes.addressof(vectors)
    messages = (Message * count)(*(Message(MessageHead(iov=first + i * ctypes.sizeof(IoVec), iov_count=1))
                                 for i in range(count)))
    print("ready", flush=True)
    size = ctypes.sizeof(Message)
    while True:
        for at in range(0, count - BURST, BURST):
            # What the device does not take is lost, as on any wire.
            libc.sendmmsg(wire.fileno(), ctypes.byref(messages, at * size), BURST, 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
