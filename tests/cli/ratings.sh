# SPDX-License-Identifier: Apache-2.0
# From a table of ratings to recommendations: training leaves a model, the same for every number of
# workers; predict, recommend and similar read it; a damaged one is refused.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

run generate ratings --users 60 --items 40 --edges 900 --rank 2 -q -o ratings.tsv
expect_status 0

run als ratings.tsv --factors 3 --test 0.2 -o model/ -q
[ "$status" -eq 0 ] || [ "$status" -eq 5 ] || fail "exit status $status"
for file in model.json; do
    [ -s model/$file ] || fail "model/$file was not written"
done
run als ratings.tsv --factors 3 --test 0.2 -o again/ --workers 3 -q
for file in model/*.npy; do
    expect_same "$file" "again/${file#model/}"
done

run recommend model/ --user 7 --count 3
expect_status 0
[ "$(wc -l <out)" -eq 4 ] || fail "expected a heading and 3 items"
run similar model/ --item 5 --count 2
expect_status 0
head -5 ratings.tsv | cut -f 1,2 >pairs.tsv
run predict model/ pairs.tsv
expect_status 0
run recommend model/ --user nobody --count 3
[ "$status" -ne 0 ] || fail "a user that the model does not know"

for file in model/*.npy; do
    printf x >>"$file"
done
run recommend model/ --user 7 --count 3
expect_status 3
expect_err_line 'model/'

run sgd ratings.tsv --factors 3 --test 0.2 -q --json
expect_out_line '"rmse"'
finish
