"""No program of ours asks Redis for something without a bound: whatever an operator looks at and the daemons do,
MONITOR shows no command whose answer, or whose time, grows with the number of accounts.

Usage: test_bounded_reads.py <folder of the programs>
"""

import pathlib
import re
import shlex
import sys
import tempfile
import unittest

from installation import Installation, get, wait_for
from programs import Program

# Their answers grow with what is stored, or Redis stands still for as long as it holds keys.
FORBIDDEN = {"keys", "smembers", "sunion", "sdiff", "sinter", "hkeys", "hvals", "sort", "flushall", "flushdb",
             "randomkey", "dbsize"}
# Hashes with a fixed set of fields, and `watch`, which has one for each worker.
SMALL_HASHES = re.compile(r"\{omnihook\}:((status|ctl|worker|login):.+|totals|audit|watch)$")
# What a worker holds: as many as it runs at once.
WORKERS_LIST = re.compile(r"\{omnihook\}:processing:.+$")
STEP_MAX = 1000


def fault_of(words):
    """What is wrong with a command; None = nothing."""
    name = words[0].lower()
    if name in FORBIDDEN:
        return "is never used"
    if name == "hgetall" and not SMALL_HASHES.match(words[1]):
        return "of a hash that grows"
    if name == "lrange" and WORKERS_LIST.match(words[1]):
        return None
    if name in ("lrange", "zrange") and not 0 <= int(words[3]) <= STEP_MAX:
        return "has no limit"
    if name in ("zrangebyscore", "zrevrangebyscore") and "LIMIT" not in (word.upper() for word in words):
        return "has no limit"
    if name in ("scan", "sscan", "hscan", "zscan"):
        counts = [int(words[i + 1]) for i, word in enumerate(words[:-1]) if word.upper() == "COUNT"]
        return None if counts and counts[0] <= STEP_MAX else "has no limit"
    return None


class BoundedReads(unittest.TestCase):
    def test_faults_are_seen(self):
        for command in ("KEYS *", "smembers {omnihook}:active", "HGETALL {omnihook}:everything",
                        "LRANGE {omnihook}:queue 0 -1", "ZRANGEBYSCORE {omnihook}:delayed -inf 5",
                        "SCAN 0 MATCH *", "SSCAN {omnihook}:active 0 COUNT 100000"):
            self.assertIsNotNone(fault_of(command.split()), command)

    def test_no_command_is_without_a_bound(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        system = Installation(folder, OMNIHOOK_JOB_ATTEMPTS="1", OMNIHOOK_LEASE_MS="2000")
        self.addCleanup(system.end)
        monitor = Program(folder, "redis-cli", "-s", str(system.redis_socket), "monitor")
        self.addCleanup(monitor.stop)
        monitor.wait_for("OK")
        system.start_worker()
        self.look_at_everything(system)
        for path in system.sockets().values():
            for target in ("/metrics", "/readyz", "/healthz"):
                self.assertEqual(get(path, target, raw=True)[0], 200)
        seen = self.commands_until_all_was_done(monitor)
        faults = {(" ".join(words[:5]), fault) for words in seen if (fault := fault_of(words))}
        self.assertEqual(faults, set())
        used = {words[0].lower() for words in seen}
        self.assertLessEqual({"evalsha", "hgetall", "lrange", "zrange", "zrangebyscore"}, used)

    def look_at_everything(self, system):
        system.run("FINISHED")
        system.control("faults", {"method": "POST", "times": 1, "action": {"status": 400, "json": {}}})
        system.control("hooks", method="DELETE")
        system.run("FAILED")
        dead = system.report()["job"]
        for command, status in (("check", 0), ("status", 0), ("status acme", 0), ("plan acme", 3), ("queue", 0),
                                ("workers", 0), ("dead list", 0), ("report acme", 0), ("abort acme", 0),
                                (f"dead retry {dead}", 0), ("execute acme --wait", 0), ("dead drop --all", 0)):
            result = system.omnihook(*command.split())
            self.assertEqual(result.returncode, status, (command, result.stderr))
        for path in ("get_async_status/", "is_required/", "plan/", "report/"):
            self.assertEqual(system.call("GET", path)[0], 200)

    def commands_until_all_was_done(self, monitor):
        """All commands so far, once the figures of /metrics have been read again, and a worker has looked for jobs that
        are due: then what came before is there."""
        def commands():
            lines = re.findall(r'(?m)^\d+\.\d+ \[\d+ [^\]]*\] (".*")$', monitor.log.read_text(errors="replace"))
            return [shlex.split(line) for line in lines]
        before = len(commands())
        wait_for(lambda: {"scard", "zrangebyscore"} <= {words[0].lower() for words in commands()[before:]},
                 "another overview, and a look for what is due")
        return commands()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
