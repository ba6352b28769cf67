#!/usr/bin/env bash
# Every Redis script opens with its contract.
set -euo pipefail
cd "$(dirname "$0")/../.."
broken=0
for script in common/lua/*.lua; do
    [ "$(basename "$script")" = prelude.lua ] && continue
    for word in KEYS ARGV Returns; do
        head -n 40 "$script" | grep -q -- "^-- *.*$word" || { echo "$script: no line about $word in its head"; broken=1; }
    done
done
exit $broken
