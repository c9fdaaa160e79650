# SPDX-License-Identifier: Apache-2.0
# Bad input ends with status 3 and one line that names file, line, what was found and expected.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

run pagerank missing.txt
expect_status 3
expect_no_out
expect_err <<'END'
gasket: missing.txt: cannot be opened: No such file or directory
END

printf '%%%%MatrixMarket matrix coordinate real general\n2 2 2\n1 1 0.5\n3 1 1\n' >bad.mtx
for workers in 1 2; do
    run pagerank bad.mtx --workers $workers
    expect_status 3
    expect_no_out
    expect_err_line '^gasket: bad.mtx:4: found .*, expected '
    [ "$(wc -l <err)" -eq 1 ] || fail "more than one line on stderr"
done

printf '1 2 0.5\n2 3 -1\n' >negative.txt
run sssp negative.txt --source 1
expect_status 3
expect_err_line '^gasket: negative.txt:2: '

printf '1 2\n2 3\n' >graph.txt
printf '1\n9\n' >home.txt
run pagerank graph.txt --personalize home.txt
expect_status 3
expect_err_line '^gasket: home.txt:2: '

printf '1 0\n2 0\n' >parts.txt
run pagerank graph.txt --workers 2 --partition parts.txt
expect_status 3
expect_err_line '^gasket: parts.txt'

# Nothing is written when the input is bad, and what was there stays.
printf 'old\n' >ranks.tsv
run pagerank bad.mtx -o ranks.tsv
expect_status 3
expect_file ranks.tsv <<'END'
old
END

# Standard input, several inputs, text ids.
printf 'a b\nb a\n' | "$GASKET_BIN" pagerank - -q -o - >out 2>err
status=$?
shown='gasket pagerank - (of a pipe)'
expect_status 0
expect_out <<'END'
vertex	rank
a	0.5
b	0.5
END

printf 'b c\n' >more.txt
printf 'a b\n' >some.txt
run components some.txt more.txt -q -o -
expect_status 0
expect_out <<'END'
vertex	component
a	a
b	a
c	a
END

finish
