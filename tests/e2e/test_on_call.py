"""What wakes people up: each reason of docs/runbook.md is made to happen, and the log line, the metric
and the alert that its entry promises must be there.

The entry is the table: a heading per reason, then *Log* (an event and words of its line), *Metric* (series
that must move) and *Alert* (which alerts fire, and no other; "none; when it repeats ..." for those that need
it several times). Alerts are judged by promtool with the rules of deploy/prometheus, fed with /metrics of
the running programs before and after.

Usage: test_on_call.py <folder of the programs>
"""

import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import unittest

from certificates import make_authority, make_certificate
from installation import HOOKS, Installation, get, wait_for
from programs import LIMIT_S

ROOT = pathlib.Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
RUN_BOOK = (ROOT / "docs" / "runbook.md").read_text()
REASONS = RUN_BOOK[RUN_BOOK.index("\n## Reasons\n"):]

FAST = {
    "OMNIHOOK_JOB_ATTEMPTS": "2",
    "OMNIHOOK_LEASE_MS": "2000",
    "OMNIHOOK_RETRY_BASE_MS": "10",
    "OMNIHOOK_RETRY_MAX_MS": "50",
    "OMNIHOOK_RETRY_AFTER_MAX_MS": "6000",  # the least that parks a job instead of waiting
    "OMNIHOOK_REDIS_TIMEOUT_MS": "1000",
}
FIRST_PART_MIN = 60


class Entry:
    """What the run book promises of a reason."""

    def __init__(self, heading):
        text = re.search(rf"(?ms)^### {re.escape(heading)}\n\n(.*?)\n\n", REASONS).group(1)
        log, metric, alert = re.fullmatch(
            r"\*Log:\*\s(.*)\.\s\*Metric:\*\s(.*)\.\s\*Alert:\*\s(.*)\.", text, re.S).groups()
        at_once, _, repeated = alert.partition("when it repeats")
        self.log = re.findall("`([^`]+)`", log)
        self.metrics = re.findall("`([^`]+)`", metric)
        self.alerts = re.findall("`([^`]+)`", at_once)
        self.alerts_repeated = re.findall("`([^`]+)`", repeated)


def is_of(series, selector):
    """Whether a series is one that the run book's selector means: all its labels, maybe more."""
    name, _, labels = selector.partition("{")
    return series.startswith(name + "{") and all(
        label in series for label in labels.rstrip("}").split(",") if label)


def values_of(before, after, is_repeated):
    """A series as promtool wants it: an hour as it was, then the step, or the same step each minute."""
    if is_repeated:
        return f"{before}x{FIRST_PART_MIN} {after}+{after - before}x30"
    return f"{before}x{FIRST_PART_MIN} {after}x30"


def firing(folder, before, after, is_repeated=False):
    """The alerts that fire a quarter of an hour at most after the figures went from before to after."""
    known = re.findall(r"- alert: (\w+)", RULES.read_text())
    series = [{"series": name, "values": values_of(before.get(name, 0), value, is_repeated)}
              for name, value in after.items()]
    minutes = [FIRST_PART_MIN + minute for minute in (2, 7, 14)]
    expressions = [{"expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)',
                    "eval_time": f"{minute}m", "exp_samples": [{"labels": "{}", "value": 0}]}
                   for alert in known for minute in minutes]
    # Every alert is expected to be silent; promtool tells of those that are not.
    (folder / "rules.json").write_text(json.dumps({
        "rule_files": [str(RULES)], "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": series, "promql_expr_test": expressions}]}))
    result = subprocess.run(["promtool", "test", "rules", "rules.json"], cwd=folder, check=False,
                            capture_output=True, text=True, timeout=LIMIT_S)
    found = set(re.findall(r'alertname=\\?"(\w+)', result.stdout + result.stderr))
    assert (result.returncode == 0) == (not found), result.stdout + result.stderr
    return found


def settled(system):
    """The figures, once those of the namespace (up to 5 s old) tell of all workers."""
    def are_known():
        now = system.metrics()
        running = sum(worker.process.poll() is None for worker in system.workers)
        told = [value for name, value in now.items() if is_of(name, "omnihook_workers")]
        return now if max(told, default=None) == running else None
    return wait_for(are_known, "the workers are counted")


