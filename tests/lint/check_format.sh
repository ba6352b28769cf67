#!/usr/bin/env bash
# All C sources are formatted as .clang-format says. ./dev fmt mends it.
set -euo pipefail
cd "$(dirname "$0")/../.."
git ls-files -z '*.c' '*.h' | xargs -0 clang-format --dry-run -Werror
