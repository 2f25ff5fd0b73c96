# SPDX-License-Identifier: BSD-3-Clause
"""What entries a capture should give, counted by tshark: an opinion of its own on what each packet is.

tshark takes the packets apart. Which of them make an entry is told here once more, as the RFCs and
the README have it, in few words and without the program's own parsers.
"""

import collections
import ipaddress
import subprocess

FIELDS = (
    "eth.dst", "eth.src", "ip.src", "ip.dst", "ip.ttl", "ip.proto", "ip.checksum.status", "ip.frag_offset", "ipv6.src",
    "ipv6.dst", "ipv6.hlim", "ipv6.fraghdr.offset", "frame.protocols", "tcp.srcport", "tcp.dstport", "tcp.flags",
    "udp.srcport", "udp.dstport", "icmp.type", "icmp.ident", "icmpv6.type", "icmpv6.echo.identifier",
    "icmpv6.checksum.status", "arp.hw.type", "arp.proto.type", "arp.hw.size", "arp.proto.size", "arp.opcode",
    "arp.src.hw_mac", "arp.src.proto_ipv4", "icmpv6.nd.na.target_address", "icmpv6.opt.src_linkaddr",
    "icmpv6.opt.target_linkaddr", "sctp.srcport", "sctp.dstport", "sctp.chunk_type", "sctp.checksum.status",
    "igmp.type", "igmp.maddr", "igmp.record_type", "igmp.num_src", "igmp.saddr", "igmp.checksum.status",
    "icmpv6.mldr.mar.record_type", "icmpv6.mldr.mar.multicast_address", "icmpv6.mldr.mar.nb_sources",
    "icmpv6.mldr.mar.source_address", "icmpv6.mld.multicast_address", "_ws.malformed",
)
OPTIONS = ("ip.check_checksum:TRUE", "ip.defragment:FALSE", "ipv6.defragment:FALSE", "sctp.checksum:CRC 32c",
           "tcp.desegment_tcp_streams:FALSE", "tcp.analyze_sequence_numbers:FALSE")
BAD = "0"  # of a checksum's status
ICMP_ECHO, ICMP6_ECHO = ("8", "0"), ("128", "129")
TCP, UDP, ICMP, ICMP6, SCTP = 6, 17, 1, 58, 132


def packets(path):
    """Each packet as a dictionary: field to the list of its values."""
    words = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "separator=\t", "-E", "occurrence=a",
             "-E", "aggregator=|"]
    for option in OPTIONS:
        words += ["-o", option]
    for field in FIELDS:
        words += ["-e", field]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    if done.returncode not in (0, 2):  # 2: the file is cut
        raise RuntimeError(f"tshark on {path}: {done.stderr}")
    for line in done.stdout.splitlines():
        yield {field: value.split("|") if value else [] for field, value in zip(FIELDS, line.split("\t"), strict=True)}


def first(packet, field, default=""):
    return packet[field][0] if packet[field] else default


def is_group_mac(mac):
    return int(mac[:2], 16) & 1 == 1


def is_host4(text):
    one = ipaddress.ip_address(text)
    return not (one.is_multicast or one.is_unspecified or one.is_loopback or int(one) >> 24 in (0, *range(240, 256)))


def is_host6(text):
    one = ipaddress.ip_address(text)
    return not (one.is_multicast or one.is_unspecified or one.is_loopback)


