#!/usr/bin/env bash
# The tests that speak with Redis once more, by TLS with a private authority, in a container of the Debian that the
# image is made from. Takes a Docker engine; the source is mounted, and nothing is written to it.
# usage: suite_tls.sh [CTEST_ARGUMENT...]
set -euo pipefail
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
image=omnihook-suite:tls
"$source/tests/compose/base/debian.sh" debian:trixie-slim
docker build --quiet --force-rm --network host --tag "$image" - <"$source/tests/compose/base/Dockerfile.suite" >/dev/null
docker run --rm --init --network none --volume "$source:/src:ro" --workdir /src "$image" sh -ec '
    cmake --preset dev -B /tmp/build >/dev/null
    cmake --build /tmp/build >/tmp/build.log 2>&1 || { cat /tmp/build.log; exit 1; }
    exec ctest --test-dir /tmp/build -R "_tls/|integration/(redis|enqueue)|unit/(service_)?redis" --output-on-failure --no-tests=error \
        -j "$(nproc)" "$@"' sh "$@"
