# SPDX-License-Identifier: Apache-2.0
# Graphical models through the command: info, convert, exact, evidence, and every kind of result.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

cat >small.uai <<'END'
MARKOV
3
2 3 2
3
2 0 1
1 2
2 2 1
6 0.5 1e-05 2 3 4 5
2 .25 .75
6 1 2 3 4 5 6
END
echo '1 0 1' >small.evid
echo '2 0 0 1 1' >two.evid

run info small.uai
expect_status 0
expect_no_err
expect_out <<'END'
format                 uai
variables              3
factors                2
variables_with_priors  1
observed               0
edges                  4
states                 7
table_entries          12
table_zeros            0
cardinality_max        3
scope_max              2
table_max              6
degree_max             2
END

# There and back again.
run convert small.uai small.fg
expect_status 0
expect_err <<'END'
3 variables and 2 factors of several written
END
run convert small.fg again.uai -q
expect_status 0
run convert again.uai again.fg -q
expect_status 0
cmp -s small.fg again.fg || fail 'a model differs after going through both formats'

# Every kind of result; 58.25 of all 65.1250... weights have x0 = 1.
run exact small.uai -o r.MAR -q
expect_status 0
expect_file r.MAR <<'END'
MAR
3 2 0.18618095335599977 0.8138190466440003 3 0.17466399350142459 0.261036950570896 0.5642990559276795 2 0.12476007213354218 0.8752399278664579
END
run exact small.fg -o r.PR -q
expect_status 0
head -n 1 r.PR | grep -qx PR || fail 'no PR file'
grep -q '^1.8137480197' r.PR || fail 'another partition function'
run exact small.uai --map -o r.MPE -q
expect_status 0
expect_file r.MPE <<'END'
MPE
3 1 2 1
END
run exact small.uai --evidence small.evid -o - -q
expect_status 0
expect_out_line '^0	0	0$'
expect_out_line '^0	1	1$'
run exact small.uai --evidence two.evid -o r.csv --workers 2 -q
expect_status 0
grep -qx '1,1,1' r.csv || fail 'an observed variable has no probability of 1'
run exact small.uai --verify --json
expect_status 0
expect_out_line '"log10_z": 1.8137480197'

# A column for each variable beside one for each of its states.
run bp small.uai -o r.db -q
expect_status 0
run bp small.uai -o r.tsv -q
expect_status 0
head -n 1 r.tsv | grep -qx 'variable	value	state	marginal' || fail 'another heading'

# Marginals of factors: a table of their own.
run bp small.uai --marginals factors -o f.tsv -q
expect_status 0
head -n 1 f.tsv | grep -qx 'factor	entry	likeliest	marginal' || fail 'another heading of factors'
run bp small.uai --marginals factors -o f2.tsv --workers 2 -q
expect_status 0
cmp f.tsv f2.tsv || fail 'two workers give other marginals of factors'
run bp small.uai --marginals factors -o f.MAR -q
expect_status 2
run bp small.uai --verify
expect_status 0

# What cannot be.
run exact small.uai --map -o r2.MAR
expect_status 2
expect_err <<'END'
gasket: r2.MAR: this run gives no marginals of variables, which the ending asks for
END
run exact small.uai --evidence missing.evid
expect_status 3
echo '1 0 2' >bad.evid
run exact small.uai --evidence bad.evid
expect_status 3
expect_err <<'END'
gasket: bad.evid:1: found "2" (word 3), expected a state from 0 to 1
END
head -c 40 small.uai >cut.uai
run exact cut.uai
expect_status 3
expect_err <<'END'
gasket: cut.uai:8: found the end of the file, expected an entry of a table, a finite number of at least 0
END
run exact small.uai small.uai
expect_status 2
run convert small.uai small.graph
expect_status 2

finish
