#!/usr/bin/env bash
# The alert rules are valid and tested, know only metrics that exist, and each has its place in the run book.
set -uo pipefail
cd "$(dirname "$0")/../.."
broken=0
rules=deploy/prometheus/alerts.yml
promtool check rules "$rules" || broken=1
(cd deploy/prometheus && promtool test rules alerts_test.yml) || broken=1
for alert in $(sed -nE 's/^ *- alert: //p' "$rules"); do
    grep -q "alertname=\"$alert\"" deploy/prometheus/alerts_test.yml || { echo "$alert has no test"; broken=1; }
    grep -q "^### $alert$" docs/runbook.md || { echo "$alert is not in docs/runbook.md"; broken=1; }
done
for metric in $(cat "$rules" deploy/grafana/*.json | grep -oE 'omnihook_[a-z_]+' | sed -E 's/_(bucket|sum|count)$//' | sort -u); do
    grep -q "\`$metric\`" docs/metrics.md || { echo "there is no metric $metric"; broken=1; }
done
exit $broken
