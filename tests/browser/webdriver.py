"""A browser that a test drives: headless Chromium by the WebDriver protocol, with urllib alone."""

import base64
import json
import os
import pathlib
import time
import urllib.error
import urllib.request

from programs import Program

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of an element's reference, by the standard
LIMIT_S = 60
STARTS_MAX = 10
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "Space": " "}
TEXT = r"(document.querySelector(arguments[0])?.innerText ?? '').replace(/\s+/g, ' ').trim()"


class Refused(Exception):
    """What the driver answers instead of a result: its error word is args[0]."""


class Browser:
    """One window with a profile of its own; ended by end()."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.root = f"http://127.0.0.1:{self.start_driver(folder)}"
        # By a pipe: however the driver ends, the browser ends with it.
        options = {"args": ["--remote-debugging-pipe", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                            "--no-first-run", "--disable-background-networking", "--disable-component-update",
                            "--hide-scrollbars", "--window-size=1280,900"],
                   "perfLoggingPrefs": {"enableNetwork": True, "enablePage": False}}
        answer = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}})
        self.root += f"/session/{answer['sessionId']}"

    def start_driver(self, folder):
        """The port that it listens on. It lets the kernel choose one of IPv6 and then wants the same of IPv4, where
        somebody may have it: it gives up then, and the next choice is another."""
        for _ in range(STARTS_MAX):
            self.driver = Program(folder, "python3", str(pathlib.Path(__file__).with_name("without_netlink.py")),
                                  "chromedriver", "--port=0", HOME=str(folder), TMPDIR=str(folder))
            said = self.driver.wait_for(r"started successfully on port (\d+)|port not available")
            if port := said.group(1):
                return port
            self.driver.process.wait(LIMIT_S)
        raise AssertionError(f"no port is free: {self.driver.log.read_text()}")

    def end(self):
        self.ask("DELETE", "")
        self.driver.stop()

    def ask(self, method, path, body=None):
        data = json.dumps(body if body is not None else {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.root + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            fault = json.load(error)["value"]
            raise Refused(fault["error"], fault["message"]) from None

    # ---- The page ----

    def go(self, url):
        self.ask("POST", "/url", {"url": url})

    def script(self, text, *arguments):
        """What a function body returns in the page."""
        return self.ask("POST", "/execute/sync", {"script": text, "args": list(arguments)})

    def devtools(self, command, **parameters):
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def prefer(self, **features):
        """As the user of the system prefers: prefers_color_scheme="dark"."""
        self.devtools("Emulation.setEmulatedMedia", features=[
            {"name": name.replace("_", "-"), "value": value} for name, value in features.items()])

    def resize(self, width, height):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                      mobile=False)

    def screenshot(self, name):
        """Into OMNIHOOK_SCREENSHOTS, where that names a folder; nobody judges it but an eye."""
        if folder := os.environ.get("OMNIHOOK_SCREENSHOTS"):
            image = base64.b64decode(self.ask("GET", "/screenshot"))
            (pathlib.Path(folder) / f"{name}.png").write_bytes(image)

    def log(self, kind):
        """What the browser has logged since it was asked last; kind: browser or performance."""
        return self.ask("POST", "/se/log", {"type": kind})

    # ---- Windows, by their handles ----

    def window(self):
        return self.ask("GET", "/window")

    def use(self, window):
        self.ask("POST", "/window", {"handle": window})

    def use_new_window(self):
        self.use(self.ask("POST", "/window/new", {"type": "window"})["handle"])

    def minimize(self):
        self.ask("POST", "/window/minimize", {})
        self.wait("document.hidden")

    def restore(self):
        self.ask("POST", "/window/rect", {"width": 1280, "height": 900})
        self.wait("!document.hidden")

    # ---- Elements ----

    def find(self, selector):
        """The first element, as a reference; Refused when there is none."""
        return self.ask("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        """As a hand does it: what is disabled, hidden or covered takes no click."""
        self.ask("POST", f"/element/{self.find(selector)}/click")

    def type(self, selector, text):
        self.ask("POST", f"/element/{self.find(selector)}/value", {"text": text})

    def press(self, *keys):
        """Keys by name, or characters, to whatever has the focus."""
        strokes = [{"type": kind, "value": KEYS.get(key, key)} for key in keys for kind in ("keyDown", "keyUp")]
        self.ask("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]})

    def text(self, selector):
        """The visible text on one line; empty without such an element."""
        return self.script(f"return {TEXT}", selector)

    def wait(self, fact, *arguments, limit_s=LIMIT_S):
        """The first true value of a JavaScript expression."""
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            if found := self.script(f"return {fact}", *arguments):
                return found
            time.sleep(0.02)
        shown = self.script("return document.body.innerText")
        raise AssertionError(f"never came true: {fact} {arguments}\n{shown}")

    def wait_text(self, selector, words, limit_s=LIMIT_S):
        return self.wait(f"{TEXT}.includes(arguments[1])", selector, words, limit_s=limit_s)
