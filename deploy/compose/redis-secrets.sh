#!/bin/sh
# Run by the service redis-secrets. A password for Redis is made once and kept in the volume redis-url, which
# omnihook reads; Redis gets its hash, in the list of users in the volume redis-acl. Beside that list is the password
# of the user operator, for redis-cli.sh. To make new ones:
#   docker compose run --rm redis-secrets renew && docker compose up -d --force-recreate
set -eu
url=/run/omnihook/redis_url
acl=/run/redis-acl/users.acl
operator=/run/redis-acl/operator_password
# Only the containers that mount these volumes see the files; each reads them as a user of its own.
umask 0022

new_password() { head -c 32 /dev/urandom | sha256sum | cut -d ' ' -f 1; }
hash_of() { printf %s "$1" | sha256sum | cut -d ' ' -f 1; }

if [ -s "$url" ] && [ "${1:-}" != renew ]; then
    password=$(sed -E 's|^rediss?://omnihook:([^@]*)@.*|\1|' "$url")
else
    password=$(new_password)
fi
echo "${REDIS_SCHEME:-redis}://omnihook:$password@redis:6379/0" >"$url.new"
mv "$url.new" "$url"
if [ ! -s "$operator" ] || [ "${1:-}" = renew ]; then
    new_password >"$operator.new"
    mv "$operator.new" "$operator"
fi
# Each user has what it needs and no more: probe is for the health check; operator looks on, and removes by hand what
# docs/queue.md tells of. Nobody can log in as default, but it keeps its permissions: Redis replays its append-only
# file as that user, and leaves out the transactions it may not make.
cat >"$acl.new" <<END
user default off resetpass ~* &* +@all
user probe on nopass resetkeys resetchannels -@all +ping
user omnihook on #$(hash_of "$password") resetchannels ~{$OMNIHOOK_NAMESPACE}:* &{$OMNIHOOK_NAMESPACE}:* -@all +@read +@write +@scripting +@pubsub +@connection -@dangerous +info +time +config|get
user operator on #$(hash_of "$(cat "$operator")") resetchannels ~{$OMNIHOOK_NAMESPACE}:* -@all +@read -@dangerous +del +unlink +lrem +ltrim +srem +zrem +hdel +ping +slowlog|get +slowlog|len +latency +info +client|list
END
mv "$acl.new" "$acl"
