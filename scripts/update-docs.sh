#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes the option tables of a Markdown file anew from the command itself.
#
#   scripts/update-docs.sh build/cli/gasket docs/algorithms.md
#
#   <!-- options: pagerank -->     the table of an algorithm
#   <!-- options -->               the tables that all algorithms share
#   ...                            replaced
#   <!-- end -->
set -eu
gasket=$1
file=$2
new=$(mktemp)
trap 'rm -f "$new"' EXIT

copying=yes
while IFS= read -r line || [ -n "$line" ]; do
    case $line in
    '<!-- options -->' | '<!-- options: '*' -->')
        printf '%s\n\n' "$line"
        name=${line#'<!-- options'}
        name=${name%' -->'}
        name=${name#': '}
        if [ -n "$name" ]; then
            "$gasket" docs-options "$name"
        else
            "$gasket" docs-options
        fi
        printf '\n'
        copying=no
        ;;
    '<!-- end -->')
        printf '%s\n' "$line"
        copying=yes
        ;;
    *)
        [ $copying = no ] || printf '%s\n' "$line"
        ;;
    esac
done <"$file" >"$new"
cat "$new" >"$file"
