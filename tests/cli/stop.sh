# SPDX-License-Identifier: Apache-2.0
# Signals and dying workers: a run that is asked to stop writes what it has (75), a second ^C ends
# it at once (130), a killed worker is named (4), and nothing is ever left behind.
. "$(dirname "$0")/lib.sh"
: "${GASKET_PROGRAM:?a shared object}"
cd "$work" || exit 1

# Background jobs need process groups of their own, as at a terminal.
command -v setsid >/dev/null || {
    echo "skipped: setsid is not there"
    exit 77
}

run generate kronecker --scale 10 -q -o graph.tsv
expect_status 0

# Runs for ever in the background, and has had time to get going.
start() {
    shown="gasket run program $* (in the background)"
    setsid "$GASKET_BIN" run "$GASKET_PROGRAM" graph.tsv --rounds 0 -o ranks.tsv "$@" \
        >out 2>err </dev/null &
    launcher=$!
    sleep 1
}

end() {
    wait $launcher
    status=$?
}

expect_nothing_left() {
    [ ! -e ranks.tsv ] || fail "a failed run left a result"
    leftover=$(ls | grep -v -x -e graph.tsv -e out -e err -e expected -e pipe)
    [ -z "$leftover" ] || fail "left behind: $leftover"
}

# Asked once, the launcher alone or, as ^C does, all of its processes.
for workers in 1 3; do
    for target in "INT " "TERM " "INT -"; do
        rm -f ranks.tsv
        start --workers $workers
        kill -s "${target% *}" -- "${target#* }$launcher"
        end
        shown="$shown, ${target% *} to ${target#* }launcher"
        expect_status 75
        if [ ! -e ranks.tsv ] || [ "$(wc -l <ranks.tsv)" -lt 500 ]; then
            fail "the result was not written"
        fi
        expect_err_line '^stopped    after '
    done
done

# Asked twice, while it waits for input that never comes.
rm -f ranks.tsv
mkfifo pipe
sleep 60 >pipe &
holder=$!
# The thread sanitizer holds signals back while a thread waits for another, so that one process, whose
# first thread does, would take the two for one.
case ${GASKET_SANITIZE-} in
*thread*) patient=2 ;;
*) patient='1 2' ;;
esac
for workers in $patient; do
    shown="gasket pagerank pipe --workers $workers (in the background)"
    setsid "$GASKET_BIN" pagerank pipe -o ranks.tsv --workers $workers >out 2>err </dev/null &
    launcher=$!
    sleep 2
    kill -s INT -- -$launcher
    sleep 1
    kill -0 $launcher 2>/dev/null || fail "the first ^C ended it while it was loading"
    kill -s INT -- -$launcher
    end
    expect_status 130
    expect_nothing_left
done
kill $holder
wait $holder 2>/dev/null

# The children of the launcher.
members() {
    ps -o pid= --ppid "$launcher" 2>/dev/null | tr -d ' '
}

# A process that has ended but that its new parent has not asked about is not left behind.
expect_ended() {
    for pid in $1; do
        case $(ps -o stat= -p "$pid") in
        '' | Z*) ;;
        *) fail "process $pid is left" ;;
        esac
    done
}

if command -v ps >/dev/null; then
    start --workers 3
    all=$(members)
    victim=$(echo "$all" | tail -1)
    [ -n "$victim" ] || fail "no children"
    kill -s KILL "$victim"
    end
    expect_status 4
    expect_err_line '^gasket: rank [0-9]* '
    expect_nothing_left
    expect_ended "$all"

    # The launcher itself dies: so do the others.
    start --workers 3
    all=$(members)
    kill -s KILL "$launcher"
    end
    sleep 1
    expect_ended "$all"
    expect_nothing_left
fi

finish
