"""openapi.yaml against the running service: cases, examples and generated requests."""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
from openapi_spec_validator import validate

from description import (
    GATEWAY,
    NO_BODY,
    ROOT,
    SPEC,
    answer_examples,
    answer_problems,
    described_answers,
    operation,
    operations,
    problems,
    request_examples,
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
    return service.request(
        step["method"],
        step["path"],
        # This client refuses blanks around a value, which servers take off anyway.
        headers={
            name: value.strip() for name, value in fill(step.get("headers", {}), values).items()
        },
        data=body.encode() if body is not None else None,
    )


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


def minting_examples():
    for method, path, described in operations():
        for name, body in request_examples(described).items():
            yield pytest.param(method, path, described, name, body, id=f"{method} {path} {name}")


def shape(minted):
    """An answer with a session, without what is another one each time."""
    data = minted["data"]
    assert data["connect_link"].endswith("/?session_token=" + data["token"])
    return {key: re.sub("[0-9a-f]", "0", data[key]) for key in ["token", "expires_at"]}


@pytest.mark.parametrize(("method", "path", "described", "name", "body"), list(minting_examples()))
def test_a_request_example_is_answered_as_its_answer_examples_say(
    service, method, path, described, name, body
):
    assert not problems(request_schema(described), body)
    answer = service.mint(path, body)
    assert answer.status_code == 201, answer.text
    minted = {name: example for status, name, example in answer_examples(described) if status == 201}
    assert shape(answer.json()) == shape(minted[name]["value"])
    credential = {"authorization": "Bearer " + answer.json()["data"]["token"]}
    read = service.request("GET", "/connect/session", headers=credential)
    shown = {
        name: example["value"]
        for status, name, example in answer_examples(operation("GET", "/connect/session"))
        if status == 200
    }
    assert read.json() == shown[name]


def test_an_answer_example_of_a_session_is_that_of_a_request_example():
    requested = set()
    for _, _, described in operations():
        bodies = request_examples(described).keys()
        requested |= bodies
        minted = {name for status, name, _ in answer_examples(described) if status == 201}
        assert minted == bodies
    read = answer_examples(operation("GET", "/connect/session"))
    assert {name for status, name, _ in read if status == 200} == requested


# Answers that the local server cannot be brought to give. Whatever else is described is seen.
NEVER_SEEN = {
    (429, GATEWAY): "API Gateway throttles; the local server does not",
    (429, NO_BODY): "likewise, to HEAD",
    (500, "server_error"): "no request leads there; tests/bootstraps lets a handler panic",
    (500, GATEWAY): "API Gateway's answer to a function that crashed or timed out",
    (500, NO_BODY): "likewise, to HEAD",
    (503, GATEWAY): "API Gateway's answer where no function can run",
}
# The example whose request is any good one, at a server that has lost DynamoDB.
WITHOUT_DYNAMODB = "serviceUnavailable"


def refusal_examples():
    """The examples of errors; HEAD has none of its own and answers as GET, without the body."""
    for method, path, described in operations():
        described = operation("GET", path) if method == "HEAD" else described
        for status, name, example in answer_examples(described):
            if status >= 300:
                name = f"{method} {path} {status} {name}"
                yield pytest.param(method, path, status, example, id=name)


def request_of_example(service, method, path, change, token):
    """The request that `x-request` describes."""
    first = next(iter(request_examples(operation(method, path)).values()), None)
    body = change.get("body", first)
    if "bodyAdd" in change:
        body = first | change["bodyAdd"]
    text = json.dumps(body) if body is not None else None
    if "bodyBytes" in change:
        text = " " * change["bodyBytes"]
    text = change.get("bodyText", text)
    keys = {"noScope": service.secret_key_no_scope, "noDocs": service.secret_key_no_docs}
    usual = service.secret_key if method == "POST" else token
    headers = {"authorization": "Bearer " + keys.get(change.get("credential"), usual)}
    if text is not None:
        headers["content-type"] = "application/json"
    headers |= change.get("headers", {})
    return {
        "headers": {name: value for name, value in headers.items() if value is not None},
        "params": change.get("query"),
        "data": text.encode() if text is not None else None,
    }


@pytest.mark.parametrize(("method", "path", "status", "example"), list(refusal_examples()))
def test_a_refusal_example_is_what_its_request_gets(
    service, service_without_dynamodb, request, method, path, status, example
):
    code = example["value"].get("error", {}).get("code", GATEWAY)
    if (status, code) in NEVER_SEEN:
        assert "x-request" not in example
        return
    change, token, at = example.get("x-request"), None, service
    if request.node.callspec.id.endswith(WITHOUT_DYNAMODB):
        change, token, at = {}, service_without_dynamodb.good_token, service_without_dynamodb
    assert change is not None, "the example says what to ask, or NEVER_SEEN why nobody can"
    token = token or at.token()
    answer = at.request(method, path, **request_of_example(at, method, path, change, token))
    assert answer.status_code == status, answer.text
    if method == "HEAD":
        assert answer.content == b""
    else:
        assert answer.json() == example["value"]


def test_a_session_can_be_asked_for_and_ended(service):
    headers = {"authorization": "Bearer " + service.token()}
    for method, status in [("HEAD", 200), ("GET", 200), ("DELETE", 204), ("HEAD", 401)]:
        answer = service.request(method, "/connect/session", headers=headers)
        assert answer.status_code == status


def test_every_described_answer_was_seen(service, service_without_dynamodb):
    """Of all the tests above, so it comes after them. `Service.request` sees that each answer is
    described; this sees that each that is described was given."""
    seen = service.seen | service_without_dynamodb.seen
    missing = set(described_answers()) - seen
    without_reason = {answer for answer in missing if answer[2:] not in NEVER_SEEN}
    assert not without_reason
    assert {answer[2:] for answer in missing} == NEVER_SEEN.keys(), "a reason that is none"
    print(*sorted(seen), sep="\n")


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
