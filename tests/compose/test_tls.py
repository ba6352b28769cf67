#!/usr/bin/env python3
"""The stack with deploy/compose/tls.yml: Redis by TLS alone, under a private authority. The published calls are
made; whoever has another authority, another name or no TLS is refused, with the reason."""

import sys

import engine
import stack as stacks
from stack import wait_for

sys.path.insert(0, str(engine.SOURCE / "tests/e2e"))
import certificates  # noqa: E402  (of the tests beside these)

LIMIT_S = 300
WEBHOOKS = [{"event_type": "package.created", "target_url": "https://oms.example.com/hook"}]


def reason_of(stack, url, authority):
    """Why a worker with this URL and authority has no Redis."""
    container = engine.run(
        "docker", "run", "--detach", "--network", f"{stack.project}_redis", "--volume",
        f"{stack.folder}/config:/etc/omnihook:ro", "--volume", f"{authority}:/ca.pem:ro", "--env",
        "OMNIHOOK_SETTINGS=/etc/omnihook/settings.json", "--env", f"REDIS_URL={url}",
        *(["--env", "OMNIHOOK_REDIS_CA_FILE=/ca.pem"] if url.startswith("rediss") else []),
        engine.IMAGE, "omnihook-worker").strip()

    def reason():
        done = engine.subprocess.run(["docker", "logs", container], capture_output=True, text=True, check=True)
        lines = [line for line in done.stderr.splitlines() if "event=redis_down" in line]
        return lines[0].split("reason=")[1] if lines else None
    try:
        return wait_for(reason, "redis_down")
    finally:
        engine.run("docker", "rm", "--force", container)


def play(stack, tls):
    stack.up("api", "worker", "proxy")
    wait_for(lambda: stack.api("acme", "GET", "is_required/") == (200, {"result": "true"}), "an answer")
    wait_for(lambda: stack.api("acme", "POST", "execute/")[0] == 204, "execute is accepted")
    wait_for(lambda: stack.api("acme", "GET", "get_async_status/") == (200, {"result": "FINISHED"}), "FINISHED")
    wait_for(lambda: stack.api("acme", "GET", "is_required/") == (200, {"result": "false"}), "nothing is missing")
    engine.run("docker", "restart", *stack.containers("redis"))
    wait_for(lambda: stack.api("acme", "POST", "execute/")[0] == 204, "execute after a restart of Redis")

    redis = stack.containers("redis")[0]
    assert engine.run("docker", "exec", redis, "sh", "/redis-cli.sh", "ping") == "PONG\n"
    own, other = tls / "ca.pem", stack.folder / "other/ca.pem"
    for url, authority, expected in (("rediss://redis:6379/0", other, "unknown authority"),
                                     (f"rediss://{redis}:6379/0", own, "is not for"),
                                     ("redis://redis:6379/0", own, "connection lost")):
        reason = reason_of(stack, url, authority)
        print(f"{url.replace(redis, 'another-name')}: {reason}")
        assert expected in reason, (url, reason)


def main():
    engine.skip_without_engine(needs_compose=True)
    stack = stacks.Stack(["acme"], WEBHOOKS, files=[engine.SOURCE / "deploy/compose/tls.yml"])
    tls = stack.folder / "tls"
    stack.env["REDIS_TLS"] = str(tls)
    for folder in (tls, stack.folder / "other"):
        folder.mkdir()
        certificates.make_authority(folder)
    certificates.make_certificate(tls, "redis", "DNS:redis")
    (tls / "redis.key").chmod(0o644)  # for user 999
    return stacks.limited(LIMIT_S, stack, lambda: play(stack, tls))


if __name__ == "__main__":
    sys.exit(main())
