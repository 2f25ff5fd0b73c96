# SPDX-License-Identifier: BSD-3-Clause
"""Captures of every kind of entry, made by scapy: the same each time, with what must make none among them."""

import logging
import random

import replay_frames

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)

from scapy.contrib.igmp import IGMP  # noqa: E402
from scapy.contrib.igmpv3 import IGMPv3, IGMPv3gr, IGMPv3mr  # noqa: E402
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_Router_Alert  # noqa: E402
from scapy.layers.inet6 import (  # noqa: E402
    ICMPv6EchoRequest, ICMPv6MLDMultAddrRec, ICMPv6MLReport, ICMPv6MLReport2, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA,
    ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, IPv6, IPv6ExtHdrHopByHop, RouterAlert,
)
from scapy.layers.l2 import ARP, Dot1Q, Ether  # noqa: E402
from scapy.layers.sctp import SCTP, SCTPChunkData, SCTPChunkInit  # noqa: E402
from scapy.utils import wrpcap  # noqa: E402

SEED = 20260
ROUTER = "02:00:00:00:00:fe"


def mac(number):
    return f"02:00:00:00:{number >> 8:02x}:{number & 0xFF:02x}"


def sessions(version, source):
    """Flows of TCP, UDP and ICMP echo; TCP whose SYN is missing, groups, and hops that are used up."""
    def ip(client, number, back=False, **rest):
        ends = (f"192.0.2.{client}", f"198.51.100.{number}") if version == 4 else (
            f"2001:db8:1::{client:x}", f"2001:db8:2::{number:x}")
        return (IP if version == 4 else IPv6)(**dict(zip(("src", "dst"), ends[::-1] if back else ends)), **rest)

    frames, entries = [], 0
    for client in range(1, 31):
        number, port = source.randrange(1, 250), source.randrange(1024, 60000)
        entries += 3
        frames += [ip(client, number) / TCP(sport=port, dport=80, flags="S"),
                   ip(client, number, back=True) / TCP(sport=80, dport=port, flags="SA"),
                   ip(client, number) / TCP(sport=port, dport=80, flags="A"),
                   ip(client, number) / UDP(sport=port, dport=53) / b"asked",
                   ip(client, number, back=True) / UDP(sport=53, dport=port) / b"answered",
                   ip(client, number) / (ICMP(id=port) if version == 4 else ICMPv6EchoRequest(id=port))]
        frames += [ip(client, number) / TCP(sport=port + 1, dport=80, flags="A"),
                   ip(client, number, **{"ttl" if version == 4 else "hlim": 1}) / UDP(sport=port + 2, dport=53)]
    frames = [Ether(src=mac(1), dst=ROUTER) / (Dot1Q(vlan=7) / one if index % 5 == 0 else one)
              for index, one in enumerate(frames)]
    group = IP(src="192.0.2.9", dst="239.1.1.1") if version == 4 else IPv6(src="2001:db8:1::9", dst="ff0e::1:1")
    return [*frames, Ether(src=mac(1)) / group / UDP(sport=5, dport=5)], entries


def arp(source):
    """Requests, replies, announcements; a probe from nobody, and forms that are not for Ethernet and IPv4."""
    frames, entries = [], 0
    for number in range(1, 41):
        who, address = mac(number), f"192.0.2.{number}"
        other = f"192.0.2.{source.randrange(41, 250)}"
        entries += 1
        frames.append(source.choice((
            ARP(op=1, hwsrc=who, psrc=address, pdst=other),
            ARP(op=2, hwsrc=who, psrc=address, hwdst=ROUTER, pdst=other),
            ARP(op=1, hwsrc=who, psrc=address, pdst=address),
            ARP(op=2, hwsrc=who, psrc=address, hwdst="ff:ff:ff:ff:ff:ff", pdst=address))))
    frames.append(ARP(op=2, hwsrc=mac(999), psrc="192.0.2.3", hwdst=ROUTER, pdst="192.0.2.250"))  # has moved
    frames += [ARP(op=1, hwsrc=mac(70), psrc="0.0.0.0", pdst="192.0.2.70"),
               ARP(op=1, hwsrc="00:00:00:00:00:00", psrc="192.0.2.71", pdst="192.0.2.1"),
               ARP(op=1, hwsrc=mac(72), psrc="224.0.0.72", pdst="192.0.2.1"),
               ARP(op=3, hwsrc=mac(73), psrc="192.0.2.73", pdst="192.0.2.1"),
               ARP(hwtype=6, op=1, hwsrc=mac(74), psrc="192.0.2.74", pdst="192.0.2.1")]
    return [Ether(src=mac(5), dst="ff:ff:ff:ff:ff:ff") / one for one in frames], entries


def nd(source):
    """Solicitations and advertisements; a duplicate's probe, router discovery, what came through a router."""
    frames, entries = [], 0
    for number in range(1, 41):
        address = f"2001:db8:1::{number:x}" if number % 2 else f"fe80::{number:x}"
        entries += 1
        if source.random() < 0.5:
            frames.append(IPv6(src=address, dst="ff02::1:ff00:99", hlim=255) / ICMPv6ND_NS(tgt="2001:db8:1::99")
                          / ICMPv6NDOptSrcLLAddr(lladdr=mac(number)))
        else:
            frames.append(IPv6(src=address, dst="ff02::1", hlim=255) / ICMPv6ND_NA(tgt=address, R=0, S=0, O=1)
                          / ICMPv6NDOptDstLLAddr(lladdr=mac(number)))
    frames += [IPv6(src="::", dst="ff02::1:ff00:70", hlim=255) / ICMPv6ND_NS(tgt="2001:db8:1::70"),
               IPv6(src="fe80::71", dst="ff02::1", hlim=255) / ICMPv6ND_RA() / ICMPv6NDOptSrcLLAddr(lladdr=mac(71)),
               IPv6(src="fe80::72", dst="ff02::1", hlim=64) / ICMPv6ND_NA(tgt="fe80::72")
               / ICMPv6NDOptDstLLAddr(lladdr=mac(72)),
               IPv6(src="fe80::73", dst="ff02::1", hlim=255) / ICMPv6ND_NA(tgt="fe80::73"),
               IPv6(src="fe80::74", dst="ff02::1", hlim=255) / ICMPv6ND_NA(tgt="fe80::74", cksum=1)
               / ICMPv6NDOptDstLLAddr(lladdr=mac(74))]
    return [Ether(src=mac(6), dst="33:33:00:00:00:01") / one for one in frames], entries


