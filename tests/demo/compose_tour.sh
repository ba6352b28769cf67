#!/bin/sh
# The service tour of docker-compose.yml: the published calls, one after the other, and what came of them.
set -eu
root=http://api:8080/api/v1/oms/setup/webhooks
key='Authorization: Token demo-key'

# call METHOD NAME [TEXT]: makes the call and shows it; the answer must hold TEXT
call() {
    answer=$(curl -sS -m 30 -X "$1" -H "$key" -w ' %{http_code}' "$root/$2/")
    echo "$1 $2/ -> $answer"
    case $answer in
    *"${3:-}"*) ;;
    *)
        echo "expected $3" >&2
        exit 1
        ;;
    esac
}

echo "The published calls, with a simulated Omnitron:"
call GET is_required 200
call POST execute 204
try=0
while curl -sS -m 30 -H "$key" "$root/get_async_status/" | grep -q WORKING && [ "$try" -lt 300 ]; do
    try=$((try + 1))
    sleep 0.1
done
call GET get_async_status FINISHED
call GET is_required '"false"'
call GET report 200
echo "Webhooks that Omnitron holds now:"
curl -sS -m 30 -H 'Authorization: Token demo-omnitron-token' "http://omnitron:8000/whisperer/hooks/?sort=id"
echo
echo "The stack keeps running. From this machine:"
echo "  curl -H '$key' http://127.0.0.1:8080/api/v1/oms/setup/webhooks/get_async_status/"
