#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# See the first lines of the Python file of the same name. What it mounts is gone with its mount namespace.
exec unshare --mount --propagation private python3 "${BASH_SOURCE[0]%.sh}.py"
