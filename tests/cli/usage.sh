# SPDX-License-Identifier: Apache-2.0
# Usage: what is wrong is said in one line on stderr, with exit status 2; help goes to stdout.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
printf '1 2\n' >graph.txt

run
expect_status 2
expect_no_out
expect_err_line '^Usage: gasket COMMAND'

run pagernk graph.txt
expect_status 2
expect_no_out
expect_err <<'END'
gasket: unknown command pagernk; did you mean pagerank?
END

run frobnicate
expect_status 2
expect_err <<'END'
gasket: unknown command frobnicate; `gasket list` names those there are
END

run --frobnicate
expect_status 2
expect_err_line '^gasket: found --frobnicate, expected a command'

run pagerank graph.txt --dampng 0.5
expect_status 2
expect_err <<'END'
gasket: unknown option --dampng; did you mean --damping?
END

run pagerank graph.txt --damping abc
expect_status 2
expect_err_line '^gasket: --damping: found "abc", expected a number in \[0, '

run pagerank graph.txt --workers 0
expect_status 2
expect_err <<'END'
gasket: --workers: found "0", expected an integer in [1, 4096]
END

run pagerank graph.txt --engine magic
expect_status 2
expect_err <<'END'
gasket: --engine: found "magic", expected one of sync, chromatic, async
END

run pagerank graph.txt --partition metsi
expect_status 2
expect_err <<'END'
gasket: --partition: found "metsi", expected auto, metis, streaming, hash, range or a file that is there
END

run pagerank
expect_status 2
expect_err <<'END'
gasket: pagerank: expected FILE..., or - for stdin
END

run sssp graph.txt
expect_status 2
expect_err_line '^gasket: --source ID is required$'
run help sssp
expect_out_line '^      --source ID  '

run sssp graph.txt --source 99
expect_status 2
expect_err_line '^gasket: .*99'

run pagerank graph.txt --json -o -
expect_status 2
expect_err <<'END'
gasket: --json and --output - both want stdout
END

run pagerank graph.txt --weighted --unweighted
expect_status 2

run pagerank graph.txt --weighted
expect_status 2
expect_err <<'END'
gasket: --weighted: the input has no weights
END

run bfs graph.txt --source 1 --weighted
expect_status 2
expect_err <<'END'
gasket: --weighted: this command makes no use of weights
END

run pagerank graph.txt -o ranks.xlsx
expect_status 2
expect_err_line '^gasket: ranks.xlsx: the ending names no format for results'

run pagerank graph.txt -o /nowhere/ranks.tsv
expect_status 1
expect_err <<'END'
gasket: cannot write /nowhere/ranks.tsv: No such file or directory
END

run --version
expect_status 0
expect_out_line '^gasket [0-9][0-9.]*$'
expect_no_err

run --help
expect_status 0
expect_no_err
cp out overview
run help
expect_same out overview

for command in pagerank components sssp bfs colouring run info partition convert generate list help; do
    expect_out_line "."
    run "$command" --help
    expect_status 0
    expect_no_err
    expect_out_line "^Usage: gasket $command "
    cp out help
    run help "$command"
    expect_status 0
    expect_same out help
done
run list
for name in pagerank components sssp bfs colouring; do
    expect_out_line "^  $name "
done

run list nonsense
expect_status 2
run help nonsense
expect_status 2
run help pagerank sssp
expect_status 2

finish
