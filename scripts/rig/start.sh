# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# start.sh - packages, build, and then one of the rig's programs. Source it behind lib.sh.
#
#   rig_start "$tp_root/scripts/rig" "$@"

rig_start() {
  local program=$1 word build
  shift
  for word; do
    if [[ $word == --help || $word == -h ]] && command -v python3 >/dev/null; then
      exec python3 "$program" --help
    fi
  done
  tp_setup
  # Wrong options and missing privileges are said before the build, which may take minutes.
  python3 "$program" --check "$@"
  build=$(tp_build release dataplane/twinplane dataplane/twinplane-tables \
    scripts/rig/load/twinplane-load)
  tp_huge_pages_report
  exec python3 "$program" --build "$build" "$@"
}
