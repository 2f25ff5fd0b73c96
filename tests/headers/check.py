#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every header compiles alone, first in its file, with the include path of its folder.

usage: check.py BUILD_DIRECTORY
"""

import concurrent.futures
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
VIEWS = ("tables", "ha2", "dataplane")
OTHERS = ("bench", "tests", "scripts")  # these may know everything
FLAGS = "-std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror".split()


def flags_of(package):
    output = subprocess.run(
        ["pkg-config", "--cflags", package], check=True, capture_output=True, text=True
    ).stdout
    words = (word for word in output.split() if not word.startswith("-march="))
    return [word.replace("-I", "-isystem", 1) if word.startswith("-I") else word for word in words]


def compile_alone(folder, header, extra):
    view = pathlib.Path(sys.argv[1]) / "views" / folder if folder in VIEWS else ROOT
    text = f'#include "{header}"\n#include "{header}"\n'
    # v3 or better is the build's default; a syntax check runs nothing.
    command = ["g++", *FLAGS, "-march=x86-64-v3", f"-I{view}", *extra, "-x", "c++", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True)


def main():
    jobs = []
    dpdk = flags_of("libdpdk") + flags_of("tomlplusplus")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for folder in (*VIEWS, *OTHERS):
            extra = [] if folder in ("tables", "ha2") else dpdk
            for path in sorted((ROOT / folder).rglob("*.hpp")):
                header = path.relative_to(ROOT).as_posix()
                jobs.append((header, pool.submit(compile_alone, folder, header, extra)))
    bad = 0
    for header, job in jobs:
        if job.result().returncode != 0:
            bad += 1
            print(f"{header} does not compile alone:\n{job.result().stderr}")
    print(f"{len(jobs)} headers, {bad} of them do not compile alone")
    return 1 if bad or not jobs else 0


sys.exit(main())
