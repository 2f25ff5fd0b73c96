# SPDX-License-Identifier: BSD-3-Clause
"""Datagrams too large for the way out arrive whole, in fragments; those that must not be cut are answered."""

import errno
import os
import socket
import struct

from frames import IP4, UDP
from lab import Wire, differences, expect, inside, ring, run, say

CLIENTS = ("10.1.0.1", "10.1.0.2")  # translated, and not
SERVER = "10.2.0.1"
LARGE = 6000  # the inside port's MTU: what af_packet can hand over of a datagram that the kernel put together
SMALL = 1400  # the outside port's
IP_MTU_DISCOVER, NEVER, ALWAYS = 10, 0, 2
SIZES = (1372, 1373, 1472, 2000, 5000, 5972)


def bound(lab, role, address, discovery):
    with inside(lab.network.names[role]):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, discovery)
    one.bind((address, 0))
    one.settimeout(2)
    return one


def fragments_of(wire):
    """What was on the wire of UDP over IPv4: of each frame the length, more fragments, the offset."""
    heard = []
    while (frame := wire.receive(0.1)) is not None:
        if frame[12:14] == struct.pack(">H", IP4) and frame[23] == UDP:
            length, _, field = struct.unpack_from(">HHH", frame, 16)
            heard.append((length, field >> 13 & 1, (field & 0x1FFF) * 8))
    return heard


def one_way(lab, box, wire, source, size):
    client, server = bound(lab, "client", source, NEVER), bound(lab, "server", SERVER, NEVER)
    content = os.urandom(size)
    wire.drain()
    before = box.counters()
    client.sendto(content, server.getsockname())
    try:
        got, sender = server.recvfrom(65536)
    except TimeoutError:
        got, sender = b"", None
    lab.wait(0.03)
    changed = differences(before, box.counters())
    expect(got == content, f"{size} bytes from {source} arrive as they were sent", changed)
    heard = fragments_of(wire)
    wanted = -(-(size + 8) // ((SMALL - 20) // 8 * 8)) if size + 28 > SMALL else 1
    expect(len(heard) == wanted and max(heard)[0] <= SMALL, f"in {wanted} packets of up to {SMALL} bytes", heard)
    made = changed.get("fragments_made", 0), changed.get("packets_fragmented", 0)
    expect(made == ((wanted, 1) if wanted > 1 else (0, 0)), f"counted: {made}", changed)
    return client, server, content, sender


def there_and_back(lab, box, wire, source, size):
    client, server, content, sender = one_way(lab, box, wire, source, size)
    server.sendto(content[::-1], sender)
    expect(client.recv(65536) == content[::-1], f"and {size} bytes back to {source}")


def must_not_be_cut(lab, box, source):
    client = bound(lab, "client", source, ALWAYS)
    client.connect((SERVER, 9))
    before = box.counters()
    client.send(bytes(SMALL))  # the kernel knows no better yet
    lab.wait(0.1)
    try:
        client.send(bytes(SMALL))
        told = 0
    except OSError as error:
        told = error.errno
    expect(told == errno.EMSGSIZE, f"{source} is told that it is too large", differences(before, box.counters()))
    mtu = client.getsockopt(socket.IPPROTO_IP, 14)
    expect(mtu == SMALL, f"and what would fit: {mtu}")


def test(lab):
    for box in lab.pair.boxes:
        box.edits = (("iface=in0,qpairs=1", "iface=in0,qpairs=1" + ring(LARGE)),
                     ("iface=out0,qpairs=1", "iface=out0,qpairs=1" + ring(LARGE)),
                     ('zone = "trust"\nmtu = 1500', f'zone = "trust"\nmtu = {LARGE}'),
                     ('zone = "untrust"\nmtu = 1500', f'zone = "untrust"\nmtu = {SMALL}'))
        lab.command(box.name, "ip", "link", "set", "in0", "mtu", str(LARGE))
    for device in ("inside-client", "inside-east", "inside-west", "inside"):
        lab.command("switches", "ip", "link", "set", device, "mtu", str(LARGE))
    lab.command("server", "ip", "link", "set", "s0", "mtu", str(SMALL))
    active, _ = lab.start()
    wire = Wire(lab.network.names["server"], "s0")
    say("in fragments from the client on, which the kernel under af_packet puts together")
    for source in CLIENTS:
        for size in SIZES:
            one_way(lab, active, wire, source, size)
    say("whole from the client on")
    lab.command("client", "ip", "link", "set", "c0", "mtu", str(LARGE))
    for source in CLIENTS:
        for size in SIZES:
            there_and_back(lab, active, wire, source, size)
        lab.command("client", "ping", "-c", "2", "-i", "0.1", "-W", "2", "-M", "dont", "-s", "4000", "-I", source,
                    SERVER)
        say(f"ok: ping of 4000 bytes from {source}")
    for source in CLIENTS:
        must_not_be_cut(lab, active, source)
        lab.command("client", "ip", "route", "flush", "cache")
    lab.verify(active, "after all of this")


if __name__ == "__main__":
    run(test)
