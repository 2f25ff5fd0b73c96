# SPDX-License-Identifier: BSD-3-Clause
"""Packets through the active box, one kind at a time: what comes out, is answered, is dropped by name."""

import errno
import socket
import struct

import frames
from frames import ACK, ICMP, ICMP6, IP4, IP6, SYN, TCP, UDP
from lab import Failure, Wire, differences, expect, inside, run

GATEWAY_MAC = frames.mac("00:1b:17:00:01:00")
CLIENT = {4: "10.1.0.1", 6: "fd00:1::1"}          # translated
PLAIN = {4: "10.1.0.2", 6: "fd00:1::2"}           # not
SERVER = {4: "10.2.0.1", 6: "fd00:2::1"}
INSIDE = {4: "10.1.0.254", 6: "fd00:1::fe"}
OUTSIDE = {4: "10.2.0.254", 6: "fd00:2::fe"}
LINK_LOCAL = {"inside": "fe80::21b:17ff:fe00:100", "outside": "fe80::21b:17ff:fe00:101"}
ETHERTYPE = {4: IP4, 6: IP6}
NOBODY = {4: "10.2.0.{}", 6: "fd00:2::{}"}
GONE = {4: ("10.1.0.77", "10.1.0.78"), 6: ("fd00:1::77", "fd00:1::78")}  # clients: translated, and not
TRANSLATED_TOO = {"10.1.0.1/32": "10.1.0.77/32", "fd00:1::1/128": "fd00:1::77/128"}
HOST_UNREACHABLE = {4: (3, 1), 6: (1, 3)}  # ICMP type and code
# socket level, IP(V6)_RECVERR, where the offender's address stands behind the extended error
RECEIVE_ERRORS = {socket.AF_INET: (socket.IPPROTO_IP, 11, slice(20, 24)),
                  socket.AF_INET6: (socket.IPPROTO_IPV6, 25, slice(24, 40))}


class Client:
    """Raw frames from the client's device to the box."""

    def __init__(self, lab, box):
        self.lab = lab
        self.box = box
        self.wire = Wire(lab.network.names["client"], "c0")

    def frame(self, packet, vlans=()):
        version = packet[0] >> 4 if packet else 4
        return frames.ethernet(GATEWAY_MAC, self.wire.mac, ETHERTYPE.get(version, IP4), packet, vlans)

    def counted(self, sent, name, count=None):
        """Sends frames and expects each under that counter."""
        before = self.box.counters()
        for frame in sent:
            self.wire.send(frame)
        self.lab.wait(0.06)
        changed = differences(before, self.box.counters())
        wanted = len(sent) if count is None else count
        expect(changed.get(name) == wanted, f"{wanted} under {name}", changed)


def hosts_do(lab, *words, role="client"):
    done = lab.command(role, *words, check=False)
    expect(done.returncode == 0, " ".join(words), done.stdout + done.stderr)
    return done.stdout


def pings(lab, box):
    for version in (4, 6):
        for target in (INSIDE[version], OUTSIDE[version]):
            hosts_do(lab, "ping", "-c", "2", "-i", "0.1", "-W", "2", target)
        for source in (CLIENT[version], PLAIN[version]):
            hosts_do(lab, "ping", "-c", "2", "-i", "0.1", "-W", "2", "-I", source, SERVER[version])
    # The link-local addresses that the virtual MACs make; from an address of the same kind, and from another.
    hosts_do(lab, "ping", "-6", "-c", "2", "-i", "0.1", "-W", "2", LINK_LOCAL["inside"] + "%c0")
    hosts_do(lab, "ping", "-6", "-c", "2", "-i", "0.1", "-W", "2", "-I", CLIENT[6], LINK_LOCAL["inside"] + "%c0")
    hosts_do(lab, "ping", "-6", "-c", "2", "-i", "0.1", "-W", "2", LINK_LOCAL["outside"] + "%s0", role="server")
    # Fragments, through translation and without. Those of IPv4 never reach the box here: DPDK's af_packet
    # driver asks the kernel to put them together (PACKET_FANOUT_FLAG_DEFRAG). fragments.py and the unit tests
    # have them.
    before = box.counters()
    for source in (CLIENT[6], PLAIN[6]):
        hosts_do(lab, "ping", "-c", "3", "-i", "0.1", "-W", "2", "-s", "4000", "-I", source, SERVER[6])
    lab.wait(0.03)
    changed = differences(before, box.counters())
    opened = changed.get("fragment_opened", 0)
    seen = {name: value for name, value in changed.items() if name.startswith("fragment_")}
    wanted = {"fragment_opened": opened, "fragment_followed": 2 * opened, "fragment_completed": opened}
    expect(opened > 0 and seen == wanted,
           f"{opened} datagrams, each a first fragment and two that follow", changed)


