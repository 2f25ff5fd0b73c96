# SPDX-License-Identifier: BSD-3-Clause
"""Processes named so that no other one can be meant: a number and the moment it started.

A process number alone is used again by the kernel. The start time of /proc/PID/stat tells two
processes of one number apart, and a pidfd keeps what was checked from changing before the signal.
"""

import os
import signal
import time
from pathlib import Path


def start_time(pid):
    """Clock ticks from boot to the start of process `pid`; None when there is none (or a zombie)."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if after_name[0] in "ZX" else int(after_name[19])


def is_running(pid, started):
    return started is not None and start_time(pid) == started


def kill(pid, started, number=signal.SIGKILL):
    """Sends a signal to exactly that process. False when it is gone."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not is_running(pid, started):
            return False
        signal.pidfd_send_signal(descriptor, number)
        return True
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)


def wait_gone(pid, started, seconds):
    """Waits for the end of a process that need not be a child. True when it is gone."""
    deadline = time.monotonic() + seconds
    while is_running(pid, started):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
