#!/usr/bin/env bash
# Units are sandboxed (score below 2.0), man pages and completions are sound and know every command.
set -uo pipefail
cd "$(dirname "$0")/../.."
broken=0
for unit in deploy/systemd/*.service; do
    systemd-analyze security --offline=true --no-pager --threshold=19 "$unit" | tail -1 || broken=1
done
for page in docs/man/*; do
    mandoc -Tlint -Wwarning "$page" || broken=1
done
bash -n deploy/completions/omnihook.bash || broken=1
zsh -n deploy/completions/_omnihook || broken=1

# offers WORD...: what bash would offer after these words, the last one being typed.
offers() {
    bash -c 'source deploy/completions/omnihook.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _omnihook
        printf "%s\n" "${COMPREPLY[@]}"' - "$@"
}
for name in $(sed -nE 's/^    \{\.name = "([a-z]+)( [a-z]+)?",.*/\1/p' cli/main.c | sort -u); do
    offers omnihook "$name" | grep -qx -- "$name" || { echo "bash does not complete $name"; broken=1; }
    grep -q "'$name:" deploy/completions/_omnihook || { echo "zsh does not know $name"; broken=1; }
    grep -qE "^\.It Cm $name( |$)" docs/man/omnihook.1 || { echo "omnihook(1) does not have $name"; broken=1; }
    grep -qE "^\| \`$name( |\`)" docs/command-line.md || { echo "docs/command-line.md does not have $name"; broken=1; }
done
[ "$(offers omnihook dead r)" = retry ] || { echo "bash does not complete dead r"; broken=1; }
[ "$(offers omnihook execute acme --w)" = --wait ] || { echo "bash does not complete --w"; broken=1; }
exit $broken
