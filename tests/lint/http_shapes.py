#!/usr/bin/env python3
"""The conformance table of docs/http-api.md, made of tests/e2e/http_shapes.json, which a test runs
against the real process. Without an argument: says whether the page agrees. --write: makes it so.
--corpus FOLDER: writes each request there, as a seed for the fuzz target."""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/http-api.md"
BEGIN = "<!-- made by tests/lint/http_shapes.py --write; not by hand -->\n"
END = "<!-- the end of what is made -->\n"


def code(text):
    shown = "".join(
        {"\r": "\\r", "\n": "\\n", "\t": "\\t"}.get(c, c if c.isprintable() else f"\\x{ord(c):02x}")
        for c in text
    ).replace("|", "\\|")
    if "`" not in shown:
        return f"`{shown}`"
    return f"`` {shown} ``"


def request(row):
    if "raw" in row:
        return code(row["raw"])
    lines = " ".join(code(line) for line in row["head"])
    return lines + (" body " + code(row["body"]) if row.get("body") else "")


def answer(row):
    parts = [str(row["status"])]
    if "answer" in row:
        parts.append(code(row["answer"]))
    if "detail" in row:
        parts.append(row["detail"].replace("|", "\\|"))
    parts += [code(f"{name}: {value}") for name, value in row.get("headers", {}).items()]
    if row.get("ends"):
        parts.append("*closed*")
    return " ".join(parts)


def table():
    groups = json.loads((ROOT / "tests/e2e/http_shapes.json").read_text())
    lines = [BEGIN]
    for group in groups:
        lines.append(f"\n**{group['group']}**\n\n| shape | request | answer |\n|---|---|---|\n")
        lines += [f"| {r['name']} | {request(r)} | {answer(r)} |\n" for r in group["shapes"]]
    return "".join(lines) + "\n" + END


def seed(row):
    text = row["raw"] if "raw" in row else "\r\n".join(row["head"]) + "\r\n\r\n" + row.get("body", "")
    text = re.sub(r"\{([^{}]*)\*(\d+)\}", lambda m: m[1] * int(m[2]), text)
    text = text.replace("{key}", "Authorization: Token {key value}")
    return b"\0" + text.replace("{api}", "/api/v1/oms/setup/webhooks/").encode()


def write_corpus(folder):
    groups = json.loads((ROOT / "tests/e2e/http_shapes.json").read_text())
    for number, row in enumerate(row for group in groups for row in group["shapes"]):
        (folder / f"shape_{number:03}").write_bytes(seed(row))


def main():
    if "--corpus" in sys.argv:
        write_corpus(pathlib.Path(sys.argv[2]))
        return
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    wanted = before + table() + after
    if "--write" in sys.argv:
        PAGE.write_text(wanted)
    elif wanted != page:
        sys.exit("docs/http-api.md does not show tests/e2e/http_shapes.json: tests/lint/http_shapes.py --write")


main()
