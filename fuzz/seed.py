#!/usr/bin/env python3
"""Writes the recorded cases as the corpus of the fuzz target, and their words as its dictionary."""

import json
import pathlib
import re

HERE = pathlib.Path(__file__).parent
CASES = HERE.parent / "tests" / "contract" / "cases.jsonl"
CORPUS = HERE / "corpus" / "answer"
DICTIONARY = HERE / "corpus" / "answer.dict"

# The order of `local::routes::ROUTES`.
ROUTES = [
    "POST /connect/sessions",
    "POST /connect/sessions/reconnect",
    "GET /connect/session",
    "HEAD /connect/session",
    "DELETE /connect/session",
]
CREDENTIALS = {
    "{{secret_key}}": "{key}",
    "{{secret_key_no_scope}}": "{key_no_scope}",
    "{{session_token}}": "{token}",
}


# Requests of browsers: the number of the route, as in `local::routes::ROUTES`, and the input.
BROWSERS = {
    6: [
        "connect_session_token={token}\npath: oauth\naccept: text/html",
        "connect_session_token={token}&params[a]=b&ws_client_id=w\npath: oauth",
        "connect_session_token={token}\npath: github\naccept: text/html",
        "connect_session_token=x\npath: oauth\naccept: text/html",
    ],
    7: ["connect_session_token={token}\npath: oauth"],
    8: [
        "state=" + "A" * 43 + "&code=c\ncookie: a=b",
        "error=access_denied&error_description=%3Cscript%3E&state=x",
        "installation_id=1&setup_action=install",
    ],
    9: ["\ncontent-type: application/x-www-form-urlencoded\n\nstate=x&code=c"],
    26: ["session_token={token}\naccept-language: de", "\naccept-encoding: gzip"],
    27: ["\npath: 0/app.js", "\npath: 0/style.css", "of=github,a\npath: logos", "\npath: x"],
    28: ["\npath: github.svg", "\npath: <a>"],
}


def input_of(case):
    """The input for a case; none if no function answers its route."""
    path, _, query = case["path"].partition("?")
    route = f"{case['method']} {path}"
    if route not in ROUTES:
        return None
    lines = [str(ROUTES.index(route)) + query]
    body = case.get("body_raw")
    if body is None and "body" in case:
        body = json.dumps(case["body"], ensure_ascii=False)
    headers = dict(case.get("headers", {}))
    if body is not None or case["method"] == "POST":
        headers.setdefault("content-length", str(len((body or "").encode("utf-8", "surrogatepass"))))
    for name, value in headers.items():
        for placeholder, short in CREDENTIALS.items():
            value = value.replace(placeholder, short)
        lines.append(f"{name}: {value}")
    return ("\n".join(lines) + "\n\n" + (body or "")).encode("utf-8", "surrogatepass")


def main():
    CORPUS.mkdir(parents=True, exist_ok=True)
    words = {'"__proto__":', "application/json", "Bearer ", "{key}", "{token}", "content-encoding: "}
    seeds = 0
    for number, line in enumerate(CASES.read_text("utf-8").splitlines()):
        case = json.loads(line)
        steps = [("", case)] + [(f"-{n}", step) for n, step in enumerate(case.get("setup", []))]
        for suffix, step in steps:
            seed = input_of(step)
            if seed is None:
                continue
            (CORPUS / f"case-{number:03}{suffix}").write_bytes(seed)
            seeds += 1
            text = seed.decode("utf-8", "replace")
            words.update(re.findall(r'"[a-z_A-Z]{2,30}":', text))
            words.update(re.findall(r"https?://[!-~]{3,40}?(?=[\"/])", text))
    for route, requests in BROWSERS.items():
        for number, request in enumerate(requests):
            text = "0123456789abcdefghijklmnopqrstuvwxyz"[route] + request
            (CORPUS / f"browser-{route}-{number}").write_text(text, "utf-8")
            seeds += 1
    quoted = ("".join(c if c not in '\\"' else "\\" + c for c in word) for word in sorted(words))
    DICTIONARY.write_text("".join(f'"{word}"\n' for word in quoted if word.isascii()))
    print(f"{seeds} seeds, {len(words)} words")


main()
