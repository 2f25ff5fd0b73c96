#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the benches and says how far each metric is from its bar. scripts/bench calls it; it needs a finished build.

usage: run.py BUILD_DIRECTORY [--quick] [--json FILE] [--only GLOB]...
"""

import argparse
import datetime
import fnmatch
import json
import os
import pathlib
import platform
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
HUGE = pathlib.Path("/proc/sys/vm/nr_hugepages")

# The tables of these are small: their figures are of a last-level cache.
PLAIN_KINDS = ("arp", "nd", "mac", "multicast4", "multicast6", "virtual_mac", "ipsec_sa", "sctp",
               "sequence_shift", "ipsec_sequence", "expectation", "return_mac")

# name: (unit, direction, bar). The bars are where a metric starts to be good.
BARS = {
    "wire.lifecycle_bytes_v4": ("bytes", "<=", 48),
    "wire.update_bytes": ("bytes", "<=", 8),
    "wire.delete_bytes": ("bytes", "<=", 5),
    "wire.create_bytes_v6": ("bytes", "<=", 48),
    "apply.update_x_roofline": ("x", ">=", 0.5),
    "apply.create_x_rte_hash": ("x", ">=", 5),
    "apply.update_x_rte_hash": ("x", ">=", 4),
    "lookup.hit_x_rte_hash": ("x", ">=", 1.8),
    "lookup.miss_x_rte_hash": ("x", ">=", 2),
    **{f"lookup.{kind}_x_rte_hash": ("x", ">=", 1.8) for kind in (*PLAIN_KINDS, "dos_block")},
    **{f"apply.{kind}_x_roofline": ("x", ">=", 0.3) for kind in PLAIN_KINDS},
    "insert.x_rte_hash": ("x", ">=", 4),
    "insert.x_tbb": ("x", ">=", 8),
    "e2e.records_per_s": ("records/s", ">=", 30e6),
    "e2e.x_apply": ("x", ">=", 0.7),
    "e2e.memif_x_ring": ("x", ">=", 0.7),
    "e2e.cpu_x_conntrackd": ("x", ">=", 200),
    "resync.sent_ratio": ("x", "<=", 1.5),
    "verify.overhead": ("share", "<=", 0.01),
    "hold.p50_us": ("us", "<=", 20),
    "hold.p99_us": ("us", "<=", 100),
    "sa.records_per_mpkt": ("records", "<=", 100),
    "memory.bytes_per_session_v4": ("bytes", "<=", 112),
    "takeover.us_1m": ("us", "<=", 1000),
    "takeover.us_8m": ("us", "<=", "1.2 x takeover.us_1m"),
    "encode.instr_update": ("instructions", "<=", 60),
    "apply.instr_update": ("instructions", "<=", 80),
}

# program: (what --only matches, seconds in full and quick mode, MiB of huge pages in full and quick mode)
PROGRAMS = {
    "bench_wire": (["wire.*"], (5, 5), (300, 300)),
    "instructions.py": (["encode.instr_update", "apply.instr_update"], (8, 8), (0, 0)),
    "bench_lookup": (["lookup.hit_*", "lookup.miss_*"], (30, 8), (5600, 1500)),
    "bench_plain": (["lookup.*_x_rte_hash", "apply.*_x_roofline"], (10, 6), (300, 300)),
    "bench_insert": (["insert.*"], (35, 8), (7000, 2000)),
    "bench_apply": (["apply.*_x_*"], (40, 12), (6500, 1700)),
    "bench_takeover": (["memory.*", "takeover.*"], (10, 4), (1800, 600)),
    "bench_resync": (["resync.*", "verify.*"], (45, 15), (3200, 900)),
    "bench_hold": (["hold.*"], (15, 6), (2900, 1000)),
    "bench_sa": (["sa.*"], (3, 3), (96, 96)),
    "bench_e2e": (["e2e.*"], (60, 20), (4000, 1400)),
    "conntrackd.py": (["e2e.cpu_x_conntrackd"], (20, 15), (0, 0)),
}


def say(text):
    print(f"== {text}", file=sys.stderr, flush=True)


class HugePages:
    """2 MB pages while a bench runs, as many as it wants, if this process may; the old number afterwards."""

    def __init__(self):
        self.before = None

    def want(self, mib):
        if mib == 0 or os.geteuid() != 0:
            return
        now = int(HUGE.read_text())
        if now * 2 >= mib:
            return
        if self.before is None:
            self.before = now
        try:
            HUGE.write_text(str(mib // 2))
        except OSError as error:
            say(f"no huge pages: {error}")

    def restore(self):
        if self.before is not None:
            HUGE.write_text(str(self.before))


def machine(is_quick):
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    cache = pathlib.Path("/sys/devices/system/cpu/cpu0/cache/index3/size")
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "last_level_cache": cache.read_text().strip() if cache.exists() else "unknown",
        "memory_mib": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20,
        "kernel": platform.release(),
        "is_quick": is_quick,
        "places_in_tables": 1 << 21 if is_quick else 1 << 23,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    }


def run_benchmark(path, is_quick, facts):
    environment = {**os.environ, "TWINPLANE_BENCH_SCALE": "quick" if is_quick else "full"}
    run = subprocess.run([path, "--benchmark_format=json"], capture_output=True, text=True, env=environment)
    start = run.stdout.find("{")
    if run.returncode != 0 or start < 0:
        raise RuntimeError(run.stderr.strip()[-500:])
    answer = json.JSONDecoder().raw_decode(run.stdout[start:])[0]
    facts.setdefault("pages", {})[path.name] = answer["context"].get("pages", "?")
    metrics, remarks = {}, {}
    for bench in answer["benchmarks"]:
        if bench.get("error_occurred"):
            raise RuntimeError(f"{bench['name']}: {bench['error_message']}")
        row = bench["name"].split("/")[0]
        known = {"name", "family_index", "per_family_instance_index", "run_name", "run_type", "repetitions",
                 "repetition_index", "threads", "iterations", "real_time", "cpu_time", "time_unit"}
        for name, value in bench.items():
            if name in BARS:
                metrics[name] = value
            elif name not in known:
                remarks[f"{row}: {name}"] = value
    return metrics, remarks


def run_script(path, arguments):
    run = subprocess.run([sys.executable, path, *arguments], capture_output=True, text=True)
    if run.returncode != 0:
        raise RuntimeError(run.stderr.strip()[-500:])
    answer = json.loads(run.stdout)
    return answer["metrics"], answer["remarks"]


def run_program(name, build, is_quick, facts):
    if name == "instructions.py":
        return run_script(HERE / name, [str(build / "bench" / "instr_driver")])
    if name == "conntrackd.py":
        return run_script(HERE / name, ["--states", "50000" if is_quick else "200000"])
    return run_benchmark(build / "bench" / name, is_quick, facts)


def bar_of(name, metrics):
    unit, direction, bar = BARS[name]
    if isinstance(bar, str):
        factor, other = bar.split(" x ")
        return unit, direction, float(factor) * metrics.get(other, float("nan")), bar
    return unit, direction, bar, f"{bar:g}"


def table(metrics):
    print(f"{'metric':32} {'value':>12} {'unit':14} {'bar':28} met?")
    missed = 0
    for name in BARS:
        if name not in metrics:
            continue
        unit, direction, bar, text = bar_of(name, metrics)
        value = metrics[name]
        is_met = value <= bar if direction == "<=" else value >= bar
        missed += not is_met
        print(f"{name:32} {value:12.4g} {unit:14} {direction + ' ' + text:28} {'yes' if is_met else 'NO'}")
    return missed


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measures the engine beside its limits and rivals, in the same run.")
    parser.add_argument("build", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="smaller tables, under 5 minutes on 2 cores")
    parser.add_argument("--json", metavar="FILE", type=pathlib.Path, help="write machine, metrics and remarks there")
    parser.add_argument("--only", metavar="GLOB", action="append", help="only these metrics (may be repeated)")
    return parser.parse_args()


def wanted_programs(only):
    if not only:
        return list(PROGRAMS)
    names = [name for name in BARS if any(fnmatch.fnmatch(name, glob) for glob in only)]
    programs = [program for program, (globs, _, _) in PROGRAMS.items()
                if any(fnmatch.fnmatch(name, glob) for name in names for glob in globs)]
    if "conntrackd.py" in programs and "bench_e2e" not in programs:
        programs.insert(0, "bench_e2e")
    if not programs:
        sys.exit("error: --only matches no metric; there are:\n  " + "\n  ".join(BARS))
    return programs


def main():
    options = arguments()
    mode = 1 if options.quick else 0
    programs = wanted_programs(options.only)
    facts, metrics, remarks, failures = machine(options.quick), {}, {}, 0
    pages = HugePages()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the pages are given back
    try:
        for index, name in enumerate(programs):
            left = sum(PROGRAMS[program][1][mode] for program in programs[index:])
            say(f"[{index + 1}/{len(programs)}] {name}, about {left} s left in all")
            pages.want(PROGRAMS[name][2][mode])
            start = time.monotonic()
            try:
                found, noted = run_program(name, options.build, options.quick, facts)
            except (RuntimeError, json.JSONDecodeError) as error:
                failures += 1
                say(f"{name} failed: {error}")
                continue
            metrics.update(found)
            remarks.update(noted)
            say(f"      {time.monotonic() - start:.0f} s")
    finally:
        pages.restore()
    ours_ns = remarks.get("e2e: cpu_ns_a_created_state")
    if ours_ns and "conntrackd_sender_us" in remarks:
        theirs_us = remarks["conntrackd_sender_us"] + remarks["conntrackd_receiver_us"]
        metrics["e2e.cpu_x_conntrackd"] = theirs_us * 1000 / ours_ns
    if "apply.update: roofline_ns" in remarks:
        remarks["roofline_ns"] = remarks.pop("apply.update: roofline_ns")
    facts["load_average"] = os.getloadavg()[0]
    for name, value in remarks.items():
        print(f"  {name}: {value:.4g}", file=sys.stderr)
    missed = table(metrics)
    print(f"{len(metrics)} metrics, {missed} below their bar, {failures} programs failed")
    if options.json:
        options.json.write_text(json.dumps({"machine": facts, "metrics": metrics, "remarks": remarks}, indent=1) + "\n")
    return 1 if failures else 0


sys.exit(main())
