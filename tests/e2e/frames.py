# SPDX-License-Identifier: BSD-3-Clause
"""Ethernet frames as bytes: small makers for what the tests send. Checksums are right unless a test breaks them."""

import ipaddress
import struct

IP4, IP6, ARP, VLAN = 0x0800, 0x86DD, 0x0806, 0x8100
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
SYN, RST, PSH, ACK, FIN = 2, 4, 8, 16, 1


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def packed(address):
    return ipaddress.ip_address(address).packed


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def pseudo(source, target, protocol, length):
    return packed(source) + packed(target) + struct.pack(">IBBH" if ":" in source else ">BBH", *(
        (length, 0, 0, protocol) if ":" in source else (0, protocol, length)))


def ethernet(target, source, ethertype, payload, vlans=()):
    tags = b"".join(struct.pack(">HH", VLAN, number) for number in vlans)
    return target + source + tags + struct.pack(">H", ethertype) + payload


def ip(source, target, protocol, payload, ttl=64, identity=1, flags=0x4000):
    """IPv4 or IPv6, by the addresses. `flags`: IPv4's flags and fragment offset."""
    if ":" in source:
        return struct.pack(">IHBB", 0x60000000, len(payload), protocol, ttl) + packed(source) + packed(target) + payload
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), identity, flags, ttl, protocol, 0)
    head += packed(source) + packed(target)
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def udp(source, target, source_port, target_port, payload=b"payload"):
    head = struct.pack(">HHHH", source_port, target_port, 8 + len(payload), 0)
    total = checksum(pseudo(source, target, UDP, 8 + len(payload)) + head + payload) or 0xFFFF
    return head[:6] + struct.pack(">H", total) + payload


def tcp(source, target, source_port, target_port, flags, seq=1, ack=0, payload=b""):
    head = struct.pack(">HHIIBBHHH", source_port, target_port, seq, ack, 0x50, flags, 65535, 0, 0)
    total = checksum(pseudo(source, target, TCP, len(head) + len(payload)) + head + payload)
    return head[:16] + struct.pack(">HH", total, 0) + payload


def icmp(source, target, kind, code, rest, payload=b""):
    """ICMP or ICMPv6, by the addresses; `rest` are the four bytes behind the checksum."""
    body = struct.pack(">BBH", kind, code, 0) + rest + payload
    head = pseudo(source, target, ICMP6, len(body)) if ":" in source else b""
    return body[:2] + struct.pack(">H", checksum(head + body)) + body[4:]


def is_sound(frame):
    """Whether the checksums of an IPv4 or IPv6 frame with TCP, UDP or ICMP hold."""
    packet = frame[14:]
    if packet[0] >> 4 == 4:
        length = struct.unpack_from(">H", packet, 2)[0]
        packet = packet[:length]
        if checksum(packet[:20]) != 0:
            return False
        addresses, protocol, body = packet[12:20], packet[9], packet[20:]
        head = b"" if protocol == ICMP else addresses + struct.pack(">BBH", 0, protocol, len(body))
    else:
        length = struct.unpack_from(">H", packet, 4)[0]
        addresses, protocol, body = packet[8:40], packet[6], packet[40:40 + length]
        head = addresses + struct.pack(">IBBH", len(body), 0, 0, protocol)
    return checksum(head + body) == 0


def is_report(frame):
    """Whether it says who listens: an IGMP report, or one of MLD (behind its router alert)."""
    if frame[12:14] == b"\x08\x00" and frame[23] == 2:
        return frame[14 + 4 * (frame[14] & 15)] in (0x12, 0x16, 0x22)
    return frame[12:14] == b"\x86\xdd" and frame[20] == 0 and frame[54] == ICMP6 and frame[62] in (131, 143)