def quoted_error(client, version, packet, kind, code, source):
    """Sends `packet` and waits for the ICMP error about it."""
    client.wire.drain()
    client.wire.send(client.frame(packet))
    protocol, offset = (ICMP, 34) if version == 4 else (ICMP6, 54)

    def wanted(frame):
        return (frame[12:14] == struct.pack(">H", ETHERTYPE[version]) and len(frame) > offset + 8
                and frame[23 if version == 4 else 20] == protocol and frame[offset] == kind)
    answer = client.wire.receive(1, wanted)
    expect(answer is not None, f"IPv{version}: ICMP type {kind} comes back")
    at = 26 if version == 4 else 22
    expect(answer[at:at + len(frames.packed(source))] == frames.packed(source), f"from {source}")
    expect(answer[offset + 1] == code and frames.is_sound(answer), f"code {code}, checksums hold")
    quote = answer[offset + 8:]
    expect(packet.startswith(quote[:40]) and len(quote) >= 28, "it quotes the packet as it was sent", quote.hex())
    return answer


def time_exceeded(client):
    for version, kind in ((4, 11), (6, 3)):
        for source in (CLIENT[version], PLAIN[version]):
            packet = frames.ip(source, SERVER[version], UDP, frames.udp(source, SERVER[version], 5000, 5001), ttl=1)
            quoted_error(client, version, packet, kind, 0, INSIDE[version])


def too_big(client):
    """The client's own kernel is not asked: frames of 1600 bytes go over a device that was made to take them."""
    client.lab.command("client", "ip", "link", "set", "c0", "mtu", "1600")
    for device in ("inside-client", "inside-east", "inside-west", "inside"):
        client.lab.command("switches", "ip", "link", "set", device, "mtu", "1600")
    for box in ("east", "west"):
        client.lab.command(box, "ip", "link", "set", "in0", "mtu", "1600")
    for version, kind, code in ((4, 3, 4), (6, 2, 0)):
        source = CLIENT[version]
        body = frames.udp(source, SERVER[version], 5002, 5003, bytes(1510))
        packet = frames.ip(source, SERVER[version], UDP, body)
        answer = quoted_error(client, version, packet, kind, code, INSIDE[version])
        offset = 34 if version == 4 else 54
        mtu = struct.unpack_from(">HH" if version == 4 else ">I", answer, offset + 4)[-1]
        expect(mtu == 1500, f"it says the MTU: {mtu}")


def queued_error(one, what):
    """What the socket's error queue has first: error number, ICMP type and code, and who says so."""
    _, _, offender = RECEIVE_ERRORS[one.family]
    try:
        _, messages, _, _ = one.recvmsg(2048, 512, socket.MSG_ERRQUEUE)
    except BlockingIOError:
        raise Failure(f"no error about {what}") from None
    number, _, kind, code = struct.unpack_from("=IBBB", messages[0][2])
    return number, (kind, code), socket.inet_ntop(one.family, messages[0][2][offender])


def datagram_socket(family, address):
    """Of the namespace that one is inside of; it keeps errors."""
    one = socket.socket(family, socket.SOCK_DGRAM)
    level, option, _ = RECEIVE_ERRORS[family]
    one.setsockopt(level, option, 1)
    one.bind((address, 0))
    one.setblocking(False)
    return one


