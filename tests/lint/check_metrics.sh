#!/usr/bin/env bash
# docs/metrics.md lists every metric of common/metrics.c, and no other.
set -uo pipefail
cd "$(dirname "$0")/../.."
in_code=$(grep -oE '\.name = "[a-z_]+"' common/metrics.c | sed -E 's/.*"(.*)"/omnihook_\1/' | sort)
in_docs=$(grep -oE '^\| `omnihook_[a-z_]+`' docs/metrics.md | tr -d '|` ' | grep -vE '_(processes|build_info)$' | sort)
diff <(printf '%s\n' "$in_code") <(printf '%s\n' "$in_docs")
