"""openapi.json is a valid OpenAPI 3.1 document, and the API answers as it says.

Valid: by the schema of https://spec.openapis.org/oas/3.1/schema/2022-10-07 (published by the OpenAPI
Initiative under the Apache License 2.0), kept in published/ so that the test needs no network. Then
calls are made up from the document, good and bad, and each answer is held against what it says of
that operation: status, headers, content type, and the body's schema. A failure prints the seed; give
it as the second argument to see the same calls again.

Usage: test_openapi.py <folder of the programs> [seed]
"""

import http.client
import json
import pathlib
import random
import secrets
import signal
import sys
import tempfile
import time
import unittest

import jsonschema

from programs import LIMIT_S, Program, digest_of

SCHEMA = pathlib.Path(__file__).parent / "published" / "openapi_3.1_schema.json"
DOCUMENT = pathlib.Path(__file__).parents[2] / "api" / "openapi.json"
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else secrets.randbits(32)
CASES = 1500
ENOUGH = 5
API_KEY = secrets.token_hex(20)
OMNITRON_TOKEN = secrets.token_hex(20)
METHODS = ["get", "put", "post", "delete", "patch", "trace", "options", "head"]
ID_BYTES = "ABCXYZabcxyz0189._-"


def resolve(document, part):
    """part, or what it refers to."""
    while "$ref" in part:
        found = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


def references(part):
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def operations(document):
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


class TheDocument(unittest.TestCase):
    def setUp(self):
        self.document = json.loads(DOCUMENT.read_text())

    def test_is_openapi_3_1(self):
        jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(self.document)

    def test_refers_only_to_what_it_has_and_uses_what_it_has(self):
        used = set(references(self.document))
        for reference in used:
            resolve(self.document, {"$ref": reference})
        for kind, parts in self.document["components"].items():
            for name in parts if kind != "securitySchemes" else ():
                self.assertIn(f"#/components/{kind}/{name}", used)

    def test_its_schemas_are_schemas(self):
        for schema in self.document["components"]["schemas"].values():
            jsonschema.Draft202012Validator.check_schema(schema)

    def test_names_each_operation_once(self):
        ids = [operation["operationId"] for _, _, operation in operations(self.document)]
        self.assertEqual(len(ids), len(set(ids)))


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()


