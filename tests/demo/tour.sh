#!/usr/bin/env bash
# ./dev run: the whole system on private parts, and the published calls made against it.
# usage: tour.sh BIN_DIR [--once]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=$(cd "$1" && pwd)
mode=${2:-}
[ -z "$mode" ] || [ "$mode" = --once ] || { echo "usage: ./dev run [--once]" >&2; exit 2; }

folder=$(mktemp -d "${TMPDIR:-/tmp}/omnihook-tour.XXXXXX")
pids=()
finish() {
    trap - EXIT INT TERM
    # In the reverse order of their start: workers, API, simulator, Redis.
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
        kill -TERM "${pids[i]}" 2>/dev/null || true
        wait "${pids[i]}" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap finish EXIT
trap 'echo; exit 0' INT TERM

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
die() {
    echo "$*" >&2
    tail -n 20 "$folder"/*.log >&2
    exit 1
}

# start NAME PROGRAM...: runs it with its output in NAME.log
start() {
    local name=$1
    shift
    "$@" >"$folder/$name.log" 2>&1 &
    pids+=($!)
}
# wait_for NAME PATTERN: until a line of NAME.log matches; prints the line
wait_for() {
    local try
    for ((try = 0; try < 150; try++)); do
        grep -m1 -E "$2" "$folder/$1.log" 2>/dev/null && return
        sleep 0.1
    done
    die "$1 did not start"
}

token=$(openssl rand -hex 20)
key=$(openssl rand -hex 20)
operator_key=$(openssl rand -hex 20)

say "Starting Redis, a simulated Omnitron (50 ms a request), the API and two workers"
start redis redis-server --port 0 --unixsocket "$folder/redis.sock" --save '' --appendonly yes --dir "$folder"
wait_for redis 'ready to accept|Ready to accept' >/dev/null
start omnitron "$bin/omnitron-sim" --latency-ms 50 --superuser "oms:secret:$token"
omnitron=$(wait_for omnitron 'listening on' | sed 's/.*listening on //')

export REDIS_URL="unix://$folder/redis.sock?db=0"
export OMNITRON_URL="$omnitron/api/v1/" OMNITRON_TOKEN="$token"
export OMNITRON_WEBHOOKS_FILE="$here/webhooks.json"
# hash_of KEY: as the variables of keys have it
hash_of() { printf 'sha256:%s' "$(printf %s "$1" | sha256sum | cut -d' ' -f1)"; }
OMNIHOOK_API_KEYS=$(hash_of "$key")
OMNIHOOK_OPERATOR_KEYS=$(hash_of "$operator_key")
export OMNIHOOK_API_KEYS OMNIHOOK_OPERATOR_KEYS

start api env OMNIHOOK_LISTEN="${OMNIHOOK_LISTEN:-127.0.0.1:0}" OMNIHOOK_OPS_LISTEN=127.0.0.1:0 "$bin/omnihook-api"
for i in 1 2; do
    start "worker$i" env OMNIHOOK_OPS_LISTEN=127.0.0.1:0 "$bin/omnihook-worker"
done
address=$(wait_for api 'event=listening' | sed -E 's/.* address=([^ ]+).*/\1/')
dashboard=$(wait_for api 'event=ops_listening' | sed -E 's/.* address=([^ ]+).*/\1/')
wait_for api 'event=redis_up' >/dev/null
wait_for worker1 'event=worker_started' >/dev/null
wait_for worker2 'event=worker_started' >/dev/null

root="http://$address/api/v1/oms/setup/webhooks"
# call METHOD NAME: makes the call; leaves the status in $status and the body in $body
call() {
    local answer
    answer=$(curl -sS -X "$1" -H "Authorization: Token $key" -H 'Content-Type: application/json' \
        -w '\n%{http_code}' "$root/$2/") || die "$1 $2/ got no answer"
    status=${answer##*$'\n'}
    body=${answer%$'\n'*}
    printf '  %-5s %-18s -> %s %s\n' "$1" "$2/" "$status" "$body"
}
# expect TEXT: the last body or status must hold it
expect() {
    [[ "$status $body" == *"$1"* ]] || die "expected $1"
}

say "The published calls"
call GET is_required && expect '"true"'
call GET get_async_status && expect READY
call POST execute && expect 204
call GET get_async_status && expect WORKING
for ((try = 0; try < 100; try++)); do
    quiet=$(curl -sS -H "Authorization: Token $key" "$root/get_async_status/")
    [[ "$quiet" == *WORKING* ]] || break
    sleep 0.05
done
call GET get_async_status && expect FINISHED
call GET is_required && expect '"false"'

say "Webhooks that Omnitron holds now"
curl -sS -H "Authorization: Token $token" "$omnitron/whisperer/hooks/?sort=id" |
    python3 -c 'import json, sys
answer = json.load(sys.stdin)
for hook in answer if isinstance(answer, list) else answer["results"]:
    print("  {id:>3}  {event_type:<22} {target_url}  active={is_active}".format(**hook))'

if [ "$mode" = --once ]; then
    exit 0
fi
say "Still running; Ctrl-C ends it. Try:"
cat <<EOF
  http://$dashboard/ in a browser: the operators' page; to act there, the operator key is $operator_key
  curl -H 'Authorization: Token $key' $root/get_async_status/
  REDIS_URL='$REDIS_URL'
  logs in $folder
EOF
while :; do
    wait -n || die "a process ended"
done
