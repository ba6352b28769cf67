#!/usr/bin/env bash
# The alert rules are valid and tested, know only metrics that exist, and each has its place in the run book.
set -uo pipefail
cd "$(dirname "$0")/../.."
broken=0
rules=deploy/prometheus/alerts.yml
promtool check rules "$rules" || broken=1
(cd deploy/prometheus && promtool test rules alerts_test.yml) || broken=1
diff <(sed -n '/^groups:/,$p' "$rules") <(sed -n '/^spec:/,$p' deploy/kubernetes/alerts.yaml | sed -E '1d; s/^  //') ||
    { echo "deploy/kubernetes/alerts.yaml has other rules than $rules"; broken=1; }
for alert in $(sed -nE 's/^ *- alert: //p' "$rules"); do
    grep -q "alertname=\"$alert\"" deploy/prometheus/alerts_test.yml || { echo "$alert has no test"; broken=1; }
    grep -q "^### $alert$" docs/runbook.md || { echo "$alert is not in docs/runbook.md"; broken=1; }
done
# The other way round: the run book tells of no alert that cannot fire.
for alert in $(sed -nE 's/^### (Omnihook[A-Za-z]+)$/\1/p' docs/runbook.md) $(grep -oE '`Omnihook[A-Za-z]+`' docs/runbook.md | tr -d '`'); do
    grep -q -- "- alert: $alert$" "$rules" || { echo "there is no alert $alert, of docs/runbook.md"; broken=1; }
done
# And of each reason that the job machine and the workers themselves have for a FAILED job.
while IFS= read -r reason; do
    tr '\n' ' ' <docs/runbook.md | grep -qiF -- "$reason" || { echo "docs/runbook.md has nothing about: $reason"; broken=1; }
done < <({
    grep -ohE "'FAILED', '[^';,]+|'foreign element[^':]+" common/lua/*.lua
    grep -ohE 'RUN_FAILED, "[^"]+|"the run [^"%]+' worker/*.c
} | sed -E "s/^[^'\"]*['\"](FAILED', '|RUN_FAILED, \")?//; s/^.*RUN_FAILED, \"//; s/ (of )?$//" | sort -u)
for metric in $(cat "$rules" deploy/grafana/*.json | grep -oE 'omnihook_[a-z_]+' | sed -E 's/_(bucket|sum|count)$//' | sort -u); do
    grep -q "\`$metric\`" docs/metrics.md || { echo "there is no metric $metric"; broken=1; }
done
exit $broken
