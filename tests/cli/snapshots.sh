# SPDX-License-Identifier: Apache-2.0
# Snapshots from the command: a run that was stopped or lost its workers ends with the bytes of one
# that was not, on other numbers of workers; what does not fit is refused.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

command -v setsid >/dev/null && command -v ps >/dev/null || {
    echo "skipped: setsid or ps is not there"
    exit 77
}

run generate kronecker --scale 10 -q -o graph.tsv
expect_status 0
pagerank="pagerank graph.tsv --tolerance 1e-13 -q"
run $pagerank -o expected.tsv
expect_status 0

# Cut short, then gone on with.
run $pagerank --iterations 10 --workers 3 --snapshot dir --snapshot-every '4 steps' -o cut.tsv
expect_status 5
for workers in 1 2 4; do
    run $pagerank --resume dir --workers $workers -o resumed.tsv
    expect_status 0
    expect_same expected.tsv resumed.tsv
done
run info dir
expect_status 0
# 8, or another: the next one waits for as long as 4 is being written.
iteration=$(sed -n 's/^iteration //p' out)
[ "${iteration:-0}" -ge 4 ] && [ "$iteration" -le 10 ] ||
    fail "a snapshot of iteration $iteration, expected one of 4 to 10"
expect_out_line '^every file is as the manifest says$'

# Refused, and why.
run $pagerank --snapshot dir
expect_status 2
expect_err_line 'dir has the snapshots of an earlier run; --resume dir goes on'
run $pagerank --damping 0.5 --resume dir
expect_status 3
expect_err_line 'another choice of options: found damping 0.85, expected damping 0.5$'
run components graph.tsv --resume dir
expect_status 3
expect_err_line 'a snapshot of another program: found pagerank, expected components'
run pagerank --resume nothing graph.tsv
expect_status 3
expect_err_line 'nothing: found no snapshot'
run $pagerank --snapshot other --snapshot-every never
expect_status 2
expect_err_line 'snapshot-every: found "never", expected a time'
run generate kronecker --scale 9 -q -o small.tsv
run pagerank small.tsv --resume dir
expect_status 3
expect_err_line 'a snapshot of another graph'
for file in dir/step-*/rank-1; do
    printf x >>"$file"
done
run $pagerank --resume dir -o damaged.tsv
expect_status 3
expect_err_line 'rank-1: '
[ ! -e damaged.tsv ] || fail "a failed run left a result"

# A run for ever: asked for a snapshot, then to stop.
start() {
    shown="gasket run program $* (in the background)"
    setsid "$GASKET_BIN" run "$GASKET_PROGRAM" graph.tsv --rounds 0 -o ranks.tsv "$@" \
        >out 2>err </dev/null &
    launcher=$!
}

has_snapshot() { ls "$1"/step-*/manifest >/dev/null 2>&1; }

for workers in 1 3; do
    start --workers $workers --snapshot asked$workers --snapshot-every 1000h
    await catches 10 || fail "it ended before it could be asked"
    kill -s USR1 $launcher # while it is still loading, which delays the answer and no more
    await has_snapshot asked$workers || fail "it ended without the snapshot that was asked for"
    kill -s TERM $launcher
    wait $launcher
    status=$?
    expect_status 75
    n=$(ls -d asked$workers/step-*/manifest | wc -l)
    [ "$n" -eq 2 ] || fail "$n snapshots, expected the one asked for and the one of the end"
done

# A worker is killed, in a run that lasts long enough for that: it ends as if nothing had been.
run run "$GASKET_PROGRAM" graph.tsv --rounds 2000 -q -o expected.tsv
expect_status 0
shown="gasket run program --restart 3 (in the background)"
setsid "$GASKET_BIN" run "$GASKET_PROGRAM" graph.tsv --rounds 2000 --workers 3 --snapshot lost \
    --snapshot-every '50 steps' --restart 3 -o restarted.tsv >out 2>err </dev/null &
launcher=$!
await has_snapshot lost || fail "it ended without a snapshot"
victim=$(ps -o pid= --ppid "$launcher" 2>/dev/null | sed -n 2p | tr -d ' ') # rank 1
[ -z "$victim" ] || kill -s KILL "$victim" 2>/dev/null
wait $launcher
status=$?
expect_status 0
expect_same expected.tsv restarted.tsv
finish
