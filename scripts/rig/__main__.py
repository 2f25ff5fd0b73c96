# SPDX-License-Identifier: BSD-3-Clause
"""scripts/run, after everything is built: `python3 scripts/rig --help`."""

import sys

import entry
import options as command_line
import results
from job import Job

if __name__ == "__main__":
    options = command_line.parse(sys.argv[1:])
    sys.exit(entry.main(Job, options, results.unknown(options)))
