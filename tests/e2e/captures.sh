#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What replay makes of captures that are made here beside what tshark counts in them. Needs no root.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Debian's Python, which knows Debian's scapy.
exec /usr/bin/python3 "$here/captures.py" "$here/../../scripts/replay" MadeHere
