# SPDX-License-Identifier: Apache-2.0
# Results: formats, headers, stdout, summary, report; the same bytes for any number of workers.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

# 1 -> 2 -> 3 -> 1, and 9 by itself with a loop
printf '1 2\n2 3\n3 1\n9 9\n' >ring.txt

run bfs ring.txt --source 2 -q -o -
expect_status 0
expect_no_err
expect_out <<'END'
vertex	depth	parent
1	2	3
2	0	
3	1	2
9	-1	
END

run bfs ring.txt --source 2 -q -o - --no-header
expect_out <<'END'
1	2	3
2	0	
3	1	2
9	-1	
END

run bfs ring.txt --source 2 -q -o depth.csv
expect_status 0
expect_no_out
expect_file depth.csv <<'END'
vertex,depth,parent
1,2,3
2,0,
3,1,2
9,-1,
END

run bfs ring.txt --source 2 -q -o depth.jsonl
expect_file depth.jsonl <<'END'
{"vertex":1,"depth":2,"parent":3}
{"vertex":2,"depth":0,"parent":null}
{"vertex":3,"depth":1,"parent":2}
{"vertex":9,"depth":-1,"parent":null}
END

run pagerank ring.txt -q -o ranks.npy
expect_status 0
[ -s ranks.npy ] && [ -s ranks.npy.ids.npy ] || fail "no arrays"
run pagerank ring.txt -q -o ranks.db --output-table ranks
expect_status 0
run pagerank ring.txt -q -o ranks.db --output-table again
expect_status 0
if command -v sqlite3 >/dev/null; then
    tables=$(sqlite3 ranks.db .tables | tr -s ' ' | sed 's/ $//')
    [ "$tables" = "again ranks" ] || fail "tables of ranks.db: $tables"
fi

# The summary goes to stderr, the first rows to stdout.
run components ring.txt
expect_status 0
expect_out <<'END'
vertex	component
1	1
2	1
3	1
9	9
END
expect_err_line '^components of ring.txt (edges): 4 vertices, 4 edges$'
expect_err_line '^metrics    components = 2, largest_component = 3$'

# Of more than twenty the largest, largest first.
i=1
while [ $i -le 40 ]; do
    echo "$i 1"
    echo "1 $i"
    i=$((i + 1))
done >star.txt
run pagerank star.txt
[ "$(wc -l <out)" -eq 21 ] || fail "not 20 rows and a heading"
[ "$(sed -n 2p out | cut -f1)" = 1 ] || fail "the hub is not first"
expect_err_line '^result     the largest 20 by rank; -o FILE writes all$'

# The report instead of rows.
run pagerank ring.txt --json -q --verify
expect_status 0
expect_no_err
expect_out_line '^  "algorithm": "pagerank",$'
expect_out_line '^    "damping": 0.85,$'
expect_out_line '^    "vertices": 4,$'
expect_out_line '"converged": true'
expect_out_line '"correct": true'
run pagerank ring.txt --json -o ranks.tsv
expect_out_line '^  "algorithm": "pagerank",$'
[ "$(wc -l <ranks.tsv)" -eq 5 ] || fail "ranks.tsv has not 5 lines"

# Bits are the same for any number of workers and threads, whoever gets what.
run generate kronecker --scale 10 --seed 3 -o graph.tsv
expect_status 0
run pagerank graph.tsv -q -o one.tsv --threads 1
expect_status 0
for options in '--workers 2 --threads 2' '--workers 3 --partition hash' \
    '--workers 4 --partition streaming' '--threads 2 --segment 64' '--workers 2 --insecure'; do
    # shellcheck disable=SC2086
    run pagerank graph.tsv -q -o other.tsv $options
    expect_status 0
    expect_same one.tsv other.tsv
done

# A bound that comes before the tolerance: status 5, and the result is written.
run pagerank graph.tsv -q -o bounded.tsv --iterations 2
expect_status 5
[ "$(wc -l <bounded.tsv)" -eq "$(wc -l <one.tsv)" ] || fail "bounded.tsv is not whole"
run pagerank graph.tsv --iterations 2
expect_err_line '^unfinished after 2 iterations, residual '

# A full disk: an error, status 1.
run pagerank graph.tsv -q -o /dev/full
expect_status 1
expect_err <<'END'
gasket: cannot write /dev/full: No space left on device
END

# A plan runs nothing.
run pagerank graph.tsv --workers 3 --dry-run -o never.tsv
expect_status 0
expect_out_line '^partition '
expect_out_line '^cut '
expect_out_line '^balance '
expect_out_line '^memory '
[ ! -e never.tsv ] || fail "--dry-run wrote a result"
run pagerank graph.tsv --workers 3 --dry-run --json
expect_out_line '"reason": "planned"'

finish
