#!/usr/bin/env bash
# Every Redis script opens with its contract, and none asks for all keys or all of a set.
set -euo pipefail
cd "$(dirname "$0")/../.."
broken=0
for script in common/lua/*.lua; do
    case $script in */prelude*.lua) continue ;; esac
    for word in KEYS ARGV Returns; do
        head -n 40 "$script" | grep -q -- "^-- *.*$word" || { echo "$script: no line about $word in its head"; broken=1; }
    done
done
# tests/e2e/test_bounded_reads.py sees those that run in it; the audit, for one, does not.
if grep -nE "call\('(KEYS|SMEMBERS|HKEYS|HVALS|SORT|SUNION|SDIFF|SINTER|FLUSHALL|FLUSHDB)'" common/lua/*.lua; then
    broken=1
fi
exit $broken
