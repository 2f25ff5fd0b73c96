# SPDX-License-Identifier: BSD-3-Clause
"""What came of a soak: the report for machines, the summary for people, and whether it was good."""

import collections

import faults as link_faults


def unknown(options):
    return {"minutes": options.minutes, "seed": options.seed, "events": [], "lives": [],
            "faults": [], "passed": False, "error": None}


def collect(soak, last):
    """Puts everything into the soak's result; `last`: the traffic's last report, or None."""
    pair, watch, result = soak.pair, soak.watch, soak.result
    verifications = pair.verifications if pair else []
    result["events"] = soak.events
    result["verifications"] = verifications
    result["lives"] = watch.as_json() if watch else []
    result["sessions_lost"] = sum(one.sessions_lost or 0 for one in soak.failovers)
    found = soak.faults + (watch.faults() if watch else [])
    if last:
        result["transfers"] = {"started": last.transfers["started"], "bytes": last.bytes,
                               "broken": last.broken_transfers}
        result["short_connections"] = {"started": last.shorts["started"],
                                       "broken": last.broken_shorts,
                                       "excused": soak.shorts_excused}
        if last.broken_transfers:
            found.append(f"{last.broken_transfers} transfers broke")
        if last.broken_shorts > soak.shorts_excused:
            found.append(f"{last.broken_shorts} short connections broke, {soak.shorts_excused}"
                         " at most for lost sessions and in split pairs")
        if last.datagrams["corrupt"]:
            found.append(f"{last.datagrams['corrupt']} UDP flows carried wrong content")
    if pair:
        result["link_faults_done"] = link_faults.done_by(pair.boxes)
        result["records_sent"] = pair.total("records_sent")
    if not soak.events:
        found.append("no event came: nothing was shown")
    found += [f"not equal: {one}" for one in verifications
              if not one["passed"] and not one["when"].startswith("after event")]
    result["faults"] = found
    result["passed"] = not found


def summary(result):
    events, lives = result["events"], result["lives"]
    kinds = collections.Counter(event["kind"] for event in events)
    even = [event["even_after_s"] for event in events]
    verified = result["verifications"]
    returns = {kept: [event["bytes_until_even"] for event in events
                      if event.get("tables_kept") is kept] for kept in (True, False)}

    def most_growth(name):
        return max(life["last"][name] - life["first"][name] for life in lives)

    return [
        "",
        f"soak: {result['minutes']} min by seed {result['seed']}, {len(events)} events",
        "  events            " + ", ".join(f"{count} x {kind}" for kind, count in kinds.items()),
        f"  in sync again     after {max(even):.1f} s at most, when what was ended was back",
        *(f"  came back         {len(sent)} x {how} tables: at most {max(sent) / 1e3:.0f} kB until in"
          " sync" for how, sent in (("with its", returns[True]), ("with new", returns[False]))
          if sent),
        f"  comparisons       {sum(one['passed'] for one in verified)} of {len(verified)} equal",
        f"  sessions lost     {result['sessions_lost']} in all kills together",
        f"  transfers         {result['transfers']['started']},"
        f" {result['transfers']['broken']} broken,"
        f" {result['transfers']['bytes'] / 1e6:.0f} MB checked",
        f"  short connections {result['short_connections']['started']},"
        f" {result['short_connections']['broken']} broken",
        f"  records           {result['records_sent']} sent",
        f"  faults done       {link_faults.describe(result['link_faults_done'])}",
        f"  growth            in {len(lives)} lives of a box at most {most_growth('memory_kib')} KiB"
        f" of memory, {most_growth('files')} files, {most_growth('packets_buffers_in_use')} and"
        f" {most_growth('ha2_buffers_in_use')} buffers",
        "",
        "PASSED" if result["passed"] else "FAILED: " + "; ".join(result["faults"]),
    ]
