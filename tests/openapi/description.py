"""openapi.yaml, and the checks of requests and answers against it."""

import pathlib
import re

import yaml
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPEC = yaml.safe_load((ROOT / "openapi.yaml").read_text())
URI = "urn:openapi"
REGISTRY = Registry().with_resource(URI, Resource(contents=SPEC, specification=DRAFT202012))


def resolve(value):
    """The object that a reference names."""
    while "$ref" in value:
        target = SPEC
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        value = target
    return value


def absolute(value):
    """A schema whose references can be resolved outside of the document."""
    if isinstance(value, dict):
        return {
            key: URI + item if key == "$ref" and item.startswith("#") else absolute(item)
            for key, item in value.items()
        }
    return [absolute(item) for item in value] if isinstance(value, list) else value


def problems(schema, value):
    """Where `value` breaks `schema`."""
    validator = OAS31Validator(
        absolute(schema), registry=REGISTRY, format_checker=oas31_format_checker
    )
    return [f"{list(error.absolute_path)} {error.message}" for error in validator.iter_errors(value)]


def operation(method, path):
    """The described path that matches a request's path, and its operation."""
    path = path.split("?")[0]
    # A path without parameters takes precedence over one with parameters.
    for template in sorted(SPEC["paths"], key=lambda template: "{" in template):
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path) and method.lower() in SPEC["paths"][template]:
            return template, SPEC["paths"][template][method.lower()]
    return None


def operations():
    for path, item in SPEC["paths"].items():
        for method, found in item.items():
            yield method.upper(), path, found


def parameters(found, place):
    """The parameters of an operation in the path or in the query."""
    return [
        parameter
        for parameter in map(resolve, found.get("parameters", []))
        if parameter["in"] == place
    ]


def credentials(found):
    """The names of the security schemes of an operation."""
    return [name for scheme in found["security"] for name in scheme]


def request_schema(found):
    return found["requestBody"]["content"]["application/json"]["schema"]


def answer_problems(found, status, headers, body):
    """The differences between an answer and its description; `body` is None without a body."""
    if str(status) not in found["responses"]:
        return [f"status {status} is not described"]
    answer = resolve(found["responses"][str(status)])
    missing = [
        f"header {name} is missing"
        for name, header in answer.get("headers", {}).items()
        if headers is not None and resolve(header).get("required") and name not in headers
    ]
    content = answer.get("content")
    if content is None:
        return missing + ([] if body is None else ["there is a body"])
    return missing + problems(content["application/json"]["schema"], body)


def answer_examples(found):
    """Each example of an answer: status, name, example."""
    for status, answer in found["responses"].items():
        for media in resolve(answer).get("content", {}).values():
            for name, example in media.get("examples", {}).items():
                yield int(status), name, resolve(example)


def request_examples(found):
    """The examples of a request's body, by name; none if it has no body."""
    content = found.get("requestBody", {}).get("content", {})
    examples = content.get("application/json", {}).get("examples", {})
    return {name: example["value"] for name, example in examples.items()}


# Replaces the code of an answer that has none.
NO_BODY = "no body"
SUCCESS = "success"
GATEWAY = "a message of API Gateway"


def code_of(body):
    """The code of an error, or the kind of another answer."""
    if body is None:
        return NO_BODY
    if "error" in body:
        return body["error"]["code"]
    return GATEWAY if "message" in body else SUCCESS


def codes_of_schema(schema):
    """Each code that an answer of this schema may have."""
    schema = resolve(schema)
    if "oneOf" in schema:
        return set().union(*map(codes_of_schema, schema["oneOf"]))
    properties = schema["properties"]
    if "error" not in properties:
        return {GATEWAY if "message" in properties else SUCCESS}
    code = resolve(properties["error"])["properties"]["code"]
    return {code["const"]} if "const" in code else set(code["enum"])


def described_answers():
    """Each answer that some operation may give: method, path, status, code."""
    for method, path, found in operations():
        for status, answer in found["responses"].items():
            content = resolve(answer).get("content")
            if content is None:
                yield method, path, int(status), NO_BODY
                continue
            for code in codes_of_schema(content["application/json"]["schema"]):
                yield method, path, int(status), code
