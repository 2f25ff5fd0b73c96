# SPDX-License-Identifier: BSD-3-Clause
"""Every command of a box read with DPDK's own client, dpdk-telemetry.py, while the box works and while it ends."""

import json
import shutil
import signal
import subprocess
import threading

from lab import expect, processes, run, skip

CLIENT = shutil.which("dpdk-telemetry.py")
COMMANDS = ("/twinplane/status", "/twinplane/counters", "/twinplane/verify", "/twinplane/verified",
            "/twinplane/sessions,0,0", "/twinplane/sessions,99,0", "/twinplane/sessions", "/twinplane/sessions,a,b",
            "/ethdev/list", "/mempool/list")
STATUS_KEYS = ("name", "role", "reason", "sync", "refusal", "peer", "paths_up", "term", "sessions", "sessions4",
               "sessions6", "records_sent", "records_applied", "frames_sent", "frames_received", "frames_lost",
               "lag_us", "at_risk", "bulk_done_slots", "bulk_total_slots", "transport", "mtu", "packets_rx",
               "packets_tx", "packets_dropped", "last_heard_ns", "detected_ns", "takeover_ns", "first_packet_ns")


def read(box, *commands):
    """What the client prints, one answer a command, by command."""
    done = subprocess.run([CLIENT, "-f", box.prefix], input="\n".join((*commands, "quit")) + "\n",
                          capture_output=True, text=True, timeout=20)
    answers = {}
    decoder = json.JSONDecoder()
    text = done.stdout
    while (at := text.find('{"/')) >= 0:
        answer, end = decoder.raw_decode(text[at:])
        answers.update(answer)
        text = text[at + end:]
    expect(done.returncode == 0, f"dpdk-telemetry.py reads {len(answers)} answers of {box.name}",
           done.stdout + done.stderr)
    return answers


def test(lab):
    if CLIENT is None:
        skip("dpdk-telemetry.py is not installed (package dpdk-dev)")
    active, passive = lab.start()
    lab.start_traffic()
    for box in (active, passive):
        listed = [command for command in read(box, "/")["/"] if command.startswith("/twinplane/")]
        answers = read(box, *COMMANDS, *listed)
        silent = [command for command in listed if not isinstance(answers.get(command), dict)]
        expect(len(listed) > 20 and not silent, f"each of the {len(listed)} commands that the box lists answers: {silent} do not")
        status = answers["/twinplane/status"]
        missing = [key for key in STATUS_KEYS if key not in status]
        expect(not missing, f"status has every key: {missing} missing")
        expect(status["role"] == ("active" if box is active else "passive"), "and the role")
        counters = answers["/twinplane/counters"]
        expect(len(counters) > 50 and all(isinstance(one, int) for one in counters.values()),
               f"{len(counters)} counters, all numbers")
        sessions = [one for one in answers["/twinplane/sessions"] or {} if one.startswith("session")]
        expect("/twinplane/sessions" in answers, f"a page of {len(sessions)} sessions")
        expect(len(answers["/ethdev/list"]) == 3, "DPDK's own commands answer too")
    total = sum(one_page(active, partition) for partition in range(4))
    expect(total > 20, f"the pages hold the sessions: {total}")
    lab.end_traffic()
    ask_until_the_end(lab, active)


def one_page(box, partition):
    page = box.ask(f"/twinplane/sessions,{partition},0") or {}
    return sum(name.startswith("session") for name in page)


def ask_until_the_end(lab, box):
    """A box that is asked while it goes down goes down all the same."""
    ended = threading.Event()

    def ask():
        while not ended.is_set():
            for command in ("/twinplane/status", "/twinplane/counters", "/twinplane/sessions,0,0"):
                box.telemetry.ask(command)
    asker = threading.Thread(target=ask)
    asker.start()
    try:
        processes.kill(box.child.pid, lab.rundir.started_at(box.child), signal.SIGTERM)
        box.killed = True
        status = box.child.wait(timeout=10)
    finally:
        ended.set()
        asker.join()
    expect(status == 0, f"asked to the end, it ends with status {status}")


if __name__ == "__main__":
    run(test)
