# SPDX-License-Identifier: BSD-3-Clause
"""First packets that wait for the peer: of sessions that anyone has seen a packet of, none is lost by a kill."""

import itertools
import select
import signal
import socket
import time

from lab import expect, inside, processes, run, say

CLIENT = "10.1.0.2"     # plain: no rule of the rig hides it
SERVER = "10.2.0.1"
HELD, FREE = 7001, 7002  # the server's ports: with `hold`, and without
ROUNDS = 4
DELAY_MS = 10            # of HA2 frames from a box to its peer: what is lost by a kill without `hold`
RULE = ("[[rule]]\nname = \"out\"", f"""[[rule]]
name = "held"
from = ["trust"]
to = ["untrust"]
protocol = "udp"
ports = ["{HELD}"]
action = "allow"
hold = true

[[rule]]
name = "out\"""")
SESSIONS_MAX = 1024      # that may wait at a time, with two packets each on average
MORE, BATCH, BURSTS = 50, 64, 10
PORTS = itertools.count(20_000)  # each session has a port that none before had
FAULTS = f"\n[faults]\nenabled = true\nloss_percent = 5\ndelay_ms = {DELAY_MS}\n"


class Opening:
    """New sessions, one datagram each, as fast as the loop goes round; what came out of the box is remembered."""

    def __init__(self, lab):
        with inside(lab.network.names["server"]):
            self.servers = {port: self.bound(SERVER, port) for port in (HELD, FREE)}
        self.namespace = lab.network.names["client"]
        self.clients = {}
        self.seen = {HELD: {}, FREE: {}}

    @staticmethod
    def bound(address, port=0):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.bind((address, port))
        one.setblocking(False)
        return one

    def turn(self):
        with inside(self.namespace):
            for port in (HELD, FREE):
                client = self.bound(CLIENT, next(PORTS))
                client.connect((SERVER, port))
                client.send(b"open")
                self.clients[client.getsockname()[1]] = client
        self.listen()

    def listen(self):
        for port, server in self.servers.items():
            try:
                while True:
                    _, source = server.recvfrom(100)
                    self.seen[port][source] = time.monotonic()
            except BlockingIOError:
                pass

    def answered(self, port, since):
        """Of the sessions whose packet came out since then: how many carry an answer now, and of how many."""
        sources = [source for source, at in self.seen[port].items() if at >= since]
        left = {source[1] for source in sources}
        for _ in range(5):
            for source in sources:
                if source[1] in left:
                    self.servers[port].sendto(b"answer", source)
            deadline = time.monotonic() + 0.5
            while left and time.monotonic() < deadline:
                ready, _, _ = select.select([self.clients[one] for one in left], [], [], 0.05)
                for client in ready:
                    client.recv(100)
                    left.discard(client.getsockname()[1])
        return len(sources) - len(left), len(sources)

    def close(self):
        for one in (*self.clients.values(), *self.servers.values()):
            one.close()


def one_kill(lab, active, passive, seconds):
    opening = Opening(lab)
    before = active.ask("/twinplane/hold")
    began = time.monotonic()
    # A loaded machine needs longer for as many.
    while (past := time.monotonic() - began) < 20:
        opening.turn()
        time.sleep(0.001)
        figures = active.ask("/twinplane/hold")
        if past >= seconds and figures["released_by_ack"] >= before["released_by_ack"] + 100:
            break
    killed = time.monotonic()
    active.kill()
    opening.listen()
    lab.until(f"{passive.name} takes over", lambda: passive.last_status["role"] == "active")
    active.bury()
    time.sleep(0.2)
    opening.listen()
    since = killed - 0.2
    held, free = opening.answered(HELD, since), opening.answered(FREE, since)
    opening.close()
    say(f"    held {held[0]} of {held[1]}, not held {free[0]} of {free[1]}; {figures}")
    expect(figures["released_by_ack"] >= before["released_by_ack"] + 100,
           f"packets left when the peer had answered: {figures['released_by_ack']} sessions, "
           f"half of them within {figures['ack_p50_us']} us", figures)
    # What left because its time was up had no promise; it is counted.
    in_vain = sum(figures[name] - before[name] for name in ("released_by_timeout", "released_no_peer", "released_full"))
    expect(held[1] - held[0] <= in_vain and held[1] > 0,
           f"with hold {held[0]} of {held[1]} sessions go on, {in_vain} had left without an answer", held)
    active.start()
    return *lab.in_sync(), free


