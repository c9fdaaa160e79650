# SPDX-License-Identifier: Apache-2.0
# The option tables of docs/algorithms.md are those of the commands. A table stands between
# `<!-- options: NAME -->` (or `<!-- options -->` for those that all share) and `<!-- end -->`;
# scripts/update-docs.sh writes them.
. "$(dirname "$0")/lib.sh"
docs=$GASKET_SOURCE/docs/algorithms.md
[ -e "$docs" ] || {
    echo "skipped: $docs is not there"
    exit 77
}
cp "$docs" "$work/algorithms.md"
sh "$GASKET_SOURCE/scripts/update-docs.sh" "$GASKET_BIN" "$work/algorithms.md" || fail "the script"
shown='scripts/update-docs.sh'
: >"$work/out"
: >"$work/err"
cmp -s "$docs" "$work/algorithms.md" || {
    fail "docs/algorithms.md is not what the tables say; run scripts/update-docs.sh"
    diff "$docs" "$work/algorithms.md" | head -20
}
for name in pagerank components sssp bfs colouring; do
    grep -q "^<!-- options: $name -->\$" "$docs" || fail "no table for $name"
done
finish
