# SPDX-License-Identifier: Apache-2.0
# Training holds at most three times 12 bytes a rating and its factors, loading in the same process
# included, beyond what the command needs for next to nothing.
. "$(dirname "$0")/lib.sh"
cd "$work" || exit 1
[ "${GASKET_SANITIZE:-none}" = none ] || {
    echo 'skipped: sanitizers need memory of their own' >&2
    exit 77
}

# The field $1 of the report: the first number behind its name.
field() {
    sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p" out | head -n 1
}

run generate ratings --users 9000 --items 3000 --edges 700000 --rank 2 -q -o many.tsv
expect_status 0
run generate ratings --users 20 --items 10 --edges 100 --rank 2 -q -o few.tsv
expect_status 0
for method in 'als --factors 10' 'sgd --factors 10' 'ccdpp --factors 10'; do
    # shellcheck disable=SC2086
    run $method few.tsv --iterations 1 --threads 1 -q --json
    least=$(field peak_bytes)
    # shellcheck disable=SC2086
    run $method many.tsv --iterations 1 --threads 1 -q --json
    peak=$(field peak_bytes)
    unit=$((12 * $(field edges) + 4 * 11 * $(field vertices)))
    [ "$unit" -gt 5000000 ] || fail "$method: the report has no sizes"
    echo "$method: $(((peak - least) * 100 / unit)) % of $unit bytes"
    [ $((peak - least)) -le $((3 * unit)) ] || fail "$method: $peak bytes beside $least"
done
finish
