#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What conntrackd spends on a state: sender and receiver CPU, two namespaces, a veth link between them.

usage: conntrackd.py [--states N]     prints {"metrics": {}, "remarks": {...}}; exits 77 when it cannot run here
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

CONFIG = """
Sync {{
    Mode FTFW {{
        DisableExternalCache off
    }}
    UDP {{
        IPv4_address 10.99.0.{own}
        IPv4_Destination_Address 10.99.0.{other}
        Port 3780
        Interface sync
        SndSocketBuffer 16777216
        RcvSocketBuffer 16777216
        Checksum on
    }}
}}
General {{
    HashSize 65536
    HashLimit 2097152
    LogFile {directory}/log-{own}
    LockFile {directory}/lock-{own}
    UNIX {{
        Path {directory}/ctl-{own}
        Backlog 20
    }}
    NetlinkBufferSize 67108864
    NetlinkBufferSizeMaxGrowth 134217728
    Filter From Userspace {{
        Protocol Accept {{
            TCP
        }}
    }}
}}
"""


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cannot(why):
    print(f"conntrackd cannot be measured here: {why}", file=sys.stderr)
    sys.exit(77)


class Pair:
    """Two namespaces, named after this process, and a conntrackd in each."""

    def __init__(self, directory):
        self.directory = directory
        self.names = [f"tpct{os.getpid()}-{side}" for side in "ab"]
        self.daemons = []

    def __enter__(self):
        for name in self.names:
            run("ip", "netns", "add", name)
        run("ip", "link", "add", "sync", "netns", self.names[0], "type", "veth",
            "peer", "name", "sync", "netns", self.names[1])
        for own, name in enumerate(self.names, 1):
            run("ip", "-n", name, "addr", "add", f"10.99.0.{own}/24", "dev", "sync")
            run("ip", "-n", name, "link", "set", "sync", "up")
            run("ip", "-n", name, "link", "set", "lo", "up")
            # A rule that uses conntrack switches its events on.
            run("ip", "netns", "exec", name, "nft", "add table ip t; add chain ip t c { type filter hook input priority 0; }; "
                "add rule ip t c ct state established accept")
        for own, name in enumerate(self.names, 1):
            path = pathlib.Path(self.directory) / f"conf-{own}"
            path.write_text(CONFIG.format(own=own, other=3 - own, directory=self.directory))
            self.daemons.append(subprocess.Popen(["ip", "netns", "exec", name, "conntrackd", "-C", str(path)],
                                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        time.sleep(1.5)
        if any(daemon.poll() is not None for daemon in self.daemons):
            cannot("the daemon does not start: " + (pathlib.Path(self.directory) / "log-1").read_text()[-300:])
        return self

    def __exit__(self, *_):
        for daemon in self.daemons:
            daemon.terminate()
        for daemon in self.daemons:
            daemon.wait()
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)

    def received(self):
        """States in the receiver's external cache."""
        text = run("ip", "netns", "exec", self.names[1], "conntrackd", "-C", f"{self.directory}/conf-2", "-s", "cache")
        external = text.split("cache:external", 1)[-1]
        for line in external.splitlines():
            if "active objects" in line:
                return int(line.split()[2].rstrip(":").strip() or 0) if line.split()[2].isdigit() else int(line.split()[-1])
        return 0


def state_lines(count):
    for number in range(count):
        source = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        yield (f"-I -p tcp --src {source} --dst 203.0.113.9 --sport {1024 + number % 60000} --dport 443 "
               f"--state ESTABLISHED --timeout 3600 -u ASSURED,SEEN_REPLY\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--states", type=int, default=100_000)
    wanted = parser.parse_args().states
    if os.geteuid() != 0:
        cannot("namespaces need root")
    for program in ("conntrackd", "conntrack", "nft", "ip"):
        if not shutil.which(program):
            cannot(f"{program} is not installed")
    with tempfile.TemporaryDirectory() as directory, Pair(directory) as pair:
        states = pathlib.Path(directory) / "states"
        states.write_text("".join(state_lines(wanted)))
        before = [cpu_seconds(daemon.pid) for daemon in pair.daemons]
        run("ip", "netns", "exec", pair.names[0], "conntrack", "-R", str(states))
        deadline = time.monotonic() + 60
        got = -1
        while time.monotonic() < deadline:
            time.sleep(1)
            last, got = got, pair.received()
            if got == last and got > 0:
                break
        spent = [cpu_seconds(daemon.pid) - start for daemon, start in zip(pair.daemons, before)]
    if got < wanted / 2:
        cannot(f"of {wanted} states only {got} arrived")
    remarks = {
        "conntrackd_states": got,
        "conntrackd_sender_us": round(spent[0] / wanted * 1e6, 3),
        "conntrackd_receiver_us": round(spent[1] / got * 1e6, 3),
    }
    print(json.dumps({"metrics": {}, "remarks": remarks}))


main()
