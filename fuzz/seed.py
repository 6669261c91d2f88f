#!/usr/bin/env python3
"""Writes the recorded cases as inputs of the fuzz target, and their words as its dictionary."""

import json
import pathlib
import re

HERE = pathlib.Path(__file__).parent
CASES = HERE.parent / "tests" / "contract" / "cases.jsonl"
CORPUS = HERE / "corpus" / "answer"
DICTIONARY = HERE / "corpus" / "answer.dict"

# The order of `local::gateway::ROUTES`.
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


def input_of(case):
    """The input that stands for a case; none for a route that no function answers."""
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
    quoted = ("".join(c if c not in '\\"' else "\\" + c for c in word) for word in sorted(words))
    DICTIONARY.write_text("".join(f'"{word}"\n' for word in quoted if word.isascii()))
    print(f"{seeds} seeds, {len(words)} words")


main()
