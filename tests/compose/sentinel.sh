#!/bin/sh
# What the containers of sentinel.yml run.
#   secrets    beside what redis-secrets.sh makes: users for replicas and Sentinels, and the URL that names Sentinels
#   redis      Redis, which may be killed and started again while its container, and so its address and name, stays:
#   kill       kills it
#   again      starts it again
#   run        a Sentinel
#   is-ready   whether the Sentinel of this container knows the replica and both other Sentinels
set -eu

secrets() {
    sh /redis-secrets.sh
    cat >>/run/redis-acl/users.acl <<END
user replica on >replica-password resetkeys resetchannels -@all +psync +replconf +ping
user sentinel on >sentinel-password resetkeys allchannels -@all +multi +slaveof +ping +exec +subscribe +config|rewrite +role +publish +info +client|setname +client|kill +script|kill
END
    sed -E 's|^redis://([^@]*)@.*|redis-sentinel://\1@sentinel-1,sentinel-2,sentinel-3/omnihook/0|' \
        /run/omnihook/redis_url >/run/omnihook/sentinel_url
}

redis() {
    trap 'kill -TERM "$number"; wait "$number"; exit 0' TERM
    while :; do
        redis-server /etc/redis/omnihook.conf --masteruser replica --masterauth replica-password &
        number=$!
        echo "$number" >/tmp/number
        wait "$number" || true
        until [ -e /tmp/again ]; do sleep 0.1; done
        rm /tmp/again
    done
}

run() {
    cat >/tmp/sentinel.conf <<END
port 26379
protected-mode no
dir /tmp
sentinel resolve-hostnames yes
sentinel monitor omnihook redis 6379 2
sentinel auth-user omnihook sentinel
sentinel auth-pass omnihook sentinel-password
sentinel down-after-milliseconds omnihook 2000
sentinel failover-timeout omnihook 10000
END
    exec redis-sentinel /tmp/sentinel.conf
}

is_ready() {
    known=$(redis-cli -p 26379 sentinel master omnihook | grep -A 1 -E '^num-(slaves|other-sentinels)$' | grep -E '^[0-9]+$')
    [ "$(echo $known)" = "1 2" ]
}

case $1 in
secrets) secrets ;;
redis) redis ;;
kill) kill -KILL "$(cat /tmp/number)" ;;
again) touch /tmp/again ;;
run) run ;;
is-ready) is_ready ;;
esac
