# SPDX-License-Identifier: BSD-3-Clause
"""Sessions that the peer gets when they have an age: short ones never cross HA2, those still used do."""

import socket
import time

from lab import differences, expect, inside, run

CLIENT = "10.1.0.2"     # plain: no rule of the rig hides it
SERVER = "10.2.0.1"
PORT = 7001
AGE_S = 2
RULE = ("[[rule]]\nname = \"out\"", f"""[[rule]]
name = "young"
from = ["trust"]
to = ["untrust"]
ports = ["{PORT}"]
action = "allow"
sync_after_s = {AGE_S}

[[rule]]
name = "out\"""")


def bound(lab, role, kind, address, port=0):
    with inside(lab.network.names[role]):
        one = socket.socket(socket.AF_INET, kind)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind((address, port))
    one.settimeout(2)
    return one


def goes_there(client, server, content):
    client.send(content)
    got, source = server.recvfrom(100)
    expect(got == content, f"{content.decode()} arrives")
    return source


def test(lab):
    for box in lab.pair.boxes:
        box.edits = (RULE,)
    active, passive = lab.start()
    lab.wait(0.3)
    before, peers_before = active.counters(), passive.status()["sessions"]
    server = bound(lab, "server", socket.SOCK_DGRAM, SERVER, PORT)
    listener = bound(lab, "server", socket.SOCK_STREAM, SERVER, PORT)
    listener.listen(10)
    tcp = bound(lab, "client", socket.SOCK_STREAM, CLIENT)
    tcp.connect((SERVER, PORT))
    accepted, _ = listener.accept()
    accepted.settimeout(2)
    old = bound(lab, "client", socket.SOCK_DGRAM, CLIENT)
    old.connect((SERVER, PORT))
    short = []
    for number in range(50):
        one = bound(lab, "client", socket.SOCK_DGRAM, CLIENT)
        one.connect((SERVER, PORT))
        source = goes_there(one, server, b"question %d" % number) if number == 0 else None
        if source is None:
            one.send(b"question")
            _, source = server.recvfrom(100)
        server.sendto(b"answer", source)
        one.recv(100)
        short.append(one)
    goes_there(old, server, b"the first of many")
    lab.wait(0.5)
    changed = differences(before, active.counters())
    expect(changed["sessions_opened_young"] == 52 and "sessions_came_of_age" not in changed,
           "51 flows and a connection are young", changed)
    expect(passive.status()["sessions"] == peers_before, "the peer has none of them", passive.status())
    end = time.monotonic() + AGE_S + 1.5
    while time.monotonic() < end:
        old.send(b"and more")
        server.recvfrom(100)
        lab.wait(0.1)
    # The connection said nothing all the while; short flows are still in the table, and still local.
    lab.until("the used flow and the open connection came of age",
              lambda: differences(before, active.counters()).get("sessions_came_of_age") == 2)
    lab.wait(0.3)
    expect(passive.status()["sessions"] == peers_before + 2, "the peer has those two and no more", passive.status())
    source = goes_there(old, server, b"who is it")
    active.kill()
    lab.until(f"{passive.name} takes over", lambda: passive.last_status["role"] == "active")
    active.bury()
    server.sendto(b"answer after the takeover", source)
    expect(old.recv(100) == b"answer after the takeover", "an old flow goes on after the takeover")
    accepted.sendall(b"after the takeover")
    expect(tcp.recv(100) == b"after the takeover", "so does an open connection")
    server.sendto(b"to a short one", short[0].getsockname())
    short[0].settimeout(0.5)
    try:
        short[0].recv(100)
        gone = False
    except TimeoutError:
        gone = True
    expect(gone, "a short flow is not known there")


if __name__ == "__main__":
    run(test)
