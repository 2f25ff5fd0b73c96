# SPDX-License-Identifier: BSD-3-Clause
"""HA2 cut for 5 s under traffic: lag grows and is shown, then what differs is sent, and no bulk."""

import main_job
from lab import expect

EVEN_S_MAX = 2


def main():
    result = main_job.report("--seconds", "9", "--kill", "link")
    one = result["resync"]
    lags = [lag_us for lag_us, _ in one["path"]]
    expect(lags == sorted(lags) and lags[-1] > 4.5e6, f"the lag grew as the seconds went by: {lags} us")
    risks = [at_risk for _, at_risk in one["path"]]
    expect(0 < risks[0] < risks[-1], f"so did what is at risk: {risks}")
    expect(one["seconds"] < EVEN_S_MAX, f"even again after {one['seconds']:.2f} s")
    expect(0 < one["records_sent"] < one["sessions"] / 2,
           f"{one['records_sent']} records were sent, with {one['sessions']} sessions in the tables")
    expect(one["share_of_bulk"] < 0.5, f"which is {one['share_of_bulk']:.3f} of the bytes of a bulk at most")
    expect(one["bulk_slots_stated"] == 0 and one["streams_begun"] == 0, "the stream went on: nothing in bulk")
    expect(result["short_connections_broken"] == 0, "no short connection broke")


if __name__ == "__main__":
    main()
    print(f"passed: {__doc__}")
