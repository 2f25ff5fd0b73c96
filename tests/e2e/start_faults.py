# SPDX-License-Identifier: BSD-3-Clause
"""Starts that fail half-way: one message that says what to do, status 1, no crash, nothing left running."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from lab import BUILD, expect, machine, say, skip
from rundir import dpdk_directory

CONFIGURATION = """\
[box]
name = "solo"
id = 0
[eal]
huge_pages = "off"
memory_mib = 256
lcores = "{lcores}"
file_prefix = "{prefix}"
[[port]]
name = "inside"
device = "net_ring0"
zone = "trust"
addresses = ["10.1.0.254/24"]
[[port]]
name = "outside"
device = "net_ring1"
zone = "untrust"
addresses = ["10.2.0.254/24"]
[[rule]]
name = "out"
from = ["trust"]
to = ["untrust"]
action = "allow"
[ha]
enabled = false
"""

# What to change in the configuration, and the words that must be said.
FAULTS = (
    ("packet buffers that do not fit", "memory_mib = 256", "memory_mib = 64",
     ("no memory", "packet buffers", "eal.memory_mib")),
    ("an interface that does not exist", "net_ring0", "net_af_packet0,iface=nosuch0",
     ("nosuch0", "finding the device", "Check that the interface exists")),
    ("a PCI device that does not exist", "net_ring1", "0000:ff:1f.7", ("0000:ff:1f.7", "finding the device")),
    ("a ring's frames larger than buffers", "net_ring1", "net_af_packet0,iface=lo,framesz=8192,blocksz=32768",
     ("setting up a receive queue", "raise an mtu", "framesz")),
)

# Stands in front of DPDK: the launch of that number fails, counted from the first after EAL's own.
SHIM = """\
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
static int is_ready, launched;
int rte_eal_init(int argc, char** argv) {
  int result = ((int (*)(int, char**))dlsym(RTLD_NEXT, "rte_eal_init"))(argc, argv);
  is_ready = 1;
  return result;
}
int rte_eal_remote_launch(int (*run)(void*), void* argument, unsigned lcore) {
  if (is_ready && launched++ == atoi(getenv("FAILING_LAUNCH"))) {
    usleep(200000);  /* the workers before it run by now */
    return -EBUSY;
  }
  return ((int (*)(int (*)(void*), void*, unsigned))dlsym(RTLD_NEXT, "rte_eal_remote_launch"))(run, argument, lcore);
}
"""


def start(path, **environment):
    """The program, which must end by itself."""
    return subprocess.run([BUILD / "dataplane/twinplane", "--config", path], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=30, env=os.environ | environment)


def fails(path, what, words, **environment):
    done = start(path, **environment)
    expect(done.returncode == 1, f"{what}: status 1", f"{done.returncode}: {done.stderr}")
    said = [line for line in done.stderr.splitlines() if line.startswith("twinplane: ")][-1]
    missing = [word for word in words if word not in said]
    expect(not missing, f"{what}: {said}", f"{missing} missing")


def launches_fail(directory, path):
    (directory / "shim.c").write_text("#define _GNU_SOURCE\n" + SHIM)
    made = subprocess.run(["cc", "-shared", "-fPIC", "-o", directory / "shim.so", directory / "shim.c", "-ldl"],
                          capture_output=True, text=True, check=False)
    expect(made.returncode == 0, "the failing launch is compiled", made.stderr)
    for number, lcore in ((0, 1), (1, 2)):
        fails(path, f"{number} workers run when the next cannot be started", (f"lcore {lcore}", "eal.lcores"),
              LD_PRELOAD=str(directory / "shim.so"), FAILING_LAUNCH=str(number))


def main():
    try:
        machine.check_privileges()
    except Exception as error:
        skip(str(error).replace("\n", " "))
    processors = sorted(os.sched_getaffinity(0))
    prefix = f"tp-{os.getpid()}-solo"
    good = CONFIGURATION.format(prefix=prefix,
                                lcores=f"0@{processors[0]},1@{processors[-1]},2@{processors[0]}")
    try:
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            path = directory / "box.toml"
            for what, old, new, words in FAULTS:
                path.write_text(good.replace(old, new))
                fails(path, what, words)
            path.write_text(good)
            launches_fail(directory, path)
    finally:
        subprocess.run(["rm", "-rf", dpdk_directory(prefix)], check=False)
    say("passed: a start that fails says why, and leaves nothing behind")


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        say(f"FAILED: {error}")
        sys.exit(1)