def refused_by_the_box(lab):
    """The box itself answers nothing but pings; it says so as the address that was asked."""
    for target in (INSIDE[4], OUTSIDE[4], INSIDE[6], OUTSIDE[6], LINK_LOCAL["inside"] + "%c0"):
        with inside(lab.network.names["client"]):  # where c0 has a number
            family, _, _, _, address = socket.getaddrinfo(target, 9, type=socket.SOCK_DGRAM)[0]
            one = datagram_socket(family, "")
        one.sendto(b"nobody listens", address)
        lab.wait(0.1)
        number, _, speaker = queued_error(one, f"a datagram to {target}")
        expect(number == errno.ECONNREFUSED and speaker == target.split("%")[0],
               f"the box refuses a datagram, as {speaker}")
        one.close()


def port_unreachable(lab):
    """An ICMP error about a translated flow reaches the program that sent the packet."""
    for version, family in ((4, socket.AF_INET), (6, socket.AF_INET6)):
        for source in (CLIENT[version], PLAIN[version]):
            with inside(lab.network.names["client"]), socket.socket(family, socket.SOCK_DGRAM) as one:
                one.bind((source, 0))
                one.connect((SERVER[version], 9))
                one.settimeout(2)
                one.send(b"nobody listens")
                try:
                    one.recv(1)
                    told = False
                except ConnectionRefusedError:
                    told = True
                except TimeoutError:
                    told = False
            expect(told, f"{source} learns that nobody listens there")


def host_unreachable(client):
    """Programs learn that nobody has the address: connect() by TCP, and who says so by UDP's error queue.

    An address each, as no more than four packets wait for a neighbor. The other way round a server answers
    clients that are gone: they sent a datagram and answer no ARP.
    """
    lab = client.lab
    streams, datagrams = [], []
    for version, family in ((4, socket.AF_INET), (6, socket.AF_INET6)):
        with inside(lab.network.names["client"]):
            for source in (CLIENT[version], PLAIN[version]):
                stream = socket.socket(family, socket.SOCK_STREAM)
                stream.bind((source, 0))
                stream.setblocking(False)
                stream.connect_ex((NOBODY[version].format(77), 80))
                streams.append((stream, source))
                one = datagram_socket(family, source)
                one.sendto(b"nobody there", (NOBODY[version].format(78), 9))
                datagrams.append((one, version, f"a datagram from {source}", INSIDE[version]))
        for gone in GONE[version]:
            with inside(lab.network.names["server"]):
                server = datagram_socket(family, SERVER[version])
            body = frames.udp(gone, SERVER[version], 5555, server.getsockname()[1])
            client.wire.send(client.frame(frames.ip(gone, SERVER[version], UDP, body)))
            lab.wait(0.1)
            content, sender = server.recvfrom(100)
            expect(sender[0] == (OUTSIDE if gone is GONE[version][0] else {version: gone})[version],
                   f"{gone} comes to the server as {sender[0]}")
            server.sendto(content, sender)
            datagrams.append((server, version, f"an answer to {gone}", OUTSIDE[version]))
    lab.wait(4)
    for stream, source in streams:
        error = stream.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        expect(error == errno.EHOSTUNREACH, f"connect() from {source}: {errno.errorcode.get(error, error)}")
        stream.close()
    for one, version, what, speaker in datagrams:
        told = queued_error(one, what)
        expect(told == (errno.EHOSTUNREACH, HOST_UNREACHABLE[version], speaker), f"error about {what}: {told}")
        one.close()


