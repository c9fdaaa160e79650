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

# The children of the launcher.
members() {
    ps -o pid= --ppid "$launcher" 2>/dev/null | tr -d ' '
}

said() { grep -q -e "$1" err; }

# Runs for ever in the background; back when it has computed for a round.
start() {
    shown="gasket run program $* (in the background)"
    GASKET_TEST_STARTED=started setsid "$GASKET_BIN" run "$GASKET_PROGRAM" graph.tsv \
        --rounds 0 -o ranks.tsv "$@" >out 2>err </dev/null &
    launcher=$!
    await [ -e started ] || fail "it ended before its first round"
    rm -f started
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
sleep 250 >pipe & # longer than anything waits: a test that needs its end fails
holder=$!
export TSAN_OPTIONS="${TSAN_OPTIONS-} report_thread_leaks=0" # "at once" waits for no thread
# The thread sanitizer holds a signal back while a thread waits in GLib, whose futexes it does not
# know: one process whose reader waits for input would see ^C when the input ends.
case ${GASKET_SANITIZE-} in
*thread*) loading=2 ;;
*) loading='1 2' ;;
esac
for workers in $loading; do
    shown="gasket pagerank pipe --workers $workers (in the background)"
    setsid "$GASKET_BIN" pagerank pipe -o ranks.tsv --workers $workers >out 2>err </dev/null &
    launcher=$!
    await catches 2
    kill -s INT -- -$launcher
    # Signals that are pending at once are one, so the second waits until the first was seen.
    await said 'ends it at once' || fail "the first ^C ended it while it was loading"
    # (A sanitizer may keep it until the process waits for something, hence more than one.)
    while is_running; do
        kill -s INT -- -$launcher 2>/dev/null
        sleep 0.1
    done
    end
    expect_status 130
    expect_nothing_left
done
kill $holder
wait $holder 2>/dev/null

# A process that has ended but that its new parent has not asked about is not left behind. Who is
# told by a broken connection takes a moment.
expect_ended() {
    for pid in $1; do
        tries=600
        while :; do
            case $(ps -o stat= -p "$pid") in
            '' | Z*) break ;;
            esac
            tries=$((tries - 1))
            [ $tries -gt 0 ] || {
                fail "process $pid is left"
                break
            }
            sleep 0.05
        done
    done
}

if command -v ps >/dev/null; then
    start --workers 3
    all=$(members)
    victim=$(echo "$all" | sed -n 2p) # rank 1: the last one is the loader, which may be ending
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
    expect_ended "$all"
    expect_nothing_left
fi

finish
