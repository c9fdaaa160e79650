# SPDX-License-Identifier: Apache-2.0
# From a table of ratings to recommendations: training leaves a model, the same for every number of
# workers; predict, recommend and similar read it and write every format; a damaged one is refused.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1

run generate ratings --users 60 --items 40 --edges 900 --rank 2 -q -o ratings.tsv
expect_status 0

run als ratings.tsv --factors 3 --test 0.2 -o model/ -q
[ "$status" -eq 0 ] || [ "$status" -eq 5 ] || fail "exit status $status"
for file in model.json seen.begin.npy; do
    [ -s model/$file ] || fail "model/$file was not written"
done
grep -q '"option.regularization": "0.15' model/model.json || fail 'no options in the model'
run als ratings.tsv --factors 3 --test 0.2 -o again/ --workers 3 -q
for file in model/*; do
    expect_same "$file" "again/${file#model/}"
done

run recommend model/ --user 7 --count 3
expect_status 0
[ "$(wc -l <out)" -eq 4 ] || fail "expected a heading and 3 items"
expect_out_line '^user	rank	item	score$'
run recommend model/ --user nobody --count 3
[ "$status" -ne 0 ] || fail "a user that the model does not know"

# What the user was trained on is left out; what was held out is not.
run als ratings.tsv --factors 3 -o all/ -q
run recommend all/ --all --count 100 --exclude-seen -o lists.tsv
expect_status 0
tail -n +2 lists.tsv | cut -f 1,3 | sort >listed
grep -v '^[#%]' ratings.tsv | cut -f 1,2 | sort -u >rated
[ "$(sort -u listed | wc -l)" -eq "$(wc -l <listed)" ] || fail 'an item twice in a list'
[ -z "$(comm -12 listed rated)" ] || fail 'an item that was seen'
users=$(cut -f 1 rated | sort -u | wc -l)
items=$(cut -f 2 rated | sort -u | wc -l)
[ $(($(wc -l <listed) + $(wc -l <rated))) -eq $((users * items)) ] || fail 'an item is missing'

# The same rows in every format.
run recommend all/ --all --count 5 -o five.tsv
for format in csv jsonl db npy; do
    run recommend all/ --all --count 5 -o "five.$format"
    expect_status 0
done
tail -n +2 five.tsv >rows.tsv
tail -n +2 five.csv | tr , '\t' >rows.csv
expect_same rows.tsv rows.csv
sed 's/[^0-9.,e-]//g; s/,/\t/g' five.jsonl | sed 's/e\([0-9]\)/\1/g' >rows.jsonl
[ "$(wc -l <rows.jsonl)" -eq "$(wc -l <rows.tsv)" ] || fail 'rows of jsonl'
[ -s five.npy.ids.npy ] || fail 'no ids beside .npy'
if command -v sqlite3 >/dev/null; then
    sqlite3 -separator '	' five.db 'SELECT user, rank, item FROM result ORDER BY user, rank' >rows
    cut -f 1-3 rows.tsv >expected
    expect_same rows expected
fi
run recommend all/ --all --no-header -o - --count 5
expect_same out rows.tsv
run recommend all/ --all -o five.xyz
expect_status 2
[ ! -e five.xyz ] || fail 'something was written'

run similar all/ --item 5 --count 2
expect_status 0
expect_out_line '^item	rank	similar	similarity$'
expect_out_line '^5	2	'
run similar all/ --all -o similar.db --output-table likes
expect_status 0

grep -v '^[#%]' ratings.tsv | head -5 | cut -f 1,2 | sort -u >pairs.tsv
run predict all/ pairs.tsv --no-header
expect_status 0
cut -f 1,2 out | sort >predicted
expect_same predicted pairs.tsv
run predict all/ pairs.tsv -o pairs.tsv
expect_status 2
{ echo 'who,what'; tr '\t' , <pairs.tsv; } >pairs.csv
run predict all/ pairs.csv --columns who,what --no-header
expect_status 0
[ "$(wc -l <out)" -eq "$(wc -l <pairs.tsv)" ] || fail 'pairs by the names of columns'

# Text ids of items: numbers of rows in .npy, with the names beside.
grep -v '^[#%]' ratings.tsv | awk '{ print $1 "\titem" $2 "\t" $3 }' >names.tsv
run als names.tsv --factors 2 -o names/ -q
run recommend names/ --user 7 --count 2 -o names.npy
expect_status 0
expect_same names.npy.item.txt names/item.ids.txt
run recommend names/ --user 7 --count 2 -o names.db
expect_status 0

# New users: their lists leave out what they rated. One who rated as user 7 did has factors close
# to his, and so the same best item.
awk '$1 == 7 { print "newcomer\t" $2 "\t" $3 }' ratings.tsv >new.tsv
run als ratings.tsv --factors 3 -o long/ -q --iterations 200
run recommend long/ --ratings new.tsv --count 5 --no-header
expect_status 0
cut -f 2,3 out >new
run recommend long/ --user 7 --count 5 --no-header
cut -f 2,3 out >old
expect_same new old
run recommend long/ --ratings new.tsv --exclude-seen --count 100 --no-header
[ $(($(wc -l <out) + $(cut -f 2 new.tsv | sort -u | wc -l))) -eq "$items" ] ||
    fail 'the list of a new user'
run recommend long/ --ratings new.tsv --user other
expect_status 2

for file in model/*.npy; do
    printf x >>"$file"
done
run recommend model/ --user 7 --count 3
expect_status 3
expect_err_line 'model/'
printf 'x' | dd of=all/seen.items.npy bs=1 seek=200 conv=notrunc 2>/dev/null
run recommend all/ --user 7
expect_status 3
expect_err_line 'all/*seen.items.npy'

run sgd ratings.tsv --factors 3 --test 0.2 -q --json
expect_out_line '"rmse"'

# A table of errors, the baselines above, also for methods without biases; a step that diverges
# stops with a hint.
run nmf ratings.tsv --factors 3 --test 0.2 --iterations 3
expect_err_line '^iteration  .*train.rmse   test.rmse     seconds$'
expect_err_line '^   biases '
expect_err_line '^        3 '
expect_err_line '^baselines  mean RMSE [0-9.]*, biases RMSE [0-9.]*$'
run sgd ratings.tsv --rate 5
expect_status 1
expect_err_line 'diverges.*try a smaller --rate'

# Neighbours: the same three commands.
run itemknn ratings.tsv --neighbours 5 -o near/ -q
expect_status 0
run itemknn ratings.tsv --neighbours 5 -o near3/ --workers 3 -q
for file in near/*; do
    expect_same "$file" "near3/${file#near/}"
done
run predict near/ ratings.tsv --no-header
expect_status 0
[ "$(wc -l <out)" -eq "$(grep -vc '^[#%]' ratings.tsv)" ] || fail "a pair is missing"
run recommend near/ --user 7 --count 3 --exclude-seen
expect_status 0
[ "$(wc -l <out)" -eq 4 ] || fail "expected a heading and 3 items"
run similar near/ --item 7 --count 3
expect_status 0
[ "$(wc -l <out)" -eq 4 ] || fail "expected a heading and 3 items"
run recommend near/ --ratings ratings.tsv --user 7 --count 3
expect_status 0
run userknn ratings.tsv -o near/ -q
expect_status 0
run similar near/ --item 7
expect_status 2
run recommend near/ --ratings ratings.tsv --user 7
expect_status 2

# Features: whoever has some and no ratings is in the model; the same bits for every number of workers.
printf '1\told\tkind:2\n2\told\n3\tyoung\tkind\n900\tyoung\n' >users.tsv
printf '1|Title|1|0\n2|Other|0|1\n3|Third|1|1\n' >items
run fm ratings.tsv --user-features users.tsv --item-features items --factors 3 --iterations 25 \
    -o known/ -q
expect_status 0
run fm ratings.tsv --user-features users.tsv --item-features items --factors 3 --iterations 25 \
    -o known3/ --workers 3 -q
for file in known/*; do
    expect_same "$file" "known3/${file#known/}"
done
run recommend known/ --user 900 --count 3
expect_status 0
[ "$(wc -l <out)" -eq 4 ] || fail "expected a heading and 3 items"
run recommend known/ --ratings ratings.tsv --user 7 --count 3
expect_status 0
printf '1\told\n1\tyoung\n' >twice.tsv
run fm ratings.tsv --user-features twice.tsv
expect_status 3
grep -q 'twice.tsv:2: found "1", expected each id once' err || fail "no file and line"

finish
