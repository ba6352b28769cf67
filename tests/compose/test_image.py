#!/usr/bin/env python3
"""The image alone: what is in it, that it runs with nothing allowed and without a shell, and that its health check
says what is so."""

import subprocess
import sys
import unittest

import engine
import scan_image
from stack import wait_for

HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "65532")
SETTINGS = {"OMNITRON_URL": "https://omnitron.example.com/api/v1/", "OMNITRON_TOKEN": "t0ken",
            "OMNITRON_WEBHOOKS": "[]", "OMNIHOOK_API_KEYS": "sha256:" + "0" * 64}
VARIABLES = [word for name, value in SETTINGS.items() for word in ("--env", f"{name}={value}")]


def build_from(image, recipe, name):
    engine.run("docker", "build", "--tag", name, "-", input=f"FROM {image}\nUSER 0\n{recipe}\nUSER 65532\n")


class Image(unittest.TestCase):
    def start(self, *command, image=engine.IMAGE):
        """A container that ends with the test."""
        container = engine.run("docker", "run", "--detach", "--health-interval", "1s", *HARDENED, *VARIABLES, image, *command).strip()
        self.addCleanup(engine.run, "docker", "rm", "--force", "--volumes", container)
        return container

    def make(self, recipe, name):
        build_from(engine.IMAGE, recipe, name)
        self.addCleanup(engine.run, "docker", "rmi", name)
        return name

    def test_each_program_runs_with_nothing_allowed(self):
        for program in ("omnihook", "omnihook-api", "omnihook-worker"):
            answer = engine.run("docker", "run", "--rm", *HARDENED, engine.IMAGE, program, "--version")
            self.assertRegex(answer, rf"^{program} \d+\.\d+\.\d+\n$")

    def test_each_daemon_becomes_healthy_and_stops_with_0(self):
        for daemon in ("omnihook-api", "omnihook-worker"):
            container = self.start(daemon)
            wait_for(lambda: "healthy" == engine.run("docker", "inspect", "-f", "{{.State.Health.Status}}",
                                                     container).strip(), f"{daemon} is healthy")
            engine.run("docker", "stop", container)
            self.assertEqual(engine.run("docker", "inspect", "-f", "{{.State.ExitCode}}", container), "0\n")

    def test_a_daemon_needs_no_shell(self):
        # The shells last: the command that removes them is run by one.
        name = self.make('RUN rm -f /bin/bash /bin/rbash && perl -e "unlink q(/bin/dash), q(/bin/sh)"',
                         engine.IMAGE + "-shell-less")
        container = self.start("omnihook-worker", image=name)
        self.assertNotEqual(0, subprocess.run(["docker", "exec", container, "sh", "-c", "true"],
                                              capture_output=True, check=False).returncode)
        wait_for(lambda: "200" in engine.run("docker", "exec", container, "omnihook-worker", "--probe",
                                             check=False), "healthy")

    def test_every_file_is_ours_or_debians(self):
        self.assertEqual(scan_image.main(engine.IMAGE), 0)

    def test_a_file_of_somebody_else_is_found(self):
        name = self.make("RUN touch /usr/lib/stranger.so /etc/stranger", engine.IMAGE + "-stranger")
        rest = scan_image.strangers(name)[0]
        self.assertEqual({path for path, origin in rest.items() if origin is None},
                         {"usr/lib/stranger.so", "etc/stranger"})


if __name__ == "__main__":
    engine.skip_without_engine()
    sys.stdout.flush()
    unittest.main()
