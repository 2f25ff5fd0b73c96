# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# words.sh - help and wrong options, before anything is installed or built. Source it behind lib.sh.
#
#   tp_check_words "$tp_root/build/dataplane/program" 1 "$usage" "$@"

# What the words ask for, before anything is installed or built: help, said by PROGRAM where it has been
# built and else by USAGE, ends the script with status 0; an option that USAGE does not name, or a value
# that is missing, no number or out of range, ends it with STATUS. In USAGE an option's line begins
# `  --name` or `  -n, --name`; a word in capitals behind it is its value, N a number, `LOW..HIGH` its range.
# The words that are neither option nor value are in tp_free_words then.
tp_check_words() { # PROGRAM STATUS USAGE WORD...
  local program=$1 status=$2 usage=$3 word name value line kind low high
  local option='^  (-.), (--[a-z0-9-]+)( ([A-Z]+))?( |$)|^  (--[a-z0-9-]+)( ([A-Z]+))?( |$)'
  local number='^(0x[0-9a-fA-F]+|[0-9]+(\.[0-9]+)?)$'
  shift 3
  for word; do
    [[ $word == --help || $word == -h ]] || continue
    if [[ -x $program ]] && "$program" --help 2>/dev/null; then exit 0; fi
    printf '%s\n' "$usage"
    exit 0
  done
  tp_free_words=()
  while (($#)); do
    word=$1
    shift
    if [[ $word == -- ]]; then
      tp_free_words+=("$@")
      return
    fi
    if [[ $word != -?* ]]; then
      tp_free_words+=("$word")
      continue
    fi
    name=${word%%=*}
    [[ $word == --* ]] || name=${word:0:2}
    kind=none
    while IFS= read -r line; do
      [[ $line =~ $option ]] || continue
      case $name in
        "${BASH_REMATCH[1]:-none}" | "${BASH_REMATCH[2]:-none}") kind=${BASH_REMATCH[4]} ;;
        "${BASH_REMATCH[6]:-none}") kind=${BASH_REMATCH[8]} ;;
        *) continue ;;
      esac
      break
    done <<<"$usage"
    [[ $kind != none ]] || tp_refuse_words "$status" "there is no option $name"
    [[ -n $kind ]] || continue
    value=${word#"$name"}
    value=${value#=}
    if [[ $word == "$name" ]]; then
      (($#)) || tp_refuse_words "$status" "$name takes a value: $kind"
      value=$1
      shift
    fi
    [[ $kind == N ]] || continue
    [[ $value =~ $number ]] || tp_refuse_words "$status" "$name takes a number, not: $value"
    [[ $line =~ \ ([0-9]+)\.\.([0-9]+) ]] || continue
    low=${BASH_REMATCH[1]} high=${BASH_REMATCH[2]}
    tp_is_within "${value%%.*}" "$low" "$high" ||
      tp_refuse_words "$status" "$name takes a number, $low..$high"
  done
}

# A whole number, in [LOW, HIGH]? More digits than the shell can count with are too many.
tp_is_within() { # NUMBER LOW HIGH
  local number=$1
  ((${#number} <= 18)) || return 1
  [[ $number == 0x* ]] || number=$((10#$number)) # 08 is no octal number
  ((number >= $2 && number <= $3))
}

# Ends the script.
tp_refuse_words() { # STATUS WHY
  printf 'error: %s\n       %s --help says what there is\n' "$2" "scripts/${0##*/}" >&2
  exit "$1"
}
