# SPDX-License-Identifier: Apache-2.0
# The commands that take graphs apart and put them together: info, partition, convert, generate.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
here=$PWD

printf '1 2 0.5\n1 2 0.5\n2 2 -1\n3 1 4\n' >graph.txt
printf '7\n' >vertices.txt

run info graph.txt --vertices vertices.txt --order given --quiet
expect_status 0
expect_no_err
grep -v -e '^order' -e '^memory' out >figures
expect_file figures <<'END'
format           edges
undirected       false
vertices         4
edges            4
self_loops       1
parallel_edges   1
isolated         1
in_degree_min    0
in_degree_mean   1
in_degree_max    3
out_degree_min   0
out_degree_mean  1
out_degree_max   2
weighted         true
weight_min       -1
weight_max       4
ids              integer
END

run info graph.txt --undirected --self-loops drop --multi-edges drop --json
expect_status 0
expect_out_line '^  "undirected": true,$'
expect_out_line '^  "edges": 2,$'
expect_out_line '^  "degree_max": 2,$'

run info "$(data graphs/Wiki-Vote.txt)"
expect_out_line '^vertices         7115$'
expect_out_line '^edges            103689$'
run info "$(data graphs/4elt.graph)"
expect_out_line '^vertices         15606$'
expect_out_line '^edges            45878$'
expect_out_line '^undirected       true$'

# There and back again.
karate=$(data graphs/karate.mtx)
run convert "$karate" karate.graph
expect_status 0
expect_no_out
expect_err <<'END'
34 vertices, 78 edges written
END
run convert karate.graph karate.csv -q
expect_status 0
run convert karate.csv - --to mtx --undirected -q
expect_status 0
cp out again.mtx
run convert "$karate" first.mtx -q
expect_same first.mtx again.mtx

run convert graph.txt
expect_status 2
run convert graph.txt graph.graph
expect_status 2
expect_err_line 'undirected'
[ ! -e graph.graph ] || fail "a failed conversion left a file"

# Generated graphs are functions of their options.
run generate grid --rows 3 --columns 2
expect_status 0
[ "$(wc -l <out)" -eq 7 ] || fail "a grid of 3 x 2 has 7 edges"
run generate uniform --vertices 50 --edges 200 --seed 4 -o a.tsv --threads 1
run generate uniform --vertices 50 --edges 200 --seed 4 -o b.tsv --threads 2
expect_same a.tsv b.tsv
run generate uniform --vertices 50 --edges 200 --seed 5 -o c.tsv
cmp -s a.tsv c.tsv && fail "another seed gave the same graph"
run generate
expect_status 2
run generate banana
expect_status 2
expect_err <<'END'
gasket: generate: found "banana", expected one of kronecker, uniform, grid, ratings
END

# Parts: every vertex has one, and what was written can be read.
run partition "$(data graphs/4elt.graph)" --parts 4
expect_status 0
expect_out_line '^partition  metis '
run partition "$(data graphs/4elt.graph)" --parts 4 --partition hash -o parts.tsv
expect_status 0
expect_no_out
expect_err_line '^cut '
[ "$(wc -l <parts.tsv)" -eq 15607 ] || fail "parts.tsv has not a line a vertex"
[ "$(head -1 parts.tsv)" = "vertex	part" ] || fail "no heading"
cut=$(grep '^cut' err)
run partition "$(data graphs/4elt.graph)" --parts 4 --partition "$here/parts.tsv"
expect_status 0
[ "$(grep '^cut' out)" = "$cut" ] || fail "the same parts have another cut"

finish
