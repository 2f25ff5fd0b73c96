# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# lib.sh - what the scripts share: saying, building, huge pages, processors. Source it; it runs nothing.
#
#   source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
#   tp_setup; dir=$(tp_build)     # packages, then build/ (release)
#   tp_huge_pages_report

tp_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# One line about what happens now, on standard error: standard output belongs to results.
tp_say() { printf '== %s\n' "$*" >&2; }

# What is wrong and what to do about it; ends the script with status 1.
tp_die() {
  printf 'error: %s\n' "$1" >&2
  shift
  (($# == 0)) || printf '       %s\n' "$@" >&2
  exit 1
}

tp_setup() { "$tp_root/scripts/setup"; }

# The x86-64 level this processor has: the build's default is v3 (AVX2, BMI2), which older ones lack.
tp_march() {
  local flags flag
  flags=" $(grep -m1 '^flags' /proc/cpuinfo 2>/dev/null) "
  for flag in avx2 bmi1 bmi2 fma movbe; do
    [[ $flags == *" $flag "* ]] || { echo x86-64-v2; return; }
  done
  echo x86-64-v3
}

# tp_build [release|address|thread|fuzz|fuzz-coverage [TARGET...]]: configures and compiles, into
# build/, else build-KIND/, everything or only the targets (as ninja calls them: dataplane/twinplane);
# prints the directory's name on standard output. A second call takes about a second. Another build in
# the same directory is waited for.
tp_build() {
  local kind=${1:-release} dir options=(-Dauto_features=enabled "-Dcpp_args=-march=$(tp_march)")
  case $kind in
    release) dir=$tp_root/build ;;
    address) dir=$tp_root/build-address
      options+=(-Dbuildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false) ;;
    thread) dir=$tp_root/build-thread
      options+=(-Dbuildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false) ;;
    # clang for libFuzzer; what it warns of beyond g++ is let be. With the deliberate breakages in it.
    fuzz | fuzz-coverage) dir=$tp_root/build-$kind
      local arguments="-march=$(tp_march) -w -fsanitize=fuzzer-no-link -DTWINPLANE_MUTANTS -D_GLIBCXX_ASSERTIONS"
      local -x CXX=clang++
      options=(-Dauto_features=enabled -Dbuildtype=debugoptimized -Db_lundef=false)
      if [[ $kind == fuzz ]]; then
        options+=(-Db_sanitize=address,undefined "-Dcpp_args=$arguments")
      else
        options+=("-Dcpp_args=$arguments -fprofile-instr-generate -fcoverage-mapping"
          -Dcpp_link_args=-fprofile-instr-generate)
      fi ;;
    *) tp_die "tp_build: no such kind of build: $kind" ;;
  esac
  shift || true
  mkdir -p "$dir"
  {
    flock 9
    tp_configure "$dir" "${options[@]}" && tp_compile "$dir" "$@"
  } 9>"$dir/.lock" >&2 || tp_die "the build in ${dir##*/}/ failed" "see the message above"
  echo "$dir"
}

tp_configure() {
  local dir=$1 log
  shift
  [[ -f $dir/build.ninja ]] && return
  tp_say "configuring ${dir##*/}/"
  # What an interrupted configuration left is not to be trusted.
  [[ -d $dir/meson-private ]] && set -- --wipe "$@"
  log=$(meson setup "$dir" "$tp_root" "$@" 2>&1) && return
  printf '%s\n' "$log"
  return 1
}

tp_compile() {
  local dir=$1 plan steps
  shift
  plan=$(ninja -C "$dir" -n "$@" 2>&1) || { printf '%s\n' "$plan"; return 1; }
  steps=$(grep -c '^\[' <<<"$plan") || return 0
  tp_say "building ${dir##*/}/ ($steps steps)"
  if [[ -t 2 ]]; then
    NINJA_STATUS='   [%f/%t] ' ninja -C "$dir" "$@"
  else
    ninja -C "$dir" --quiet "$@"
  fi
}

# MiB of huge pages that are free now, of all sizes.
tp_huge_pages_free_mib() {
  local pool size_kib total_kib=0
  for pool in /sys/kernel/mm/hugepages/hugepages-*kB; do
    [[ -r $pool/free_hugepages ]] || continue
    size_kib=${pool##*-}
    size_kib=${size_kib%kB}
    total_kib=$((total_kib + size_kib * $(<"$pool/free_hugepages")))
  done
  echo $((total_kib / 1024))
}

# Says whether huge pages are there, and what it costs that they are not. They are never required.
tp_huge_pages_report() {
  local free_mib
  free_mib=$(tp_huge_pages_free_mib)
  if ((free_mib > 0)); then
    tp_say "huge pages: $free_mib MiB free; used where they suffice"
  else
    tp_say "huge pages: none free; running without. Cost: a TLB miss for most table accesses" \
      "(large tables are slower), and no device of its own through VFIO."
    tp_say "to have some: sysctl -w vm.nr_hugepages=512"
  fi
}
