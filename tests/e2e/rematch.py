# SPDX-License-Identifier: BSD-3-Clause
"""Other rules while streams run: those that are denied now stop, the others live on, on whichever box."""

import os
import random
import signal
import socket
import threading
import time

from lab import expect, inside, run, say

CLIENT = "10.1.0.2"     # plain: no rule of the rig hides it
SERVER = "10.2.0.1"
KEPT, ENDED, LATER, FRESH = 7101, 7102, 7103, 7104
BLOCK = random.Random(35).randbytes(1 << 16)
PIECE = 4096
EACH = 3  # streams


def rule(name, ports, action="allow", more=""):
    return (f'[[rule]]\nname = "{name}"\nfrom = ["trust"]\nto = ["untrust"]\nprotocol = "tcp"\n'
            f'ports = {[str(port) for port in ports]}\naction = "{action}"\n{more}\n').replace("'", '"')


OUT = '[[rule]]\nname = "out"'
FIRST = rule("kept", [KEPT]) + rule("ended", [ENDED]) + rule("later", [LATER])
# Another order, so that numbers change, and less than before.
SECOND = rule("fresh", [FRESH], "drop") + rule("ended", [ENDED], "drop") + rule("later", [LATER]) + rule("kept", [KEPT])
THIRD = rule("later", [LATER], "drop") + rule("ended", [ENDED], "drop") + rule("kept", [KEPT])
FOURTH = rule("kept", [KEPT]) + rule("all", [LATER, ENDED, FRESH], "drop")


class Stream:
    """A connection whose client sends known bytes, a little at a time, and whose server checks each."""

    def __init__(self, lab, port):
        self.port = port
        self.received = 0
        self.fault = ""
        with inside(lab.network.names["server"]):
            listener = socket.create_server((SERVER, port), backlog=1, reuse_port=True)
        with inside(lab.network.names["client"]):
            self.client = socket.socket()
        listener.settimeout(3)
        self.client.settimeout(3)
        self.client.bind((CLIENT, 0))
        try:
            self.client.connect((SERVER, port))
            self.server, _ = listener.accept()
        finally:
            listener.close()
        self.is_over = False
        for work in (self._send, self._receive):
            threading.Thread(target=work, daemon=True).start()

    def _send(self):
        sent = 0
        self.client.settimeout(0.2)
        while not self.is_over:
            at = sent % len(BLOCK)
            try:
                sent += self.client.send(BLOCK[at:at + PIECE])
            except TimeoutError:
                continue
            except OSError as error:
                self.fault = self.fault or str(error)
                return
            time.sleep(0.005)

    def _receive(self):
        self.server.settimeout(0.2)
        while not self.is_over:
            try:
                content = self.server.recv(1 << 16)
            except TimeoutError:
                continue
            except OSError as error:
                self.fault = self.fault or str(error)
                return
            at = self.received % len(BLOCK)
            if not content or content != (BLOCK + BLOCK)[at:at + len(content)]:
                self.fault = self.fault or f"wrong at byte {self.received}"
                return
            self.received += len(content)

    def close(self):
        self.is_over = True
        time.sleep(0.3)
        # What no box knows any more would be repeated for minutes.
        for one in (self.client, self.server):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            one.close()


def moved(lab, streams, seconds):
    """By how many bytes each has gone on."""
    before = [stream.received for stream in streams]
    lab.wait(seconds)
    return [stream.received - was for stream, was in zip(streams, before)]


def go_on(lab, streams, what):
    # TCP's own repetition after a takeover takes up to a second or two here.
    before = [stream.received for stream in streams]
    lab.until(what, lambda: all(stream.received > was + 10 * PIECE for stream, was in zip(streams, before)), 10)
    expect(not any(stream.fault for stream in streams), "every byte is right", [stream.fault for stream in streams])


def stand_still(lab, streams, what):
    lab.wait(0.3)
    expect(sum(moved(lab, streams, 1.2)) == 0, what, [stream.received for stream in streams])


def write(box, old, new):
    """Other rules in the box's file."""
    file = box.file("toml")
    text = file.read_text()
    expect(old in text, f"{box.name}'s file has what is to change")
    file.write_text(text.replace(old, new))


def hang_up(box):
    os.kill(box.child.pid, signal.SIGHUP)


def rules(box):
    return box.ask("/twinplane/rules")


def load(lab, box, edition):
    hang_up(box)
    lab.until(f"{box.name} has loaded them", lambda: rules(box)["edition"] == edition)


def opens(lab, port):
    try:
        Stream(lab, port).close()
        return True
    except TimeoutError:
        return False


