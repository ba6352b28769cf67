#!/usr/bin/env bash
# The Prometheus configuration of docker-compose.yml is valid, what .env.example shows is what the file takes, and
# the scripts that containers run are sound.
set -uo pipefail
cd "$(dirname "$0")/../.."
broken=0

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp deploy/compose/prometheus.yml deploy/prometheus/alerts.yml "$folder"
promtool check config "$folder/prometheus.yml" || broken=1

# variables FILE...: "NAME=default" of each ${NAME:-default}
variables() { grep -hoE '\$\{[A-Z_]+:-[^}]*\}' "$@" | sed -E 's/\$\{([A-Z_]+):-([^}]*)\}/\1=\2/' | sort -u; }
diff <(variables docker-compose.yml) <(sed -nE 's/^#([A-Z_]+=)/\1/p' .env.example | sort -u) ||
    { echo "docker-compose.yml and .env.example differ"; broken=1; }

# One service builds an image, and stands before the others of it: so both Composes build it once and then use it.
python3 - <<'END' || broken=1
import sys, yaml
builders, faults = set(), []
for name, service in yaml.safe_load(open("docker-compose.yml"))["services"].items():
    image = service["image"]
    if "build" in service:
        faults += [f"{name} builds {image} once more"] if image in builders else []
        builders.add(image)
    elif image.startswith("${OMNIHOOK_") and (image not in builders or service.get("pull_policy") != "never"):
        faults.append(f"{name} would pull {image}")
sys.exit("\n".join(faults) or 0)
END

for script in deploy/compose/*.sh tests/compose/*.sh tests/demo/compose_tour.sh; do
    case $(head -1 "$script") in
    *bash) bash -n "$script" || broken=1 ;;
    *) sh -n "$script" || broken=1 ;;
    esac
done
exit $broken
