# SPDX-License-Identifier: BSD-3-Clause
"""Every kind of table filled by real packets, the active box killed, every kind equal and still of use."""

import main_job
from lab import expect

SECONDS = "12"


if __name__ == "__main__":
    result = main_job.run("--all-tables", "--seconds", SECONDS, "--connections", "20", "--rate", "50")
    tables = result["tables"]
    for kind, row in tables.items():
        expect(row["at_failover"] + row["local"] > 0, f"{kind} was filled", row)
    expect(tables["dos_block"]["at_failover"] == 0 < tables["dos_block"]["local"], "the block list alone is local")
    served = {kind for one in result["serving"] for kind in one["kinds"]}
    beside = {kind for kind in tables if not kind.startswith("session")}
    expect(served == beside, f"of each of them it was looked at what it serves: {sorted(served ^ beside)}")

    print("passed: every kind of table, through a kill")
