#!/usr/bin/env python3
"""The unmodified stack of docker-compose.yml, two APIs behind its proxy and four workers: it is scaled, restarted,
cut off, killed and stopped while calls come in. Each accepted 204 comes to its end, nothing is registered twice."""

import os
import sys
import time

import engine
import stack as stacks
from load import Load, check_registered, wait_all_ended
from stack import wait_for

LIMIT_S = 420
APIS = 2
ACCOUNTS = [f"a{number}" for number in range(2000)]
WEBHOOKS = [{"event_type": event, "target_url": "https://oms.example.com/hook"}
            for event in ("retail_store.created", "retail_store.updated", "package.created")]
DOWN_LIMIT_S = 10  # on a machine that has time for it; each container that takes 8 s is killed, which its exit code tells
BUSY = 2  # processes that want to run, for each processor


def say(text):
    print(f"{time.monotonic() - say.start:6.1f} s  {text}", flush=True)


say.start = time.monotonic()


def make_published_calls(stack):
    account = ACCOUNTS[-1]
    # As callers do: what is answered with 503 is asked again.
    wait_for(lambda: stack.api(account, "GET", "is_required/") == (200, {"result": "true"}), "all is missing")
    wait_for(lambda: stack.api(account, "POST", "execute/") == (204, ""), "accepted")
    wait_for(lambda: stack.api(account, "GET", "get_async_status/") == (200, {"result": "FINISHED"}), "FINISHED")
    wait_for(lambda: stack.api(account, "GET", "is_required/") == (200, {"result": "false"}), "nothing is missing")
    wait_for(lambda: stack.api("nobody", "GET", "is_required/")[0] == 401, "no key, no answer")
    say("the published calls")


def scale(stack, load):
    for count in (8, 1, 4):
        stack.scale_workers(count, APIS)
        load.wait_more()
        say(f"{count} workers")


def restart_all(stack, load):
    for service in ("api", "worker", "redis", "proxy"):
        for container in stack.containers(service):
            engine.run("docker", "restart", container)
            if service == "proxy":
                stack.forget_addresses()  # its published port is another one
            else:
                stack.wait_ready(container)
            load.wait_more(3)
    say("every container restarted")


def cut_networks(stack, load):
    cases = [("worker", "redis"), ("api", "redis"), ("redis", "redis"), ("worker", "outside")]
    for service, network in cases:
        container = stack.containers(service)[0]
        # Those to whom it shows: of a Redis without network, everybody.
        witness = stack.containers("worker")[1] if service == "redis" else container
        stack.disconnect(container, network)
        if network == "redis":
            wait_for(lambda: not stack.is_ready(witness), f"{witness} without {network}")
        else:
            load.wait_more()
        stack.connect(container, network)
        stack.wait_ready(witness)
        load.wait_more()
        say(f"{service} without the network {network} for a while")


def kill_some(stack, load):
    for service in ("worker", "api", "redis"):
        container = stack.containers(service)[0]
        stack.kill(container)
        stack.wait_ready(container)
        load.wait_more()
        say(f"{service} killed; the engine started it again")
    worker = stack.containers("worker")[1]
    engine.run("docker", "stop", worker)
    assert stack.inspect(worker, "{{.State.ExitCode}}") == "0"
    load.wait_more()
    engine.run("docker", "start", worker)
    say("worker stopped and started")


def go_down_with_work(stack):
    """Stops everything in the middle of jobs, and brings it up again: they come to their end."""
    accounts = ACCOUNTS[-300:-1]
    load = Load(stack, accounts)
    load.wait_more(15)
    # Each job is in the middle of something, and some wait.
    stack.simulator("faults", {"name": "slow", "path": "/whisperer/hooks/", "times": -1,
                               "action": {"delay_ms": 3000, "apply": True}})
    load.wait_more(60)
    accepted = load.end()
    stack.watch_exits()
    before = stack.containers("api") + stack.containers("worker") + stack.containers("redis") + stack.containers("proxy")
    start = time.monotonic()
    stack.compose("down")
    took_s = time.monotonic() - start
    wait_for(lambda: len(stack.exits()) > len(before), "the engine told of every end")
    say(f"down in {took_s:.1f} s with {len(accepted)} accepted; exits: {sorted(stack.exits())}")
    is_busy = os.getloadavg()[0] > BUSY * os.cpu_count()
    assert took_s < DOWN_LIMIT_S or is_busy, took_s
    assert all(code == 0 for _, code in stack.exits()), stack.exits()

    stack.forget_addresses()
    stack.up("api", "worker", "proxy", api=APIS, worker=4)
    wait_for(lambda: stack.api(accepted[0], "GET", "get_async_status/")[0] == 200, "the API is back")
    wait_all_ended(stack, accepted)
    assert not stack.simulator("counters")["duplicates"]
    say(f"up again: all {len(accepted)} ended")


def play(stack):
    stack.up("api", "worker", "proxy", api=APIS, worker=4)
    wait_for(lambda: stack.api(ACCOUNTS[-1], "GET", "get_async_status/")[0] == 200, "the API answers")
    say("up: 2 APIs, 4 workers")
    make_published_calls(stack)
    load = Load(stack, ACCOUNTS[:-300])
    try:
        for step in (scale, restart_all, cut_networks, kill_some):
            step(stack, load)
    finally:
        accepted = load.end()
    wait_all_ended(stack, accepted)
    check_registered(stack, accepted)
    say(f"all {len(accepted)} accepted jobs FINISHED, each webhook once; answers: {dict(load.answers)}")
    go_down_with_work(stack)


def main():
    engine.skip_without_engine(needs_compose=True)
    stack = stacks.Stack(ACCOUNTS, WEBHOOKS, OMNIHOOK_CONCURRENCY="8", OMNIHOOK_LEASE_MS="4000")
    return stacks.limited(LIMIT_S, stack, lambda: play(stack))


if __name__ == "__main__":
    sys.exit(main())