def drops(client):
    source, server = CLIENT[4], SERVER[4]
    datagram = frames.ip(source, server, UDP, frames.udp(source, server, 6000, 6001))
    client.counted([client.frame(datagram, vlans=(7,))] * 3, "drop_wrong_vlan")
    client.counted([client.frame(datagram, vlans=(7, 8))] * 3, "drop_vlan_too_deep")
    for flags in (ACK, ACK | frames.PSH, SYN | ACK, frames.RST, frames.FIN | ACK):
        segment = frames.ip(source, server, TCP, frames.tcp(source, server, 7000, 80, flags))
        client.counted([client.frame(segment)], "drop_tcp_not_syn")
    for version in (4, 6):
        # No rule is for this source.
        stranger = {4: "10.9.9.9", 6: "fd00:9::9"}[version]
        packet = frames.ip(stranger, SERVER[version], UDP, frames.udp(stranger, SERVER[version], 6002, 6003))
        client.counted([client.frame(packet)] * 2, "drop_rule")
        same = frames.ip(SERVER[version], SERVER[version], UDP, frames.udp(SERVER[version], SERVER[version], 1, 2))
        client.counted([client.frame(same)], "drop_land")
    nowhere = frames.ip(source, "192.0.2.77", UDP, frames.udp(source, "192.0.2.77", 6004, 6005))
    client.counted([client.frame(nowhere)], "drop_no_route")
    bad = bytearray(datagram)
    bad[10] ^= 1
    client.counted([client.frame(bytes(bad))], "drop_ip4_bad_checksum")
    later = frames.ip(CLIENT[6], SERVER[6], 44, struct.pack(">BBHI", UDP, 0, 64 << 3, 7) + bytes(64))
    client.counted([client.frame(later)], "drop_no_first_fragment")
    stray = frames.icmp(source, server, 3, 3, bytes(4), frames.ip(server, source, UDP, bytes(16)))
    client.counted([client.frame(frames.ip(source, server, ICMP, stray))], "drop_icmp_no_session")
    nested = frames.icmp(source, server, 3, 3, bytes(4), b"\x45")
    client.counted([client.frame(frames.ip(source, server, ICMP, nested))], "drop_quote_cut")
    odd = frames.ethernet(GATEWAY_MAC, client.wire.mac, 0x88CC, bytes(46))
    client.counted([odd], "drop_not_for_us")


def cut_everywhere(client):
    """Each kind of packet cut at each length: counted one by one, or harmless; the box goes on."""
    kinds = []
    for version in (4, 6):
        source, server = CLIENT[version], SERVER[version]
        echo, icmp = ((8, ICMP), (128, ICMP6))[version == 6]
        error = (3, 3) if version == 4 else (1, 4)
        quoted = frames.ip(server, source, UDP, frames.udp(server, source, 1, 2))
        kinds += [
            (source, server, TCP, frames.tcp(source, server, 7100, 80, SYN)),
            (source, server, UDP, frames.udp(source, server, 7101, 80)),
            (source, server, icmp, frames.icmp(source, server, echo, 0, b"\1\2\3\4", b"echo")),
            (source, server, icmp, frames.icmp(source, server, *error, bytes(4), quoted)),
        ]
    sent = []
    for source, server, protocol, body in kinds:
        whole = client.frame(frames.ip(source, server, protocol, body))
        sent += [whole[:length] for length in range(14, len(whole))]  # the frame is cut, its lengths lie
        sent += [client.frame(frames.ip(source, server, protocol, body[:length])) for length in range(len(body))]
    before = client.box.counters()
    status = client.box.status()
    for frame in sent:
        client.wire.send(frame)
    client.lab.wait(0.2)
    changed = differences(before, client.box.counters())
    received = client.box.status()["packets_rx"] - status["packets_rx"]
    expect(received >= len(sent), f"{len(sent)} cut packets came in: {received}")
    dropped = sum(value for name, value in changed.items() if name.startswith("drop_"))
    # What is left: payload cut off behind a whole transport header is a packet like any other.
    expect(dropped >= len(sent) * 3 // 4, f"{dropped} of them are dropped by name", changed)
    expect(client.box.is_running(), "the box lives")


def buffers(box):
    """How many packet buffers are in use, of each pool."""
    return {name: value for name, value in box.counters().items() if name.endswith("_buffers_in_use")}


def test(lab):
    for box in lab.pair.boxes:
        box.edits = tuple((f'source = ["{one}"]', f'source = ["{one}", "{other}"]')
                          for one, other in TRANSLATED_TOO.items())
    active, passive = lab.start()
    client = Client(lab, active)
    pings(lab, active)
    used = buffers(active)
    time_exceeded(client)
    port_unreachable(lab)
    refused_by_the_box(lab)
    host_unreachable(client)
    drops(client)
    cut_everywhere(client)
    too_big(client)
    pings(lab, active)
    lab.wait(0.5)
    after = buffers(active)
    expect(len(used) == 2 and all(after[pool] <= used[pool] + 64 for pool in used),
           f"no packet buffer is lost: {used}, then {after}")
    lab.verify(active, "after all of this")


if __name__ == "__main__":
    run(test)
