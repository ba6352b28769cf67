#!/bin/sh
# Run by the service redis-secrets. A password for Redis is made once and kept in the volume redis-url, which
# omnihook reads; Redis gets its hash, in the list of users in the volume redis-acl. To make a new one:
#   docker compose run --rm redis-secrets renew && docker compose up -d --force-recreate
set -eu
url=/run/omnihook/redis_url
acl=/run/redis-acl/users.acl
# Only the containers that mount these volumes see the files; each reads them as a user of its own.
umask 0022

if [ -s "$url" ] && [ "${1:-}" != renew ]; then
    password=$(sed -E 's|^rediss?://omnihook:([^@]*)@.*|\1|' "$url")
else
    password=$(head -c 32 /dev/urandom | sha256sum | cut -d ' ' -f 1)
fi
echo "${REDIS_SCHEME:-redis}://omnihook:$password@redis:6379/0" >"$url.new"
mv "$url.new" "$url"
hash=$(printf %s "$password" | sha256sum | cut -d ' ' -f 1)
# Each user has what it needs and no more; probe is for the health check. Nobody can log in as default, but it keeps
# its permissions: Redis replays its append-only file as that user, and leaves out the transactions it may not make.
cat >"$acl.new" <<END
user default off resetpass ~* &* +@all
user probe on nopass resetkeys resetchannels -@all +ping
user omnihook on #$hash resetchannels ~{$OMNIHOOK_NAMESPACE}:* &{$OMNIHOOK_NAMESPACE}:* -@all +@read +@write +@scripting +@pubsub +@connection +info +time +config|get
END
mv "$acl.new" "$acl"
