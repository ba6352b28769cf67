"""The stack of docker-compose.yml, unmodified, as a project of its own: brought up for one test and removed
with it, however that ends."""

import hashlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import engine

FACT_LIMIT_S = 60
CALL_LIMIT_S = 40
PREFIX = "/api/v1/oms/setup/webhooks/"
PROJECT = "omnihooktest"


def wait_for(fact, what, limit_s=FACT_LIMIT_S):
    """The first value of fact() that is true."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        if found := fact():
            return found
        time.sleep(0.1)
    raise AssertionError(f"never came true: {what}")


def call(address, method, path, headers=None, body=None):
    """(status, JSON or text)"""
    connection = http.client.HTTPConnection(address, timeout=CALL_LIMIT_S)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    is_json = answer.getheader("Content-Type", "").startswith("application/json")
    return answer.status, json.loads(text) if is_json and text else text


def remove_left_overs():
    """Stacks of tests that were killed: their project has the number of a process that is no more."""
    names = engine.run("docker", "ps", "-a", "--format", '{{.Label "com.docker.compose.project"}}')
    for name in set(names.split()):
        number = name.removeprefix(PROJECT)
        if name.startswith(PROJECT) and number.isdigit() and not os.path.exists(f"/proc/{number}"):
            of_project = ["--filter", f"label=com.docker.compose.project={name}", "--quiet"]
            for kind, remove in (("ps -a", "rm -fv"), ("network ls", "network rm"), ("volume ls", "volume rm")):
                found = engine.run("docker", *kind.split(), *of_project).split()
                if found:
                    engine.run("docker", *remove.split(), *found)


class Stack:
    """accounts: names; each has its own key, and its own user at the simulator."""

    def __init__(self, accounts, webhooks, files=(), profiles=("demo", "proxy"), **env):
        remove_left_overs()
        self.project = f"{PROJECT}{os.getpid()}"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="omnihook-compose."))
        self.accounts = accounts
        self.webhooks = webhooks
        self.profiles = profiles
        self.files = [engine.SOURCE / "docker-compose.yml", *files]
        self.env = {**os.environ, "OMNIHOOK_IMAGE": engine.IMAGE, "OMNIHOOK_DEMO_IMAGE": engine.DEMO_IMAGE,
                    "OMNIHOOK_CONFIG": str(self.folder / "config"), "OMNIHOOK_PUBLISH": "127.0.0.1:0",
                    "OMNIHOOK_OPS_PUBLISH": "127.0.0.1:0", "PROXY_PUBLISH": "127.0.0.1:0",
                    "COMPOSE_PROJECT_NAME": self.project, **env}
        self.events = None
        self._write_settings()

    def _write_settings(self):
        config = self.folder / "config"
        config.mkdir()
        self.folder.chmod(0o755)
        accounts = {}
        for name in self.accounts:
            digest = hashlib.sha256(self.key_of(name).encode()).hexdigest()
            accounts[name] = {
                "api_keys": [f"sha256:{digest}"],
                "omnitron": {"url": "http://omnitron:8000/api/v1/", "token": self.token_of(name)},
                "OMNITRON_WEBHOOKS": self.webhooks}
        (config / "settings.json").write_text(json.dumps({"accounts": accounts}))
        config.chmod(0o755)  # for user 65532
        (config / "settings.json").chmod(0o644)

    @staticmethod
    def key_of(account):
        return f"key-of-{account}"

    @staticmethod
    def token_of(account):
        return f"omnitron-token-of-{account}"

    # ---- Compose ----

    def compose(self, *arguments, limit_s=engine.COMMAND_LIMIT_S):
        words = [word for profile in self.profiles for word in ("--profile", profile)]
        words += [word for file in self.files for word in ("-f", str(file))]
        return engine.run(*engine.compose_command(), "--project-directory", engine.SOURCE, *words, *arguments,
                          env=self.env, limit_s=limit_s)

    def up(self, *services, api=1, worker=2):
        """The simulator first: it knows its users before anybody calls it."""
        scale = ["--scale", f"api={api}", "--scale", f"worker={worker}"]
        self.compose("up", "-d", "--no-build", "omnitron")
        self.simulator("users", [{"username": name, "password": "none", "token": self.token_of(name)}
                                 for name in self.accounts])
        self.compose("up", "-d", "--no-build", *scale, *services)

    def scale_workers(self, count, api):
        self.compose("up", "-d", "--no-build", "--no-recreate", "--scale", f"api={api}", "--scale",
                     f"worker={count}", "worker")
        wait_for(lambda: len(self.containers("worker")) == count, f"{count} workers")

    def remove(self):
        """Everything that was made for the project. Never fails for what is not there."""
        if self.events:
            self.events.kill()
            self.events.wait()
        try:
            self.compose("down", "--volumes", "--remove-orphans", "--timeout", "0")
        except AssertionError as error:
            # Docker 20.10 now and then keeps an endpoint whose container is gone, until it is started anew itself.
            if "has active endpoints" not in str(error) or self.has_containers():
                raise
            print("the engine keeps a network of containers that are gone", flush=True)
        shutil.rmtree(self.folder)

    def has_containers(self):
        return bool(engine.run("docker", "ps", "-aq", "--filter", f"label=com.docker.compose.project={self.project}"))

    def watch_exits(self):
        """From here on the exit codes of containers are kept, for exits()."""
        self.events = subprocess.Popen(
            ["docker", "events", "--filter", f"label=com.docker.compose.project={self.project}",
             "--filter", "event=die", "--format",
             '{{index .Actor.Attributes "com.docker.compose.service"}} {{.Actor.Attributes.exitCode}}'],
            stdout=open(self.folder / "exits", "wb"), stderr=subprocess.DEVNULL)

    def exits(self):
        """[(service, exit code)] since watch_exits."""
        return [(line.split()[0], int(line.split()[1]))
                for line in (self.folder / "exits").read_text().splitlines()]

    # ---- Containers ----

    def containers(self, service, is_all=False):
        """Their names, running ones unless told."""
        found = engine.run("docker", "ps", *(["-a"] if is_all else []), "--format", "{{.Names}}", "--filter",
                           f"label=com.docker.compose.project={self.project}", "--filter",
                           f"label=com.docker.compose.service={service}")
        return sorted(found.split())

    def inspect(self, container, template):
        return engine.run("docker", "inspect", "--format", template, container).strip()

    def is_ready(self, container):
        """By the program's own word. For Redis: it answers."""
        service = self.inspect(container, '{{index .Config.Labels "com.docker.compose.service"}}')
        if service == "redis":
            asked = ["redis-cli", "--no-auth-warning", "--user", "probe", "--pass", "probe", "ping"]
        else:
            asked = [f"omnihook-{service}", "--probe=ready"]
        done = subprocess.run(["docker", "exec", container, *asked], capture_output=True, check=False,
                              timeout=engine.COMMAND_LIMIT_S)
        return done.returncode == 0 and (service != "redis" or b"PONG" in done.stdout)

    def wait_ready(self, container):
        wait_for(lambda: self.is_ready(container), f"{container} is ready")

    def disconnect(self, container, network):
        engine.run("docker", "network", "disconnect", f"{self.project}_{network}", container)

    def connect(self, container, network):
        """With the name by which the others find it."""
        service = self.inspect(container, '{{index .Config.Labels "com.docker.compose.service"}}')
        engine.run("docker", "network", "connect", "--alias", service, f"{self.project}_{network}", container)

    def kill(self, container):
        """SIGKILL as from the kernel: the engine starts it again, as it does after a crash. Only root can."""
        if os.geteuid() != 0:
            engine.run("docker", "kill", container)
            engine.run("docker", "start", container)
            return
        pid = int(self.inspect(container, "{{.State.Pid}}"))
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: self.inspect(container, "{{.State.Running}} {{.State.Pid}}") not in
                 (f"true {pid}", "false 0"), f"{container} is started again")

    def address(self, service, port):
        """Where this machine reaches the first container of a service, by its published port or its own address."""
        container = self.containers(service)[0]
        published = engine.run("docker", "port", container, str(port), check=False).split()
        if published:
            return published[0]
        own = self.inspect(container, f"{{{{index .NetworkSettings.Networks \"{self.project}_outside\" \"IPAddress\"}}}}")
        return f"{own}:{port}"

    # ---- Calls ----

    def api(self, account, method, path):
        """Through the proxy."""
        return call(self.proxy, method, PREFIX + path, {"Authorization": f"Token {self.key_of(account)}"})

    @property
    def proxy(self):
        if not hasattr(self, "_proxy"):
            self._proxy = self.address("proxy", 8000)
        return self._proxy

    def forget_addresses(self):
        self.__dict__.pop("_proxy", None)

    def simulator(self, path, body=None):
        status, answer = call(self.address("omnitron", 8000), "POST" if body else "GET", f"/_sim/{path}",
                              body=json.dumps(body) if body else None)
        assert status in (200, 204), (path, status, answer)
        return answer

    def logs(self):
        """The last lines of everything."""
        return self.compose("logs", "--no-color", "--tail", "30")

    def lines_about(self, text):
        lines = self.compose("logs", "--no-color").splitlines()
        return "\n".join(line for line in lines if text in line)


def limited(limit_s, stack, play):
    """Plays the story of the stack with a limit that leaves time to clean up. The exit status."""
    def on_alarm(_number, _frame):
        raise AssertionError(f"took longer than {limit_s} s")
    signal.signal(signal.SIGALRM, on_alarm)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.alarm(limit_s)
    try:
        play()
    except BaseException:
        print(stack.logs(), file=sys.stderr)
        raise
    finally:
        stack.remove()
    return 0
