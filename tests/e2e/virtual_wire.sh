#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# See the first lines of the Python file of the same name.
exec python3 "${BASH_SOURCE[0]%.sh}.py"
