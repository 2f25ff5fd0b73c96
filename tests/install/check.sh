#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Installs into a directory of its own, then builds and runs a program that knows only pkg-config,
# against the shared and against the static library. Neither may need DPDK.
#
# usage: check.sh BUILD_DIRECTORY
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$1

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
DESTDIR=$stage meson install -C "$build" --no-rebuild --quiet

pc=$(find "$stage" -name twinplane.pc)
prefix=$stage$(pkg-config --variable=prefix "$pc")
flags() { pkg-config --define-variable=prefix="$prefix" "$@" "$pc"; }
libdir=$(flags --variable=libdir)

read -ra cflags < <(flags --cflags)
read -ra shared < <(flags --libs)
read -ra static < <(flags --libs --static)
static=("${static[@]/#-ltwinplane/-l:libtwinplane.a}")

cxx=(g++ -std=c++20 -O1 -march="${TWINPLANE_MARCH:-x86-64}" -Wall -Wextra -Werror)
"${cxx[@]}" "${cflags[@]}" "$here/user.cpp" -o "$stage/user-shared" "${shared[@]}"
"${cxx[@]}" "${cflags[@]}" "$here/user.cpp" -o "$stage/user-static" "${static[@]}"
"${cxx[@]}" "${cflags[@]}" "$here/../../ha2/example/replicate.cpp" -o "$stage/user-example" "${static[@]}"
LD_LIBRARY_PATH=$libdir "$stage/user-shared"
"$stage/user-static"
"$stage/user-example"

for file in "$libdir"/libtwinplane.so "$stage"/user-*; do
  if readelf -d "$file" | grep -q 'NEEDED.*librte_'; then
    echo "${file##*/} needs DPDK"
    exit 1
  fi
done
if readelf -d "$stage/user-static" | grep -q 'NEEDED.*libtwinplane'; then
  echo "user-static needs the shared library"
  exit 1
fi
echo "static and shared, $(find "$prefix/include/twinplane" -name '*.hpp' | wc -l) headers"
