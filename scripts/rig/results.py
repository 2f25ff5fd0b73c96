# SPDX-License-Identifier: BSD-3-Clause
"""What came out: the report for machines, the summary for people, and whether it was good."""

import faults as link_faults
import resync as link_cut


# Measured; null in the report of a run that came to no end.
MEASURED = (
    "sessions_at_failover", "sessions_kept", "sessions_lost", "transfers", "transfers_broken",
    "transfers_bytes", "transfers_pace_ms", "longest_silence_ms", "longest_lateness_ms",
    "steady_silence_ms", "short_connections", "short_connections_broken",
    "short_connections_skipped", "short_longest_ms", "udp_flows", "udp_requests", "udp_lost",
    "udp_corrupt", "udp_longest_silence_ms", "detection_ms", "takeover_us", "first_packet_us",
    "records_sent", "records_applied", "tables_equal", "verifications", "failovers", "resync",
    "link_faults_done", "link_frames_refused", "tables", "serving",
)


# Kinds that nothing changes between the kill and the comparison.
STILL = ("ipsec_sa", "expectation", "return_mac")


def worst(values):
    known = [value for value in values if value is not None]
    return max(known) if known else None


def unknown(options):
    """The report before anything is known: every name that one has."""
    return {
        **dict.fromkeys(MEASURED),
        "transport": options.transport,
        "underlay": None if options.transport == "ethernet" else int(options.underlay),
        "mtu": options.mtu,
        "seconds": options.seconds,
        "kill": options.kill,
        "reference": options.reference,
        "link_faults": options.faults.text if options.faults else None,
        "idle_sessions": options.idle_sessions,
        "faults": [],
        "passed": False,
        "error": None,
    }


def collect(job, last):
    """Puts everything that the job measured into its result; `last`: the traffic's last report."""
    options, pair, failovers, traffic, windows = (job.options, job.pair, job.failovers, job.traffic,
                                                  job.windows)

    def longest_ms(pick):
        return max((pick(window)["ns"] / 1e6 for window in windows), default=0.0)

    verifications = pair.verifications if pair else []
    silences = [failover.longest_silence_ms for failover in failovers]
    measured = {
        "sessions_at_failover": sum(one.sessions_at_failover for one in failovers),
        "sessions_kept": sum(one.sessions_kept for one in failovers),
        "sessions_lost": sum(one.sessions_lost for one in failovers),
        "transfers": last.transfers["started"],
        "transfers_broken": last.broken_transfers + last.running_transfers,
        "transfers_bytes": last.bytes,
        "transfers_pace_ms": traffic.pace_us / 1e3,
        "longest_silence_ms": max([longest_ms(lambda one: one.silence), *silences]),
        "longest_lateness_ms": longest_ms(lambda one: one.lateness),
        "steady_silence_ms": worst(one.steady_silence_ms for one in failovers),
        "short_connections": last.shorts["started"],
        "short_connections_broken": last.broken_shorts + last.running_shorts,
        "short_connections_skipped": last.shorts["skipped"],
        "short_longest_ms": longest_ms(lambda one: one.shorts["silence"]),
        "udp_flows": last.datagrams["started"],
        "udp_requests": last.datagrams["sent"],
        "udp_lost": last.datagrams["sent"] - last.datagrams["received"],
        "udp_corrupt": last.datagrams["corrupt"],
        "udp_longest_silence_ms": longest_ms(lambda one: one.datagrams["silence"]),
        "detection_ms": worst(one.detection_ms for one in failovers),
        "takeover_us": worst(one.takeover_us for one in failovers),
        "first_packet_us": worst(one.first_packet_us for one in failovers),
        "records_sent": pair.total("records_sent") if pair else 0,
        "records_applied": pair.total("records_applied") if pair else 0,
        "tables_equal": bool(verifications) and all(one["passed"] for one in verifications),
        "verifications": verifications,
        "failovers": [one.as_json() for one in failovers],
        "resync": job.resync.as_json() if job.resync else None,
        "link_faults_done": link_faults.done_by(pair.boxes) if options.faults else None,
        "link_frames_refused": link_faults.refused_by(pair.boxes) if pair else None,
        "tables": _by_kind(failovers),
        "serving": [one.as_json() for one in job.every_kind.servings] if job.every_kind else None,
    }
    assert tuple(measured) == MEASURED
    result = job.result
    result.update(measured)
    result["faults"] = [*faults(result), *(job.resync.faults() if job.resync else ())]
    result["passed"] = not result["faults"]


def _by_kind(failovers):
    """Of each kind of table: entries of the killed boxes, and what the others had of them."""
    kinds = {}
    for one in failovers:
        for kind, compared in one.kinds.items():
            row = kinds.setdefault(kind, {"at_failover": 0, "kept": 0, "same": 0, "lost": 0, "local": 0})
            row["at_failover"] += compared["entries_a"]
            row["kept"] += compared["kept"]
            row["same"] += compared["same"]
            row["lost"] += compared["lost"]
            row["local"] += compared["local_a"]
    return kinds or None


