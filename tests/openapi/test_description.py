"""openapi.yaml against the running service: cases, examples and generated requests."""

import datetime
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.parse

import pytest
from openapi_spec_validator import validate

from description import (
    GATEWAY,
    NO_BODY,
    ROOT,
    SPEC,
    answer_examples,
    answer_problems,
    credentials,
    described_answers,
    operation,
    operations,
    parameters,
    problems,
    request_examples,
    request_schema,
)

HERE = pathlib.Path(__file__).parent


def lines(name):
    with (ROOT / "tests/contract" / name).open() as file:
        return [json.loads(line) for line in file]


DEVIATIONS = {
    deviation["name"]: deviation
    for deviation in lines("deviations.jsonl") + lines("deviations-flow.jsonl")
}


def cases(*names):
    """The recorded cases of described operations, with this project's answers."""
    for case in itertools.chain(*map(lines, names)):
        deviation = DEVIATIONS.get(case["name"], {})
        case |= {key: value for key, value in deviation.items() if key.startswith("expect_")}
        case["needs_own_environment"] = "given" in case and "clock" in case["given"] or bool(
            {"environment", "environment_after_setup", "after_ms"} & deviation.keys()
        )
        found = operation(case["method"], case["path"])
        if found and "cannot_arise" not in deviation:
            yield pytest.param(case, found[1], id=case["name"])


SESSIONS = list(cases("cases.jsonl"))
FLOW = list(cases("cases-flow.jsonl"))


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


def send(service, step, secret_key, token=""):
    now = datetime.datetime.now(datetime.UTC)
    values = {
        "token": TOKEN,
        "secret_key": secret_key,
        "secret_key_no_scope": service.keys["noScope"],
        "session_token": token,
        "now_iso": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "now_ms": str(int(now.timestamp() * 1000)),
    }
    step = fill(step, values)
    body = json.dumps(step["body"]) if "body" in step else step.get("body_raw")
    return service.request(
        step["method"],
        step["path"],
        # This client refuses blanks around a value, which servers strip anyway.
        headers={name: value.strip() for name, value in step.get("headers", {}).items()},
        data=body.encode() if body is not None else None,
    )


def replay(service, case, secret_key):
    """The answer to a case, after the requests of its setup."""
    token = ""
    for step in case.get("setup", []):
        answer = send(service, step, secret_key, token)
        token = token or answer.json()["data"]["token"]
    answer = send(service, case, secret_key, token)
    assert answer.status_code == case["expect_status"], answer.text


def test_the_description_is_valid():
    validate(SPEC)


# The routes that are not described on purpose, as (method, path), with the reason.
NOT_DESCRIBED = {
    ("GET", "/oauth/connect/{providerConfigKey}"): "a browser is sent there",
    ("HEAD", "/oauth/connect/{providerConfigKey}"): "the same",
    ("GET", "/oauth/callback"): "a provider sends a browser there",
    ("POST", "/oauth/callback"): "the same",
    ("GET", "/connect-ui/"): "a page",
    ("GET", "/connect-ui/{proxy+}"): "its parts",
    ("GET", "/images/template-logos/{file}"): "an image",
}


def test_every_route_is_described_and_nothing_else():
    template = (ROOT / "template.yaml").read_text()
    routes = re.findall(r"Method: ([A-Z]+), Path: ('[^']+'|[^}]+)\}", template)
    routes = {(method, path.strip("'")) for method, path in routes}
    assert len(routes) > 20
    described = {(method, path) for method, path, _ in operations()}
    assert described == routes - NOT_DESCRIBED.keys()


@pytest.mark.parametrize(("case", "described"), SESSIONS)
def test_request_and_answer_of_a_case_are_as_described(service, case, described):
    expected = case.get("expect_body")
    if expected is not None:
        assert not answer_problems(
            described, case["expect_status"], None, fill(expected, VALUES)
        )
    if case["expect_status"] == 201 and "body" in case:
        assert not problems(request_schema(described), case["body"])
    if not case["needs_own_environment"]:
        replay(service, case, service.secret_key)


@pytest.mark.parametrize(("case", "described"), FLOW)
def test_request_and_answer_of_a_flow_case_are_as_described(service, case, described):
    """`Service.request` compares the answers with the description. The replay in process compares
    them with the recording."""
    case = json.loads(service.provider.stand_in(json.dumps(case)))
    is_json = "json" in case.get("headers", {}).get("content-type", "")
    if case["expect_status"] in (200, 201) and "body" in case and is_json:
        assert not problems(request_schema(described), case["body"])
    if not case["needs_own_environment"]:
        replay(service, case, service.recorded_key)


def what_json_schema_cannot_say(errors):
    """Existence, hosts of URLs and the sum of merged tags are not matters of form."""
    messages = {error["message"].removesuffix(NOTE) for error in errors}
    return messages & {
        "Integration does not exist",
        "This webhook URL is not allowed.",
        "Webhook URLs cannot point to Nango's domain (nango.dev).",
        "Tags cannot contain more than 10 keys",
        "timestamp is more than 7200000ms away from the current time",
    }


