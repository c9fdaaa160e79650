# SPDX-License-Identifier: Apache-2.0
# What the tests of the command share. Source it first:
#
#   . "$(dirname "$0")/lib.sh"
#   run pagerank "$work/ring.txt" -q      runs $GASKET_BIN; leaves $status, $work/out, $work/err
#   expect_status 0
#
# A test ends with `finish`: it fails if any expectation did. 77 says that it was skipped.

set -u
: "${GASKET_BIN:?the command to test}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failures=0
status=0
shown=

run() {
    shown="gasket $*"
    "$GASKET_BIN" "$@" >"$work/out" 2>"$work/err" </dev/null
    status=$?
}

fail() {
    failures=$((failures + 1))
    echo "FAILED: $shown: $*"
    echo "--- status $status, stdout:"
    head -20 "$work/out"
    echo "--- stderr:"
    head -20 "$work/err"
}

expect_status() {
    [ "$status" -eq "$1" ] || fail "exit status $status, expected $1"
}

# The file $1 has exactly the bytes of stdin.
expect_file() {
    cat >"$work/expected"
    cmp -s "$1" "$work/expected" || {
        fail "$1 differs from what was expected:"
        diff "$work/expected" "$1" | head -20
    }
}

expect_out() { expect_file "$work/out"; }
expect_err() { expect_file "$work/err"; }

# A line of stdout (or of stderr) matches the basic regular expression $1.
expect_out_line() {
    grep -q -e "$1" "$work/out" || fail "no line of stdout matches: $1"
}
expect_err_line() {
    grep -q -e "$1" "$work/err" || fail "no line of stderr matches: $1"
}

expect_no_out() { [ ! -s "$work/out" ] || fail "stdout is not empty"; }
expect_no_err() { [ ! -s "$work/err" ] || fail "stderr is not empty"; }

expect_same() {
    cmp -s "$1" "$2" || fail "$1 and $2 differ"
}

# The path of a data file; ends the test as skipped where it is not there.
data() {
    [ -e "${GASKET_DATA:-../shared/data}/$1" ] || {
        echo "skipped: ${GASKET_DATA:-../shared/data}/$1 is not there" >&2
        exit 77
    }
    printf '%s\n' "${GASKET_DATA:-../shared/data}/$1"
}

# ---- a run in the background, $launcher --------------------------------------------------------

is_running() { grep -q '^State:[[:space:]]*[^ZX]' /proc/$launcher/status 2>/dev/null; }

# Waits for something to become true, however long a loaded machine takes: the test's own timeout
# is the only limit. Ends early if the launcher has ended: then it has become true or never will.
await() {
    until "$@"; do
        is_running || {
            "$@"
            return
        }
        sleep 0.05
    done
}

# The launcher is no longer a copy of this shell, and handles the signal of number $1 (before that,
# the signal ends it as it would any process).
catches() {
    caught=$(sed -n -e 's/^Name:[[:space:]]*/ /p' -e 's/^SigCgt:[[:space:]]*/0x/p' \
        /proc/$launcher/status 2>/dev/null)
    case $caught in
    " ${GASKET_BIN##*/}"*) [ $((${caught##*[!0-9a-fx]} >> ($1 - 1) & 1)) -eq 1 ] ;;
    *) return 1 ;;
    esac
}

# ------------------------------------------------------------------------------------------------

finish() {
    [ "$failures" -eq 0 ] || {
        echo "$failures expectations failed"
        exit 1
    }
    exit 0
}
