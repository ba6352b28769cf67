"""deploy/kubernetes: the manifests are valid, fit together, and what they tell the programs is what these know.

Each object is checked with Kubernetes' own schemas, of the oldest and the newest release of those that ./dev puts
into build/tools; those of KEDA and of Prometheus's operator, which are no part of it, with what is written here of
their documentation. Then the programs are started with the manifests' variables and files.

Usage: test_kubernetes.py <folder of the programs>
"""

import functools
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import jsonschema
import yaml

from installation import get
from programs import BIN, LIMIT_S, Program

ROOT = pathlib.Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
SCHEMAS = ROOT / "build" / "tools" / "kubernetes"
GRACE_MS = int(re.search(r"`OMNIHOOK_GRACE_MS` \| `(\d+)`", (ROOT / "docs" / "configuration.md").read_text()).group(1))
CONCURRENCY = re.search(r"`OMNIHOOK_CONCURRENCY` \| `(\d+)`", (ROOT / "docs" / "configuration.md").read_text()).group(1)
VERSION = re.search(r"VERSION (\d+\.\d+\.\d+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
NO_KUBERNETES = ("apiextensions", "keda.sh", "monitoring.coreos.com", "kustomize.config.k8s.io")

TEXT = {"type": "string"}
NUMBER = {"type": "integer", "minimum": 0}


def strict(required, **properties):
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


METADATA = strict(["name"], name=TEXT, labels={"type": "object", "additionalProperties": TEXT})
OTHERS = {
    "ScaledObject": strict(
        ["apiVersion", "kind", "metadata", "spec"], apiVersion={"const": "keda.sh/v1alpha1"}, kind=TEXT, metadata=METADATA,
        spec=strict(
            ["scaleTargetRef", "triggers"], pollingInterval=NUMBER, cooldownPeriod=NUMBER, minReplicaCount=NUMBER,
            maxReplicaCount=NUMBER, scaleTargetRef=strict(["name"], name=TEXT, kind=TEXT, apiVersion=TEXT),
            advanced=strict([], restoreToOriginalReplicaCount={"type": "boolean"}, horizontalPodAutoscalerConfig=strict(
                [], name=TEXT, behavior={})),
            triggers={"type": "array", "minItems": 1, "items": strict(
                ["type", "metadata"], type={"const": "redis"}, name=TEXT, authenticationRef=strict(["name"], name=TEXT),
                metadata=strict(["address", "listName", "listLength"], **{name: TEXT for name in (
                    "address", "listName", "listLength", "activationListLength", "databaseIndex", "enableTLS",
                    "unsafeSsl")}))})),
    "TriggerAuthentication": strict(
        ["apiVersion", "kind", "metadata", "spec"], apiVersion={"const": "keda.sh/v1alpha1"}, kind=TEXT, metadata=METADATA,
        spec=strict(["secretTargetRef"], secretTargetRef={"type": "array", "items": strict(
            ["parameter", "name", "key"], parameter={"enum": ["username", "password"]}, name=TEXT, key=TEXT)})),
    "PodMonitor": strict(
        ["apiVersion", "kind", "metadata", "spec"], apiVersion={"const": "monitoring.coreos.com/v1"}, kind=TEXT,
        metadata=METADATA, spec=strict(
            ["selector", "podMetricsEndpoints"], selector=strict(["matchLabels"], matchLabels={"type": "object"}),
            podMetricsEndpoints={"type": "array", "items": strict(["port"], port=TEXT, path=TEXT, interval=TEXT)})),
    # promtool checks the groups, as those of the same words in deploy/prometheus.
    "PrometheusRule": strict(
        ["apiVersion", "kind", "metadata", "spec"], apiVersion={"const": "monitoring.coreos.com/v1"}, kind=TEXT,
        metadata=METADATA, spec=strict(["groups"], groups={"type": "array", "minItems": 1, "items": strict(
            ["name", "rules"], name=TEXT, rules={"type": "array", "minItems": 1})})),
    "Kustomization": strict(
        ["apiVersion", "kind", "resources"], apiVersion={"const": "kustomize.config.k8s.io/v1beta1"}, kind=TEXT,
        resources={"type": "array", "items": TEXT},
        images={"type": "array", "items": strict(["name"], name=TEXT, newName=TEXT, newTag=TEXT)}),
}


@functools.cache
def definitions(release):
    return json.loads((SCHEMAS / f"{release}.json").read_text())["$defs"]


def kubernetes_name(document):
    """The schema's name of an object: io.k8s.api.<group>.<version>.<kind>."""
    group, _, version = document["apiVersion"].rpartition("/")
    return f"io.k8s.api.{(group or 'core').split('.')[0]}.{version}.{document['kind']}"


def validator(document, release):
    if document["apiVersion"].startswith(NO_KUBERNETES):
        return jsonschema.Draft7Validator(OTHERS[document["kind"]])
    return jsonschema.Draft7Validator({"$ref": f"#/$defs/{kubernetes_name(document)}", "$defs": definitions(release)})


def faults_of(document, release):
    return [f"{'.'.join(map(str, fault.absolute_path))}: {fault.message}"
            for fault in validator(document, release).iter_errors(document)]


def releases():
    found = sorted((path.stem for path in SCHEMAS.glob("*.json")), key=lambda name: int(name.split(".")[1]))
    assert len(found) > 1, f"no schemas in {SCHEMAS}: ./dev test puts them there"
    return found


def documents():
    return [document for path in sorted(FOLDER.glob("*.yaml"))
            for document in yaml.safe_load_all(path.read_text())]


def of_kind(kind):
    return [document for document in documents() if document["kind"] == kind]


def pods():
    """(Deployment, spec of its pods, its container), of each."""
    return [(deployment, deployment["spec"]["template"]["spec"], container) for deployment in of_kind("Deployment")
            for container in deployment["spec"]["template"]["spec"]["containers"]]


def matches(labels, deployment):
    return labels.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


class Schemas(unittest.TestCase):
    def test_each_object_is_valid(self):
        for release in (releases()[0], releases()[-1]):
            for document in documents():
                with self.subTest(release=release, kind=document["kind"]):
                    self.assertEqual(faults_of(document, release), [])

    def test_the_scaler_s_behaviour_is_valid(self):
        scaled = of_kind("ScaledObject")[0]["spec"]["advanced"]["horizontalPodAutoscalerConfig"]
        schema = {"$ref": "#/$defs/io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerBehavior"}
        jsonschema.Draft7Validator(schema | {"$defs": definitions(releases()[0])}).validate(scaled["behavior"])

    def test_faults_are_seen(self):
        deployment = of_kind("Deployment")[0]
        deployment["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
        self.assertRegex(str(faults_of(deployment, releases()[-1])), "readynessProbe")
        budget = of_kind("PodDisruptionBudget")[0]
        budget["spec"]["selector"] = []
        self.assertNotEqual(faults_of(budget, releases()[-1]), [])
        scaled = of_kind("ScaledObject")[0]
        scaled["spec"]["triggers"][0]["metadata"]["listLength"] = 64
        self.assertNotEqual(faults_of(scaled, releases()[-1]), [])

    def test_kustomization_names_what_is_there(self):
        kustomization = of_kind("Kustomization")[0]
        listed = set(kustomization["resources"])
        text = (FOLDER / "kustomization.yaml").read_text()
        optional = set(re.findall(r"# - (\S+\.yaml)", text))
        there = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml", "secret.example.yaml"}
        self.assertEqual(listed | optional, there)
        self.assertEqual(kustomization["images"], [{"name": "omnihook", "newName": "omnihook", "newTag": VERSION}])


class Shape(unittest.TestCase):
    def test_pods_are_confined(self):
        self.assertEqual([container["command"] for _, _, container in pods()], [["omnihook-api"], ["omnihook-worker"]])
        for deployment, spec, container in pods():
            with self.subTest(deployment["metadata"]["name"]):
                self.assertEqual(container["image"], "omnihook")
                self.assertIs(spec["automountServiceAccountToken"], False)
                self.assertIs(spec["enableServiceLinks"], False)
                self.assertIs(spec["securityContext"]["runAsNonRoot"], True)
                self.assertGreater(spec["securityContext"]["runAsUser"], 0)
                self.assertEqual(spec["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
                self.assertEqual(container["securityContext"], {
                    "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}})
                self.assertIn("memory", container["resources"]["limits"])
                self.assertTrue(all(mount["readOnly"] and "subPath" not in mount for mount in container["volumeMounts"]))
                self.assertEqual({mount["name"] for mount in container["volumeMounts"]},
                                 {volume["name"] for volume in spec["volumes"]})

    def test_there_is_time_to_stop(self):
        for deployment, spec, container in pods():
            pause_s = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            self.assertGreater(spec["terminationGracePeriodSeconds"] - pause_s, GRACE_MS / 1000 + 2,
                               deployment["metadata"]["name"])

    def test_ports_are_those_of_the_variables(self):
        for _, _, container in pods():
            variables = {variable["name"]: variable["value"] for variable in container["env"]}
            listen = {"http": variables.get("OMNIHOOK_LISTEN"), "ops": variables.get("OMNIHOOK_OPS_LISTEN")}
            ports = {port["name"]: f"0.0.0.0:{port['containerPort']}" for port in container["ports"]}
            self.assertEqual(ports, {name: address for name, address in listen.items() if address})

    def test_what_is_selected_is_there(self):
        deployments = of_kind("Deployment")
        for document in documents():
            spec = document.get("spec", {})
            if document["kind"] == "Service":
                labels, ports = spec["selector"], [port["targetPort"] for port in spec["ports"]]
            elif document["kind"] == "NetworkPolicy":
                labels = spec["podSelector"]["matchLabels"]
                ports = [port["port"] for rule in spec["ingress"] for port in rule["ports"]]
            elif document["kind"] in ("PodDisruptionBudget", "PodMonitor", "Deployment"):
                labels = spec["selector"]["matchLabels"]
                ports = [end["port"] for end in spec.get("podMetricsEndpoints", [])]
            else:
                continue
            chosen = [deployment for deployment in deployments if matches(labels, deployment)]
            self.assertTrue(chosen, document["metadata"]["name"])
            for deployment in chosen:
                known = {port["name"] for port in deployment["spec"]["template"]["spec"]["containers"][0]["ports"]}
                self.assertLessEqual(set(ports), known, document["metadata"]["name"])
            if document["kind"] in ("PodDisruptionBudget", "Deployment"):
                self.assertEqual(len(chosen), 1)

    def test_one_pod_may_be_taken_away_at_a_time(self):
        for budget in of_kind("PodDisruptionBudget"):
            deployment = next(found for found in of_kind("Deployment")
                              if matches(budget["spec"]["selector"]["matchLabels"], found))
            allowed = budget["spec"].get("maxUnavailable",
                                         deployment["spec"]["replicas"] - budget["spec"].get("minAvailable", 0))
            self.assertEqual(allowed, 1)

    def test_the_scaler_counts_what_has_not_ended(self):
        scaled, secret = of_kind("ScaledObject")[0], of_kind("Secret")[0]
        self.assertIn(scaled["spec"]["scaleTargetRef"]["name"],
                      [deployment["metadata"]["name"] for deployment in of_kind("Deployment")])
        trigger = scaled["spec"]["triggers"][0]["metadata"]
        self.assertEqual((trigger["listName"], trigger["listLength"]), ("{omnihook}:active", CONCURRENCY))
        for reference in of_kind("TriggerAuthentication")[0]["spec"]["secretTargetRef"]:
            self.assertEqual(reference["name"], secret["metadata"]["name"])
            self.assertIn(reference["key"], secret["stringData"])


class Programs(unittest.TestCase):
    """What a pod would see, in a folder: its files, and its variables with that folder in front of each path."""

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def mount(self, spec, container):
        """The files of the pod's volumes below the folder; gives the mounts' paths."""
        data = {("configMap", document["metadata"]["name"]): document["data"] for document in of_kind("ConfigMap")}
        data |= {("secret", document["metadata"]["name"]): document["stringData"] for document in of_kind("Secret")}
        paths = []
        for mount in container["volumeMounts"]:
            volume = next(found for found in spec["volumes"] if found["name"] == mount["name"])
            kind = "configMap" if "configMap" in volume else "secret"
            name = volume[kind].get("name") or volume[kind]["secretName"]
            paths.append(mount["mountPath"])
            target = self.folder / mount["mountPath"].lstrip("/")
            # As the kubelet does it: the files are links into a folder that is replaced as a whole.
            (target / "..data").mkdir(parents=True, exist_ok=True)
            for file, text in data[kind, name].items():
                (target / "..data" / file).write_text(self.inside(text, [m["mountPath"] for m in container["volumeMounts"]]))
                if not (target / file).exists():
                    (target / file).symlink_to(f"..data/{file}")
        return paths

    def inside(self, text, paths):
        for path in paths:
            text = text.replace(f"{path}/", f"{self.folder}{path}/")
        return text

    def environment(self, spec, container):
        paths = self.mount(spec, container)
        return {variable["name"]: self.inside(variable["value"], paths) for variable in container["env"]}

    def test_the_configuration_is_good_without_a_warning(self):
        for _, spec, container in pods():
            result = subprocess.run([BIN / container["command"][0], "--check-config"], capture_output=True, text=True,
                                    env=self.environment(spec, container), timeout=LIMIT_S, check=False)
            self.assertEqual((result.returncode, result.stdout, result.stderr),
                             (0, "configuration ok: 1 account, 1 webhook\n", ""))

    def test_probes_are_answered(self):
        redis = self.folder / "redis.sock"
        server = Program(self.folder, "redis-server", "--port", "0", "--save", "", "--dir", str(self.folder),
                         "--unixsocket", str(redis))
        self.addCleanup(server.stop)
        server.wait_for("eady to accept")
        for _, spec, container in pods():
            environment = self.environment(spec, container)
            pathlib.Path(environment["REDIS_URL_FILE"]).write_text(f"unix://{redis}?db=0")
            ops = f"{self.folder}/{container['name']}.ops"
            program = Program(self.folder, container["command"][0], **environment | {
                "OMNIHOOK_LISTEN": f"unix:{self.folder}/api.sock", "OMNIHOOK_OPS_LISTEN": f"unix:{ops}"})
            program.wait_for('"event":"(listening|worker_started)"')
            for probe in ("readinessProbe", "livenessProbe"):
                call = container[probe]["httpGet"]
                self.assertEqual((call["port"], get(ops, call["path"], raw=True)[0]), ("ops", 200))
            for end in of_kind("PodMonitor")[0]["spec"]["podMetricsEndpoints"]:
                self.assertEqual(get(ops, end["path"], raw=True)[0], 200)
            self.assertEqual(program.stop(), 0)

    def test_a_changed_config_map_is_read(self):
        _, spec, container = pods()[0]
        environment = self.environment(spec, container)
        program = Program(self.folder, container["command"][0], **environment | {
            "OMNIHOOK_LISTEN": f"unix:{self.folder}/api.sock", "OMNIHOOK_OPS_LISTEN": "off"})
        self.addCleanup(program.stop)
        program.wait_for('"event":"listening"')
        mount = pathlib.Path(environment["OMNIHOOK_SETTINGS"]).parent
        shutil.copytree(mount / "..data", mount / "..new")
        settings = mount / "..new" / "settings.json"
        settings.write_text(settings.read_text().replace("package.created", "package.updated"))
        (mount / "..data").rename(mount / "..old")
        (mount / "..new").rename(mount / "..data")
        program.wait_for('"event":"settings_reloaded"')


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
