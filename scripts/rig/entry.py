# SPDX-License-Identifier: BSD-3-Clause
"""From a command line to an exit status: what scripts/run and scripts/soak have in common."""

import json
import signal
import sys

import machine
from commands import RigError
from rundir import RunDirectory, clean_leftovers

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):
    """Ctrl-C, or somebody asked this process to end."""


def interrupt(number, _frame):
    raise Interrupted(signal.Signals(number).name)


def say_error(text):
    first, *rest = str(text).splitlines()
    print(f"error: {first}", *(f"       {line}" for line in rest), sep="\n", file=sys.stderr)


def run_job(job_class, options, result):
    rundir = RunDirectory.create()
    try:
        job_class(rundir, options, result).run()
    finally:
        # From here on nobody may interrupt: what was made is taken away.
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        rundir.close(keep=options.keep)
        if options.keep:
            print(f"kept: {rundir.path} (remove it when you have read it)")


def main(job_class, options, result):
    """Gives the exit status. `result`: the report, which the job completes as it goes."""
    for number in SIGNALS:
        signal.signal(number, interrupt)
    try:
        machine.check_privileges()
        if options.check:
            return 0
        machine.check_tools(options)
        machine.check_programs(options)
        for name in clean_leftovers():
            print(f"cleaned up after a run that did not end orderly: {name}")
        run_job(job_class, options, result)
    except Interrupted as interrupted:
        result.update(passed=False, error=f"interrupted ({interrupted})")
        print(f"\n{result['error']}; cleaned up", file=sys.stderr)
    except RigError as error:
        result.update(passed=False, error=str(error))
        say_error(error)
    if options.report and not options.check:
        write(options.report, result)
    return 0 if result["passed"] else 1


def write(path, result):
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(result, indent=2) + "\n")
    part.replace(path)