def faults(result):
    """Why the run did not pass; empty when it did."""
    found = []
    if result["transfers_broken"]:
        found.append(f"{result['transfers_broken']} transfers broke")
    # A connection that was opened in the very last moment may be one of the sessions lost.
    unexplained = result["short_connections_broken"] - result["sessions_lost"]
    if unexplained > 0:
        found.append(f"{unexplained} short connections broke that no lost session explains")
    done = result["link_faults_done"]
    if done and not any(done[name] for name in link_faults.COUNTERS[1:]):
        found.append("no fault was done to HA2")
    if result["udp_corrupt"]:
        found.append(f"{result['udp_corrupt']} UDP flows carried wrong content")
    if not result["tables_equal"] and not result["reference"]:
        found.append("the tables were not equal")
    if result["serving"] is not None:
        found += _faults_of_kinds(result["tables"] or {}, result["serving"])
    for one in result["failovers"]:
        if one["takeover_ns"] is None:
            found.append(f"{one['survivor']} did not take over")
        elif one["first_packet_ns"] is None:
            found.append(f"{one['survivor']} sent no packet of a session that it took over")
        if one["sessions_at_failover"] == 0:
            found.append(f"{one['killed']} had no session when it was killed: nothing was shown")
    return found


def _faults_of_kinds(tables, servings):
    """What is wrong when every kind of table was to be filled, kept and of use."""
    found = []
    if not servings:
        found.append("nothing was looked at beside the sessions")
    for one in servings:
        if not one["is_fine"]:
            found.append(f"{one['name']}: {one['said']}")
    for kind, row in tables.items():
        if row["at_failover"] + row["local"] == 0:
            found.append(f"{kind} had no entry at the kill: nothing was shown of it")
        if kind in STILL and row["same"] < row["kept"]:
            found.append(f"{kind}: {row['kept'] - row['same']} of {row['kept']} entries are not the same at the survivor")
        if row["lost"] and not kind.startswith("session"):  # sessions: see the short connections
            found.append(f"{kind}: {row['lost']} of {row['at_failover']} entries lost")
    return found


def summary(result, failovers, resync):
    """The same for people, as lines."""
    lines = [""]
    for one in failovers:
        lines += _failover_lines(one)
    if resync:
        lines += link_cut.summary(resync)
    if done := result["link_faults_done"]:
        lines += [f"faults done to HA2: {result['link_faults']}",
                  f"  done              {link_faults.describe(done)}",
                  f"  refused           {result['link_frames_refused']} frames that came damaged"]
    if result["serving"] is not None:
        for kind, row in (result["tables"] or {}).items():
            local = f", {row['local']} local to their box" if row["local"] else ""
            lines.append(f"  {kind:17} {row['at_failover']} at failover, {row['kept']} kept, {row['lost']} lost{local}")
    for one in result["serving"] or ():
        lines.append(f"  {one['name']:17} {one['said']}")
    for one in result["verifications"]:
        if "lost" in one:
            said = f"{sum(one['lost'])} entries differ"
        else:
            said = f"{one['equal']} of {one['ranges']} ranges equal, {one['different']} different"
        lines.append(f"  tables            {said} ({one['when']})")
    lines += [
        f"  records           {result['records_sent']} sent, {result['records_applied']} applied",
        f"  transfers         {result['transfers']}, {result['transfers_broken']} broken,"
        f" {result['transfers_bytes'] / 1e6:.0f} MB checked",
        f"  short connections {result['short_connections']},"
        f" {result['short_connections_broken']} broken,"
        f" slowest {result['short_longest_ms']:.1f} ms",
        f"  UDP               {result['udp_requests']} requests, {result['udp_lost']} lost,"
        f" longest silence {result['udp_longest_silence_ms']:.1f} ms",
        f"  longest silence   {result['longest_silence_ms']:.1f} ms of any transfer"
        f" (pace {result['transfers_pace_ms']:.0f} ms)",
        "",
        "PASSED" if result["passed"] else "FAILED: " + "; ".join(result["faults"]),
    ]
    return lines


def _failover_lines(one):
    lines = [
        f"failover: {one.killed} killed, {one.survivor} goes on",
        f"  sessions          {one.sessions_at_failover} at failover,"
        f" {one.sessions_kept} kept, {one.sessions_lost} lost",
        f"  longest silence   {one.longest_silence_ms:.1f} ms"
        f" (transfer {one.longest_silence_flow}; before the kill {one.steady_silence_ms:.1f} ms)",
    ]
    for name, explained in (("before_the_kill", "its last bytes came before"),
                            ("detection", "until the survivor declared the peer dead"),
                            ("takeover", "until it owned every partition"),
                            ("first_packet", "until it sent the first packet of an old session"),
                            ("after", "pace of the transfer, TCP, scheduling")):
        if one.parts_ms:
            lines.append(f"    {one.parts_ms[name]:9.3f} ms  {explained}")
    if not one.parts_ms:
        for name, value, unit in (("detection", one.detection_ms, "ms"),
                                  ("takeover", one.takeover_us, "us"),
                                  ("first packet", one.first_packet_us, "us")):
            lines.append(f"    {name:12}  " + ("did not happen" if value is None
                                               else f"{value:9.3f} {unit}"))
    return lines
