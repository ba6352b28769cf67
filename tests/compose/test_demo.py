#!/usr/bin/env python3
"""docker-compose --profile demo up, as whoever has just fetched the source types it: the tour is made. And the
files of all profiles are good."""

import shutil
import sys

import engine
import stack as stacks
from stack import wait_for

LIMIT_S = 300


def check_files(stack):
    stack.compose("--profile", "monitoring", "config", "--quiet")
    if shutil.which("promtool"):
        # The rules beside it, as its container has them.
        for name in ("compose/prometheus.yml", "prometheus/alerts.yml"):
            shutil.copy(engine.SOURCE / "deploy" / name, stack.folder)
        engine.run("promtool", "check", "config", stack.folder / "prometheus.yml")
    else:
        print("no promtool: deploy/compose/prometheus.yml is not checked")


def check_users_of_redis(redis, worker):
    """Each does what it is for, and nothing that harms."""
    def by_operator(*words):
        return engine.run("docker", "exec", redis, "sh", "/redis-cli.sh", *words, check=False)

    assert by_operator("exists", "{omnihook}:status:demo") == "1\n"
    assert by_operator("--latency", "-i", "1", "--raw"), "no latency"
    for words in (("slowlog", "get", "10"), ("latency", "latest"), ("del", "{omnihook}:dead")):
        assert "NOPERM" not in by_operator(*words), words
    for words in (("get", "others"), ("flushall",), ("set", "{omnihook}:status:demo", "x"), ("config", "get", "*")):
        assert "NOPERM" in by_operator(*words), words

    url = engine.run("docker", "exec", worker, "cat", "/run/omnihook/redis_url").strip().replace("@redis:", "@127.0.0.1:")
    for words in (("flushall",), ("flushdb",), ("swapdb", "0", "1"), ("client", "kill", "id", "1"), ("keys", "*")):
        refused = engine.run("docker", "exec", redis, "redis-cli", "--no-auth-warning", "-u", url, *words, check=False)
        assert "NOPERM" in refused, (words, refused)


def play(stack):
    check_files(stack)
    stack.compose("up", "-d", "--no-build")
    tour = wait_for(lambda: stack.containers("tour", is_all=True), "the tour begins")[0]
    wait_for(lambda: stack.inspect(tour, "{{.State.Status}}") == "exited", "the tour ends")
    text = engine.run("docker", "logs", tour)
    print(text)
    assert stack.inspect(tour, "{{.State.ExitCode}}") == "0"
    assert 'is_required/ -> {"result": "false"} 200' in text
    # The operator's command, in the container of either.
    for container in stack.containers("api") + stack.containers("worker"):
        assert "FINISHED" in engine.run("docker", "exec", container, "omnihook", "status", "demo")
    # Redis's password is in the files of those who need it, and nowhere else.
    worker, redis = stack.containers("worker")[0], stack.containers("redis")[0]
    url = engine.run("docker", "exec", redis, "cat", "/run/redis-acl/users.acl")
    assert ">" not in url and " #" in url, "a password, not its hash"
    assert "REDIS_URL_FILE" in stack.inspect(worker, "{{.Config.Env}}")
    refused = engine.run("docker", "exec", redis, "redis-cli", "get", "x", check=False)
    assert "NOAUTH" in refused, refused
    check_users_of_redis(redis, worker)


def main():
    engine.skip_without_engine(needs_compose=True)
    stack = stacks.Stack([], [], profiles=("demo", "proxy"),
                         OMNIHOOK_CONFIG=str(engine.SOURCE / "deploy/compose/demo"))
    return stacks.limited(LIMIT_S, stack, lambda: play(stack))


if __name__ == "__main__":
    sys.exit(main())