class OnCall(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def install(self, **more):
        installation = Installation(self.folder, **FAST, **more)
        self.addCleanup(installation.end)
        return installation

    def assert_as_the_run_book_says(self, heading, installation, before, after=None):
        entry = Entry(heading)
        event, words = entry.log[0], entry.log[1:]

        def has_line():
            return any(f"event={event} " in line and all(word in line for word in words)
                       for line in installation.log())
        wait_for(has_line, f"{entry.log} in:\n" + "\n".join(installation.log()))
        # The figures of the namespace are up to 5 s old.
        def have_moved():
            now = after or settled(installation)
            return now if all(any(is_of(name, metric) and now[name] != before.get(name, 0)
                                  for name in now) for metric in entry.metrics) else None
        now = wait_for(have_moved, f"{entry.metrics} move")
        self.assertEqual(firing(self.folder, before, now), set(entry.alerts))
        if entry.alerts_repeated:
            self.assertLessEqual(set(entry.alerts_repeated), firing(self.folder, before, now, True))

    def test_each_reason_is_tested(self):
        tested = set(re.findall(r'run_book_says\(\s*"([^"]+)"', pathlib.Path(__file__).read_text()))
        self.assertEqual(set(re.findall(r"(?m)^### (.*)$", REASONS)), tested)

    # ---- Omnitron's users ----

    def test_logged_out(self):
        system = self.install()
        system.run("FINISHED")
        before = system.metrics()
        system.control("tokens/expire", {"username": "acme"})
        system.run("FINISHED")
        self.assertEqual(system.control("counters")["logins"], 2)
        self.assert_as_the_run_book_says("Logged out", system, before)

    def test_logged_out_again_and_again(self):
        system = self.install()
        before = system.metrics()
        for _ in range(3):
            system.run("FINISHED")
            system.control("tokens/expire", {"username": "acme"})
        system.execute()
        wait_for(lambda: system.report()["phase"] == "retrying", "it waits for a login")
        self.assertEqual(system.control("counters")["logins"], 3)
        self.assert_as_the_run_book_says("Logged out again and again", system, before)
        self.assertEqual(system.call("POST", "abort/")[0], 204)

    def test_password_changed(self):
        system = self.install()
        system.run("FINISHED")
        before = system.metrics()
        system.control("users", {"username": "acme", "password": "another", "token": "other"})
        system.control("tokens/expire", {"username": "acme"})
        for _ in range(10):
            self.assertIn("it rejects the credentials", system.run("FAILED")["error"])
        # No lockout storm: one refused login is remembered for all.
        self.assertEqual(system.control("counters")["logins"], 2)
        self.assert_as_the_run_book_says("Credentials rejected", system, before)
        system.account["omnitron"]["password"] = "another"
        system.write_settings()
        system.run("FINISHED")

    # ---- Omnitron ----

    def test_omnitron_is_deployed(self):
        system = self.install()
        system.run("FINISHED")
        before = system.metrics()
        system.control("faults", {"times": -1, "action": {"status": 502, "body": "<h1>Bad</h1>"}})
        self.assertEqual(system.run("FAILED")["attempt"], 2)
        self.assert_as_the_run_book_says("Omnitron is being deployed", system, before)
        system.control("faults", method="DELETE")
        system.run("FINISHED")

    def test_event_type_renamed(self):
        system = self.install()
        before = system.metrics()
        system.control("settings", {"restrict_event_types": True, "registry":
                                    [hook["event_type"] for hook in HOOKS[1:]]}, "PATCH")
        webhooks = system.run("FAILED")["webhooks"]
        self.assertEqual([(row["outcome"], row["status"]) for row in webhooks],
                         [("failed", 400), ("created", 201), ("created", 201)])
        self.assertIn("event_type", webhooks[0]["error"])
        self.assert_as_the_run_book_says("An event type has another name", system, before)
        self.assertIn(HOOKS[0]["event_type"], system.omnihook("check", "acme").stdout)

    def test_certificate_expired(self):
        make_authority(self.folder)
        make_certificate(self.folder, "expired", "IP:127.0.0.1", days=-1)
        system = self.install()
        before = system.metrics()
        tls = self.folder / "tls"
        tls.mkdir()
        expired = system.start("omnitron-sim", r"listening on (\S+)", tls, "--listen", "127.0.0.1:0",
                               "--tls-cert", f"{self.folder}/expired.pem",
                               "--tls-key", f"{self.folder}/expired.key")
        system.account["omnitron"] |= {"url": expired.ready.group(1), "token": system.token,
                                       "ca_file": f"{self.folder}/ca.pem"}
        del system.account["omnitron"]["username"], system.account["omnitron"]["password"]
        system.write_settings()
        system.run("FAILED")
        self.assert_as_the_run_book_says("A certificate is not valid", system, before)

    def test_throttled(self):
        system = self.install()
        before = system.metrics()
        system.control("faults", {"method": "POST", "path": "/whisperer/", "times": 2, "action": {
            "status": 429, "headers": {"Retry-After": "3600"}, "json": {}}})
        system.execute()
        report = wait_for(lambda: (lambda now: now if now["phase"] == "retrying" else None)(
            system.report()), "it is parked")
        self.assertIsNotNone(report["next_attempt_at"])
        self.assertEqual(system.wait_state("FINISHED")["attempt"], 1)
        self.assert_as_the_run_book_says("Throttled", system, before)

    def test_too_old_to_wait(self):
        system = self.install(OMNIHOOK_JOB_MAX_AGE_MS="1000")
        before = system.metrics()
        system.control("faults", {"method": "POST", "path": "/whisperer/", "times": 1, "action": {
            "status": 429, "headers": {"Retry-After": "3600"}, "json": {}}})
        self.assertIn("the job is too old to wait again; the last run said: ", system.run("FAILED")["error"])
        self.assert_as_the_run_book_says("The job is too old to wait again", system, before)

    def test_run_too_long(self):
        system = self.install(OMNIHOOK_JOB_TIMEOUT_MS="300")
        before = system.metrics()
        system.control("faults", {"method": "POST", "path": "/whisperer/", "times": -1, "action": {"hang": True}})
        self.assertEqual(system.run("FAILED")["attempt"], 2)
        self.assert_as_the_run_book_says("The run took longer than its limit", system, before)
        system.control("faults", method="DELETE")

    def test_webhook_switched_off(self):
        system = self.install()
        system.account["inactive"] = "keep"
        system.write_settings()
        system.run("FINISHED")
        system.control("hooks", method="DELETE")
        system.control("hooks", [{"username": "acme", **hook, "is_active": False} for hook in HOOKS])
        before = system.metrics()
        wait_for(lambda: system.is_required() == "false", "the settings are in use")
        polled = settled(system)
        self.assertEqual(firing(self.folder, before, polled), {"OmnihookWebhooksInactive"})
        system.run("FINISHED")
        self.assert_as_the_run_book_says("A webhook was switched off", system, polled)
        system.account["inactive"] = "reactivate"
        system.write_settings()
        wait_for(lambda: system.is_required() == "true", "the settings are in use")
        self.assertEqual(system.run("FINISHED")["counts"]["reactivated"], len(HOOKS))

    # ---- The machine ----

    def start_a_run_that_hangs(self, system):
        """Kills nothing yet: the worker has the job, and a request is under way."""
        system.control("faults", {"name": "hang", "method": "POST", "path": "/whisperer/",
                                  "times": -1, "action": {"hang": True}})
        system.execute()
        wait_for(lambda: system.control("faults")[0]["hits"] > 0, "the run has begun")

    def test_worker_killed(self):
        system = self.install()
        before = system.metrics()
        self.start_a_run_that_hangs(system)
        system.start_worker()
        system.workers[0].process.send_signal(signal.SIGKILL)
        system.workers[0].process.wait(LIMIT_S)
        system.control("faults", method="DELETE")
        self.assertEqual(system.wait_state("FINISHED")["attempt"], 1)
        self.assert_as_the_run_book_says("A worker was killed", system, before)

    def test_worker_killed_three_times(self):
        system = self.install()
        before = system.metrics()
        self.start_a_run_that_hangs(system)
        for death in range(3):
            system.start_worker()
            job = system.report()["job"]
            victim = wait_for(lambda: next(
                (worker for worker in system.workers if worker.process.poll() is None and any(
                    "event=run_started " in line and job in line
                    for line in worker.log.read_text().splitlines())), None), f"death {death}")
            victim.process.kill()
            victim.process.wait(LIMIT_S)
        system.start_worker()
        self.assertIn("3 times in a row", system.wait_state("FAILED")["error"])
        self.assert_as_the_run_book_says(
            "The worker died while running this job, 3 times in a row", system, before)

    def test_redis_away(self):
        system = self.install()
        before = settled(system)
        system.run("FINISHED")
        system.redis.process.kill()
        system.redis.process.wait(LIMIT_S)
        listeners = system.sockets().values()
        self.assertEqual(len(listeners), 2)
        for listener in listeners:
            wait_for(lambda: get(listener, "/readyz", raw=True)[0] == 503, "not ready")
        self.assertEqual(system.call("POST", "execute/")[0], 503)
        away = system.metrics()
        self.assert_as_the_run_book_says("Redis is away", system, before, away)
        system.start_redis()
        for listener in listeners:
            wait_for(lambda: get(listener, "/readyz", raw=True)[0] == 200, "ready")
        system.run("FINISHED")

    def test_account_missing_at_the_worker(self):
        system = self.install()
        before = system.metrics()
        system.account = {**system.account}
        other = self.folder / "other.json"
        other.write_text(json.dumps({"accounts": {"other": system.account}}))
        system.workers[0].stop()
        system.env["OMNIHOOK_SETTINGS"] = str(other)
        system.start_worker()
        system.run("FAILED")
        self.assert_as_the_run_book_says("The account is not configured", system, before)




if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
