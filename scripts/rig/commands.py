# SPDX-License-Identifier: BSD-3-Clause
"""Running the system's tools, and the one error that ends a run with words for its user."""

import subprocess


class RigError(Exception):
    """What is wrong and what to do about it; ends the run with status 1."""


def run(*words, check=True):
    """Runs a command to its end; gives its standard output. Failure is a RigError that shows it."""
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except FileNotFoundError:
        raise RigError(f"{words[0]} is not installed: scripts/setup installs what is needed")
    if check and done.returncode != 0:
        message = (done.stderr or done.stdout).strip()
        raise RigError(f"this failed (status {done.returncode}): {' '.join(words)}\n{message}")
    return done.stdout