def endpoint(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def ip_of(packet):
    """Version, source, target, hops left and protocol of the outermost IP packet; None of another or an unsound one."""
    if packet["ip.src"]:
        if first(packet, "ip.checksum.status") == BAD:
            return None
        return (4, first(packet, "ip.src"), first(packet, "ip.dst"), int(first(packet, "ip.ttl")),
                int(first(packet, "ip.proto")))
    if packet["ipv6.src"]:
        return (6, first(packet, "ipv6.src"), first(packet, "ipv6.dst"), int(first(packet, "ipv6.hlim")), None)
    return None


def may_be_forwarded(packet, version, source, target, hops):
    is_host = is_host4 if version == 4 else is_host6
    one = ipaddress.ip_address(source), ipaddress.ip_address(target)
    return (is_host(source) and is_host(target) and source != target and hops > 1
            and not is_group_mac(first(packet, "eth.dst")) and not is_group_mac(first(packet, "eth.src"))
            and not any(address.is_link_local for address in one)
            and first(packet, "ip.frag_offset", "0") == "0" and first(packet, "ipv6.fraghdr.offset", "0") == "0")


def transport_of(packet):
    """What the outermost IP packet carries, in tshark's word."""
    words = first(packet, "frame.protocols").split(":")
    known = ("tcp", "udp", "icmp", "icmpv6", "sctp")
    return next((word for word in words if word in known), "")


def flow_of(packet, version, protocol):
    """Protocol, ports, and whether such a packet opens a session; None: it belongs to none."""
    transport = transport_of(packet)
    if transport in ("icmp", "icmpv6"):
        kind = first(packet, "icmp.type") if version == 4 else first(packet, "icmpv6.type")
        echo = ICMP_ECHO if version == 4 else ICMP6_ECHO
        if kind not in echo:
            return None
        number = int(first(packet, "icmp.ident") if version == 4 else first(packet, "icmpv6.echo.identifier"), 0)
        return (ICMP if version == 4 else ICMP6), (number, number), kind == echo[0]
    if transport == "tcp":
        flags = int(first(packet, "tcp.flags"), 16)
        return TCP, (int(first(packet, "tcp.srcport")), int(first(packet, "tcp.dstport"))), flags & 0x17 == 0x02
    if transport == "udp":
        return UDP, (int(first(packet, "udp.srcport")), int(first(packet, "udp.dstport"))), True
    return (protocol, (0, 0), True) if version == 4 and transport == "" else None


def count_sessions(packet, counted):
    outer = ip_of(packet)
    if outer is None:
        return
    version, source, target, hops, protocol = outer
    if not may_be_forwarded(packet, version, source, target, hops):
        return
    flow = flow_of(packet, version, protocol)
    if flow is None or not flow[2]:
        return
    number, ports, _ = flow
    counted[f"session{version}"].add(
        (number, frozenset((endpoint(source, ports[0]), endpoint(target, ports[1])))))


def count_arp(packet, counted):
    """Whoever tells his own address and MAC: the sender of a request, a reply or an announcement."""
    if not packet["arp.opcode"] or first(packet, "arp.opcode") not in ("1", "2"):
        return
    shape = [int(first(packet, field), 0) for field in ("arp.hw.type", "arp.proto.type", "arp.hw.size", "arp.proto.size")]
    mac, address = first(packet, "arp.src.hw_mac"), first(packet, "arp.src.proto_ipv4")
    if shape != [1, 0x0800, 6, 4] or not mac or is_group_mac(first(packet, "eth.src")):
        return
    if not is_group_mac(mac) and mac != "00:00:00:00:00:00" and is_host4(address):
        counted["arp"][address] = mac


def count_nd(packet, counted):
    """The source of a solicitation and the target of an advertisement, with the link address that goes with it."""
    kind = first(packet, "icmpv6.type")
    if kind not in ("135", "136") or first(packet, "ipv6.hlim") != "255" or packet["_ws.malformed"]:
        return
    if first(packet, "icmpv6.checksum.status") == BAD:
        return
    if kind == "135":
        address, macs = first(packet, "ipv6.src"), packet["icmpv6.opt.src_linkaddr"]
    else:
        address, macs = first(packet, "icmpv6.nd.na.target_address"), packet["icmpv6.opt.target_linkaddr"]
    if macs and is_host6(address):
        counted["nd"][str(ipaddress.ip_address(address))] = macs[0]


def count_sctp(packet, counted):
    if not packet["sctp.srcport"] or first(packet, "sctp.checksum.status") == BAD:
        return
    outer = ip_of(packet)
    if outer is None or "1" not in packet["sctp.chunk_type"] or not may_be_forwarded(packet, *outer[:4]):
        return
    counted["sctp"].add((endpoint(outer[1], int(first(packet, "sctp.srcport"))),
                         endpoint(outer[2], int(first(packet, "sctp.dstport")))))


def is_listened_to(group):
    """Groups of the link itself are everybody's, and not reported for (RFC 3376, 3810 section 6)."""
    one = ipaddress.ip_address(group)
    if not one.is_multicast:
        return False
    return one.packed[:3] != bytes([224, 0, 0]) if one.version == 4 else one.packed[1] & 0x0F > 2


def count_groups(packet, counted):
    """Every group that is joined, and the sources that it is joined for. Leaves take time to have their effect, and
    nobody asks: in the time of a capture that is replayed at once they have none."""
    igmp = first(packet, "igmp.type")
    if igmp and first(packet, "igmp.checksum.status") != BAD:
        if int(igmp, 16) in (0x12, 0x16):
            records = [("4", first(packet, "igmp.maddr"), [])]
        elif int(igmp, 16) == 0x22:
            records = record_list(packet, "igmp.record_type", "igmp.maddr", "igmp.num_src", "igmp.saddr")
        else:
            return
        family = "multicast4"
    elif packet["icmpv6.type"] and first(packet, "icmpv6.type") in ("131", "143"):
        if first(packet, "icmpv6.checksum.status") == BAD:
            return
        if first(packet, "icmpv6.type") == "131":
            records = [("4", first(packet, "icmpv6.mld.multicast_address"), [])]
        else:
            base = "icmpv6.mldr.mar."
            records = record_list(packet, base + "record_type", base + "multicast_address", base + "nb_sources",
                                  base + "source_address")
        family = "multicast6"
    else:
        return
    for kind, group, sources in records:
        if not is_listened_to(group):
            continue
        if kind in ("2", "4"):
            counted[family].add((group, None))
        if kind in ("1", "5"):
            counted[family].update((group, source) for source in sources)
        if kind in ("2", "4"):
            counted[family].update((group, source) for source in sources)


def record_list(packet, kind, group, numbers, sources):
    """tshark lists the fields of all records one behind the other."""
    left = collections.deque(packet[sources])
    for one, address, number in zip(packet[kind], packet[group], packet[numbers], strict=True):
        yield str(int(one, 0)), address, [left.popleft() for _ in range(int(number))]


def count(path):
    """Kind to the set of its entries, each in words that replay has too."""
    counted = {"session4": set(), "session6": set(), "arp": {}, "nd": {}, "sctp": set(), "multicast4": set(),
               "multicast6": set()}
    for packet in packets(path):
        for one in (count_sessions, count_arp, count_nd, count_sctp, count_groups):
            one(packet, counted)
    for kind in ("arp", "nd"):
        counted[kind] = set(counted[kind].items())
    return counted
