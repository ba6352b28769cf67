#!/bin/sh
# redis-cli for operators, in the container of Redis: docker compose exec redis sh /redis-cli.sh SLOWLOG GET 10
# As the user operator of redis-secrets.sh; its password is on no command line.
set -eu
REDISCLI_AUTH=$(cat /run/redis-acl/operator_password)
export REDISCLI_AUTH
# shellcheck disable=SC2086 # several words, of tls.yml
exec redis-cli ${REDIS_CLI_OPTIONS:-} --user operator "$@"