def sctp(source):
    """INITs, whole handshakes; a wrong checksum, and chunks without an association."""
    frames, entries = [], 0
    for number in range(1, 21):
        port, tag = source.randrange(1024, 60000), source.randrange(1, 1 << 32)
        entries += 2
        frames += replay_frames.association(f"192.0.2.{number}", "198.51.100.7", (port, 5000), (tag, tag ^ 0xFFFF))
        init = SCTPChunkInit(init_tag=tag, a_rwnd=65536, n_out_streams=2, n_in_streams=2, init_tsn=1)
        head = Ether(src=mac(7), dst=ROUTER) / IPv6(src=f"2001:db8:1::{number:x}", dst="2001:db8:2::7")
        frames += [head / SCTP(sport=port, dport=6000, tag=0) / init,
                   head / SCTP(sport=port, dport=6001, tag=0, chksum=1) / init,
                   head / SCTP(sport=port, dport=6002, tag=tag) / SCTPChunkData(data=b"lost")]
    return frames, entries


def groups4(source):
    """IGMP 1, 2 and 3; queries, leaves, groups of the link, a wrong checksum."""
    frames, entries = [], 0
    alert = [IPOption_Router_Alert()]
    for number in range(1, 31):
        group, host = f"239.{number}.0.1", f"192.0.2.{number}"
        kind = source.choice((0x12, 0x16, "any", "some"))
        if kind in (0x12, 0x16):
            entries += 1
            frames.append(IP(src=host, dst=group, ttl=1, options=alert) / IGMP(type=kind, gaddr=group))
            continue
        sources = [f"198.51.100.{number}", f"198.51.100.{number + 100}"] if kind == "some" else []
        entries += len(sources) or 1
        record = IGMPv3gr(rtype=1 if sources else 4, maddr=group, numsrc=len(sources), srcaddrs=sources)
        link = IGMPv3gr(rtype=4, maddr="224.0.0.251")
        frames.append(IP(src=host, dst="224.0.0.22", ttl=1, options=alert) / IGMPv3(type=0x22)
                      / IGMPv3mr(numgrp=2, records=[record, link]))
    frames += [IP(src="192.0.2.1", dst="224.0.0.1", ttl=1, options=alert) / IGMP(type=0x11, mrcode=100, gaddr="0.0.0.0"),
               IP(src="192.0.2.2", dst="224.0.0.2", ttl=1, options=alert) / IGMP(type=0x17, gaddr="239.99.0.1"),
               IP(src="192.0.2.2", dst="224.0.0.251", ttl=1, options=alert) / IGMP(type=0x16, gaddr="224.0.0.251"),
               IP(src="192.0.2.2", dst="239.98.0.1", ttl=1, options=alert) / IGMP(type=0x16, gaddr="239.98.0.1", chksum=1)]
    return [Ether(src=mac(8), dst="01:00:5e:00:00:16") / one for one in frames], entries


def groups6(source):
    """MLD 1 and 2; a group of the link, a wrong checksum."""
    frames, entries = [], 0
    alert = IPv6ExtHdrHopByHop(options=RouterAlert())
    for number in range(1, 31):
        group, host = f"ff0e::{number:x}:1", f"fe80::{number:x}"
        kind = source.choice(("first", "any", "some"))
        if kind == "first":
            entries += 1
            frames.append(IPv6(src=host, dst=group, hlim=1) / alert / ICMPv6MLReport(mladdr=group))
            continue
        sources = [f"2001:db8:5::{number:x}", f"2001:db8:6::{number:x}"] if kind == "some" else []
        entries += len(sources) or 1
        records = [ICMPv6MLDMultAddrRec(rtype=1 if sources else 4, dst=group, sources=sources, sources_number=len(sources)),
                   ICMPv6MLDMultAddrRec(rtype=4, dst="ff02::fb")]
        frames.append(IPv6(src=host, dst="ff02::16", hlim=1) / alert / ICMPv6MLReport2(records=records, records_number=2))
    frames += [IPv6(src="fe80::2", dst="ff02::fb", hlim=1) / alert / ICMPv6MLReport(mladdr="ff02::fb"),
               IPv6(src="fe80::2", dst="ff0e::98", hlim=1) / alert / ICMPv6MLReport(mladdr="ff0e::98", cksum=1)]
    return [Ether(src=mac(9), dst="33:33:00:00:00:16") / one for one in frames], entries


def make_all(folder):
    """Kind to the path of its capture, and how many entries were put into that."""
    makers = {"session4": lambda source: sessions(4, source), "session6": lambda source: sessions(6, source), "arp": arp,
              "nd": nd, "sctp": sctp, "multicast4": groups4, "multicast6": groups6}
    made = {}
    for kind, make in makers.items():
        frames, entries = make(random.Random(SEED))
        path = folder / f"{kind}.pcap"
        wrpcap(str(path), [bytes(frame) for frame in frames], linktype=1)
        made[kind] = (path, entries)
    return made
