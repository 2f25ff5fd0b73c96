# SPDX-License-Identifier: BSD-3-Clause
"""scripts/run, after everything is built: `python3 scripts/rig --help`."""

import signal
import sys

import machine
import options as command_line
import results
from commands import RigError
from job import Job
from rundir import RunDirectory, clean_leftovers


class Interrupted(Exception):
    """Ctrl-C, or somebody asked this process to end."""


def interrupt(number, _frame):
    raise Interrupted(signal.Signals(number).name)


def say_error(text):
    first, *rest = str(text).splitlines()
    print(f"error: {first}", *(f"       {line}" for line in rest), sep="\n", file=sys.stderr)


def run_job(options):
    rundir = RunDirectory.create()
    try:
        return Job(rundir, options).run()
    finally:
        # From here on nobody may interrupt: what was made is taken away.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        rundir.close(keep=options.keep)
        if options.keep:
            print(f"kept: {rundir.path} (remove it when you have read it)")


def main():
    options = command_line.parse(sys.argv[1:])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    result = results.unknown(options)
    try:
        machine.check_privileges()
        if options.check:
            return 0
        machine.check_tools(options)
        machine.check_programs(options)
        for name in clean_leftovers():
            print(f"cleaned up after a run that did not end orderly: {name}")
        result = run_job(options)
    except Interrupted as interrupted:
        result["error"] = f"interrupted ({interrupted})"
        print(f"\n{result['error']}; cleaned up", file=sys.stderr)
    except RigError as error:
        result["error"] = str(error)
        say_error(error)
    if options.report and not options.check:
        results.write(options.report, result)
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
