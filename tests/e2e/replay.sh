#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# scripts/replay on small captures that are made here: what it counts, refuses, survives. Needs no root.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec python3 "$here/replay_cases.py" "$here/../../scripts/replay"
