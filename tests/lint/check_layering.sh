#!/usr/bin/env bash
# Who may include whom (docs/architecture.md). Prints each include that breaks a rule.
set -uo pipefail
cd "$(dirname "$0")/../.."
broken=0

# forbid <pattern of the include> <message> <file>...
forbid() {
    local pattern=$1 message=$2
    shift 2
    [ $# -gt 0 ] || return 0
    if grep -nE "^#include [<\"]($pattern)" "$@" /dev/null; then
        echo "  ^ $message"
        broken=1
    fi
}

# sources <git pathspec>...: tracked C files
sources() { git ls-files -- "$@" | grep -E '\.[ch]$'; }
# except <file stem regex>: drops the files that may
except() { grep -vE "^($1)\.[ch]$"; }

forbid '(api|worker|cli|tests)/' 'common/ includes only common/' $(sources common)
forbid '(worker|cli|tests)/' 'api/ includes only api/ and common/' $(sources api)
forbid '(api|cli|tests)/' 'worker/ includes only worker/ and common/' $(sources worker)
forbid '(api|worker|tests)/' 'cli/ includes only cli/ and common/' $(sources cli)
forbid 'hiredis/' 'hiredis stays in common/redis_*.c' \
    $(sources common api worker cli | except 'common/redis_[a-z_]*')
forbid 'curl/' 'libcurl stays in common/http_*.c and common/url.c' \
    $(sources common api worker cli | except 'common/(http_[a-z_]*|url)')
forbid 'event2/(http|keyvalq)' 'evhttp stays in api/{server,connections,request,reply}, api/dashboard{,_request,_streams} and common/ops_server' \
    $(sources common api worker cli | except 'api/(server|connections|request|reply|dashboard|dashboard_request|dashboard_streams)|common/ops_server')

# Levels within common/: a file includes only its own or a lower one.
level_of() {
    case $1 in
    error | mem | now | strbuf | log | text | number_text | own_pid) echo 0 ;;
    faults | secret | random_id | backoff | url | hash_index | metrics | json_slice | retry_after | file_watch) echo 1 ;;
    jsonget | json_text | api_key | private_host | ip_range | listen_address | redis_url | redis_url_sentinel | redis_url_internal | redis_tls | redis_no_tls) echo 1 ;;
    environment | config | service_config | service_redis | account_variables) echo 1 ;;
    loop | redis_* | http_* | listen_socket | accepting | ops_server | ops_pages | ops_probe | metrics_page | supervisor*) echo 2 ;;
    *) echo 3 ;;
    esac
}
for file in $(sources common); do
    stem=$(basename "${file%.*}")
    level=$(level_of "$stem")
    for included in $(sed -nE 's|^#include "common/([a-z0-9_]+)\.h"|\1|p' "$file"); do
        if [ "$(level_of "$included")" -gt "$level" ]; then
            echo "$file (level $level) includes common/$included.h (level $(level_of "$included"))"
            broken=1
        fi
    done
done
exit $broken
