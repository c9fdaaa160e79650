# SPDX-License-Identifier: Apache-2.0
# The installed library, from outside: builds each example with the one command that its comment
# gives. label_propagation runs with the installed command on one worker and on four; recommend
# leaves the model that the command leaves.
#
#   BUILD, SOURCE, CC, SANITIZE: the build's folder, the sources, the compiler, sanitizers or none
set -u
: "${BUILD:?}" "${SOURCE:?}"
# A program that links a library with sanitizers needs them from its start.
sanitize=
[ "${SANITIZE:-none}" = none ] || sanitize=-fsanitize=$SANITIZE
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAILED: $*"
    exit 1
}

for tool in meson pkg-config; do
    command -v $tool >/dev/null || {
        echo "skipped: $tool is not there"
        exit 77
    }
done

meson install -C "$BUILD" --no-rebuild --quiet --destdir "$work/root" >"$work/log" 2>&1 ||
    fail "meson install: $(cat "$work/log")"
pc=$(find "$work/root" -name gasket.pc)
[ -n "$pc" ] || fail 'no gasket.pc was installed'
# As if the prefix had been the folder all along.
old=$(sed -n 's/^prefix=//p' "$pc")
prefix=$work/root$old
sed "s|^prefix=.*|prefix=$prefix|" "$pc" >"$pc.new" && mv "$pc.new" "$pc"
PKG_CONFIG_PATH=$(dirname "$pc")
LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH")
export PKG_CONFIG_PATH LD_LIBRARY_PATH
gasket=$prefix/bin/gasket
[ -x "$gasket" ] || fail 'no command gasket was installed'
cd "$work" || exit 1

# Every public header compiles by itself, and as C++ where there is a compiler for it.
for header in "$prefix"/include/gasket/*.h; do
    echo "#include <gasket/${header##*/}>" >header.c
    # shellcheck disable=SC2046
    ${CC:-cc} -std=gnu17 -Wall -Wextra -Werror -fsyntax-only header.c \
        $(pkg-config --cflags gasket) || fail "${header##*/} does not compile by itself"
    if command -v c++ >/dev/null; then
        # shellcheck disable=SC2046
        c++ -x c++ -Wall -Wextra -Werror -fsyntax-only header.c $(pkg-config --cflags gasket) ||
            fail "${header##*/} does not compile as C++"
    fi
done

build() {
    # shellcheck disable=SC2046
    ${CC:-cc} -shared -fPIC "$1" -o "$2" $(pkg-config --cflags --libs gasket) ||
        fail "$1 does not build against the installed library"
}
cp "$SOURCE/examples/label_propagation.c" .
build label_propagation.c label_propagation.so

# Two groups of five, each tied together by all but one of its edges, and an edge between them.
for i in 1 2 3 4 5; do
    for j in 1 2 3 4 5; do
        [ $i -ge $j ] || [ $i$j = 15 ] || printf '%d %d\n%d %d\n' $i $j $((i + 10)) $((j + 10))
    done
done >groups.txt
echo '5 11' >>groups.txt
# And something larger, of every kind of degree.
"$gasket" generate kronecker --scale 9 --seed 1 -q -o kronecker.tsv || fail 'generate'

# Every vertex has a label that most of its neighbours have: counted here by brute force.
stable() {
    awk '
        FNR == 1 { file++ }
        file == 1 && FNR > 1 { label[$1] = $2 }
        file == 2 && !/^#/ { count[$1, label[$2]]++; count[$2, label[$1]]++ }
        END {
            for (key in count) {
                split(key, part, SUBSEP)
                if (count[key] > most[part[1]])
                    most[part[1]] = count[key]
            }
            for (v in most) {
                n++
                if (count[v, label[v]] < most[v])
                    wrong++
            }
            if (wrong > 0 || n == 0)
                print wrong + 0 " of " n + 0 " vertices have a label that few neighbours have"
            exit wrong > 0 || n == 0
        }' "$1" "$2"
}

for graph in groups.txt kronecker.tsv; do
    for workers in 1 4; do
        "$gasket" run ./label_propagation.so $graph --workers $workers --self-loops drop \
            -o $workers.tsv --json >$workers.json 2>log || fail "$graph: $(cat log)"
        grep -q '"algorithm": *"label_propagation"' $workers.json || fail 'the report is not JSON'
    done
    cmp 1.tsv 4.tsv || fail "$graph: four workers find other communities than one"
    awk '$1 != $2' $graph >simple.txt
    stable 1.tsv simple.txt || fail 'the labels are not what they should be'
    if [ $graph = groups.txt ]; then
        tail -n +2 1.tsv | awk '{ group = $1 > 10; if (!(group in label)) label[group] = $2
            wrong += label[group] != $2 } END { exit wrong > 0 || label[0] == label[1] }' ||
            fail "expected one community a group: $(cat 1.tsv)"
    fi
done

# A program of its own that trains, recommends and keeps a model: that of the command, to the bit.
cp "$SOURCE/examples/recommend.c" .
# shellcheck disable=SC2046,SC2086
${CC:-cc} $sanitize recommend.c -o recommend $(pkg-config --cflags --libs gasket) ||
    fail 'recommend.c does not build against the installed library'
"$gasket" generate ratings --users 50 --items 30 --edges 600 --rank 2 --seed 4 -q -o ratings.tsv ||
    fail 'generate ratings'
./recommend ratings.tsv 7 from_c >listed || fail 'recommend'
grep -q '^test RMSE [0-9.]*, of biases alone [0-9.]*$' listed || fail "recommend: $(cat listed)"
"$gasket" als ratings.tsv --factors 8 --regularization 0.1 --iterations 10 --seed 1 --test 0.1 -q \
    -o from_command || fail 'als'
diff -r from_c from_command || fail 'the program leaves another model than the command'
"$gasket" recommend from_command --user 7 --count 5 --exclude-seen --no-header | cut -f 3 >expected
sed -n '/^7$/,/^a newcomer$/s/^  \([^ ]*\)  .*/\1/p' listed >found
cmp expected found || fail "the program lists other items: $(cat listed)"
grep -v '^[#%]' ratings.tsv | cut -f 2 | sort -nu | head -n 2 |
    awk '{ print "new\t" $1 "\t" (NR == 1 ? 5 : 1) }' >newcomer.tsv
"$gasket" recommend from_c --ratings newcomer.tsv --count 5 --exclude-seen --no-header |
    cut -f 3 >expected
sed -n '/^a newcomer$/,$s/^  \([^ ]*\)  .*/\1/p' listed >found
cmp expected found || fail "the program lists other items for a newcomer: $(cat listed)"
./recommend nothing.tsv 7 none 2>err && fail 'ratings that are not there'
grep -q 'nothing.tsv' err || fail "no ratings: $(cat err)"

# One that was built against another version is refused, and told why.
sed 's/\.abi = GASKET_ABI/.abi = GASKET_ABI + 1/' label_propagation.c >later.c
cmp -s later.c label_propagation.c && fail 'the other ABI is the same'
build later.c later.so
"$gasket" run ./later.so groups.txt >out 2>err
[ $? -eq 2 ] || fail "another ABI: expected exit status 2: $(cat err)"
grep -q 'later.so: found ABI [0-9]*, expected [0-9]*' err || fail "another ABI: $(cat err)"
echo "the installed library builds and runs an outside program; results agree"
