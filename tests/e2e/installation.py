"""A small installation as an operator has it: Redis, one API, workers, and a simulated Omnitron,
with one account, acme, that logs in by name and password."""

import http.client
import json
import pathlib
import re
import secrets
import socket
import subprocess
import time
import urllib.request

from programs import BIN, LIMIT_S, Program, digest_of

PREFIX = "/api/v1/oms/setup/webhooks/"
HOOKS = [{"event_type": event, "target_url": "https://oms.example.com/stocklocations"}
         for event in ("retail_store.created", "retail_store.updated", "package.created")]


def wait_for(fact, what):
    """The first value of fact() that is true."""
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        if found := fact():
            return found
        time.sleep(0.01)
    raise AssertionError(f"never came true: {what}")


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=LIMIT_S)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Installation:
    """Started by its maker, ended by end(). simulator_args: of omnitron-sim; omnitron_url: a front
    before it."""

    def __init__(self, folder, simulator_args=(), omnitron=None, **env):
        self.folder = pathlib.Path(folder)
        self.key, self.password, self.token = (secrets.token_hex(20) for _ in range(3))
        self.env = env
        self.programs = []
        self.workers = []
        self.redis = None
        self.start_redis()
        self.simulator = self.start("omnitron-sim", r"listening on (\S+)", self.folder, "--listen",
                                    "127.0.0.1:0", *simulator_args, "--user",
                                    f"acme:{self.password}:{self.token}")
        self.simulator_url = self.simulator.ready.group(1)
        self.account = {
            "api_keys": [digest_of(self.key)],
            "omnitron": {"url": f"{self.simulator_url}/api/v1/", "username": "acme",
                         "password": self.password, **(omnitron or {})},
            "OMNITRON_WEBHOOKS": HOOKS,
        }
        self.write_settings()
        self.start_worker()
        self.api = self.start_omnihook("omnihook-api", "event=listening")

    def start(self, name, ready, folder, *args, **env):
        program = Program(folder, name, *args, **env)
        self.programs.append(program)
        program.ready = program.wait_for(ready)
        return program

    def start_redis(self):
        self.redis = self.start("redis-server", "eady to accept", self.folder, "--port", "0",
                                "--appendonly", "yes", "--dir", str(self.folder), "--unixsocket",
                                str(self.redis_socket))

    @property
    def redis_socket(self):
        return self.folder / "redis.sock"

    def environment(self, **more):
        return {"REDIS_URL": f"unix://{self.redis_socket}?db=0",
                "OMNIHOOK_SETTINGS": str(self.folder / "settings.json"), **self.env, **more}

    def start_omnihook(self, name, ready, folder=None):
        folder = folder or self.folder
        return self.start(name, ready, folder, **self.environment(
            OMNIHOOK_LISTEN=f"unix:{folder}/api.sock",
            OMNIHOOK_OPS_LISTEN=f"unix:{folder}/{name}.ops"))

    def start_worker(self):
        folder = self.folder / f"worker{len(self.workers)}"
        folder.mkdir()
        self.workers.append(self.start_omnihook("omnihook-worker", "event=worker_started", folder))

    def write_settings(self):
        new = self.folder / "settings.new"
        new.write_text(json.dumps({"accounts": {"acme": self.account}}))
        new.rename(self.folder / "settings.json")

    def end(self):
        """Stops everything; what does not stop gracefully is a failure."""
        statuses = [(program.log.name, program.stop()) for program in reversed(self.programs)
                    if program.process.poll() is None]
        assert all(status == 0 for _, status in statuses), statuses

    # ---- Asking ----

    def call(self, method, path, request_id=None):
        """(status, JSON or None)"""
        headers = {"Authorization": f"Token {self.key}"}
        headers |= {"X-Request-Id": request_id} if request_id else {}
        return get(self.folder / "api.sock", PREFIX + path, method, headers)

    def execute(self, request_id=None):
        assert self.call("POST", "execute/", request_id)[0] == 204

    def report(self):
        return self.call("GET", "report/")[1]

    def run(self, state):
        """Executes, and gives the report once it has come to this end."""
        self.execute()
        return self.wait_state(state)

    def wait_state(self, state):
        def has_ended():
            report = self.report()
            assert report["state"] in ("WORKING", state), report
            return report if report["state"] == state else None
        return wait_for(has_ended, state)

    def is_required(self):
        status, answer = self.call("GET", "is_required/")
        assert status == 200, answer
        return answer["result"]

    def omnihook(self, *arguments):
        return subprocess.run([BIN / "omnihook", *arguments], env=self.environment(),
                              timeout=LIMIT_S, capture_output=True, text=True, check=False)

    # ---- What an operator looks at ----

    def sockets(self):
        """The ops listeners of what runs, by instance."""
        return {f"{program.log.parent.name}-{program.log.stem}":
                program.log.parent / f"{program.log.stem}.ops"
                for program in self.programs if program.log.stem in ("omnihook-api", "omnihook-worker")
                and program.process.poll() is None}

    def metrics(self):
        """Every series of every instance and its value."""
        series = {}
        for instance, path in self.sockets().items():
            text = get(path, "/metrics", raw=True)[1]
            for name, labels, value in re.findall(r"(?m)^(\w+)(?:\{(.*)\})? (\S+)$", text):
                labels = f'{labels}{"," if labels else ""}instance="{instance}"'
                series[f"{name}{{{labels}}}"] = float(value)
        return series

    def log(self):
        """All lines of the API and the workers."""
        names = ("omnihook-api", "omnihook-worker")
        return [line for program in self.programs if program.log.stem in names
                for line in program.log.read_text().splitlines()]

    # ---- The simulator ----

    def control(self, path, body=None, method=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.simulator_url}/_sim/{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
            text = answer.read()
        return json.loads(text) if text else None


def get(path, target, method="GET", headers=None, raw=False):
    connection = UnixConnection(path)
    try:
        connection.request(method, target, headers=headers or {})
        answer = connection.getresponse()
        text = answer.read().decode()
        return answer.status, text if raw else json.loads(text) if text else None
    finally:
        connection.close()
