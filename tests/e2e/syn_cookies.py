# SPDX-License-Identifier: BSD-3-Clause
"""SYN cookies: under a flood nearly every real connection comes about, carries bytes, and outlives the active box."""

import os
import socket
import threading
import time

import frames
from dnat import Load, listening, opened
from flood import Flood, sources
from lab import expect, run

SERVER = {4: "10.2.0.1", 6: "fd00:2::1"}
PLAIN = {4: "10.1.0.2", 6: "fd00:1::2"}
HIDDEN = {4: "10.1.0.1", 6: "fd00:1::1"}   # of the rig's own source NAT
PORT, CLOSED = 7101, 7102
COUNT = 100
TCPI_OPTIONS, SACK, TIMESTAMPS, WINDOW_SCALE = 5, 2, 1, 4
MORE = """
[[zone_protection]]
zone = "trust"
syn = { activate = 100, maximum = 1000000, action = "syn-cookies" }
"""
SECRET = ("[ha]\n", '[ha]\ncookie_secret = "000102030405060708090a0b0c0d0e0f"\n')


class FloodThread(threading.Thread):
    """SYNs from addresses that nobody has, for as long as it is not told to stop."""

    def __init__(self, lab):
        super().__init__(daemon=True)
        self.flood = Flood(lab, [frames.ip(source, SERVER[4], frames.TCP,
                                           frames.tcp(source, SERVER[4], port, PORT, frames.SYN))
                                 for source, port in sources(20_000)])
        self.sent = 0
        self.is_stopping = False
        self.start()

    def run(self):
        while not self.is_stopping:
            self.flood.wire.send(self.flood.frames[self.sent % len(self.flood.frames)])
            self.sent += 1
            if self.sent % 50 == 0:
                time.sleep(0.02)

    def stop(self):
        self.is_stopping = True
        self.join()


class Spliced:
    """A connection whose handshake the box has done: made to look like dnat's for its Load."""

    def __init__(self, lab, version, source, listener, seconds=3):
        self.client = opened(lab, "client", version, source)
        self.client.settimeout(seconds)
        self.client.connect((SERVER[version], PORT))
        listener.settimeout(seconds)
        self.server, _ = listener.accept()
        for one in (self.client, self.server):
            one.settimeout(10)

    def carries(self, content):
        for sender, receiver in ((self.server, self.client), (self.client, self.server)):
            sending = threading.Thread(target=sender.sendall, args=(content,), daemon=True)
            sending.start()
            got = bytearray()
            while len(got) < len(content):
                piece = receiver.recv(1 << 16)
                if not piece:
                    return False
                got += piece
            sending.join()
            if got != content:
                return False
        return True

    def works(self):
        return self.carries(os.urandom(20_000))

    def options(self, end):
        return end.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 64)[TCPI_OPTIONS]


def syn_meter(box):
    rows = [row for name, row in box.ask("/twinplane/dos").items() if name.startswith("meter")]
    return next(row for row in rows if row["kind"] == "syn")


def connect_many(lab, listeners):
    """As many as come about, and how many were tried."""
    made, tried = [], 0
    for number in range(COUNT):
        version, source = ((4, PLAIN), (4, HIDDEN), (4, PLAIN), (6, PLAIN), (6, HIDDEN))[number % 5]
        tried += 1
        try:
            made.append(Spliced(lab, version, source[version], listeners[version]))
        except OSError as error:
            print(f"{number}: {error}", flush=True)
        lab.pair.poll()
    return made, tried


def through_loss(lab, one):
    """Two megabytes there and back while a packet in fifty is lost: blocks of SACK are right in both directions."""
    for role in ("client", "server"):
        lab.command(role, "nft", "add table inet loss; add chain inet loss in { type filter hook input priority 0; }; "
                    "add rule inet loss in meta l4proto tcp numgen random mod 50 == 0 drop")
    content = os.urandom(2_000_000)
    expect(one.carries(content), "two megabytes come whole through a loss of 2 %, there and back")
    for role in ("client", "server"):
        lab.command(role, "nft", "delete", "table", "inet", "loss")


def refused(lab):
    """Nobody listens: the client has been answered by then, and learns it by a reset, not by a refusal."""
    client = opened(lab, "client", 4, PLAIN[4])
    client.settimeout(5)
    try:
        client.connect((SERVER[4], CLOSED))
        told = client.recv(1) == b""
    except ConnectionResetError:
        told = True
    except TimeoutError:
        told = False
    expect(told, "a server that refuses resets the connection")


def test(lab):
    for box in lab.pair.boxes:
        box.more = MORE
        box.edits = (SECRET,)
    active, passive = lab.start()
    listeners = {version: listening(lab, "server", version, SERVER[version], PORT) for version in (4, 6)}
    before = active.status()["sessions4"]
    flood = FloodThread(lab)
    lab.until("the flood is answered with cookies", lambda: syn_meter(active)["cookies_sent"] > 1000, 20)
    expect(active.status()["sessions4"] - before < 300, "and leaves no sessions behind", active.status())
    connections, tried = connect_many(lab, listeners)
    expect(len(connections) >= tried * 0.98, f"of {tried} real connections {len(connections)} come about")
    row = syn_meter(active)
    expect(row["cookies_shown"] >= len(connections), f"by their cookies: {row}")
    expect(all(one.works() for one in connections), "and carry bytes, both ways")
    one = connections[0]
    said = one.options(one.client) | one.options(one.server)
    expect(one.options(one.client) & one.options(one.server) & SACK, "both ends take SACK")
    expect(not said & (WINDOW_SCALE | TIMESTAMPS), "and neither was offered what no cookie holds")
    through_loss(lab, one)
    refused(lab)
    lab.verify(active, "under the flood")
    load = Load(connections)
    lab.wait(0.5)
    active.kill()
    lab.until(f"{passive.name} takes over", lambda: passive.last_status["role"] == "active")
    rounds = load.rounds
    lab.until("every connection carries bytes through the survivor", lambda: load.rounds >= rounds + 2, 30)
    expect(load.stop() > 0, "and none broke")
    through_loss(lab, connections[1])
    lab.until("the survivor answers the flood with cookies", lambda: syn_meter(passive)["cookies_sent"] > 1000, 20)
    more, tried = connect_many(lab, listeners)
    expect(len(more) >= tried * 0.98, f"of {tried} new connections {len(more)} come about there")
    flood.stop()
    expect(all(one.works() for one in connections + more), "all of them work when the flood is over")
    print(f"{flood.sent} SYNs; {syn_meter(passive)}", flush=True)


if __name__ == "__main__":
    run(test)
