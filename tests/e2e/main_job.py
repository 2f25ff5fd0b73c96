# SPDX-License-Identifier: BSD-3-Clause
"""Runs the main job as a user does and reads its report."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from lab import BUILD, ROOT, RigError, expect, machine, say, skip

KEYS = ("sessions_at_failover", "sessions_kept", "sessions_lost", "transfers", "transfers_broken",
        "longest_silence_ms", "detection_ms", "takeover_us", "records_sent", "records_applied",
        "tables_equal", "transport")
# A kill may hit between a session's making and its first frame, a few hundred microseconds; its first
# packet has then seldom left, and nothing that got an answer breaks.
LOST_MAX = 5


def report(*words):
    """Gives the report, after what must hold for every run."""
    try:
        machine.check_privileges()
    except RigError as error:
        skip(str(error).replace("\n", " "))
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "report.json"
        done = subprocess.run([sys.executable, ROOT / "scripts/rig", "--build", BUILD, "--report", file, *words],
                              capture_output=True, text=True, stdin=subprocess.DEVNULL)
        say(done.stdout + done.stderr)
        expect(done.returncode == 0, "the job ends with status 0")
        result = json.loads(file.read_text())
    expect(result["tables_equal"] is True, "tables_equal")
    expect(result["transfers"] > 0 and result["transfers_broken"] == 0, "no transfer broke")
    return result


def run(*words):
    """Gives the report, after what must hold for every failover."""
    result = report(*words)
    missing = [key for key in KEYS if result.get(key) is None]
    expect(not missing, f"the report has every key: {missing} missing")
    expect(result["sessions_at_failover"] > 0, "there were sessions at failover")
    expect(result["sessions_kept"] + result["sessions_lost"] == result["sessions_at_failover"],
           "each session was kept or lost")
    expect(result["sessions_lost"] <= LOST_MAX,
           f"no session is lost but those made in the moment of the kill: {result['sessions_lost']}")
    expect(0 < result["detection_ms"] < 500 and 0 < result["takeover_us"] < 500_000,
           "the failover was noticed and carried out")
    return result