def burst(lab, active, passive):
    """More new sessions at once than may wait, while the peer is mute. Gives what it changed in the figures."""
    with inside(lab.network.names["server"]):
        server = Opening.bound(SERVER, HELD)
    with inside(lab.network.names["client"]):
        clients = [Opening.bound(CLIENT, next(PORTS)) for _ in range(SESSIONS_MAX + MORE)]
    for client in clients:
        client.connect((SERVER, HELD))
    before, dropped = active.ask("/twinplane/hold"), active.counters()["drop_hold_full"]
    passive_started = lab.rundir.started_at(passive.child)
    processes.kill(passive.child.pid, passive_started, signal.SIGSTOP)
    for number, client in enumerate((*clients, *clients, *clients[:MORE])):
        client.send(b"burst")
        if number % BATCH == 0:
            time.sleep(0.0003)  # the device's ring has 512 places
    time.sleep(0.02)
    processes.kill(passive.child.pid, passive_started, signal.SIGCONT)
    lab.until("nothing waits", lambda: active.ask("/twinplane/hold")["waiting"] == 0)
    after = active.ask("/twinplane/hold")
    for one in (server, *clients):
        one.close()
    return {name: after[name] - before[name] for name in after} | {
        "drop_hold_full": active.counters()["drop_hold_full"] - dropped}


def full(lab, active, passive):
    """As many wait as there is room for; the others leave, or are dropped when one of their own waits before them.
    All that wait leave when the peer answers again."""
    for _ in range(BURSTS):  # one that a busy machine draws out finds a peer that does not answer, and does not wait
        rose = burst(lab, active, passive)
        if rose["held_packets"] == 2 * SESSIONS_MAX:
            break
    expect(rose["held_sessions"] == SESSIONS_MAX and rose["held_packets"] == 2 * SESSIONS_MAX,
           f"{rose['held_sessions']} sessions with {rose['held_packets']} packets wait for a mute peer", rose)
    expect(0 < rose["released_full"] <= 2 * MORE, f"{rose['released_full']} more leave at once, and are counted", rose)
    expect(0 < rose["drop_hold_full"] <= MORE,
           f"{rose['drop_hold_full']} packets behind some that wait are dropped, not put before them", rose)
    ends = sum(rose[name] for name in ("released_by_ack", "released_by_timeout", "dropped_gone"))
    expect(ends == SESSIONS_MAX, "each that waited has ended in one way", rose)


def alone(lab, active, passive):
    """Nobody answers: packets leave after their time, and at once when there is no pair any more."""
    before = active.ask("/twinplane/hold")
    passive.kill()
    opening = Opening(lab)
    lab.until("the peer is gone", lambda: active.last_status["peer"] == "down")
    for count in (20, 40):
        for _ in range(20):
            opening.turn()
        lab.until("packets leave without a peer", lambda: opening.listen() or len(opening.seen[HELD]) == count)
    after = active.ask("/twinplane/hold")
    released = {name: after[name] - before[name] for name in ("released_by_timeout", "released_no_peer")}
    expect(sum(released.values()) == 40 and released["released_no_peer"] >= 20 and after["waiting"] == 0,
           f"and are counted; those that find nobody answering do not wait: {released}", (before, after))
    opening.close()
    passive.bury()


def test(lab):
    for box in lab.pair.boxes:
        box.edits = (RULE, ("[ha2]\n", "[ha2]\nhold_max_us = 100000\n"))
        box.more = FAULTS
    active, passive = lab.start()
    lost = 0
    for number in range(ROUNDS):
        active, passive, free = one_kill(lab, active, passive, 0.4 + 0.037 * number)
        lost += free[1] - free[0]
    expect(lost > 0, f"without hold the same kills lost {lost} sessions that had been seen outside")
    full(lab, active, passive)
    alone(lab, active, passive)


if __name__ == "__main__":
    run(test)
