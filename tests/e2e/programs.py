"""The programs under test as processes, for the tests in Python.

A test is started as: test_<story>.py <folder of the programs>
"""

import ctypes
import hashlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

BIN = pathlib.Path(sys.argv[1]).resolve()
LIMIT_S = 20


def digest_of(key):
    """An API key as the settings hold it."""
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()


def die_with_the_test():
    """In a child before exec: killed when the test ends, however that ends."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


class Program:
    """A process with its output in a file."""

    def __init__(self, folder, name, *args, **env):
        self.log = folder / f"{name}.log"
        command = BIN / name if (BIN / name).exists() else name
        inherited = {key: os.environ[key] for key in ("PATH", "ASAN_OPTIONS") if key in os.environ}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([command, *args], env=inherited | env, stdout=log,
                                            stderr=subprocess.STDOUT,
                                            preexec_fn=die_with_the_test)

    def wait_for(self, pattern):
        """The match of the first line that the pattern is in."""
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            has_ended = self.process.poll() is not None
            if found := re.search(pattern, self.log.read_text()):
                return found
            if has_ended:
                break
            time.sleep(0.01)
        raise AssertionError(f"{self.log.name} has no {pattern!r}:\n{self.log.read_text()}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT_S)
