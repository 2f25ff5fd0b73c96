# SPDX-License-Identifier: BSD-3-Clause
"""The main job, short: the active box is killed, the report says what came of it."""

import main_job
from lab import expect

if __name__ == "__main__":
    result = main_job.run("--seconds", "8")
    expect(result["transport"] == "ethernet", "transport")
    print("passed: the main job, short")