class TheAnswers(unittest.TestCase):
    def setUp(self):
        self.random = random.Random(SEED)
        self.document = json.loads(DOCUMENT.read_text())
        self.prefix = self.document["servers"][0]["url"]
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.redis = Program(self.folder, "redis-server", "--port", "0", "--save", "",
                             "--unixsocket", str(self.folder / "redis.sock"))
        self.start(self.redis, "eady to accept")
        self.simulator = Program(self.folder, "omnitron-sim", "--listen", "127.0.0.1:0",
                                 "--user", f"acme:unused:{OMNITRON_TOKEN}")
        self.omnitron = self.start(self.simulator, r"listening on (\S+)").group(1)
        self.write_settings()
        listening = self.start_omnihook("omnihook-api", r"event=listening address=([0-9.]+):(\d+)")
        self.host, self.port = listening.group(1), int(listening.group(2))
        self.connection = None
        self.seen = {}

    def start(self, program, ready):
        self.addCleanup(program.stop)
        return program.wait_for(ready)

    def start_omnihook(self, name, ready):
        return self.start(Program(self.folder, name,
                                  REDIS_URL=f"unix://{self.folder}/redis.sock?db=0",
                                  OMNIHOOK_LISTEN="127.0.0.1:0", OMNIHOOK_OPS_LISTEN="off",
                                  OMNIHOOK_REDIS_TIMEOUT_MS="500",
                                  OMNIHOOK_REQUEST_TIMEOUT_MS="500",
                                  OMNIHOOK_SETTINGS=str(self.folder / "settings.json")), ready)

    def write_settings(self):
        account = {
            "api_keys": [digest_of(API_KEY)],
            "omnitron": {"url": f"{self.omnitron}/api/v1/", "token": OMNITRON_TOKEN},
            "OMNITRON_WEBHOOKS": [
                {"event_type": event, "target_url": "https://oms.example.com/stocklocations"}
                for event in ("retail_store.created", "retail_store.updated")],
        }
        (self.folder / "settings.json").write_text(json.dumps({"accounts": {"acme": account}}))

    def send(self, method, path, headers, body=None):
        """One call on a connection that is kept, as long as the API keeps it."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.host, self.port, timeout=LIMIT_S)
        self.connection.request(method.upper(), self.prefix + path, body=body, headers=headers)
        response = self.connection.getresponse()
        answer = Answer(response)
        if response.will_close:
            self.connection.close()
            self.connection = None
        return answer

    # ---- What an answer must be ----

    def check_header(self, declared, value, case):
        schema = declared["schema"]
        if schema.get("type") == "integer":
            value = int(value)
        self.validate(schema, value, case)

    def validate(self, schema, value, case):
        whole = {**schema, "components": self.document["components"]}
        try:
            jsonschema.Draft202012Validator(whole).validate(value)
        except jsonschema.ValidationError as error:
            self.fail(f"{case}: {error.message} at {list(error.absolute_path)}")

    def check(self, operation, method, answer, case):
        declared = operation["responses"].get(str(answer.status))
        self.assertIsNotNone(declared, f"{case}: {answer.status} is not documented")
        declared = resolve(self.document, declared)
        for name, header in declared.get("headers", {}).items():
            self.assertIn(name, answer.headers, case)
            self.check_header(resolve(self.document, header), answer.headers[name], case)
        self.assertEqual(answer.headers["Cache-Control"], "no-store", case)
        content = declared.get("content", {})
        if not content:
            self.assertEqual(answer.body, b"", case)
            self.assertNotIn("Content-Type", answer.headers, case)
            return
        self.assertIn(answer.headers["Content-Type"], content, case)
        if method == "head":
            self.assertEqual(answer.body, b"", case)
        else:
            schema = resolve(self.document, content["application/json"]["schema"])
            self.validate(schema, json.loads(answer.body), case)

    def check_undocumented(self, path, item, method, answer, key, case):
        """A method that the path does not have: HEAD goes with GET, and OPTIONS with everything."""
        allowed = {name.upper() for name in METHODS if name in item} | {"OPTIONS"}
        allowed |= {"HEAD"} if "get" in item else set()
        if method == "options":
            self.assertEqual(answer.status, 204, case)
        elif method == "head" and "get" in item:
            self.check(item["get"], method, answer, case)
            return
        elif key == "good" or path == "/openapi.json":
            self.assertEqual(answer.status, 405, case)
            if method != "head":
                self.assertEqual(json.loads(answer.body),
                                 {"detail": f'Method "{method.upper()}" not allowed.'}, case)
        else:
            self.assertIn(answer.status, (401, 429), case)
            return
        self.assertEqual(set(answer.headers["Allow"].split(", ")), allowed, case)

    # ---- Calls made up ----

    def make_key(self):
        kind = self.random.choice(["good"] * 5 + ["none", "wrong", "empty", "spaces", "scheme"])
        word = self.random.choice(["Token", "token", "TOKEN"])
        value = {"good": f"{word} {API_KEY}", "wrong": f"{word} {secrets.token_hex(20)}",
                 "empty": word, "spaces": f"{word} a b", "scheme": f"Bearer {API_KEY}"}
        return kind, {} if kind == "none" else {"Authorization": value[kind]}

    def make_id(self):
        size = self.random.choice([0, 1, 8, 128, 129])
        text = "".join(self.random.choice(ID_BYTES) for _ in range(size))
        return text if size else None, {"X-Request-Id": text} if size else {}

    def make_call(self):
        path = self.random.choice(list(self.document["paths"]))
        item = self.document["paths"][path]
        method = self.random.choice(METHODS + [name for name in METHODS if name in item] * 4)
        kind, headers = self.make_key()
        request_id, id_header = self.make_id()
        body = None
        if method in ("post", "put", "patch", "delete") and self.random.random() < 0.5:
            body = self.random.randbytes(self.random.choice([0, 1, 100, 5000]))
        target = path if self.random.random() < 0.7 else path.rstrip("/")
        target += self.random.choice(["", "", "?a=b", "?%00=%zz"])
        return path, item, method, target, kind, request_id, headers | id_header, body

    def run_cases(self, count, until=None):
        """The statuses seen; ends early when until has been seen a few times."""
        statuses = []
        for number in range(count):
            if statuses.count(until) == ENOUGH:
                break
            path, item, method, target, key, request_id, headers, body = self.make_call()
            answer = self.send(method, target, headers, body)
            case = f"seed {SEED}, call {number}: {method} {target}, {key} key: {answer.status}"
            statuses.append(answer.status)
            if request_id is not None and len(request_id) <= 128:
                self.assertEqual(answer.headers["X-Request-Id"], request_id, case)
            else:
                self.assertRegex(answer.headers["X-Request-Id"], "^[0-9a-f]+$", case)
            if method in item:
                self.check(item[method], method, answer, case)
                if key == "good":
                    self.assertNotIn(answer.status, (401, 429), case)
            else:
                self.check_undocumented(path, item, method, answer, key, case)
        return set(statuses)

    def wait_for_result(self, result):
        end = time.monotonic() + LIMIT_S
        headers = {"Authorization": f"Token {API_KEY}"}
        while time.monotonic() < end:
            answer = self.send("get", "/get_async_status/", headers)
            if json.loads(answer.body) == {"result": result}:
                return
        self.fail(f"never {result}")

    def test_are_as_documented_in_every_state(self):
        good = {"Authorization": f"Token {API_KEY}"}
        none_yet = self.send("get", "/report/", good)
        self.assertEqual(none_yet.status, 404)
        self.check(self.document["paths"]["/report/"]["get"], "get", none_yet, "no report yet")
        statuses = self.run_cases(CASES)  # without a worker: READY, WORKING, ABORTED
        self.assertEqual(statuses & {200, 204, 401, 405, 429}, {200, 204, 401, 405, 429})
        self.send("post", "/execute/", good)
        self.start_omnihook("omnihook-worker", "event=worker_started")
        self.wait_for_result("FINISHED")
        self.run_cases(CASES)
        self.simulator.process.send_signal(signal.SIGSTOP)
        self.assertIn(504, self.run_cases(CASES, 504))
        self.simulator.process.send_signal(signal.SIGCONT)
        self.simulator.process.kill()
        self.assertIn(502, self.run_cases(CASES, 502))
        self.redis.process.kill()
        self.assertIn(503, self.run_cases(CASES, 503))

    def test_serves_the_document_itself(self):
        answer = self.send("get", "/openapi.json", {})
        self.assertEqual(answer.body.decode(), DOCUMENT.read_text())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
