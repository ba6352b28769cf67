"""The Docker engine of this machine, for the tests that need one: images by name, commands with a limit."""

import hashlib
import pathlib
import shutil
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = 77  # the exit status that tells ctest so
COMMAND_LIMIT_S = 120

# Each source tree has images of its own: any number of them are tested side by side.
_TREE = hashlib.sha256(str(SOURCE).encode()).hexdigest()[:12]
IMAGE = f"omnihook-test:{_TREE}"
DEMO_IMAGE = f"omnihook-test-demo:{_TREE}"

BASE = "debian:trixie-slim"
# Made from the base, under the names that docker-compose.yml has.
STAND_INS = {"redis:8.0-bookworm": "Dockerfile.redis", "haproxy:3.0-bookworm": "Dockerfile.haproxy"}


def run(*command, limit_s=COMMAND_LIMIT_S, check=True, **options):
    """stdout of the command; AssertionError with all its output when it fails."""
    done = subprocess.run([str(word) for word in command], timeout=limit_s, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def compose_command():
    """Compose 1's command or Compose 2's, whichever is there; None without either."""
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, timeout=COMMAND_LIMIT_S, check=False)
    return ["docker", "compose"] if plugin.returncode == 0 else None


def skip_without_engine(needs_compose=False):
    """Ends the test as skipped where no engine answers, or there is no Compose."""
    if not shutil.which("docker") or subprocess.run(
            ["docker", "version"], capture_output=True, timeout=COMMAND_LIMIT_S, check=False).returncode:
        print("skipped: no Docker engine")
        sys.exit(SKIPPED)
    if needs_compose and not compose_command():
        print("skipped: no Compose")
        sys.exit(SKIPPED)


def has_image(name):
    return subprocess.run(["docker", "image", "inspect", name], capture_output=True,
                          timeout=COMMAND_LIMIT_S, check=False).returncode == 0
