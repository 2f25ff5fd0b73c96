# SPDX-License-Identifier: BSD-3-Clause
"""Frames and captures, byte by byte, with nothing but the standard library."""

import ipaddress
import random
import struct

SYN, RST, ACK, FIN = 0x02, 0x04, 0x10, 0x01
DATA, INIT, INIT_ACK, COOKIE_ECHO, COOKIE_ACK, ABORT = 0, 1, 2, 10, 11, 6
ETHERNET = 1
SERVER4, SERVER6 = "198.51.100.7", "2001:db8:2::7"


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ethernet(payload, ethertype, vlan=0, target=b"\x02\0\0\0\0\x02"):
    tag = struct.pack("!HH", 0x8100, vlan) if vlan else b""
    return target + b"\x02\0\0\0\0\x01" + tag + struct.pack("!H", ethertype) + payload


def ip(source, target, protocol, payload, ttl=64, vlan=0, fragment=0, number=1, length=None):
    source, target = ipaddress.ip_address(source), ipaddress.ip_address(target)
    size = len(payload) if length is None else length
    if source.version == 6:
        head = struct.pack("!IHBB", 6 << 28, size, protocol, ttl) + source.packed + target.packed
        return ethernet(head + payload, 0x86DD, vlan)
    head = struct.pack("!BBHHHBBH", 0x45, 0, min(20 + size, 65535), number, fragment, ttl, protocol, 0)
    head += source.packed + target.packed
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return ethernet(head + payload, 0x0800, vlan)


def tcp(source, target, ports, flags, seq=1, ack=0, data=b"", **rest):
    head = struct.pack("!HHIIBBHHH", *ports, seq, ack, 0x50, flags, 8192, 0, 0)
    return ip(source, target, 6, head + data, **rest)


def udp(source, target, ports, data=b"x", **rest):
    return ip(source, target, 17, struct.pack("!HHHH", *ports, 8 + len(data), 0) + data, **rest)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def sctp(source, target, ports, tag, *chunks, right_checksum=True, **rest):
    """Each chunk is (type, value)."""
    body = b""
    for kind, value in chunks:
        body += struct.pack("!BBH", kind, 3 if kind == DATA else 0, 4 + len(value)) + value + b"\0" * (-len(value) % 4)
    head = struct.pack("!HHI", *ports, tag)
    crc = crc32c(head + b"\0" * 4 + body) ^ (0 if right_checksum else 1)
    return ip(source, target, 132, head + struct.pack("<I", crc) + body, **rest)


def association(client, server, ports, tags, other_client=None):
    """The handshake of an SCTP association, and a message each way: 6 packets."""
    there, back = (client, server, ports), (server, client, ports[::-1])
    listed = b"".join(struct.pack("!HH", 5, 8) + ipaddress.ip_address(one).packed for one in (other_client,) if one)
    fixed = struct.pack("!IHHI", 65536, 10, 10, 1)
    message = struct.pack("!IHHI", 1, 0, 0, 0) + b"hello"
    return [
        sctp(*there, 0, (INIT, struct.pack("!I", tags[0]) + fixed + listed)),
        sctp(*back, tags[0], (INIT_ACK, struct.pack("!I", tags[1]) + fixed + struct.pack("!HHI", 7, 8, 1))),
        sctp(*there, tags[1], (COOKIE_ECHO, b"\0\0\0\1")),
        sctp(*back, tags[0], (COOKIE_ACK, b"")),
        sctp(*there, tags[1], (DATA, message)),
        sctp(*back, tags[0], (DATA, message)),
    ]


def unreachable(frame, source, target, quoted=None, vlan=0):
    """Port unreachable about an untagged frame, of which it quotes all or `quoted` bytes."""
    quote = frame[14:][:quoted]
    if ipaddress.ip_address(source).version == 6:
        return ip(source, target, 58, struct.pack("!BBHI", 1, 4, 0, 0) + quote, vlan=vlan)
    body = struct.pack("!BBHI", 3, 3, 0, 0) + quote
    return ip(source, target, 1, body[:2] + struct.pack("!H", checksum(body)) + body[4:], vlan=vlan)


def conversation(client, server, port, vlan=0, closes=True):
    """A TCP session from its SYN to its end: 4 packets, and 3 more when it closes."""
    there, back = (client, server, (port, 80)), (server, client, (80, port))
    frames = [
        tcp(*there, SYN, seq=100, vlan=vlan),
        tcp(*back, SYN | ACK, seq=500, ack=101, vlan=vlan),
        tcp(*there, ACK, seq=101, ack=501, data=b"hello", vlan=vlan),
        tcp(*back, ACK, seq=501, ack=106, data=b"world", vlan=vlan),
    ]
    if closes:
        frames += [
            tcp(*there, FIN | ACK, seq=106, ack=506, vlan=vlan),
            tcp(*back, FIN | ACK, seq=506, ack=107, vlan=vlan),
            tcp(*there, ACK, seq=107, ack=507, vlan=vlan),
        ]
    return frames


def capture(frames, stamps=None, link_type=ETHERNET, cut_at=None):
    """The bytes of a pcap file; `stamps` in microseconds, else one every 100."""
    parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link_type)]
    for number, frame in enumerate(frames):
        stamp = stamps[number] if stamps else 1_700_000_000_000_000 + 100 * number
        kept = frame[:cut_at]
        parts.append(struct.pack("<IIII", stamp // 1_000_000, stamp % 1_000_000, len(kept), len(frame)))
        parts.append(kept)
    return b"".join(parts)


def captured(data):
    """The frames of such a file."""
    offset = 24
    while offset < len(data):
        size = struct.unpack_from("<I", data, offset + 8)[0]
        yield data[offset + 16:offset + 16 + size]
        offset += 16 + size


def flipped(data, seed, share=0.01, keep=24):
    """A copy in which some bytes behind the first `keep` are others."""
    source = random.Random(seed)
    data = bytearray(data)
    for _ in range(max(1, int(len(data) * share))):
        data[source.randrange(keep, len(data))] ^= source.randrange(1, 256)
    return bytes(data)
