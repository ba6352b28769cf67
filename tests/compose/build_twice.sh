#!/usr/bin/env bash
# Builds the programs of the image twice, each time from nothing, and compares them byte by byte.
set -euo pipefail
cd "$(dirname "$0")/../.."
sums=()
images=()
trap 'docker rmi "${images[@]}" >/dev/null' EXIT
for round in 1 2; do
    image=omnihook-twice:$$-$round
    docker build --quiet --no-cache --force-rm --network host --target build --tag "$image" . >/dev/null
    images+=("$image")
    sums+=("$(docker run --rm --workdir /programs "$image" sh -c 'sha256sum *')")
    printf 'build %s\n%s\n' "$round" "${sums[-1]}"
done
[ "${sums[0]}" = "${sums[1]}" ] || { echo "two builds of the same tree differ" >&2; exit 1; }
echo "the same bytes"
