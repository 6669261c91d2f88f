"""openapi.yaml against the running service: cases, examples and generated requests."""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
import requests
from openapi_spec_validator import validate

from description import (
    ROOT,
    SPEC,
    answer_examples,
    answer_problems,
    operation,
    operations,
    problems,
    request_schema,
)

HERE = pathlib.Path(__file__).parent


def lines(name):
    with (ROOT / "tests/contract" / name).open() as file:
        return [json.loads(line) for line in file]


DEVIATIONS = {deviation["name"]: deviation for deviation in lines("deviations.jsonl")}


def cases():
    """The recorded cases of described operations that can arise, as this project answers them."""
    for case in lines("cases.jsonl"):
        deviation = DEVIATIONS.get(case["name"], {})
        case |= {key: value for key, value in deviation.items() if key.startswith("expect_")}
        case["needs_own_environment"] = bool(
            {"environment", "environment_after_setup", "after_ms"} & deviation.keys()
        )
        described = operation(case["method"], case["path"].split("?")[0])
        if described and "cannot_arise" not in deviation:
            yield pytest.param(case, described, id=case["name"])


def fill(value, values):
    """`value` with its placeholders filled in."""
    text = json.dumps(value)
    for name, content in values.items():
        text = text.replace("{{" + name + "}}", content)
    text = re.sub(r'"\{\{re:[^"]*\}\}"', json.dumps(values["token"]), text)
    return json.loads(text)


TOKEN = "nango_connect_session_" + "0a" * 32
VALUES = {
    "token": TOKEN,
    "connect_base": "http://localhost:3009/",
    "iso_ms_utc:now+30m": "2026-11-22T13:08:27.690Z",
}


def send(service, step, token=""):
    values = {
        "token": TOKEN,
        "secret_key": service.secret_key,
        "secret_key_no_scope": service.secret_key_no_scope,
        "session_token": token,
    }
    body = json.dumps(step["body"]) if "body" in step else step.get("body_raw")
    return requests.request(
        step["method"],
        service.url + step["path"],
        # This client refuses blanks around a value, which servers take off anyway.
        headers={
            name: value.strip() for name, value in fill(step.get("headers", {}), values).items()
        },
        data=body.encode() if body is not None else None,
    )


def body_of(answer):
    return answer.json() if answer.content else None


def test_the_description_is_valid():
    validate(SPEC)


@pytest.mark.parametrize(("case", "described"), list(cases()))
def test_request_and_answer_of_a_case_are_as_described(service, case, described):
    expected = case.get("expect_body")
    if expected is not None:
        assert not answer_problems(
            described, case["expect_status"], None, fill(expected, VALUES)
        )
    if case["expect_status"] == 201 and "body" in case:
        assert not problems(request_schema(described), case["body"])
    if case["needs_own_environment"]:
        return
    setup = [send(service, step) for step in case.get("setup", [])[:1]]
    token = setup[0].json()["data"]["token"] if setup else ""
    for step in case.get("setup", [])[1:]:
        send(service, step, token)
    answer = send(service, case, token)
    assert answer.status_code == case["expect_status"], answer.text
    assert not answer_problems(described, answer.status_code, answer.headers, body_of(answer))


def what_json_schema_cannot_say(errors):
    """Existence, hosts of URLs and the sum of merged tags are not matters of form."""
    messages = {error["message"].removesuffix(NOTE) for error in errors}
    return messages & {
        "Integration does not exist",
        "This webhook URL is not allowed.",
        "Webhook URLs cannot point to Nango's domain (nango.dev).",
        "Tags cannot contain more than 10 keys",
    }


NOTE = (
    ". Note: connection_config.webhook_url is deprecated; "
    "use top-level webhook_url_override instead."
)


@pytest.mark.parametrize(("case", "described"), list(cases()))
def test_the_schema_refuses_what_the_service_refuses(case, described):
    error = (case.get("expect_body") or {}).get("error", {})
    if "body" in case and error.get("code") == "invalid_body" and "errors" in error:
        refused = problems(request_schema(described), case["body"])
        assert refused or what_json_schema_cannot_say(error["errors"])


def request_examples():
    for method, path, described in operations():
        for name, example in (
            described.get("requestBody", {})
            .get("content", {})
            .get("application/json", {})
            .get("examples", {})
            .items()
        ):
            yield pytest.param(method, path, described, name, example["value"], id=name)


def mint(service, path, body):
    return requests.post(
        service.url + path,
        headers={"authorization": f"Bearer {service.secret_key}"},
        json=body,
    )


@pytest.mark.parametrize(("method", "path", "described", "name", "body"), list(request_examples()))
def test_a_request_example_is_answered_as_its_answer_examples_say(
    service, method, path, described, name, body
):
    assert not problems(request_schema(described), body)
    answer = mint(service, path, body)
    assert answer.status_code == 201, answer.text
    assert not answer_problems(described, 201, answer.headers, answer.json())
    token = answer.json()["data"]["token"]
    read = requests.get(
        service.url + "/connect/session", headers={"authorization": f"Bearer {token}"}
    )
    shown = {
        example_name: example["value"]
        for status, example_name, example in answer_examples(operation("GET", "/connect/session"))
        if status == 200
    }
    assert read.json() == shown[name]


def refusal_examples():
    for method, path, described in operations():
        first = next(
            iter(
                described.get("requestBody", {})
                .get("content", {})
                .get("application/json", {})
                .get("examples", {})
                .values()
            ),
            {},
        ).get("value")
        for status, name, example in answer_examples(described):
            if "x-request" in example:
                yield pytest.param(
                    method, path, first, status, example, id=f"{method} {path} {status} {name}"
                )


@pytest.mark.parametrize(("method", "path", "first", "status", "example"), list(refusal_examples()))
def test_a_refusal_example_is_what_its_request_gets(service, method, path, first, status, example):
    change = example["x-request"]
    token = mint(service, "/connect/sessions", {"tags": {}}).json()["data"]["token"]
    credential = service.secret_key if method == "POST" else token
    body = json.dumps(change.get("body", first)) if first or "body" in change else None
    body = change.get("bodyText", body)
    headers = {"authorization": f"Bearer {credential}"}
    if body is not None:
        headers["content-type"] = "application/json"
    headers |= change.get("headers", {})
    answer = requests.request(
        method,
        service.url + path + ("?" + change["query"] if "query" in change else ""),
        headers={name: value for name, value in headers.items() if value is not None},
        data=body.encode() if body is not None else None,
    )
    assert answer.status_code == status, answer.text
    assert answer.json() == example["value"]


def test_every_described_answer_but_failures_has_an_executed_example():
    executed = {param.id.split(" ")[2] for param in refusal_examples()}
    assert executed >= {"400", "401", "415"}


def test_generated_requests_find_no_difference(service, tmp_path):
    config = (HERE / "schemathesis.toml").read_text()
    (tmp_path / "schemathesis.toml").write_text(
        config.replace("<hooks>", str(HERE / "hooks.py"))
    )
    run = subprocess.run(
        [pathlib.Path(sys.executable).with_name("schemathesis")]
        + ["--config-file", tmp_path / "schemathesis.toml"]
        + ["run", ROOT / "openapi.yaml", "--url", service.url],
        capture_output=True,
        text=True,
        env=os.environ
        | {"NO_COLOR": "1", "SERVICE_URL": service.url, "SECRET_KEY": service.secret_key},
        cwd=tmp_path,
    )
    print(run.stdout[-4000:], run.stderr[-2000:])
    assert run.returncode == 0
