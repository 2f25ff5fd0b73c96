# SPDX-License-Identifier: BSD-3-Clause
"""The directory of one run, and what proves that something is this run's own.

Everything that outlives a process (namespaces, processes, DPDK's run-time directories) is written
into state.json *before* it is made. A run that was killed leaves that file behind; the next run
reads it and takes away what stands in it, if its owner is gone and each thing is still the one
that was recorded: processes by number and start time, namespaces by name and inode. Nothing else
is ever touched.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import processes
from commands import RigError, run

NAMESPACE_HANDLES = Path("/run/netns")
DIRECTORY_PREFIX = "twinplane-run-"


def base_directory():
    """In memory: the boxes' tables are files here, and must cost no disk."""
    for candidate in (Path("/dev/shm"), Path(os.environ.get("XDG_RUNTIME_DIR", "/nonexistent"))):
        if candidate.is_dir() and os.access(candidate, os.W_OK):
            return candidate
    raise RigError("neither /dev/shm nor $XDG_RUNTIME_DIR is a directory that can be written;"
                   " mount a tmpfs: mount -t tmpfs tmpfs /dev/shm")


def boot_id():
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class RunDirectory:
    def __init__(self, path, state):
        self.path = path
        self.state = state
        self.children = []

    @classmethod
    def create(cls):
        """A new one, named by this process."""
        path = base_directory() / f"{DIRECTORY_PREFIX}{os.getpid()}"
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            raise RigError(f"{path} exists and is not provably a leftover of this rig; remove it")
        own = cls(path, {
            "owner": {"pid": os.getpid(), "started": processes.start_time(os.getpid())},
            "boot_id": boot_id(),
            "kept": False,
            "namespaces": {},
            "processes": [],
            "dpdk_prefixes": [],
        })
        own.save()
        return own

    @property
    def token(self):
        """Stands in every name that this run gives away."""
        return f"tp-{self.state['owner']['pid']}"

    def save(self):
        part = self.path / "state.json.part"
        part.write_text(json.dumps(self.state, indent=1))
        part.replace(self.path / "state.json")

    # Namespaces.

    def add_namespace(self, role):
        name = f"{self.token}-{role}"
        self.state["namespaces"][name] = None
        self.save()
        run("ip", "netns", "add", name)
        self.state["namespaces"][name] = (NAMESPACE_HANDLES / name).stat().st_ino
        self.save()
        return name

    def _remove_namespaces(self):
        for name, inode in self.state["namespaces"].items():
            with contextlib.suppress(FileNotFoundError):
                if inode in (None, (NAMESPACE_HANDLES / name).stat().st_ino):
                    self._end_those_inside(name)
                    run("ip", "netns", "del", name, check=False)

    # Processes.

    @staticmethod
    def _end_those_inside(name):
        """What programs of ours have started there by themselves, as a server does for each connection."""
        for pid in map(int, run("ip", "netns", "pids", name, check=False).split()):
            if pid != os.getpid():
                processes.kill(pid, processes.start_time(pid))

    def start(self, words, namespace, **options):
        """Starts a program in a namespace. It dies with this process, however that ends."""
        child = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "ip", "netns", "exec", namespace, *words],
            start_new_session=True, **options)
        self.children.append(child)
        self.state["processes"].append(
            {"pid": child.pid, "started": processes.start_time(child.pid)})
        self.save()
        return child

    def started_at(self, child):
        return next(entry["started"] for entry in self.state["processes"]
                    if entry["pid"] == child.pid)

    def _end_processes(self):
        mine = [(entry["pid"], entry["started"]) for entry in self.state["processes"]]
        asked = [pair for pair in mine if processes.kill(*pair, signal.SIGTERM)]
        deadline = time.monotonic() + 1
        while any(processes.is_running(*pair) for pair in asked) and time.monotonic() < deadline:
            time.sleep(0.01)
        for pair in mine:
            if processes.kill(*pair):
                processes.wait_gone(*pair, seconds=5)
        for child in self.children:
            child.wait()

    # DPDK's own files, which a killed box leaves behind.

    def add_dpdk_prefix(self, name):
        prefix = f"{self.token}-{name}"
        self.state["dpdk_prefixes"].append(prefix)
        self.save()
        return prefix

    def forget_dpdk_files(self, prefix):
        """Removes what the box that had this prefix left; it must be dead."""
        shutil.rmtree(dpdk_directory(prefix), ignore_errors=True)
        for line in Path("/proc/mounts").read_text().splitlines():
            _, mounted_on, kind, *_ = line.split()
            if kind == "hugetlbfs":
                for page in Path(mounted_on).glob(f"{prefix}map_*"):
                    page.unlink(missing_ok=True)

    def close(self, keep=False):
        """Takes everything away again; with `keep`, all but the directory itself."""
        self._end_processes()
        self._remove_namespaces()
        for prefix in self.state["dpdk_prefixes"]:
            self.forget_dpdk_files(prefix)
        if keep:
            self.state.update(kept=True, namespaces={}, processes=[], dpdk_prefixes=[])
            self.save()
        else:
            shutil.rmtree(self.path, ignore_errors=True)


def dpdk_directory(prefix):
    """Where DPDK puts the sockets of a process with this --file-prefix."""
    if os.environ.get("RUNTIME_DIRECTORY"):
        base = Path(os.environ["RUNTIME_DIRECTORY"])
    elif os.geteuid() == 0:
        base = Path("/var/run")
    else:
        base = Path(os.environ.get("XDG_RUNTIME_DIR", "/tmp"))
    return base / "dpdk" / prefix


def clean_leftovers():
    """Takes away what runs that did not end orderly left. Gives the names of their directories."""
    cleaned = []
    for path in sorted(base_directory().glob(f"{DIRECTORY_PREFIX}*")):
        try:
            if path.is_symlink() or path.stat().st_uid != os.geteuid():
                continue
            state = json.loads((path / "state.json").read_text())
            owner = state["owner"]
            kept = state["kept"]
            same_boot = state["boot_id"] == boot_id()
        except (OSError, ValueError, KeyError):
            continue
        if kept or same_boot and processes.is_running(owner["pid"], owner["started"]):
            continue
        if not same_boot:
            state.update(namespaces={}, processes=[])
        RunDirectory(path, state).close()
        cleaned.append(path.name)
    return cleaned
