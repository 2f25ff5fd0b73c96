# SPDX-License-Identifier: BSD-3-Clause
"""What the job needs of this machine: privileges, tools, programs. Says which is missing."""

import os
import shutil

import network
from commands import RigError

TOOLS = {"ip": "iproute2", "ethtool": "ethtool", "sysctl": "procps", "setpriv": "util-linux",
         "unshare": "util-linux"}


def check_privileges():
    if os.geteuid() != 0:
        raise RigError("the job makes network namespaces and needs root for it; type:\n"
                       "  sudo scripts/run")
    network.check_namespaces_work()


def check_tools(options):
    wanted = dict(TOOLS, nft="nftables") if options.reference else TOOLS
    missing = sorted({package for tool, package in wanted.items() if not shutil.which(tool)})
    if missing:
        raise RigError("not installed: " + " ".join(missing) + "; type: scripts/setup")


def check_programs(options):
    wanted = ["scripts/rig/load/twinplane-load"]
    if not options.reference:
        wanted += ["dataplane/twinplane", "dataplane/twinplane-tables"]
    for program in wanted:
        if not os.access(options.build / program, os.X_OK):
            raise RigError(f"{options.build / program} is not built; scripts/run builds it")
