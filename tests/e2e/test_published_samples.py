"""The Python samples of the published page, run as they stand against the programs.

published/*.py are the page's three code blocks, byte for byte. Filled in are only the two things
that the page leaves to its reader, domain_url and token. The samples use https, so a TLS front
stands before the API, as it does in production.

Usage: test_published_samples.py <folder of the programs>
"""

import json
import os
import pathlib
import re
import secrets
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from certificates import make_authority, make_certificate
from programs import LIMIT_S, Program, digest_of

SAMPLES = pathlib.Path(__file__).parent / "published"
API_KEY = secrets.token_hex(20)
OMNITRON_TOKEN = secrets.token_hex(20)


def pump(source, sink):
    """Passes bytes on until one side ends."""
    try:
        while chunk := source.recv(65536):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class TlsFront:
    """Ends TLS and passes the bytes on to the API's unix socket."""

    def __init__(self, folder, api_socket):
        self.api_socket = str(api_socket)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "front.pem", folder / "front.key")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.domain = f"localhost:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return  # closed: the test is over
            threading.Thread(target=self.join, args=(client,), daemon=True).start()

    def join(self, client):
        api = socket.socket(socket.AF_UNIX)
        with self.context.wrap_socket(client, server_side=True) as tls, api:
            api.connect(self.api_socket)
            up = threading.Thread(target=pump, args=(tls, api), daemon=True)
            up.start()
            pump(api, tls)
            up.join(LIMIT_S)

    def close(self):
        self.listener.close()


class PublishedSamples(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        make_authority(self.folder)
        make_certificate(self.folder, "front", "DNS:localhost")
        self.start(Program(self.folder, "redis-server", "--port", "0", "--save", "",
                           "--unixsocket", str(self.folder / "redis.sock")), "eady to accept")
        simulator = Program(self.folder, "omnitron-sim", "--listen", "127.0.0.1:0",
                            "--user", f"acme:unused:{OMNITRON_TOKEN}")
        self.omnitron = self.start(simulator, r"listening on (\S+)").group(1)
        self.write_settings()
        self.start_omnihook("omnihook-api", "event=listening")
        self.start_omnihook("omnihook-worker", "event=worker_started")
        self.front = TlsFront(self.folder, self.folder / "api.sock")
        self.addCleanup(self.front.close)

    def start(self, program, ready):
        self.addCleanup(lambda: self.assertEqual(program.stop(), 0))
        return program.wait_for(ready)

    def start_omnihook(self, name, ready):
        program = Program(self.folder, name, REDIS_URL=f"unix://{self.folder}/redis.sock?db=0",
                          OMNIHOOK_LISTEN=f"unix:{self.folder}/api.sock",
                          OMNIHOOK_OPS_LISTEN="off",
                          OMNIHOOK_SETTINGS=str(self.folder / "settings.json"))
        self.start(program, ready)

    def write_settings(self):
        account = {
            "api_keys": [digest_of(API_KEY)],
            "omnitron": {"url": f"{self.omnitron}/api/v1/", "token": OMNITRON_TOKEN},
            "OMNITRON_WEBHOOKS": [
                {"event_type": event, "target_url": "https://oms.example.com/stocklocations"}
                for event in ("retail_store.created", "retail_store.updated")],
        }
        text = json.dumps({"accounts": {"acme": account}})
        (self.folder / "settings.json").write_text(text)

    def run_sample(self, name):
        """What the sample prints when its reader has filled in domain_url and token."""
        published = (SAMPLES / f"{name}.py").read_text()
        text, domains = re.subn(r"\{domain_url\}", self.front.domain, published)
        text, tokens = re.subn(r'(?m)^token = ".*"$', f'token = "{API_KEY}"', text)
        self.assertEqual((domains, tokens), (1, 1))
        environment = os.environ | {"REQUESTS_CA_BUNDLE": str(self.folder / "ca.pem")}
        result = subprocess.run([sys.executable, "-c", text], env=environment, timeout=LIMIT_S,
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.strip()

    def test_the_samples_set_the_webhooks_up(self):
        self.assertEqual(self.run_sample("get_async_status"), "{'result': 'READY'}")
        self.assertEqual(self.run_sample("is_required"), "200")
        self.assertEqual(self.run_sample("execute"), "204")

        end = time.monotonic() + LIMIT_S
        status = self.run_sample("get_async_status")
        while status == "{'result': 'WORKING'}" and time.monotonic() < end:
            status = self.run_sample("get_async_status")
        self.assertEqual(status, "{'result': 'FINISHED'}")
        self.assertEqual(self.run_sample("is_required"), "200")
        self.assertEqual(self.run_sample("execute"), "204")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
