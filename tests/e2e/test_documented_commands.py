"""Each command of the run book, the command line's page, the HTTP API's page and README's tour is run, as it stands
there, against a small installation: it must do what somebody who copies it expects.

What is run: the lines of fenced `sh` blocks, and `code` in the text that begins with one of our programs, curl or
redis-cli and has arguments. ACCOUNT and JOB are placeholders. curl and redis-cli get the installation's sockets
instead of the default ports by wrappers in front of them in PATH. What there is no system for (systemd, a cluster, the
stack of docker-compose.yml, which tests/compose brings up) is stood in for by such wrappers, too.

Usage: test_documented_commands.py <folder of the programs>
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from installation import Installation, wait_for
from programs import BIN, LIMIT_S, digest_of

ROOT = pathlib.Path(__file__).parents[2]
PROGRAMS = ("omnihook", "omnihook-api", "omnihook-worker", "curl", "redis-cli")
SOCKETS = {8080: "api.sock", 9180: "omnihook-api.ops", 9181: "worker0/omnihook-worker.ops"}
# They go on until Ctrl-C.
ENDLESS = re.compile(r"^omnihook (status.*--watch|events)|^(redis-cli|.*/redis-cli.sh) --latency")
ENDLESS_S = 2


def sh_lines(text):
    """The command lines of the fenced blocks, without comments; a quoted text may have several lines."""
    for block in re.findall(r"(?ms)^```sh\n(.*?)^```$", text):
        block = re.sub(r"(?m)(^|\s+)# .*$", "", block)
        yield from (line for line in re.split(r"\n(?=(?:[^']*'[^']*')*[^']*\Z)", block) if line.strip())


def inline_commands(text):
    text = re.sub(r"(?ms)^```.*?^```$", "", text)
    for code in re.findall(r"`([^`]+)`", text):
        words = code.split()
        if words[0] in PROGRAMS and len(words) > 1:
            yield " ".join(words)


def usages(page):
    """The first column of the table of commands, with and without what is optional."""
    for cell in re.findall(r"(?m)^\| (`[a-z].*?) \| ", page):
        first, *others = re.findall(r"`([^`]+)`", cell)
        forms = [first]
        if others:
            forms.append(f"{first.rsplit(' ', 1)[0]} {others[0]}")
        for form in forms:
            required = re.sub(r" \[[^]]*\]", "", form)
            options = re.findall(r"\[([^]]*)\]", form)
            yield from (f"omnihook {required} {' '.join(options[:n])}".strip() for n in range(len(options) + 1))


class DocumentedCommands(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.system = Installation(self.folder, OMNIHOOK_JOB_ATTEMPTS="1")
        self.addCleanup(self.system.end)
        self.write_wrappers()

    def write_wrappers(self):
        tools = self.folder / "tools"
        tools.mkdir()
        sockets = "\n".join(f"*127.0.0.1:{port}/*) socket={name} ;;" for port, name in SOCKETS.items())
        scripts = {
            "redis-cli": f'exec {shutil.which("redis-cli")} -e -s {self.system.redis_socket} "$@"',
            # What a person who types does not meet: that the program has not come up yet.
            "curl": f'case "$* " in\n{sockets}\nesac\nfor i in $(seq 500); do [ -S "${{FOLDER:-{self.folder}}}/$socket" ]'
                    f' && break; sleep 0.02; done\nexec {shutil.which("curl")} -sS --fail-with-body '
                    f'--unix-socket "${{FOLDER:-{self.folder}}}/$socket" "$@"',
            "sudo": 'exec "$@"',
            # Without the file the program has no variable at all.
            "systemd-run": 'while :; do\ncase $1 in\n-q | --pipe | --wait) shift ;;\n-p) case $2 in User=omnihook) ;;\n'
                           f'EnvironmentFile=/etc/omnihook/omnihook.env) variables=$(cat {self.folder}/omnihook.env) ;;\n'
                           '*) exit 9 ;;\nesac\nshift 2 ;;\n-*) exit 9 ;;\n*) break ;;\nesac\ndone\n'
                           'exec env -i PATH="$PATH" ${variables-} "$@"',
            "docker": '[ "$1 $2" = "compose exec" ] || exit 9\ncase $3 in\napi | worker) shift 3 ;;\n'
                      'redis) [ "$4 $5" = "sh /redis-cli.sh" ] || exit 9; shift 5; set -- redis-cli "$@" ;;\nesac\nexec "$@"',
            "kubectl": '[ "$1" = exec ] && [ "$3" = -- ] || exit 9\nshift 3\nexec "$@"',
        }
        (self.folder / "omnihook.env").write_text(
            "".join(f"{name}={value}\n" for name, value in self.system.environment().items()))
        for name, script in scripts.items():
            (tools / name).write_text(f"#!/bin/sh\n{script}\n")
            (tools / name).chmod(0o755)

    def shell(self, script, **more):
        environment = self.system.environment(PATH=f"{self.folder}/tools:{BIN}:/usr/bin:/bin", **more)
        return subprocess.run(["bash", "-c", script], env=environment, cwd=self.folder, timeout=3 * LIMIT_S,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def dead_job(self):
        """The id of a job that has just failed; what ran before has ended, so that it does not take the fault."""
        wait_for(lambda: self.system.call("GET", "get_async_status/")[1]["result"] != "WORKING", "nothing runs")
        self.system.control("faults", {"method": "POST", "times": 1, "path": "/whisperer/",
                                       "action": {"status": 400, "json": {}}})
        self.system.control("hooks", method="DELETE")
        return self.system.run("FAILED")["job"]

    def run_command(self, command, preface=""):
        script = command.replace("ACCOUNT", "acme")
        if "JOB" in script:
            script = script.replace("JOB", self.dead_job())
        if ENDLESS.match(script):
            script = f"timeout --preserve-status -s INT {ENDLESS_S} {script}"
        result = self.shell(f"{preface}\n{script}")
        said = f"{command}\nexit {result.returncode}\n{result.stdout}{result.stderr}"
        # plan's 3 is an answer, too.
        good = (0, 3) if command.startswith("omnihook plan") else (0,)
        good = (0, 130) if ENDLESS.match(command) else good  # interrupted before it had begun
        self.assertIn(result.returncode, good, said)
        if "--wait" not in command:  # which says there how far it is
            self.assertEqual(result.stderr, "", said)
        return result.stdout

    def test_run_book(self):
        page = (ROOT / "docs" / "runbook.md").read_text()
        commands = sorted({*sh_lines(page), *inline_commands(page)})
        self.assertGreater(len(commands), 10)
        self.dead_job()
        for command in commands:
            with self.subTest(command):
                self.run_command(command)

    def test_command_line(self):
        page = (ROOT / "docs" / "command-line.md").read_text()
        commands = [*usages(page), *sh_lines(page), *inline_commands(page)]
        known = subprocess.run([BIN / "omnihook", "--help"], capture_output=True, text=True, check=True).stdout
        for name in re.findall(r"(?m)^  ([a-z]+(?: [a-z]+)?) ", known):
            self.assertTrue(any(command.startswith(f"omnihook {name}") for command in commands), name)
        self.system.run("FINISHED")
        for command in commands:
            with self.subTest(command):
                # Nothing may happen while events are followed.
                self.assertTrue(self.run_command(command) or "events" in command)
                if "--help" in command:
                    continue
                for line in self.run_command(f"{command} --json").splitlines():
                    self.assertRegex(line, r'^[\[{].*[\]}]$')

    def test_http_api(self):
        page = (ROOT / "docs" / "http-api.md").read_text()
        lines = list(sh_lines(page))
        preface = "\n".join(line for line in lines if re.match(r"\w+=", line))
        preface = re.sub(r"Token [^']*", f"Token {self.system.key}", preface)
        commands = [line for line in lines if line.startswith("curl ")]
        self.assertGreater(len(commands), 4)
        self.system.run("FINISHED")
        for command in commands:
            with self.subTest(command):
                self.assertNotEqual(self.run_command(command, preface), "")

    def test_install(self):
        """README's check of the configuration, with the variables of the package's file."""
        lines = [line for line in sh_lines((ROOT / "README.md").read_text()) if "systemd-run" in line]
        self.assertEqual(len(lines), 1)
        self.assertIn("configuration ok: 1 account", self.run_command(lines[0]))

    def test_tour(self):
        """README's, from the key to the plan, as one script."""
        page = (ROOT / "README.md").read_text()
        tour = page[page.index("\n## A tour with curl\n"):page.index("\n## Configuration by example\n")]
        folder = self.folder / "tour"
        folder.mkdir()
        (folder / "token").write_text(self.system.token)
        script = "\n".join(line for line in sh_lines(tour)
                           if not line.startswith(("./dev ", "export PATH")))
        for there, here in (("https://brand-omnitron.example.net", self.system.simulator_url),
                            ("/run/secrets/omnitron_token", f"{folder}/token"),
                            ("sha256:<the hash>", digest_of("tour-key")), ("<the key>", "tour-key")):
            self.assertIn(there, script)
            script = script.replace(there, here)
        # Both have the same environment here; without one, each has an ops listener of its own.
        script = script.replace("& omnihook-worker", "& OMNIHOOK_OPS_LISTEN=off omnihook-worker")
        script = f"set -e\nunset OMNIHOOK_SETTINGS\ntrap 'kill $(jobs -p); wait' EXIT\n{script} || [ $? = 3 ]\n"
        result = self.shell(script, FOLDER=str(folder), OMNIHOOK_NAMESPACE="tour", OMNIHOOK_LISTEN=f"unix:{folder}/api.sock",
                            OMNIHOOK_OPS_LISTEN=f"unix:{folder}/omnihook-api.ops")
        said = result.stdout + result.stderr
        self.assertEqual(result.returncode, 0, said)
        for words in ("configuration ok: 1 account, 2 webhooks", '{"result": "true"}', "204 No Content",
                      "event=worker_started"):
            self.assertIn(words, said)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
