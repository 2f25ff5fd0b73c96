# SPDX-License-Identifier: BSD-3-Clause
"""The command line of scripts/run."""

import argparse
from pathlib import Path

from faults import Faults

DESCRIPTION = """\
The main job: two Twinplane boxes forward real traffic between a client and a server, the active
one is killed in the middle of it, and the other goes on. Everything happens in network namespaces
of its own; nothing leaves this machine, and nothing is left behind. Needs root.

what runs
  long transfers     TCP, half of them down and half up, IPv4 and IPv6, translated and not; paced,
                     every byte checked. (Paced, because an unpaced sender has all its packets in
                     flight when the box dies and then waits for its own retransmission timer of
                     200 ms or more, whatever the boxes do.)
  short connections  connect, request, reply, close, so many a second, through source NAT
  UDP flows          requests and echoes

  with --all-tables  hosts that only the boxes know, a bridge, floating addresses, multicast, SCTP
                     associations, IPsec SAs, FTP, return paths, a source that floods: each must still serve

what is shown
  silence            the longest time in which a transfer got no byte; it includes the pace
  lateness           the longest time by which a chunk came later than it was due
  lag, at risk       the age of the oldest change that the other box may not have, and how many
                     slots there are with such changes
  kept, lost         sessions of the killed box, read from its tables after its death, that the
                     other box had, and had not
"""

EPILOG = """\
examples
  scripts/run                            20 seconds, the active is killed after 8
  scripts/run --return --seconds 40      the killed box comes back, then the other one is killed
  scripts/run --all-tables               every kind of table filled, killed, equal, and still of use
  scripts/run --transport udp --underlay 6 --mtu 9000
  scripts/run --kill none                nobody is killed; the tables are compared at the end
  scripts/run --kill link                HA2 is cut for 5 s: the tables become equal by what differs
  scripts/run --faults loss=5%,dup=1%,reorder=1%,delay=2ms,seed=1
  scripts/run --reference kernel         no Twinplane: what this machine's network does by itself

exit status
  0  no transfer broke, the tables were equal, a box that took over sent packets of old sessions,
     and a cut of HA2 was followed by no bulk
  1  that was not so, or the job could not run; the reason is the last thing printed
"""


def number(low, high):
    def parse(text):
        value = int(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"from {low} to {high}, not {value}")
        return value
    parse.__name__ = "number"
    return parse


def link_faults(text):
    try:
        return Faults(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error))


def parse(words):
    parser = argparse.ArgumentParser(
        prog="scripts/run", description=DESCRIPTION, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    option = parser.add_argument
    option("--seconds", type=number(5, 86_400), default=20, metavar="N",
           help="how long traffic runs, start and end not counted (20)")
    option("--connections", type=number(1, 20_000), default=100, metavar="N",
           help="long transfers (100)")
    option("--rate", type=number(1, 20_000), default=300, metavar="N",
           help="short connections a second (300)")
    option("--udp-flows", type=number(0, 5_000), default=20, metavar="N", help="UDP flows (20)")
    option("--transport", choices=("ethernet", "ip", "udp"), default="ethernet",
           help="how HA2 frames travel (ethernet)")
    option("--underlay", choices=("4", "6"), default="4",
           help="IP version under --transport ip and udp (4)")
    option("--mtu", type=number(1280, 9000), default=1500, metavar="N",
           help="MTU of the HA2 link (1500)")
    option("--kill", choices=("active", "link", "none"), default="active",
           help="whom to kill (active); link: nobody, HA2 is cut for 5 s")
    option("--faults", type=link_faults, metavar="LIST",
           help="done to every HA2 frame that either box sends, any of: loss=5%%, burst=0.1%%x8"
                " (runs of 8 losses), dup=1%%, reorder=1%%, delay=2ms or 1ms-3ms, corrupt=0.1%%,"
                " stall=200ms/5s, rate=10000/s, seed=1; HA1 is left alone")
    option("--idle-sessions", type=number(0, 90_000), metavar="N",
           help="sessions that say nothing more (20000 with --kill link, else 0)")
    option("--return", dest="comes_back", action="store_true",
           help="the killed box comes back, syncs beside live traffic, then the second is killed")
    option("--all-tables", action="store_true",
           help="beside the traffic every other kind of table is filled by real packets, and must still"
                " serve after the kill")
    option("--report", type=Path, metavar="FILE", help="write the results there, as JSON; after an error too, with null for what is"
                " not known")
    option("--keep", action="store_true",
           help="keep the run's directory: configurations, logs, tables")
    option("--reference", choices=("kernel",),
           help="one kernel router in the boxes' place: the noise floor of the silences")
    option("--build", type=Path, default=Path(__file__).resolve().parents[2] / "build",
           help=argparse.SUPPRESS)
    option("--check", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    if options.report and not options.report.resolve().parent.is_dir():
        parser.error(f"--report: there is no directory {options.report.resolve().parent}")
    if options.reference:
        options.kill = "none"
    if options.comes_back and options.kill != "active":
        parser.error("--return needs somebody to be killed: not with --kill link, --kill none or"
                     " --reference")
    if options.all_tables and (options.kill != "active" or options.comes_back):
        parser.error("--all-tables is one kill of the active box: not with --kill link, --kill none,"
                     " --return or --reference")
    if options.idle_sessions is None:
        options.idle_sessions = 20_000 if options.kill == "link" else 0
    if options.reference and (options.faults or options.idle_sessions):
        parser.error("--faults and --idle-sessions are the boxes', which --reference replaces")
    options.session_slots = 65_536
    options.keepalive_threshold = 3
    options.keep_tables = False
    return options