def faults(lab, active, streams):
    """A file that is wrong, or asks for what cannot change, changes nothing and says where."""
    right = active.file("toml").read_text()
    wrong = right.replace(OUT, rule("broken", [1], "alow") + OUT)
    active.file("toml").write_text(wrong)
    line = wrong[:wrong.index('"alow"')].count("\n") + 1
    hang_up(active)
    lab.until("a file with a fault is refused", lambda: rules(active)["reloads_refused"] == 1)
    expect(f"{active.file('toml')}:{line}: " in active.log_end(40), f"the log names line {line}", active.log_end(40))
    active.file("toml").write_text(right.replace("idle_sleep_us = 50", "idle_sleep_us = 60"))
    answer = active.ask("/twinplane/reload")
    text = "".join(answer[key] for key in sorted(answer) if key.startswith("text"))
    expect(answer["loaded"] == 0 and "worker.idle_sleep_us (line " in text and "restart it" in text,
           f"what is no rule is refused: {text}", answer)
    active.file("toml").write_text(right)
    expect(rules(active)["edition"] == 0, "nothing has changed")
    go_on(lab, streams, "all streams go on")


def hits(answer):
    return {row["name"]: row["hits"] for name, row in answer.items() if name.startswith("rule") and isinstance(row, dict)}


def test(lab):
    for box in lab.pair.boxes:
        box.edits = ((OUT, FIRST + OUT),)
    active, passive = lab.start()
    kept, ended, later = ([Stream(lab, port) for _ in range(EACH)] for port in (KEPT, ENDED, LATER))
    everything = kept + ended + later
    go_on(lab, everything, "streams run")
    counted = hits(rules(active))
    expect((counted["kept"], counted["ended"], counted["later"]) == (EACH, EACH, EACH), "each rule counts its own", counted)
    lab.in_sync()
    faults(lab, active, everything)

    say("--- the passive box first")
    for box in (passive, active):
        write(box, FIRST, SECOND)
    load(lab, passive, 1)
    lab.until("both say that their rules differ",
              lambda: all("other rules" in (box.status() or {})["note"] for box in lab.pair.boxes))
    go_on(lab, everything, "the mirror ends nothing")
    expect(rules(passive)["rematch"] == "waiting" and rules(passive)["rematch_ended"] == 0, "and waits with its rematch")
    expect(active.status()["sync"] == "in-sync", "they are a pair all the while")

    say("--- then the active one")
    load(lab, active, 1)
    done = lab.until("the rematch is done", lambda: (now := rules(active))["rematch"] == "done" and now)
    expect((done["rematch_looked"], done["rematch_ended"], done["rematch_reassigned"]) == (3 * EACH, EACH, EACH),
           "it has ended the streams that are denied now and given others their rule's number", done)
    stand_still(lab, ended, "streams that are denied stop")
    go_on(lab, kept + later, "the others go on")
    expect(not opens(lab, FRESH), "a new connection is judged by the new rules: dropped")
    expect(opens(lab, FRESH + 1), "or let in")
    lab.until("nobody says that the rules differ",
              lambda: all("other rules" not in (box.status() or {})["note"] for box in lab.pair.boxes))
    lab.verify(active, "after the rematch")

    say("--- the active box dies before it has the newest rules")
    write(passive, SECOND, THIRD)
    load(lab, passive, 2)
    go_on(lab, kept + later, "streams run by the active box's rules")
    active.kill()
    lab.until(f"{passive.name} takes over", lambda: passive.last_status["role"] == "active")
    active.bury()
    lab.until("and looks at all sessions by its own, newer rules", lambda: rules(passive)["rematch"] == "done")
    expect(rules(passive)["rematch_ended"] >= EACH, "denied ones are ended", rules(passive))
    stand_still(lab, later, "streams that it denies stop")
    go_on(lab, kept, "the others go on")
    active.edits = ((OUT, THIRD + OUT),)
    active.start()
    active, passive = lab.in_sync()

    say("--- both are told to load, and the active box is killed at about that time")
    more = [Stream(lab, FRESH + 1) for _ in range(EACH)]
    go_on(lab, kept + more, "streams run")
    lab.in_sync()
    for box in (active, passive):
        write(box, THIRD, FOURTH + rule("more", [FRESH + 1], "drop"))
    hang_up(passive)
    hang_up(active)
    time.sleep(0.05)  # a box looks ten times a second
    active.kill()
    lab.until(f"{passive.name} takes over", lambda: passive.last_status["role"] == "active")
    active.bury()
    lab.until("and has no session more that is denied", lambda: rules(passive)["rematch"] == "done")
    stand_still(lab, more, "denied streams stop, wherever the dead box was")
    go_on(lab, kept, "the others go on")
    for stream in everything + more:
        stream.close()


if __name__ == "__main__":
    run(test)
