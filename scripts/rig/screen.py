# SPDX-License-Identifier: BSD-3-Clause
"""What a run looks like while it goes: in place on a terminal, else a line a second."""

import sys
import time


class Rates:
    """Differences a second of counters that only rise."""

    def __init__(self):
        self.seen = {}

    def of(self, name, count, now):
        before, then = self.seen.get(name, (count, now))
        if now - then < 0.5 and name in self.seen:
            return self.seen.get((name, "rate"), 0)
        rate = max(0.0, (count - before) / (now - then)) if now > then else 0.0
        self.seen[name] = (count, now)
        self.seen[(name, "rate")] = rate
        return rate


class Screen:
    def __init__(self, seconds):
        self.on_terminal = sys.stdout.isatty()
        self.seconds = seconds
        self.rates = Rates()
        self.began = None
        self.phase = ""
        self.lines_up = 0
        self.next_at = 0
        self.line_every_s = 1.0  # where it goes into a file

    def say(self, text):
        """A line that stays."""
        self._wipe()
        print(f"{self._clock()}{text}", flush=True)

    def due(self):
        """Whether it is time to show something new, so that nobody is asked in vain."""
        return time.monotonic() >= self.next_at

    def show(self, boxes, report):
        self.next_at = time.monotonic() + (0.25 if self.on_terminal else self.line_every_s)
        now = time.monotonic()
        parts = [self._box(box, now) for box in boxes]
        if report is not None:
            parts += self._traffic(report, now)
        if not self.on_terminal:
            print(self._clock() + " | ".join(" ".join(part.split()) for part in parts), flush=True)
            return
        self._wipe()
        lines = [f"{self._clock()}{self.phase}", *("  " + part for part in parts)]
        sys.stdout.write("\n".join(line[:200] for line in lines) + "\n")
        sys.stdout.flush()
        self.lines_up = len(lines)

    def _wipe(self):
        if self.lines_up:
            sys.stdout.write(f"\x1b[{self.lines_up}A\x1b[J")
            self.lines_up = 0

    def _clock(self):
        if self.began is None:
            return "        "
        return f"{time.monotonic() - self.began:5.1f} s "

    def _box(self, box, now):
        if not box.is_running():
            return f"{box.name:5} dead"
        status = box.last_status
        if status is None:
            return f"{box.name:5} starting"
        role = status["role"].upper() if status["role"] == "active" else status["role"]
        text = f"{box.name:5} {role:8} {status['sync']:9} {status['sessions']:7} sessions"
        if status["role"] == "active":
            rate = self.rates.of(box.name + " sent", status["records_sent"], now)
            text += f"  {rate:8.0f} records/s sent     lag {status['lag_us']:5} us"
            text += f"  {status['at_risk']:6} at risk"
        else:
            rate = self.rates.of(box.name + " applied", status["records_applied"], now)
            text += f"  {rate:8.0f} records/s applied  peer {status['peer']}"
        if status["sync"] == "bulk":
            text += f"  bulk {status['bulk_done_slots']}/{status['bulk_total_slots']} slots"
        return text

    def _traffic(self, report, now):
        rate = self.rates.of("bytes", report.bytes, now) / 1e6
        done = self.rates.of("short", report.shorts["done"], now)
        replies = self.rates.of("udp", report.datagrams["received"], now)
        silence = max(report.silence["ns"] / 1e6, report.open_ms)
        return [f"transfers {report.running_transfers:5} running {report.broken_transfers:3} broken"
                f" {rate:7.1f} MB/s  silence {silence:6.1f} ms",
                f"short {done:6.0f}/s {report.broken_shorts:3} broken",
                f"UDP {replies:6.0f}/s"]
