#!/usr/bin/env python3
"""--probe of both daemons, as the health checks of containers use it: one line, exit status 0 for a
good answer, 1 for any other and for none."""

import json
import pathlib
import socket
import subprocess
import tempfile
import threading
import unittest

from programs import BIN, LIMIT_S, Program, digest_of

VARIABLES = {
    "OMNITRON_URL": "http://127.0.0.1:9/api/v1/",
    "OMNITRON_TOKEN": "t0ken",
    "OMNITRON_WEBHOOKS": "[]",
    "OMNIHOOK_API_KEYS": digest_of("key"),
    "OMNIHOOK_LISTEN": "127.0.0.1:0",
}
DAEMONS = ("omnihook-api", "omnihook-worker")


def probe(daemon, address, question=""):
    """(exit status, stdout, stderr)"""
    done = subprocess.run([BIN / daemon, f"--probe{question}"], env={"OMNIHOOK_OPS_LISTEN": address},
                          capture_output=True, text=True, timeout=LIMIT_S, check=False)
    return done.returncode, done.stdout, done.stderr


class Probe(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="omnihook-probe.")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def start(self, name, ready, *arguments, **env):
        program = Program(self.folder, name, *arguments, **env)
        self.addCleanup(program.process.wait, LIMIT_S)
        self.addCleanup(program.process.kill)
        return program.wait_for(ready)

    def start_daemon(self, name, listen, **env):
        found = self.start(name, r"event=ops_listening.* address=(\S+)",
                           **VARIABLES | {"OMNIHOOK_OPS_LISTEN": listen} | env)
        return found.group(1)

    def listener(self, answer):
        """The address of one that takes a connection and sends this; nothing, and it stays open."""
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        if answer:
            # The kernel takes the connection; the bytes come when the probe is there.
            def serve():
                connection, _ = server.accept()
                with connection:
                    connection.sendall(answer)
            thread = threading.Thread(target=serve)
            thread.start()
            self.addCleanup(thread.join, LIMIT_S)
        return f"127.0.0.1:{server.getsockname()[1]}"

    def test_a_daemon_that_runs_is_healthy_but_not_ready_without_redis(self):
        nowhere = f"unix://{self.folder}/no-redis.sock"
        for daemon in DAEMONS:
            for listen in ("127.0.0.1:0", f"unix:{self.folder}/{daemon}.ops"):
                with self.subTest(daemon=daemon, listen=listen):
                    address = self.start_daemon(daemon, listen, REDIS_URL=nowhere)
                    address = listen if listen.startswith("unix:") else address
                    self.assertEqual(probe(daemon, address),
                                     (0, f'{daemon}: 200 {{"status": "ok"}}\n', ""))
                    status, out, err = probe(daemon, address, "=ready")
                    self.assertEqual((status, out), (1, ""))
                    self.assertIn(f"{daemon}: 503 ", err)
                    self.assertEqual(json.loads(err.split(" 503 ")[1])["status"], "unavailable")

    def test_ready_is_asked_with_redis_there_and_many_processes(self):
        redis = self.folder / "redis.sock"
        self.start("redis-server", "eady to accept", "--port", "0", "--dir", str(self.folder),
                   "--save", "", "--unixsocket", str(redis))
        for daemon in DAEMONS:
            address = self.start_daemon(daemon, "0.0.0.0:0", REDIS_URL=f"unix://{redis}",
                                        OMNIHOOK_PROCESSES="2")
            while (answer := probe(daemon, address, "=ready"))[0] != 0:
                self.assertIn(" 503 ", answer[2])
            self.assertEqual(answer[1], f'{daemon}: 200 {{"status": "ready"}}\n')
            self.assertEqual(probe(daemon, address, "=health")[0], 0)

    def test_whoever_does_not_answer_as_an_ops_listener_is_not_healthy(self):
        free = socket.create_server(("127.0.0.1", 0))
        closed = f"127.0.0.1:{free.getsockname()[1]}"
        free.close()
        cases = {
            closed: "cannot ask",
            self.listener(None): "no answer within 3 seconds",
            self.listener(b"-ERR unknown command\r\n\r\n"): "no ops listener",
            self.listener(b"HTTP/1.1 200 OK\r\n"): "no ops listener",
            self.listener(b"HTTP/1.0 404 Not Found\r\n\r\n{}"): "404",
            f"unix:{self.folder}/nobody.sock": "cannot ask",
            "off": "nobody to ask",
            "127.0.0.1:0": "nobody to ask",
        }
        for address, reason in cases.items():
            with self.subTest(address=address, reason=reason):
                status, out, err = probe("omnihook-api", address)
                self.assertEqual((status, out, err.count("\n")), (1, "", 1))
                self.assertIn(reason, err)

    def test_what_cannot_be_asked_is_bad_usage(self):
        self.assertEqual(probe("omnihook-worker", "127.0.0.1:9", "=alive")[0], 2)
        status, _, err = probe("omnihook-worker", "nonsense")
        self.assertEqual(status, 2)
        self.assertIn("OMNIHOOK_OPS_LISTEN", err)


if __name__ == "__main__":
    unittest.main(argv=["test_probe"])
