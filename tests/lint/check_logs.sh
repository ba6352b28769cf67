#!/usr/bin/env bash
# docs/logs.md lists every event of the source, and no other.
set -uo pipefail
cd "$(dirname "$0")/../.."
in_code=$({
    cat common/*.c api/*.c worker/*.c | tr '\n' ' ' | grep -oE 'log_(debug|info|warn|error)\( *"[a-z_]+"' | sed -E 's/.*"(.*)"/\1/'
    sed -nE 's/^    \{"([a-z_]+)", [0-9]+, job_queue_.*/\1/p' worker/janitor.c # logged by their names
} | sort -u)
in_docs=$({
    sed -nE 's/^\|([^|]*)\|.*/\1/p' docs/logs.md # the first cell of each row
    sed -n '/^## A start that fails/,$p' docs/logs.md
} | grep -oE '`[a-z_]+`' | tr -d '`' | sort -u)
diff <(printf '%s\n' "$in_code") <(printf '%s\n' "$in_docs")
