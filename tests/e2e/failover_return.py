# SPDX-License-Identifier: BSD-3-Clause
"""The main job with --return, over UDP, IPv6 and jumbo frames: both boxes are killed, one after the other."""

import main_job
from lab import expect

if __name__ == "__main__":
    result = main_job.run("--return", "--seconds", "14", "--transport", "udp", "--underlay", "6", "--mtu", "9000")
    expect(result["transport"] == "udp" and result["mtu"] == 9000, "transport and MTU")
    expect([one["killed"] for one in result["failovers"]] == ["east", "west"], "each box was killed once")
    print("passed: the main job with --return")
