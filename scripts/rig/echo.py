# SPDX-License-Identifier: BSD-3-Clause
"""Echo requests to many addresses at once, from a namespace."""

import os
import selectors
import socket
import struct
import time

from network import inside

IP4_REQUEST, IP4_REPLY, IP6_REQUEST, IP6_REPLY = 8, 0, 128, 129
ROUND_S = 0.5  # after which those that have not answered are asked again


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def request(is6, identifier):
    kind = IP6_REQUEST if is6 else IP4_REQUEST
    message = struct.pack("!BBHHH", kind, 0, 0, identifier, 1) + b"twinplane"[:8]
    return message if is6 else message[:2] + struct.pack("!H", checksum(message)) + message[4:]


def answered(namespace, addresses, seconds=5, tick=lambda: None):
    """Those of them that answered within that time."""
    with inside(namespace):
        sockets = {False: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
                   True: socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)}
    watched = selectors.DefaultSelector()
    for is6, one in sockets.items():
        watched.register(one, selectors.EVENT_READ, is6)
    identifier = os.getpid() & 0xFFFF
    missing = set(addresses)
    end = time.monotonic() + seconds
    again = 0
    while missing and (now := time.monotonic()) < end:
        if now >= again:
            for address in missing:
                sockets[":" in address].sendto(request(":" in address, identifier), (address, 0))
            again = now + ROUND_S
        for key, _ in watched.select(0.02):
            data, source = key.fileobj.recvfrom(2048)
            message = data if key.data else data[20:]
            kind = message[0], struct.unpack_from("!H", message, 4)[0]
            if kind == (IP6_REPLY if key.data else IP4_REPLY, identifier):
                missing.discard(source[0])
        tick()
    for one in sockets.values():
        one.close()
    return set(addresses) - missing
