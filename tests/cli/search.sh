# SPDX-License-Identifier: Apache-2.0
# Search over a method's options: every setting is judged as --folds alone judges it, the best comes
# first and is trained at the end; drawn settings are a function of the seed.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

run generate ratings --users 40 --items 30 --edges 500 --rank 2 -q -o ratings.tsv
expect_status 0

run als ratings.tsv --grid factors=1,3 --grid regularization=0.05,0.5 --grid iterations=2 --folds 3 -q
expect_status 0
cut -f 1-5 out >table
[ "$(wc -l <table)" -eq 5 ] || fail 'expected a heading and 4 settings'
expect_out_line '^factors	regularization	iterations	test.rmse	deviation	seconds$'
tail -n +2 table | sort -t '	' -k 4,4g >sorted
tail -n +2 table >rows
expect_same rows sorted
while IFS='	' read -r factors regularization iterations mean deviation; do
    run als ratings.tsv --folds 3 --factors "$factors" --regularization "$regularization" \
        --iterations "$iterations" -q
    [ "$(awk '$1 == "mean" { print $3 }' out)" = "$mean" ] || fail "mean of $factors"
    [ "$(awk '$1 == "deviation" { print $3 }' out)" = "$deviation" ] || fail "deviation of $factors"
done <rows

# The best of them is the model; what diverges is the last.
run als ratings.tsv --grid regularization=0.001,0.3 --factors 5 --folds 2 -o best/ -q
expect_status 0
grep -q '"option.regularization": "0.3"' best/model.json || fail 'another setting was trained'
run sgd ratings.tsv --grid rate=9,0.01 --folds 2 --iterations 3
expect_status 0
[ "$(tail -n 1 out | cut -f 1,2)" = '9	nan' ] || fail 'what diverges is not the last'
expect_err_line '^search .*--rate 9 diverges$'
run sgd ratings.tsv --grid rate=8,9 --folds 2 -q
expect_status 1

# Drawn: whole numbers where options are, within the range, the same for a seed.
run als ratings.tsv --grid factors=2:5 --grid regularization=0.1:0.4 --random 4 --folds 2 --seed 3 \
    --iterations 2 -q
expect_status 0
cut -f 1-3 out >drawn
tail -n +2 drawn | awk '{ bad += $1 != int($1) || $1 < 2 || $1 > 5 || $2 < 0.1 || $2 > 0.4 }
    END { exit bad > 0 || NR != 4 }' || fail "drawn: $(cat drawn)"
run als ratings.tsv --grid factors=2:5 --grid regularization=0.1:0.4 --random 4 --folds 2 --seed 3 \
    --iterations 2 -q
cut -f 1-3 out >again
expect_same drawn again
run als ratings.tsv --grid factors=1,2,3 --folds 2 --budget 0.000001 -q
expect_status 0
[ "$(wc -l <out)" -eq 2 ] || fail 'one setting is begun within any budget'

# What does not go together is refused before anything runs.
for options in '--grid factors=2:5' '--grid factor=2,3' '--grid factors' '--random 3' \
    '--grid factors=0,3' '--grid factors=2 --test 0.2' '--grid factors=2 --json' \
    '--grid factors=2 --grid factors=3' '--grid iterations=0'; do
    # shellcheck disable=SC2086
    run als ratings.tsv $options
    expect_status 2
    expect_no_out
done
finish
