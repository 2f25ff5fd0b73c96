#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""clang-tidy over every compiled file and the headers it reaches, with .clang-tidy.

usage: check.py BUILD_DIRECTORY

A file that was clean is remembered in BUILD_DIRECTORY/tidy/ by a digest of .clang-tidy, its compile
command and every file of this tree that it included, so that only what changed is looked at again.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(sys.argv[1]).resolve()
CACHE = BUILD / "tidy"
SECONDS_MAX = 120  # for one file


def dependencies():
    """By object file: the files of this tree that went into it, as ninja recorded them."""
    output = subprocess.run(
        ["ninja", "-C", str(BUILD), "-t", "deps"], check=True, capture_output=True, text=True
    ).stdout
    found, current = {}, None
    for line in output.splitlines():
        if line.startswith("    "):
            path = (BUILD / line.strip()).resolve()
            if path.is_relative_to(ROOT) and current is not None:
                current.add(path)
        elif ": #deps" in line:
            current = found.setdefault(line.split(": #deps")[0], set())
    return found


def digest_of(command, files):
    digest = hashlib.sha256(command["command"].encode())
    for path in sorted({ROOT / ".clang-tidy", *files}):
        digest.update(path.as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def look_at(file):
    try:
        done = subprocess.run(
            ["clang-tidy", "--quiet", "-p", str(BUILD), "--extra-arg=-Wno-unknown-warning-option",
             "--extra-arg=-Wno-error", str(file)],
            capture_output=True, text=True, timeout=SECONDS_MAX,
        )
    except subprocess.TimeoutExpired:
        return 1, f"{file}: error: clang-tidy took more than {SECONDS_MAX} s\n"
    return done.returncode, done.stdout + ("" if done.returncode == 0 else done.stderr)


def main():
    CACHE.mkdir(exist_ok=True)
    reached = dependencies()
    work = {}
    for command in json.loads((BUILD / "compile_commands.json").read_text()):
        file = (pathlib.Path(command["directory"]) / command["file"]).resolve()
        stamp = CACHE / digest_of(command, reached.get(command["output"], set()) | {file})
        work[file] = stamp
    todo = {file: stamp for file, stamp in work.items() if not stamp.exists()}
    findings, bad = {}, 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = {pool.submit(look_at, file): stamp for file, stamp in todo.items()}
        for job in concurrent.futures.as_completed(jobs):
            status, text = job.result()
            if status == 0:
                jobs[job].touch()
                continue
            bad += 1
            # A header's fault comes with every file that includes it, under its folder's view.
            text = re.sub(re.escape(str(BUILD)) + r"/(views/\w+|\.\.)/", "", text)
            text = text.replace(f"{ROOT}/", "")
            for finding in re.split(r"^(?=\S+:\d+:\d+: (?:warning|error))", text, flags=re.M):
                findings.setdefault(finding, None)
    print("".join(findings))
    print(f"{len(work)} files, {len(todo)} looked at, {bad} with findings")
    return 1 if bad or not work else 0


sys.exit(main())
