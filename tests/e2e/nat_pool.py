# SPDX-License-Identifier: BSD-3-Clause
"""Source NAT with several addresses and by blocks: a client keeps its own, replies arrive, also after a takeover."""

import socket

from lab import differences, expect, inside, run

POOL = {4: ["10.2.0.254", "10.2.0.253", "10.2.0.252"], 6: ["fd00:2::fe", "fd00:2::fd"]}
CLIENTS = {4: [f"10.1.0.{number}" for number in range(64, 104)],
           6: [f"fd00:1::{number:x}" for number in range(64, 104)]}
SERVER = {4: "10.2.0.1", 6: "fd00:2::1"}
FEW = {4: "10.1.0.200", 6: "fd00:1::200"}  # shares 16 ports of each of two addresses
FEW_POOL = ["10.2.0.251", "10.2.0.250"]
BLOCKS = {f"10.1.0.{208 + number}": range(30000 + 32 * number, 30032 + 32 * number) for number in range(4)}
BLOCK_ADDRESS = "10.2.0.249"
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
RULES = """\
[[nat]]
name = "few"
from = ["trust"]
to = ["untrust"]
source = ["10.1.0.200/32"]
addresses = ["10.2.0.251", "10.2.0.250"]
ports = "40000-40015"

[[nat]]
name = "blocks"
from = ["trust"]
to = ["untrust"]
source = ["10.1.0.208/30"]
addresses = ["10.2.0.249"]
ports = "30000-30127"
block_ports = 32

[[nat]]
name = "hide4"
"""


def listed(addresses):
    return "[" + ", ".join(f'"{address}"' for address in addresses) + "]"


def edits():
    return (('[[nat]]\nname = "hide4"\n', RULES),
            ('source = ["10.1.0.1/32"]\naddresses = ["10.2.0.254"]',
             f'source = ["10.1.0.0/25"]\naddresses = {listed(POOL[4])}'),
            ('source = ["fd00:1::1/128"]\naddresses = ["fd00:2::fe"]',
             f'source = ["fd00:1::/121"]\naddresses = {listed(POOL[6])}'))


def opened(lab, role, version, kind, address, port=0):
    with inside(lab.network.names[role]):
        one = socket.socket(FAMILY[version], kind)
    one.bind((address, port))
    one.settimeout(2)
    return one


def exchange(client, server):
    """A datagram there and back; as whom the server saw it. None: it did not arrive."""
    client.send(b"there")
    try:
        content, sender = server.recvfrom(100)
    except TimeoutError:
        return None
    server.sendto(b"back", sender)
    expect_quietly(content == b"there" and client.recv(100) == b"back", f"a datagram from {client.getsockname()}")
    return sender[:2]


def expect_quietly(condition, what):
    if not condition:
        expect(condition, what)


def datagrams(lab, version):
    """Three flows of each client: gives client socket and how the server saw it."""
    server = opened(lab, "server", version, socket.SOCK_DGRAM, SERVER[version], 7000)
    flows = []
    for address in CLIENTS[version]:
        for _ in range(3):
            client = opened(lab, "client", version, socket.SOCK_DGRAM, address)
            client.connect((SERVER[version], 7000))
            flows.append((address, client, exchange(client, server)))
        lab.pair.poll()
    expect(all(seen for _, _, seen in flows), f"IPv{version}: {len(flows)} flows are answered")
    expect(len({seen for _, _, seen in flows}) == len(flows), "each under a name of its own")
    used = {seen[0] for _, _, seen in flows}
    expect(used == set(POOL[version]), f"every address of the pool is used: {sorted(used)}")
    names = {(address, seen[0]) for address, _, seen in flows}
    expect(len(names) == len(CLIENTS[version]), "each client has one of them")
    return server, flows


def connections(lab, version):
    listener = opened(lab, "server", version, socket.SOCK_STREAM, SERVER[version], 7001)
    listener.listen(100)
    used = set()
    for address in CLIENTS[version]:
        with opened(lab, "client", version, socket.SOCK_STREAM, address) as client:
            client.connect((SERVER[version], 7001))
            server, sender = listener.accept()
            used.add(sender[0])
            client.sendall(b"there")
            expect_quietly(server.recv(100) == b"there", f"bytes from {address}")
            server.sendall(b"back")
            expect_quietly(client.recv(100) == b"back", f"bytes to {address}")
            server.close()
        lab.pair.poll()
    listener.close()
    expect(used == set(POOL[version]), f"IPv{version}: connections too use all of them")


def exhaustion(lab, box):
    """Of 100 flows that share 32 names each name serves one, the others are refused by name."""
    server = opened(lab, "server", 4, socket.SOCK_DGRAM, SERVER[4], 7002)
    server.settimeout(0.05)
    before = box.counters()
    seen, kept = [], []
    for _ in range(100):
        client = opened(lab, "client", 4, socket.SOCK_DGRAM, FEW[4])
        client.connect((SERVER[4], 7002))
        seen.append(exchange(client, server))
        kept.append(client)
        lab.pair.poll()
    changed = differences(before, box.counters())
    names = [one for one in seen if one]
    refused = changed.get("drop_nat_exhausted", 0)
    expect(len(names) == len(set(names)) and len(names) + refused == 100,
           f"{len(names)} flows have a name each, {refused} are refused", changed)
    expect(len(names) >= 24, "most of 32 names are given out")
    expect({name[0] for name in names} == set(FEW_POOL), "one client goes on to the next address")


def blocks(lab, box, port):
    """Each client has ports of its own block alone, and no more than those."""
    server = opened(lab, "server", 4, socket.SOCK_DGRAM, SERVER[4], port)
    server.settimeout(0.05)
    before = box.counters()
    kept = []
    for address, block in BLOCKS.items():
        seen = []
        for _ in range(40):
            client = opened(lab, "client", 4, socket.SOCK_DGRAM, address)
            client.connect((SERVER[4], port))
            seen.append(exchange(client, server))
            kept.append(client)
        lab.pair.poll()
        names = {name for name in seen if name}
        expect_quietly(20 <= len(names) <= 32, f"{address} has most of its block: {len(names)}")
        expect_quietly(all(name[0] == BLOCK_ADDRESS and name[1] in block for name in names), f"{address}: {names}")
    changed = differences(before, box.counters())
    expect(changed.get("drop_nat_block_exhausted", 0) >= 4 * 8,
           "clients have a block each, and what is more is refused", changed)


def test(lab):
    for box in lab.pair.boxes:
        box.edits = edits()
    for address in (*CLIENTS[4], *CLIENTS[6], FEW[4], *BLOCKS):
        lab.network._ip("client", "address", "add", f"{address}/{64 if ':' in address else 24}", "dev", "c0",
                        *(("nodad",) if ":" in address else ()))
    active, passive = lab.start()
    flows = {version: datagrams(lab, version) for version in (4, 6)}
    for version in (4, 6):
        connections(lab, version)
    exhaustion(lab, active)
    blocks(lab, active, 7003)
    lab.verify(active, "with all of these sessions")
    lab.equal_when_quiet()
    active.kill()
    lab.until(f"{passive.name} takes over", lambda: passive.last_status["role"] == "active")
    active.bury()
    for version, (server, all_flows) in flows.items():
        same = [exchange(client, server) == seen for _, client, seen in all_flows]
        expect(all(same), f"IPv{version}: {len(same)} flows go on under the names they had")
    blocks(lab, passive, 7004)


if __name__ == "__main__":
    run(test)