NOTE = (
    ". Note: connection_config.webhook_url is deprecated; "
    "use top-level webhook_url_override instead."
)


@pytest.mark.parametrize(("case", "described"), SESSIONS + FLOW)
def test_the_schema_refuses_what_the_service_refuses(case, described):
    error = (case.get("expect_body") or {}).get("error", {})
    if "body" in case and error.get("code") == "invalid_body" and "errors" in error:
        refused = problems(request_schema(described), case["body"])
        assert refused or what_json_schema_cannot_say(error["errors"])


def minting_examples():
    for method, path, described in operations():
        if not path.startswith("/connect/sessions"):
            continue
        for name, body in request_examples(described).items():
            yield pytest.param(method, path, described, name, body, id=f"{method} {path} {name}")


def shape_of_session(minted):
    """An answer with a session, without the values that differ each time."""
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
    assert shape_of_session(answer.json()) == shape_of_session(minted[name]["value"])
    credential = {"authorization": "Bearer " + answer.json()["data"]["token"]}
    read = service.request("GET", "/connect/session", headers=credential)
    shown = {
        name: example["value"]
        for status, name, example in answer_examples(operation("GET", "/connect/session")[1])
        if status == 200
    }
    assert read.json() == shown[name]


def test_a_session_with_which_nothing_was_tried_has_no_outcomes(service):
    credential = {"authorization": "Bearer " + service.token()}
    answer = service.request("GET", "/connect/session/outcomes", headers=credential)
    assert answer.json() == {"data": []}


def test_an_answer_example_of_a_session_is_that_of_a_request_example():
    requested = set()
    for _, path, described in operations():
        if not path.startswith("/connect/sessions"):
            continue
        bodies = request_examples(described).keys()
        requested |= bodies
        minted = {name for status, name, _ in answer_examples(described) if status == 201}
        assert minted == bodies
    read = answer_examples(operation("GET", "/connect/session")[1])
    assert {name for status, name, _ in read if status == 200} == requested


# Described answers that the local server cannot be made to give. All others must occur.
NEVER_SEEN = {
    (404, "unknown_provider_template"): "provision keeps a provider that an integration uses",
    (429, GATEWAY): "API Gateway throttles; the local server does not",
    (429, NO_BODY): "likewise, to HEAD",
    (500, "server_error"): "no request leads there; tests/bootstraps lets a handler panic",
    (500, GATEWAY): "API Gateway's answer to a function that crashed or timed out",
    (500, NO_BODY): "likewise, to HEAD",
    (503, GATEWAY): "API Gateway's answer where no function can run",
}
# The example whose request is any valid one to a server that has lost its DynamoDB.
WITHOUT_DYNAMODB = "serviceUnavailable"


def padded(body, length):
    """The body with texts of that length, except those that choose something."""
    if isinstance(body, dict):
        kept = ("type", "provider_config_key")
        return {key: body[key] if key in kept else padded(body[key], length) for key in body}
    return "x" * length if isinstance(body, str) else body


def query_of(described):
    """The examples of an operation's parameters, as a query string."""
    pairs = []
    for parameter in parameters(described, "query"):
        name, example = parameter["name"], parameter.get("example")
        if isinstance(example, dict):
            pairs += [(f"{name}[{key}]", value) for key, value in example.items()]
        elif example is not None:
            pairs.append((name, example))
    return urllib.parse.urlencode(pairs)


def path_of(path, described, change):
    for parameter in parameters(described, "path"):
        name = parameter["name"]
        value = change.get("path", {}).get(name, parameter["example"])
        path = path.replace("{" + name + "}", urllib.parse.quote(value, safe=""))
    return path + change.get("pathSuffix", "")


def token_of(service, described, change, without_dynamodb):
    if without_dynamodb:
        return service.good_token
    session = change.get("session", {})
    if session == "deletedConnection":
        integration = parameters(described, "path")[0]["example"]
        return service.token_of_deleted_connection(integration)
    return service.token(**session)


def body_of(described, change, token, name):
    """The body as JSON text, or none: of the first example or of the one with the name."""
    examples = request_examples(described)
    example = examples.get(name, next(iter(examples.values()), None))
    if example and "token" in example:
        now = datetime.datetime.now(datetime.UTC).isoformat()
        example = example | {"token": token, "timestamp": now}
    body = change.get("body", example)
    if "bodyAdd" in change:
        body = example | change["bodyAdd"]
    if "bodyPad" in change:
        body = padded(body, change["bodyPad"])
    if "bodyBytes" in change:
        return " " * change["bodyBytes"]
    return change.get("bodyText", None if body is None else json.dumps(body))


