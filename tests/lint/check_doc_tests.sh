#!/usr/bin/env bash
# docs/reconcile.md names a test for each case: `test_file: name`, or `name` alone. Prints each name
# that no test has, and each row without one, in the tables whose last column is "test".
set -uo pipefail
cd "$(dirname "$0")/../.."
page=docs/reconcile.md
broken=0

tests=$(grep -hoE '^static void [a-z0-9_]+\(void \*\*state\)' tests/*/test_*.c | sed -E 's/static void ([a-z0-9_]+).*/\1/' | sort -u)
files=$(git ls-files 'tests/*/test_*' | sed -E 's|.*/(test_[a-z0-9_]+)\.[a-z]+$|\1|' | sort -u)

rows=$(awk '/^\|/ { if (!inside) { wanted = ($0 ~ /\| test \|$/); inside = 1 } else if (wanted && $0 !~ /^\|-/) print; next } { inside = 0 }' "$page")

while IFS= read -r row; do
    named=$(sed -E 's/.*\|([^|]*)\|$/\1/' <<<"$row" | grep -oE '`[^`]+`' | tr -d '`')
    if [ -z "$named" ]; then
        echo "$page: no test is named: $row"
        broken=1
    fi
    while IFS= read -r name; do
        [ -n "$name" ] || continue
        file=${name%%:*}
        case $name in
        test_*:*)
            grep -qx "$file" <<<"$files" || { echo "$page: there is no $file"; broken=1; }
            name=${name#*: }
            grep -qs "^static void $name(" tests/*/"$file".c || { echo "$page: $file has no $name"; broken=1; }
            ;;
        test_*)
            grep -qx "$name" <<<"$files" && continue
            ;;
        esac
        grep -qx "$name" <<<"$tests" || { echo "$page: there is no test $name"; broken=1; }
    done <<<"$named"
done <<<"$rows"
exit $broken
