#!/usr/bin/env python3
"""Bad configuration, given to the real programs with --check-config: each fault is one line on
stderr that names its place, all of them at once, exit status 2, and never a secret."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import unittest

BIN = sys.argv.pop() if len(sys.argv) > 1 and os.path.isdir(sys.argv[-1]) else "build/asan/bin"
PROGRAMS = [os.path.join(BIN, name) for name in ("omnihook-api", "omnihook-worker")]

SECRET = "s3cr3t-7f1a"
KEY_A = "sha256:" + "a" * 64
KEY_B = "sha256:" + "b" * 64
DROP = object()  # in a change: the key is taken away

HOOK = {"event_type": "package.created", "target_url": "https://erp.example.com/hooks"}
VARIABLES = {
    "OMNITRON_URL": "https://omnitron.example.com/api/v1/",
    "OMNITRON_TOKEN": SECRET,
    "OMNITRON_WEBHOOKS": json.dumps([HOOK]),
    "OMNIHOOK_API_KEYS": KEY_A,
}


def good_settings():
    return {
        "accounts": {
            "acme": {
                "api_keys": [KEY_A],
                "omnitron": {"url": "https://omnitron.example.com/api/v1/", "token": SECRET},
                "OMNITRON_WEBHOOKS": [dict(HOOK)],
            }
        }
    }


def changed(root, place, value):
    """root with value at place, a list of keys and indices."""
    at = root
    for step in place[:-1]:
        at = at[step]
    if value is DROP:
        del at[place[-1]]
    else:
        at[place[-1]] = value
    return root


def hook_with(**fields):
    return {**HOOK, **fields}


def retry(choice, **kwargs):
    return hook_with(retry_countdown_config={"choice": choice, "kwargs": kwargs})


# A change of the variables, and the lines that it gives.
BAD_VARIABLES = [
    ({"OMNITRON_URL": ""}, ["OMNITRON_URL: is required"]),
    ({"OMNITRON_URL": "omnitron.example.com"}, ["OMNITRON_URL: must be an absolute http or https URL"]),
    ({"OMNITRON_URL": "ftp://omnitron.example.com/"}, ["OMNITRON_URL: must be an absolute http or https URL"]),
    ({"OMNITRON_URL": f"https://me:{SECRET}@omnitron.example.com/"}, ["OMNITRON_URL: must not hold a user or a password"]),
    ({"OMNITRON_URL": f"https://omnitron.example.com/?token={SECRET}"}, ["OMNITRON_URL: must not have a query or a fragment"]),
    ({"OMNITRON_URL": "https://omnitron.example.com/#x"}, ["OMNITRON_URL: must not have a query or a fragment"]),
    ({"OMNITRON_HOOKS_PATH": "//other.example.com/hooks/"}, ["OMNITRON_HOOKS_PATH: leaves the origin of its base"]),
    ({"OMNITRON_LOGIN_PATH": "http://omnitron.example.com/login"}, ["OMNITRON_LOGIN_PATH: leaves the origin of its base"]),
    ({"OMNITRON_USER_PATH": "me?x=1"}, ["OMNITRON_USER_PATH: must be a path without a query or a fragment"]),
    ({"OMNITRON_TOKEN": ""}, ["OMNITRON_TOKEN: is required, unless a username and a password are given"]),
    ({"OMNITRON_TOKEN": SECRET + "\r\nX: y"}, ["OMNITRON_TOKEN: must be ASCII without white space or control characters"]),
    ({"OMNITRON_TOKEN": "", "OMNITRON_USERNAME": "u"}, ["OMNITRON_PASSWORD: is required, because a username is given"]),
    ({"OMNITRON_TOKEN": "", "OMNITRON_PASSWORD": SECRET}, ["OMNITRON_USERNAME: is required, because a password is given"]),
    ({"OMNITRON_USERNAME": "u", "OMNITRON_PASSWORD": SECRET}, ["OMNITRON_TOKEN: must not be given together with a username or a password"]),
    ({"OMNITRON_TOKEN_FILE": "/dev/null"}, ["OMNITRON_TOKEN: must not be set together with OMNITRON_TOKEN_FILE"]),
    ({"OMNITRON_TOKEN": "", "OMNITRON_TOKEN_FILE": f"/no/such/{SECRET}"}, ["OMNITRON_TOKEN_FILE: cannot be read: No such file or directory"]),
    ({"OMNITRON_TOKEN": "", "OMNITRON_TOKEN_FILE": "/"}, ["OMNITRON_TOKEN_FILE: is not a regular file"]),
    ({"OMNITRON_WEBHOOKS": ""}, ["OMNITRON_WEBHOOKS: is required"]),
    ({"OMNITRON_WEBHOOKS": SECRET}, ["OMNITRON_WEBHOOKS: must begin with { or ["]),
    ({"OMNITRON_WEBHOOKS": "\n"}, ["OMNITRON_WEBHOOKS: is empty"]),
    ({"OMNITRON_WEBHOOKS": "\ufeff[]"}, ["OMNITRON_WEBHOOKS: must not begin with a byte order mark"]),
    ({"OMNITRON_WEBHOOKS": f'[\n {{"secret_key": "{SECRET}'}, ["OMNITRON_WEBHOOKS: line 2, column 28: the JSON ends too early, in OMNITRON_WEBHOOKS[0].secret_key"]),
    ({"OMNITRON_WEBHOOKS": f'["{SECRET}\udcff"]'}, ["OMNITRON_WEBHOOKS: line 1, column 13: must be UTF-8, in OMNITRON_WEBHOOKS[0]"]),
    ({"OMNITRON_WEBHOOKS": '["\\ud800"]'}, ["OMNITRON_WEBHOOKS: line 1, column 9: must be valid JSON, in OMNITRON_WEBHOOKS[0]"]),
    ({"OMNITRON_WEBHOOKS": '[{"event_type":"a\\u0000","target_url":"x"},{}]'},
     ["OMNITRON_WEBHOOKS[0].event_type: \\u0000 is not allowed (line 1, column 24)",
      "OMNITRON_WEBHOOKS[0].target_url: must be an absolute http or https URL",
      "OMNITRON_WEBHOOKS[1].event_type: is required",
      "OMNITRON_WEBHOOKS[1].target_url: is required"]),
    ({"OMNITRON_WEBHOOKS": json.dumps([{**HOOK, "config": {"n": 10**30}}])},
     ["OMNITRON_WEBHOOKS[0].config.n: the number is too large (line 1, column 129)"]),
    ({"OMNITRON_WEBHOOKS": json.dumps(HOOK)}, ["OMNITRON_WEBHOOKS: must be a JSON array"]),
    ({"OMNITRON_WEBHOOKS": f'["{SECRET}"]'}, ["OMNITRON_WEBHOOKS[0]: must be a JSON object"]),
    ({"OMNITRON_WEBHOOKS": json.dumps([HOOK, {**HOOK, "target_url": SECRET, "event_type": "x"}])},
     ["OMNITRON_WEBHOOKS[1].target_url: must be an absolute http or https URL"]),
    ({"OMNITRON_WEBHOOKS": '[{"event_type":"a","event_type":"b","target_url":"https://a.example/"}]'},
     ["OMNITRON_WEBHOOKS[0].event_type: duplicate key (line 1, column 31)"]),
    ({"OMNIHOOK_API_KEYS": ""}, ["OMNIHOOK_API_KEYS: is required, unless OMNIHOOK_AUTH is omnitron"]),
    ({"OMNIHOOK_API_KEYS": f"{KEY_A},{SECRET}"}, ["OMNIHOOK_API_KEYS[1]: must be sha256: and 64 hex digits"]),
    ({"OMNIHOOK_API_KEYS": "sha256:" + "g" * 64}, ["OMNIHOOK_API_KEYS[0]: must be sha256: and 64 hex digits"]),
    ({"OMNIHOOK_AUTH": "none"}, ["OMNIHOOK_AUTH: must be keys or omnitron"]),
    ({"OMNIHOOK_OPERATOR_KEYS": SECRET}, ["OMNIHOOK_OPERATOR_KEYS[0]: must be sha256: and 64 hex digits"]),
    ({"OMNIHOOK_AUTH_TTL": "3601"}, ["OMNIHOOK_AUTH_TTL: must be a whole number from 0 to 3600"]),
    ({"OMNIHOOK_LEASE_MS": "15s"}, ["OMNIHOOK_LEASE_MS: must be a whole number from 1000 to 600000"]),
    ({"OMNIHOOK_LEASE_MS": " 15000"}, ["OMNIHOOK_LEASE_MS: must be a whole number from 1000 to 600000"]),
    ({"OMNIHOOK_RETRY_BASE_MS": "5000", "OMNIHOOK_RETRY_MAX_MS": "4999"},
     ["OMNIHOOK_RETRY_BASE_MS: must not be more than OMNIHOOK_RETRY_MAX_MS (they are 5000 and 4999)"]),
    ({"OMNIHOOK_RETRY_MAX_MS": "999"},
     ["OMNIHOOK_RETRY_BASE_MS: must not be more than OMNIHOOK_RETRY_MAX_MS (they are 1000 and 999)"]),
    ({"REDIS_URL": f"redis://:{SECRET}@redis:6379/0#x"}, ["REDIS_URL: unknown options after '#'"]),
    ({"OMNIHOOK_LISTEN": "8080"}, ["OMNIHOOK_LISTEN: must be host:port, [v6]:port or unix:/path"]),
    ({"OMNIHOOK_TRUSTED_PROXIES": "10.0.0.0/8, proxy, ::1/129"},
     [f"OMNIHOOK_TRUSTED_PROXIES[{i}]: must be an IP address, a network such as 10.0.0.0/8, or unix" for i in (1, 2)]),
    ({"OMNIHOOK_OPS_LISTEN": "yes"}, ["OMNIHOOK_OPS_LISTEN: must be host:port, [v6]:port, unix:/path or off"]),
    ({"OMNIHOOK_NAMESPACE": "{x}"}, ["OMNIHOOK_NAMESPACE: must be 1 to 64 characters of A-Z a-z 0-9 . _ : -"]),
    ({"OMNIHOOK_SETTINGS": "/no/such/file"},
     [f"{name}: must not be set together with OMNIHOOK_SETTINGS" for name in VARIABLES]
     + ["OMNIHOOK_SETTINGS: cannot be read: No such file or directory"]),
    ({"OMNITRON_URL": "", "OMNIHOOK_LEASE_MS": "1", "OMNIHOOK_API_KEYS": SECRET, "OMNITRON_WEBHOOKS": "[{}]"},
     ["OMNIHOOK_LEASE_MS: must be a whole number from 1000 to 600000",
      "OMNITRON_URL: is required",
      "OMNIHOOK_API_KEYS[0]: must be sha256: and 64 hex digits",
      "OMNITRON_WEBHOOKS[0].event_type: is required",
      "OMNITRON_WEBHOOKS[0].target_url: is required"]),
]

ACME = ["accounts", "acme"]
OMNITRON = ACME + ["omnitron"]
HOOKS = ACME + ["OMNITRON_WEBHOOKS"]
IN_ACME = "accounts.acme."
IN_OMNITRON = IN_ACME + "omnitron."
IN_HOOK = IN_ACME + "OMNITRON_WEBHOOKS[0]."

NOT_A_SECOND = "kwargs.seconds: must be a whole number of at least 0"

# A change of the settings file, and the lines that it gives.
BAD_SETTINGS = [
    (["accounts"], DROP, ["accounts: is required"]),
    (["accounts"], [], ["accounts: must be a JSON object"]),
    (["accounts"], {}, ["accounts: must hold 1 to 100000 accounts"]),
    (["account"], {}, ["account: unknown key"]),
    (ACME, SECRET, ["accounts.acme: must be a JSON object"]),
    (["accounts", "ACME"], good_settings()["accounts"]["acme"],
     ["accounts.ACME: an account's name must be 1 to 63 characters of a-z 0-9 . _ - and begin with a letter or a digit",
      "accounts.ACME.api_keys: must not hold a key of account acme"]),
    (["accounts", "b"], good_settings()["accounts"]["acme"],
     ["accounts.b.api_keys: must not hold a key of account acme"]),
    (["accounts", "b\nc"], {},
     ["accounts.b?c: an account's name must be 1 to 63 characters of a-z 0-9 . _ - and begin with a letter or a digit",
      "accounts.b?c.api_keys: must hold at least one key, unless auth is omnitron",
      "accounts.b?c.omnitron: is required",
      "accounts.b?c.OMNITRON_WEBHOOKS: is required"]),
    (ACME + ["api_keys"], DROP, [IN_ACME + "api_keys: must hold at least one key, unless auth is omnitron"]),
    (ACME + ["api_keys"], [], [IN_ACME + "api_keys: must hold at least one key, unless auth is omnitron"]),
    (ACME + ["api_keys"], KEY_A, [IN_ACME + "api_keys: must be a JSON array"]),
    (ACME + ["api_keys"], [KEY_A, SECRET, 5],
     [IN_ACME + "api_keys[1]: must be sha256: and 64 hex digits",
      IN_ACME + "api_keys[2]: must be sha256: and 64 hex digits"]),
    (ACME + ["auth"], "token", [IN_ACME + 'auth: must be "keys" or "omnitron"']),
    (ACME + ["hosts"], ["a b"], [IN_ACME + "hosts[0]: must be a host name, as Host headers have it"]),
    (ACME + ["inactive"], "ignore", [IN_ACME + 'inactive: must be "reactivate" or "keep"']),
    (ACME + ["drift"], True, [IN_ACME + 'drift: must be "report" or "update" or "ignore"']),
    (ACME + ["webhooks"], [], [IN_ACME + "webhooks: unknown key"]),
    (OMNITRON, DROP, [IN_ACME + "omnitron: is required"]),
    (OMNITRON, SECRET, [IN_ACME + "omnitron: must be a JSON object"]),
    (OMNITRON + ["url"], None, [IN_OMNITRON + "url: is required"]),
    (OMNITRON + ["url"], 5, [IN_OMNITRON + "url: must be a text"]),
    (OMNITRON + ["url"], f"https://{SECRET}@a.example/", [IN_OMNITRON + "url: must not hold a user or a password"]),
    (OMNITRON + ["url"], "https://", [IN_OMNITRON + "url: must be an absolute http or https URL"]),
    (OMNITRON + ["hooks_path"], "https://other.example.com/", [IN_OMNITRON + "hooks_path: leaves the origin of its base"]),
    (OMNITRON + ["login_path"], "", [IN_OMNITRON + "login_path: must be a path without a query or a fragment"]),
    (OMNITRON + ["token"], DROP, [IN_OMNITRON + "token: is required, unless a username and a password are given"]),
    (OMNITRON + ["token"], "", [IN_OMNITRON + "token: must not be empty"]),
    (OMNITRON + ["token_file"], "/x", [IN_OMNITRON + "token: must be given in one form only: token, token_file or token_env"]),
    (OMNITRON, {"url": "https://a.example/", "token_file": f"/no/{SECRET}"},
     [IN_OMNITRON + "token_file: cannot be read: No such file or directory"]),
    (OMNITRON, {"url": "https://a.example/", "token_env": "NO_SUCH_VARIABLE"},
     [IN_OMNITRON + "token_env: must name an environment variable that is set"]),
    (OMNITRON, {"url": "https://a.example/", "username": "u", "password_env": "EMPTY"},
     [IN_OMNITRON + "password_env: must name an environment variable that is set"]),
    (OMNITRON, {"url": "https://a.example/", "username": "u"},
     [IN_OMNITRON + "password: is required, because a username is given"]),
    (OMNITRON + ["password"], SECRET, [IN_OMNITRON + "token: must not be given together with a username or a password"]),
    (OMNITRON + ["ca_file"], "/no/such/file", [IN_OMNITRON + "ca_file: cannot be read: No such file or directory"]),
    (OMNITRON + ["ca_file"], os.path.abspath(__file__), [IN_OMNITRON + "ca_file: must be a file of PEM certificates"]),
    (OMNITRON + ["proxy"], f"me:{SECRET}@proxy:3128",
     [IN_OMNITRON + "proxy: must be a URL like http://host:port or socks5h://host:port"]),
    (OMNITRON + ["timeout_ms"], 99, [IN_OMNITRON + "timeout_ms: must be a whole number from 100 to 600000"]),
    (OMNITRON + ["connect_timeout_ms"], "5000",
     [IN_OMNITRON + "connect_timeout_ms: must be a whole number from 100 to 60000"]),
    (OMNITRON + ["max_connections"], 8.0, [IN_OMNITRON + "max_connections: must be a whole number from 1 to 64"]),
    (OMNITRON + ["hook_path"], "/", [IN_OMNITRON + "hook_path: unknown key"]),
    (HOOKS, DROP, [IN_ACME + "OMNITRON_WEBHOOKS: is required"]),
    (HOOKS, {}, [IN_ACME + "OMNITRON_WEBHOOKS: must be a JSON array"]),
    (HOOKS, [None], [IN_ACME + "OMNITRON_WEBHOOKS[0]: must be a JSON object"]),
    (HOOKS, [hook_with(event_type="e" * 125)], [IN_HOOK + "event_type: must have 1 to 124 characters"]),
    (HOOKS, [hook_with(event_type="a\u0007b")], [IN_HOOK + "event_type: must not hold control characters"]),
    (HOOKS, [hook_with(event_type=" a")], [IN_HOOK + "event_type: must not begin or end with white space"]),
    (HOOKS, [hook_with(target_url="https://a.example/\u00e7" + "\u00e7" * 237)],
     [IN_HOOK + "target_url: must have 1 to 255 characters"]),
    (HOOKS, [hook_with(target_url="/hooks")], [IN_HOOK + "target_url: must be an absolute http or https URL"]),
    (HOOKS, [hook_with(target_url=f"https://me:{SECRET}@a.example/")],
     [IN_HOOK + "target_url: must not hold a user or a password"]),
    (HOOKS, [hook_with(is_active="yes")], [IN_HOOK + "is_active: must be true or false"]),
    (HOOKS, [hook_with(secret_key="")], [IN_HOOK + "secret_key: must have 1 to 124 characters"]),
    (HOOKS, [hook_with(secret_key=SECRET * 12)], [IN_HOOK + "secret_key: must have 1 to 124 characters"]),
    (HOOKS, [hook_with(secret_key=SECRET, secret_key_env="HOME")],
     [IN_HOOK + "secret_key: must be given in one form only: secret_key, secret_key_file or secret_key_env"]),
    (HOOKS, [hook_with(secret_key_env="EMPTY")],
     [IN_HOOK + "secret_key_env: must name an environment variable that is set"]),
    (HOOKS, [hook_with(secret_key_file="/dev/null")], [IN_HOOK + "secret_key_file: is not a regular file"]),
    (HOOKS, [hook_with(callback="c" * 65)], [IN_HOOK + "callback: must have 1 to 64 characters"]),
    (HOOKS, [hook_with(additional_headers={"Authorization": [SECRET]})],
     [IN_HOOK + "additional_headers.Authorization: must be a text"]),
    (HOOKS, [hook_with(additional_headers={"X": f"{SECRET}\r\n"})],
     [IN_HOOK + "additional_headers.X: must not hold control characters or white space at its ends"]),
    (HOOKS, [hook_with(additional_headers={f"Authorization: Token {SECRET}": ""})],
     [IN_HOOK + "additional_headers.Authorization: must be the name of an HTTP header"]),
    (HOOKS, [hook_with(additional_headers={"": "x"})],
     [IN_HOOK + 'additional_headers."": must be the name of an HTTP header']),
    (HOOKS, [hook_with(config=[SECRET])], [IN_HOOK + "config: must be a JSON object"]),
    (HOOKS, [hook_with(retry_coutdown_config={})], [IN_HOOK + "retry_coutdown_config: unknown key"]),
    (HOOKS, [hook_with(retry_countdown_config={"kwargs": {}})], [IN_HOOK + "retry_countdown_config.choice: is required"]),
    (HOOKS, [hook_with(retry_countdown_config={"choice": "fixed"})],
     [IN_HOOK + "retry_countdown_config.kwargs: is required"]),
    (HOOKS, [retry(" fixed")],
     [IN_HOOK + "retry_countdown_config.choice: must not hold control characters or white space at its ends"]),
    (HOOKS, [retry("a\nb")],
     [IN_HOOK + "retry_countdown_config.choice: must not hold control characters or white space at its ends"]),
    (HOOKS, [retry("fixed")], [IN_HOOK + "retry_countdown_config.kwargs.seconds: is required"]),
    (HOOKS, [retry("fixed", seconds=-1)], [IN_HOOK + "retry_countdown_config." + NOT_A_SECOND]),
    (HOOKS, [retry("fixed", seconds="soon")], [IN_HOOK + "retry_countdown_config." + NOT_A_SECOND]),
    (HOOKS, [retry("exponential", base=2, limits=9)], [IN_HOOK + "retry_countdown_config.kwargs.limits: unknown key"]),
    (HOOKS, [retry("random", min_value=9, max_value=3)],
     [IN_HOOK + "retry_countdown_config.kwargs.max_value: must be more than min_value"]),
    (HOOKS, [HOOK, hook_with(secret_key=SECRET)],
     [IN_ACME + "OMNITRON_WEBHOOKS[1]: must not have the target_url and event_type of "
      "accounts.acme.OMNITRON_WEBHOOKS[0] and differ from it otherwise"]),
]


class BadSettings(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def check(self, variables, program=PROGRAMS[0]):
        environment = {"PATH": os.environ["PATH"], "EMPTY": ""}
        for name, value in variables.items():
            environment[name] = value
        return subprocess.run([program, "--check-config"], env=environment, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              encoding="utf-8", errors="surrogateescape")

    def check_file(self, text, program=PROGRAMS[0]):
        path = os.path.join(self.folder.name, "settings.json")
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        return self.check({"OMNIHOOK_SETTINGS": path}, program)

    def assert_refused(self, result, lines):
        faults = [line for line in result.stderr.splitlines() if not line.startswith("warning: ")]
        self.assertEqual(faults, lines)
        self.assertEqual(result.returncode, 2)
        self.assertEqual(result.stdout, "")
        self.assertNotIn(SECRET, result.stderr)

    def test_each_bad_environment_names_the_variable(self):
        for change, lines in BAD_VARIABLES:
            with self.subTest(change=change):
                self.assert_refused(self.check({**VARIABLES, **change}), lines)

    def test_each_bad_settings_file_names_the_json_path(self):
        for place, value, lines in BAD_SETTINGS:
            with self.subTest(place=place, value=value):
                settings = changed(good_settings(), place, value)
                self.assert_refused(self.check_file(json.dumps(settings)), lines)

    def test_both_programs_judge_alike(self):
        for program in PROGRAMS:
            with self.subTest(program=program):
                self.assert_refused(self.check({}, program), [
                    "OMNITRON_URL: is required",
                    "OMNITRON_WEBHOOKS: is required",
                    "OMNITRON_TOKEN: is required, unless a username and a password are given",
                    "OMNIHOOK_API_KEYS: is required, unless OMNIHOOK_AUTH is omnitron"])

    def test_faults_of_several_accounts_are_told_at_once(self):
        settings = good_settings()
        settings["accounts"]["acme"]["omnitron"]["url"] = "x"
        settings["accounts"]["acme"]["OMNITRON_WEBHOOKS"].append({"event_type": "e"})
        settings["accounts"]["beta"] = {"drift": "x", "auth": "omnitron", "OMNITRON_WEBHOOKS": [5]}
        self.assert_refused(self.check_file(json.dumps(settings)), [
            "accounts.acme.omnitron.url: must be an absolute http or https URL",
            "accounts.acme.OMNITRON_WEBHOOKS[1].target_url: is required",
            'accounts.beta.drift: must be "report" or "update" or "ignore"',
            "accounts.beta.omnitron: is required",
            "accounts.beta.OMNITRON_WEBHOOKS[0]: must be a JSON object"])

    def test_a_hundred_faults_are_shown_and_the_rest_is_counted(self):
        for count, last in ((100, []), (101, ["… and 1 more"]), (250, ["… and 150 more"])):
            with self.subTest(count=count):
                settings = changed(good_settings(), HOOKS, [None] * count)
                self.assert_refused(self.check_file(json.dumps(settings)), [
                    f"accounts.acme.OMNITRON_WEBHOOKS[{i}]: must be a JSON object"
                    for i in range(min(count, 100))] + last)

    def test_a_duplicate_key_is_named_with_its_path(self):
        text = json.dumps(good_settings()).replace('"token":', '"token": "x", "token":')
        result = self.check_file(text)
        self.assertRegex(result.stderr,
                         r"^accounts\.acme\.omnitron\.token: duplicate key \(line 1, column \d+\)\n$")
        self.assertEqual(result.returncode, 2)

    def test_a_file_too_large_is_not_read(self):
        path = os.path.join(self.folder.name, "settings.json")
        with open(path, "wb") as file:
            file.truncate(64 * 1024 * 1024 + 1)
        self.assert_refused(self.check({"OMNIHOOK_SETTINGS": path}),
                            ["OMNIHOOK_SETTINGS: is larger than 67108864 bytes"])

    def test_deep_nesting_is_refused(self):
        result = self.check_file("[" * 100000)
        self.assertTrue(result.stderr.startswith(
            "OMNIHOOK_SETTINGS: line 1, column 2049: the JSON is nested too deeply, in [0][0]"))
        self.assertEqual((result.returncode, result.stderr.count("\n")), (2, 1))

    def test_a_secret_where_a_key_belongs_is_not_quoted(self):
        for text in (f'{{"accounts": {{"{SECRET}"', f'{{"accounts": {{"{SECRET}", "b"}}}}',
                     f'{{"accounts": {{"a" "{SECRET}"}}}}', f'{{"accounts" {SECRET}'):
            with self.subTest(text=text):
                result = self.check_file(text)
                self.assertNotIn(SECRET, result.stderr)
                self.assertEqual((result.returncode, result.stderr.count("\n")), (2, 1))

    def test_good_settings_are_counted_and_warnings_told(self):
        result = self.check(VARIABLES)
        self.assertEqual((result.returncode, result.stdout, result.stderr),
                         (0, "configuration ok: 1 account, 1 webhook\n", ""))
        settings = changed(good_settings(), HOOKS,
                           [HOOK, HOOK, hook_with(target_url="http://10.0.0.1/")])
        result = self.check_file(json.dumps(settings), PROGRAMS[1])
        self.assertEqual(result.stdout, "configuration ok: 1 account, 2 webhooks\n")
        self.assertEqual(result.stderr.splitlines(), [
            "warning: accounts.acme.OMNITRON_WEBHOOKS[1]: is the same webhook as "
            "accounts.acme.OMNITRON_WEBHOOKS[0]; taken once",
            "warning: accounts.acme.OMNITRON_WEBHOOKS[2].target_url: is an address of this machine "
            "or a private network"])

    def test_a_hundred_warnings_are_shown_and_the_rest_is_counted(self):
        for count, last in ((100, []), (103, ["warning: … and 3 more"])):
            with self.subTest(count=count):
                result = self.check({**VARIABLES, **{f"OMNIHOOK_X{i}": "1" for i in range(count)}})
                self.assertEqual(result.returncode, 0)
                lines = result.stderr.splitlines()
                self.assertEqual(sum(line.endswith(": unknown variable") for line in lines), 100)
                self.assertEqual(lines[100:], last)

    def test_two_listeners_cannot_have_one_address(self):
        one = {"OMNIHOOK_LISTEN": "127.0.0.1:8081", "OMNIHOOK_OPS_LISTEN": "127.0.0.1:8081"}
        self.assert_refused(self.check({**VARIABLES, **one}),
                            ["OMNIHOOK_OPS_LISTEN: must not be the address of OMNIHOOK_LISTEN"])
        self.assertEqual(self.check({**VARIABLES, **one}, PROGRAMS[1]).returncode, 0)
        any_port = {name: "127.0.0.1:0" for name in one}
        self.assertEqual(self.check({**VARIABLES, **any_port}).returncode, 0)

    def test_an_unknown_variable_of_ours_is_a_warning(self):
        result = self.check({**VARIABLES, "OMNIHOOK_LEASE": SECRET})
        self.assertEqual((result.returncode, result.stderr),
                         (0, "warning: OMNIHOOK_LEASE: unknown variable\n"))


class CommandLine(unittest.TestCase):
    def run_with(self, program, *arguments):
        return subprocess.run([program, *arguments], env={}, timeout=60, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False, encoding="utf-8")

    def test_bad_usage_is_told_on_stderr(self):
        for arguments in (["--no-such-option"], ["-x"], ["file"], ["--check-config=1"]):
            for program in PROGRAMS:
                with self.subTest(program=program, arguments=arguments):
                    result = self.run_with(program, *arguments)
                    self.assertEqual((result.returncode, result.stdout), (2, ""))
                    self.assertIn("Usage: " + os.path.basename(program), result.stderr)

    def test_help_and_version_go_to_stdout(self):
        for program in PROGRAMS:
            for option in ("--help", "--version"):
                with self.subTest(program=program, option=option):
                    result = self.run_with(program, option)
                    self.assertEqual((result.returncode, result.stderr), (0, ""))
                    self.assertIn(os.path.basename(program), result.stdout)

    def test_output_that_cannot_be_written_is_exit_1(self):
        for program in PROGRAMS:
            for option in ("--help", "--version", "--check-config"):
                with self.subTest(program=program, option=option), open("/dev/full", "wb") as full:
                    result = subprocess.run([program, option], env=VARIABLES, timeout=60, stdout=full, check=False)
                    self.assertEqual(result.returncode, 1)

    def test_an_address_that_cannot_be_had_names_the_variable(self):
        with socket.create_server(("127.0.0.1", 0)) as other, tempfile.TemporaryDirectory() as folder:
            taken = "127.0.0.1:%d" % other.getsockname()[1]
            for name, address, processes, reason in (
                    ("OMNIHOOK_LISTEN", taken, 1, "Address already in use"),
                    ("OMNIHOOK_LISTEN", taken, 2, "Address already in use"),
                    ("OMNIHOOK_LISTEN", f"unix:{folder}/none/socket", 1, "No such file or directory"),
                    ("OMNIHOOK_LISTEN", "a.invalid:80", 1, "Name or service not known"),
                    ("OMNIHOOK_OPS_LISTEN", taken, 1, "Address already in use")):
                with self.subTest(name=name, address=address, processes=processes):
                    variables = {**VARIABLES, "REDIS_URL": f"unix://{folder}/redis", "OMNIHOOK_LISTEN": "127.0.0.1:0",
                                 "OMNIHOOK_OPS_LISTEN": "off", "OMNIHOOK_PROCESSES": str(processes), name: address}
                    result = subprocess.run([PROGRAMS[0]], env=variables, timeout=60, check=False, encoding="utf-8",
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                    self.assertEqual(result.returncode, 1)
                    self.assertIn(f'reason="{name}: cannot listen on {address}: {reason}"', result.stderr)

    def test_a_daemon_without_configuration_does_not_start(self):
        for program in PROGRAMS:
            with self.subTest(program=program):
                result = self.run_with(program)
                self.assertEqual((result.returncode, result.stdout), (2, ""))
                self.assertIn("OMNITRON_URL: is required\n", result.stderr)


if __name__ == "__main__":
    unittest.main()