def request_of_example(service, path, described, change, name="", without_dynamodb=False):
    """The request that `x-request` describes."""
    token = token_of(service, described, change, without_dynamodb)
    schemes = credentials(described)
    query = change.get("query", query_of(described))
    if "sessionTokenInQuery" in schemes:
        token_in_query = change.get("token", token)
        if token_in_query is not None:
            query = f"connect_session_token={token_in_query}&{query}"
    headers = {}
    if "credential" in change:
        headers["authorization"] = "Bearer " + service.keys[change["credential"]]
    elif "sessionToken" in schemes:
        headers["authorization"] = "Bearer " + token
    elif "secretKey" in schemes:
        headers["authorization"] = "Bearer " + service.secret_key
    text = body_of(described, change, token, name)
    if text is not None:
        headers["content-type"] = "application/json"
    headers |= change.get("headers", {})
    path = path_of(path, described, change)
    return path + ("?" + query if query else ""), {
        "headers": {name: value for name, value in headers.items() if value is not None},
        "data": text.encode() if text is not None else None,
    }


UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
MOMENT = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}(?=Z|\+00:00)"


def shape(answer, service):
    """An answer without the values that differ each time."""
    text = re.sub(MOMENT, "<moment>", json.dumps(answer))
    text = re.sub(UUID, "<uuid>", text.replace(service.url, "http://127.0.0.1:3003"))
    return json.loads(re.sub(r'"id": \d+', '"id": 0', text))


def success_examples():
    """The examples of successful answers. Those with sessions have a test of their own."""
    for method, path, described in operations():
        if not path.startswith("/connect/session"):
            for status, name, example in answer_examples(described):
                if status < 300:
                    id = f"{method} {path} {status} {name}"
                    yield pytest.param(method, path, described, status, name, example, id=id)


@pytest.mark.parametrize(
    ("method", "path", "described", "status", "name", "example"), list(success_examples())
)
def test_an_answer_example_is_what_its_request_gets(
    service, method, path, described, status, name, example
):
    # An earlier example may have changed or deleted it.
    service.import_connections()
    change = example.get("x-request", {})
    target, arguments = request_of_example(service, path, described, change, name)
    answer = service.request(method, target, **arguments)
    assert answer.status_code == status, answer.text
    assert shape(answer.json(), service) == shape(example["value"], service)


def request_examples_of_all():
    for method, path, described in operations():
        for name, body in request_examples(described).items():
            yield pytest.param(method, path, described, name, body, id=f"{method} {path} {name}")


@pytest.mark.parametrize(
    ("method", "path", "described", "name", "body"), list(request_examples_of_all())
)
def test_a_request_example_is_valid_and_succeeds(service, method, path, described, name, body):
    assert not problems(request_schema(described), body)
    service.import_connections()
    target, arguments = request_of_example(service, path, described, {}, name)
    answer = service.request(method, target, **arguments)
    succeeds = any(status.startswith("2") for status in described["responses"])
    assert answer.ok == succeeds, answer.text


def refusal_examples():
    """The examples of errors. HEAD has none of its own: it answers as GET does, without a body."""
    for method, path, described in operations():
        described = operation("GET", path)[1] if method == "HEAD" else described
        for status, name, example in answer_examples(described):
            if status >= 300:
                id = f"{method} {path} {status} {name}"
                yield pytest.param(method, path, described, status, example, id=id)


@pytest.mark.parametrize(
    ("method", "path", "described", "status", "example"), list(refusal_examples())
)
def test_a_refusal_example_is_what_its_request_gets(
    service, service_without_dynamodb, request, method, path, described, status, example
):
    code = example["value"].get("error", {}).get("code", GATEWAY)
    if (status, code) in NEVER_SEEN:
        assert "x-request" not in example
        return
    change, at = example.get("x-request"), service
    is_without_dynamodb = request.node.callspec.id.endswith(WITHOUT_DYNAMODB)
    if is_without_dynamodb:
        change, at = {}, service_without_dynamodb
    assert change is not None, "the example says what to ask, or NEVER_SEEN why nobody can"
    target, arguments = request_of_example(
        at, path, described, change, without_dynamodb=is_without_dynamodb
    )
    answer = at.request(method, target, of=path, **arguments)
    assert answer.status_code == status, answer.text
    if method == "HEAD":
        assert answer.content == b""
    else:
        assert shape(answer.json(), at) == shape(example["value"], at)


def test_a_session_can_be_asked_for_and_ended(service):
    headers = {"authorization": "Bearer " + service.token()}
    for method, status in [("HEAD", 200), ("GET", 200), ("DELETE", 204), ("HEAD", 401)]:
        answer = service.request(method, "/connect/session", headers=headers)
        assert answer.status_code == status


def test_every_described_answer_was_seen(service, service_without_dynamodb):
    """This test comes last, because it is about all tests above. `Service.request` checks that each
    answer is described; this test checks that each described answer was given."""
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
    print(run.stdout[-20000:], run.stderr[-2000:])
    assert run.returncode == 0
