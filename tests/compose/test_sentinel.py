#!/usr/bin/env python3
"""The stack with a replica and three Sentinels (sentinel.yml): the master is killed while calls come in. With
OMNIHOOK_REDIS_WAIT_REPLICAS=1 no job that was accepted is lost, though the dead master's disk is not asked."""

import sys
import time

import engine
import stack as stacks
from load import Load, check_registered, wait_all_ended
from stack import wait_for

LIMIT_S = 300
APIS = 2
ACCOUNTS = [f"a{number}" for number in range(1500)]
WEBHOOKS = [{"event_type": event, "target_url": "https://oms.example.com/hook"}
            for event in ("retail_store.created", "package.created")]


def master_of(stack):
    """As a Sentinel says."""
    answer = engine.run("docker", "exec", stack.containers("sentinel-1")[0], "redis-cli", "-p", "26379", "sentinel",
                        "get-master-addr-by-name", "omnihook")
    return answer.split()[0]


def play(stack):
    stack.up("api", "worker", "proxy", api=APIS, worker=4)
    wait_for(lambda: stack.api(ACCOUNTS[0], "GET", "get_async_status/")[0] == 200, "the API answers")
    load = Load(stack, ACCOUNTS)
    try:
        load.wait_more(50)
        redis, before, start = stack.containers("redis")[0], master_of(stack), time.monotonic()
        engine.run("docker", "exec", redis, "sh", "/sentinel.sh", "kill")
        killed_after = len(load.accepted)
        wait_for(lambda: master_of(stack) != before, "the replica is the master")
        failover_s = time.monotonic() - start
        wait_for(lambda: all(map(stack.is_ready, stack.containers("worker") + stack.containers("api"))),
                 "all have the new master")
        ready_s = time.monotonic() - start
        # As the new one's replica, without which nothing is confirmed.
        engine.run("docker", "exec", redis, "sh", "/sentinel.sh", "again")
        load.wait_more(50)
    finally:
        accepted = load.end()
    wait_all_ended(stack, accepted)
    check_registered(stack, accepted)
    print(f"master killed after {killed_after} accepted; the Sentinels took {failover_s:.1f} s, all processes "
          f"{ready_s:.1f} s; all {len(accepted)} accepted FINISHED; answers: {dict(load.answers)}")


def main():
    engine.skip_without_engine(needs_compose=True)
    stack = stacks.Stack(ACCOUNTS, WEBHOOKS, files=[engine.SOURCE / "tests/compose/sentinel.yml"],
                         OMNIHOOK_CONCURRENCY="8", OMNIHOOK_LEASE_MS="4000")
    return stacks.limited(LIMIT_S, stack, lambda: play(stack))


if __name__ == "__main__":
    sys.exit(main())
