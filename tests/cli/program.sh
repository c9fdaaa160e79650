# SPDX-License-Identifier: Apache-2.0
# `gasket run PROGRAM.so`: options, help and errors of a program of the user's.
. "$(dirname "$0")/lib.sh"
: "${GASKET_PROGRAM:?a shared object}" "${GASKET_PROGRAM_WRONG:?one of another ABI}"
cd "$work" || exit 1
printf '1 2\n3 2\n2 3\n' >graph.txt
cp "$GASKET_PROGRAM" mine.so

run run ./mine.so graph.txt -q --set factor=0.5 --set sign=minus -o -
expect_status 0
expect_no_err
expect_out <<'END'
vertex	scaled
1	-0
2	-1
3	-0.5
END
cp out one

# By its plain name, with its options as options, on two workers.
run run mine.so graph.txt -q --factor 0.5 --sign=minus --workers 2 -o -
expect_status 0
expect_same out one

run run ./mine.so --help
expect_status 0
expect_out_line '^Usage: gasket run '
expect_out_line '--factor X '
expect_out_line '^Gives every vertex its in-degree times a factor.$'

run run ./mine.so graph.txt --set factor=1000
expect_status 2
expect_err <<'END'
gasket: --set: --factor: found "1000", expected a number in [-100, 100]
END
run run ./mine.so graph.txt --set nonsense=1
expect_status 2
expect_err <<'END'
gasket: --set: unknown option --nonsense
END
run run ./mine.so graph.txt --verify
expect_status 2
expect_err <<'END'
gasket: --verify: degrees has no verifier
END

run run ./missing.so graph.txt
expect_status 2
expect_err_line '^gasket: cannot open the program: ./missing.so: '
printf 'not a shared object' >text.so
run run ./text.so graph.txt
expect_status 2
run run "$GASKET_PROGRAM_WRONG" graph.txt
expect_status 2
expect_err_line ': found ABI [0-9]*, expected [0-9]*: build it against this version$'
run run
expect_status 2
run run --set a=b
expect_status 2

finish
