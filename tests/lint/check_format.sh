#!/usr/bin/env bash
# All C sources are formatted as .clang-format says. ./dev fmt mends it. One version of clang-format, which
# Debian 12 and 13 both have: versions differ in what they call well formatted.
set -euo pipefail
cd "$(dirname "$0")/../.."
git ls-files -z '*.c' '*.h' | xargs -0 clang-format-19 --dry-run -Werror
