# SPDX-License-Identifier: BSD-3-Clause
"""The main job interrupted, and killed with its boxes at work: nothing stays behind, the next run starts clean."""

import contextlib
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from lab import BUILD, ROOT, Failure, RigError, expect, machine, say, skip
from rundir import base_directory, dpdk_directory

RIG = [sys.executable, "-u", str(ROOT / "scripts/rig"), "--build", str(BUILD)]


def left_by(pid):
    """What a run of this number has made and not taken away."""
    token = f"tp-{pid}-"  # not that of a run whose number only begins so
    processes = []
    for directory in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if token.encode() in (directory / "cmdline").read_bytes():
                processes.append(f"process {directory.name}")
    namespaces = [f"namespace {path.name}" for path in Path("/run/netns").glob(f"{token}*")]
    directories = [str(path) for path in base_directory().glob(f"twinplane-run-{pid}")]
    directories += [str(path) for path in dpdk_directory("").glob(f"{token}*")]
    return sorted(processes + namespaces + directories)


class Run:
    """The main job, busy."""

    def __init__(self):
        self.process = subprocess.Popen([*RIG, "--seconds", "60"], stdin=subprocess.DEVNULL, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        self.lines = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()
        self.printed = []
        self._wait_busy()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)

    def _wait_busy(self, seconds=30):
        """Until sessions are kept equal under traffic, and two seconds more."""
        deadline = time.monotonic() + seconds
        while "running 0 broken" not in self.output():
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.end(signal.SIGTERM)
                raise Failure(f"the job did not get to work:\n{self.output()}")
            time.sleep(0.1)
        time.sleep(2)

    def output(self):
        with contextlib.suppress(queue.Empty):
            while True:
                self.printed.append(self.lines.get_nowait())
        return "".join(self.printed)

    def end(self, number):
        self.process.send_signal(number)
        status = self.process.wait(timeout=20)
        time.sleep(0.3)
        return status


def main():
    try:
        machine.check_privileges()
    except RigError as error:
        skip(str(error).replace("\n", " "))

    for number in (signal.SIGINT, signal.SIGTERM):
        run = Run()
        made = left_by(run.process.pid)
        expect(len(made) > 6, f"the run is at work: {len(made)} things made")
        status = run.end(number)
        expect(status == 1 and "interrupted" in run.output(), f"{number.name} is said, status 1", run.output())
        expect(left_by(run.process.pid) == [], f"nothing stays after {number.name}", left_by(run.process.pid))

    run = Run()
    pid = run.process.pid
    run.end(signal.SIGKILL)
    left = left_by(pid)
    expect(not any(one.startswith("process") for one in left), "no process outlives a rig that was killed", left)
    expect(any(one.startswith("namespace") for one in left), "its namespaces do, which it could not remove")
    done = subprocess.run([*RIG, "--seconds", "5", "--kill", "none"], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    expect(f"twinplane-run-{pid}" in done.stdout, "the next run says what it cleaned up", done.stdout + done.stderr)
    expect(done.returncode == 0, "and passes", done.stdout + done.stderr)
    expect(left_by(pid) == [], "nothing stays of the killed one", left_by(pid))


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        say(f"FAILED: {failure}")
        sys.exit(1)
    say(f"passed: {__doc__}")
