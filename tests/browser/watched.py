"""An installation whose dashboard a browser looks at, and what every visit must leave clean."""

import json
import pathlib
import re
import secrets
import shutil
import socket
import tempfile
import threading
import unittest
import urllib.parse

from installation import HOOKS, PREFIX, Installation, get, wait_for
from programs import digest_of
from webdriver import Browser, Refused

POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")

EMPTY_PAGE = "data:,"  # what a new browser shows


def pump(source, sink):
    """Passes bytes on until either side ends, then ends the other."""
    try:
        while piece := source.recv(65536):
            sink.sendall(piece)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Relay:
    """An address that stays, in front of a program whose port changes with each start. target: None
    while there is none, then what calls is hung up on."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.target = None
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            near, _ = self.listener.accept()
            threading.Thread(target=self.relay, args=(near,), daemon=True).start()

    def relay(self, near):
        with near:
            try:
                host, port = self.target.rsplit(":", 1)
                far = socket.create_connection((host, int(port)))
            except (AttributeError, OSError):
                return
            with far:
                back = threading.Thread(target=pump, args=(far, near), daemon=True)
                back.start()
                pump(near, far)
                back.join()


class Watched(Installation):
    """more: further accounts by name. Omnitron takes latency_ms to answer, one request at a time, and the
    account has so many webhooks that a run can be watched."""

    def __init__(self, folder, more=(), webhooks=12, is_relayed=False, **env):
        self.relay = Relay() if is_relayed else None
        self.operator_key = secrets.token_hex(20)
        self.more = more
        self.webhooks = [{"event_type": f"event.number{i}", "target_url": "https://oms.example.com/hooks"}
                         for i in range(webhooks)]
        super().__init__(folder, omnitron={"max_connections": 1},
                         OMNIHOOK_OPERATOR_KEYS=digest_of(self.operator_key), **env)
        if self.relay:
            self.relay.target = self.own_address

    def write_settings(self):
        self.account["OMNITRON_WEBHOOKS"] = self.webhooks
        accounts = {"acme": self.account} | {
            name: self.account | {"api_keys": [digest_of(name)], "OMNITRON_WEBHOOKS": HOOKS} for name in self.more}
        new = self.folder / "settings.new"
        new.write_text(json.dumps({"accounts": accounts}))
        new.rename(self.folder / "settings.json")

    def start_omnihook(self, name, ready, folder=None):
        if name != "omnihook-api":
            return super().start_omnihook(name, ready, folder)
        return self.start(name, ready, self.folder, **self.environment(
            OMNIHOOK_LISTEN=f"unix:{self.folder}/api.sock", OMNIHOOK_OPS_LISTEN="127.0.0.1:0"))

    @property
    def own_address(self):
        return self.api.wait_for(r"event=ops_listening .*?address=(\S+)").group(1)

    @property
    def dashboard(self):
        return f"http://{self.relay.address if self.relay else self.own_address}/"

    def stop_api(self):
        self.relay.target = None
        self.api.stop()

    def start_api(self, **more):
        self.env |= more
        self.api = self.start_omnihook("omnihook-api", "event=listening")
        self.relay.target = self.own_address

    def run_without_api(self):
        """A whole job while no API runs."""
        answer = self.omnihook("execute", "acme")
        assert answer.returncode == 0, answer.stderr
        wait_for(lambda: "FINISHED" in self.omnihook("status", "acme").stdout, "FINISHED")

    def execute_as(self, name):
        """As one of the further accounts."""
        status, _ = get(self.folder / "api.sock", PREFIX + "execute/", "POST", {"Authorization": f"Token {name}"})
        assert status == 204, status

    def be_slow(self, latency_ms=150):
        self.control("settings", {"latency_ms": latency_ms}, "PATCH")

    def refuse(self, webhook):
        """From now on Omnitron refuses this one."""
        self.control("faults", {"name": "refused", "method": "POST", "path": "/whisperer/", "times": -1,
                                "match": f'{webhook["event_type"]}"',
                                "action": {"status": 400, "json": {"event_type": ["Not a <b>known</b> event."]}}})


def remove(folder):
    """The browser's last processes may still write when their driver has ended."""
    def is_gone():
        shutil.rmtree(folder, ignore_errors=True)
        return not folder.exists()
    wait_for(is_gone, f"{folder} is removed")


class Visit(unittest.TestCase):
    """allowed: patterns of the console's lines that the story itself brings about."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(remove, self.folder)
        self.allowed = []

    def visit(self, **more):
        """The installation, and a browser that looks at its dashboard."""
        system = Watched(self.folder, **more)
        self.addCleanup(system.end)
        browser = Browser(self.folder)
        self.addCleanup(browser.end)
        self.addCleanup(self.assert_clean, browser, system.dashboard)
        browser.go(system.dashboard)
        browser.wait_text("#connection", "Live")
        browser.wait("document.querySelector('tr[data-account=acme]')")
        browser.script("window.first_visit = true")  # gone when the page is loaded again
        return system, browser

    def look_again(self, browser, system):
        """Loads the page once more, on purpose."""
        browser.go(system.dashboard + "?again")
        browser.script("window.first_visit = true")

    def give_key(self, browser, key, words="May act"):
        browser.click("#key-button")
        browser.type("#key-input", key)
        browser.press("Enter")
        browser.wait_text("#key-state", words)

    def assert_clean(self, browser, dashboard):
        """No line in the console (so no violation of the policy either), no request to another origin, the
        contract's headers, and never a second load."""
        lines = [line["message"] for line in browser.log("browser")]
        self.assertEqual([line for line in lines if not any(re.search(known, line) for known in self.allowed)], [])
        events = [json.loads(line["message"])["message"] for line in browser.log("performance")]
        asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
        asked = [url for url in asked if url != EMPTY_PAGE]
        self.assertGreater(len(asked), 5)
        origin = urllib.parse.urljoin(dashboard, "/")
        self.assertEqual([url for url in asked if not url.startswith(origin)], [])
        answers = [event["params"]["response"] for event in events if event["method"] == "Network.responseReceived"]
        pages = [answer for answer in answers if "/ops/" not in answer["url"] and answer["url"] != EMPTY_PAGE]
        self.assertGreater(len(pages), 5)
        for answer in pages:
            headers = {name.lower(): value for name, value in answer["headers"].items()}
            self.assertEqual(headers.get("content-security-policy"), POLICY, answer["url"])
            self.assertEqual(headers.get("x-content-type-options"), "nosniff", answer["url"])
            self.assertEqual(headers.get("cache-control"), "no-store", answer["url"])
        self.assertTrue(browser.script("return window.first_visit"))

    def assert_refuses_click(self, browser, selector):
        """A button that is disabled: the driver presses where it is, and nothing comes of it."""
        self.assertTrue(browser.script("return document.querySelector(arguments[0]).disabled", selector), selector)
        try:
            browser.click(selector)
        except Refused as refused:
            self.assertIn(refused.args[0], ("element click intercepted", "element not interactable"))


def row(account="acme"):
    """The selector of an account's row."""
    return f"tr[data-account='{account}']"


def button(act, account="acme"):
    return f"{row(account)} [data-act={act}]"
