#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""No folder includes one that it must not know.

usage: check.py BUILD_DIRECTORY

Three questions. What do the files say (each #include, by the folder of the file that has it)? Does the
build say no by itself (a wrong include is compiled with each folder's own flags and must fail)? Are
all files on disk in their folder's meson.build (what is not listed is neither built nor installed)?
"""

import json
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(sys.argv[1]).resolve()
OURS = ("tables", "ha2", "dataplane", "bench", "tests")
KNOWN = {
    "tables": {"tables"},
    "ha2": {"tables", "ha2"},
    "dataplane": {"tables", "ha2", "dataplane"},
}
# Time comes in as an argument, threads belong to dataplane/, and so does DPDK.
FORBIDDEN_SYSTEM = re.compile(
    r"^(rte_|dpdk/|cmdline|ethdev_|chrono$|ctime$|time\.h$|sys/time\.h$|thread$|stop_token$|mutex$"
    r"|shared_mutex$|condition_variable$|future$|pthread\.h$|threads\.h$)"
)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
SOURCES = (".cpp", ".hpp")


def files_of(folder):
    return sorted(p for p in (ROOT / folder).rglob("*") if p.suffix in SOURCES)


def wrong_includes(folder):
    for path in files_of(folder):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            bracket, name = match.groups()
            top = name.split("/")[0]
            wrong = (
                (bracket == '"' and top not in KNOWN[folder])
                or (top in OURS and top not in KNOWN[folder])
                or ".." in name.split("/")
                or (folder != "dataplane" and FORBIDDEN_SYSTEM.match(name))
            )
            if wrong:
                yield f"{path.relative_to(ROOT)}:{number}: {folder}/ must not know {name}"


def compile_flags(folder):
    """The include flags of one real compile command of the folder, or None if it has no source yet."""
    for command in json.loads((BUILD / "compile_commands.json").read_text()):
        file = (pathlib.Path(command["directory"]) / command["file"]).resolve()
        if file.is_relative_to(ROOT / folder):
            words = iter(shlex.split(command["command"]))
            flags = []
            for word in words:
                if word in ("-isystem", "-include", "-I"):
                    flags += [word, next(words)]
                elif word.startswith(("-I", "-isystem")):
                    flags.append(word)
            return flags
    return None


def accepted_wrongs(folder):
    """Includes that the folder's own flags should refuse, but do not."""
    flags = compile_flags(folder)
    if flags is None:
        return
    headers = {top: files_of(top)[:1] for top in KNOWN if top not in KNOWN[folder]}
    names = [p.relative_to(ROOT).as_posix() for paths in headers.values() for p in paths]
    if folder != "dataplane":
        names.append("rte_mbuf.h")
    for name in names:
        command = ["g++", "-std=c++20", "-fsyntax-only", *flags, "-x", "c++", "-"]
        text = f'#include "{name}"\n'
        if subprocess.run(command, cwd=BUILD, input=text, capture_output=True, text=True).returncode == 0:
            yield f"{folder}/: the build accepts #include {name}"


def unlisted(folder):
    listed = (ROOT / folder / "meson.build").read_text()
    for path in files_of(folder):
        name = path.relative_to(ROOT / folder).as_posix()
        if f"'{name}'" not in listed:
            yield f"{folder}/meson.build does not list {name}"


def main():
    faults = []
    for folder in KNOWN:
        faults += [*wrong_includes(folder), *accepted_wrongs(folder), *unlisted(folder)]
    listed_tests = (ROOT / "tests" / "meson.build").read_text()
    for path in sorted((ROOT / "tests" / "unit").glob("test_*.cpp")):
        if f"'{path.stem.removeprefix('test_')}'" not in listed_tests:
            faults.append(f"tests/meson.build does not list {path.name}")
    if faults:
        print(*faults, sep="\n")
    print(f"{sum(len(files_of(folder)) for folder in KNOWN)} files, {len(faults)} faults")
    return 1 if faults else 0


sys.exit(main())
