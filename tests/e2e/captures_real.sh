#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What replay makes of captures of real networks beside what tshark counts in them. Needs no root.
set -euo pipefail
[[ -n ${TWINPLANE_CAPTURES:-} ]] || {
  echo "TWINPLANE_CAPTURES names no folder of captures (*.pcap); those that are made here are compared by captures.sh"
  exit 77
}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Debian's Python, which knows Debian's scapy.
exec /usr/bin/python3 "$here/captures.py" "$here/../../scripts/replay" RealNetworks
