"""One call, followed from the request to the report by looking for its job's id in all logs, as
docs/logs.md says: also where a worker dies on the way.

Usage: test_log_trail.py <folder of the programs>
"""

import re
import signal
import sys
import tempfile
import unittest

from installation import Installation, wait_for
from programs import LIMIT_S

FAST = {"OMNIHOOK_JOB_ATTEMPTS": "3", "OMNIHOOK_LEASE_MS": "2000",
        "OMNIHOOK_RETRY_BASE_MS": "10", "OMNIHOOK_RETRY_MAX_MS": "50"}


def fields_of(line):
    return dict(re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', line))


class LogTrail(unittest.TestCase):
    def setUp(self):
        self.system = Installation(self.enterContext(tempfile.TemporaryDirectory()), **FAST)
        self.addCleanup(self.system.end)

    def grep(self, word):
        """What grep WORD *.log | sort -k1,1 shows: lines begin with their time."""
        lines = [fields_of(line) for line in self.system.log() if word in line]
        return sorted(lines, key=lambda line: line["time"])

    def job_of(self, request_id):
        """The request's line names the job."""
        [request] = wait_for(lambda: self.grep(f"id={request_id} "), "the request is logged")
        self.assertEqual((request["event"], request["route"], request["account"]),
                         ("request", "execute", "acme"))
        return request["job"]

    def events_of(self, job, count):
        """The events of the workers, once there are so many."""
        lines = wait_for(lambda: (lambda now: now if len(now) >= count else None)(
            [line for line in self.grep(job) if line["event"] != "request"]), f"{count} lines")
        self.assertEqual(len(lines), count)
        requests = [line for line in self.grep(job) if line["event"] == "request"]
        self.assertEqual(len(requests), 1)
        return lines

    def test_a_job_that_is_tried_again_has_a_line_for_each_step(self):
        self.system.run("FINISHED")
        self.system.control("faults", {"times": 4, "action": {"status": 503}})
        self.system.execute("night-shift-1")
        report = self.system.wait_state("FINISHED")
        job = self.job_of("night-shift-1")
        self.assertEqual(report["job"], job)
        lines = self.events_of(job, 4)
        self.assertEqual([(line["event"], line["attempt"], line.get("end")) for line in lines], [
            ("run_started", "1", None), ("run_ended", "1", "retrying"),
            ("run_started", "2", None), ("run_ended", "2", "finished")])
        self.assertEqual({line["account"] for line in lines}, {"acme"})
        self.assertEqual({line["worker"] for line in lines}, {report["worker"]})
        self.assertIn("503", lines[1]["reason"])
        self.assertEqual(lines[3]["already"], lines[3]["total"])

    def test_a_job_that_changes_its_worker_names_both(self):
        self.system.control("faults", {"name": "hang", "method": "POST", "path": "/whisperer/",
                                       "times": -1, "action": {"hang": True}})
        self.system.execute("night-shift-2")
        wait_for(lambda: self.system.control("faults")[0]["hits"] > 0, "the run has begun")
        self.system.start_worker()
        self.system.workers[0].process.send_signal(signal.SIGKILL)
        self.system.workers[0].process.wait(LIMIT_S)
        self.system.control("faults", method="DELETE")
        self.system.wait_state("FINISHED")
        first, second, end = self.events_of(self.job_of("night-shift-2"), 3)
        self.assertEqual([line["event"] for line in (first, second, end)],
                         ["run_started", "run_started", "run_ended"])
        self.assertEqual([first["recovered"], second["recovered"]], ["false", "true"])
        self.assertNotEqual(first["worker"], second["worker"])
        self.assertEqual(second["worker"], end["worker"])
        for worker, line in zip(self.system.workers, (first, second)):
            self.assertIn(f":{worker.process.pid}:", line["worker"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
