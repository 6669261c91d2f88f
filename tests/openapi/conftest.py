"""The built local server, with the environments that the recorded cases and the examples assume."""

import json
import os
import pathlib
import re
import socket
import subprocess
import uuid

import pytest
import requests

import environments
from description import ROOT, answer_problems, code_of, operation, request_examples

BUILT = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"
LOCAL = BUILT / "local"


class Provider:
    """The provider and the receiver of webhooks that the recorded cases and the examples assume."""

    def __init__(self):
        self.process = subprocess.Popen(
            [BUILT / "examples" / "provider"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port, self.webhooks = self.process.stdout.readline().split()
        self.url = f"http://127.0.0.1:{self.port}"

    def stand_in(self, recorded):
        """A recorded text with the ports of the recording replaced by these."""
        return recorded.replace(":45001", f":{self.port}").replace(":45002", f":{self.webhooks}")

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


class Service:
    """A running server: its URL, credentials for it, and the answers that it has given."""

    def __init__(self, folder, provider, *arguments, is_empty=False):
        self.keys = {
            name: str(uuid.uuid4()) for name in ["server", "noScope", "noDocs", "readOnly"]
        }
        self.secret_key = self.keys["server"]
        self.provider = provider
        # Method, path, status and code of each answer to a described operation.
        self.seen = set()
        document = environments.document(self.keys, provider.stand_in, provider.url)
        # The key of the environment of the recorded flow cases.
        self.recorded_key = next(
            environment["secret_keys"][0]["secret"]
            for environment in document["environments"]
            if environment["name"] == "recorded dev"
        )
        file = folder / "environment.json"
        file.write_text(json.dumps({"environments": []} if is_empty else document))
        self.log = (folder / "local.log").open("w+")
        self.process = subprocess.Popen(
            [LOCAL, "--listen", "127.0.0.1:0", "--environment", file, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.url = None
        for line in self.process.stdout:
            found = re.match(r"\s+url\s+(http://\S+)", line)
            self.url = found.group(1) if found else self.url
            if line.startswith("Ctrl-C"):
                break
        assert self.url, "the server starts"
        # The log must be read, or the server blocks on a full pipe.
        self.reader = subprocess.Popen(["cat"], stdin=self.process.stdout, stdout=self.log)

    def request(self, method, target, of=None, **arguments):
        """Sends a request. If its operation is described (at the path `of`, or else at its own), the
        answer must be as described."""
        answer = requests.request(method, self.url + target, **arguments)
        found = operation(method, of or target)
        if found:
            path, described = found
            body = answer.json() if answer.content else None
            problems = answer_problems(described, answer.status_code, answer.headers, body)
            assert not problems, (method, path, answer.status_code, answer.text, problems)
            self.seen.add((method, path, answer.status_code, code_of(body)))
        return answer

    def mint(self, path, body):
        """Requests a session, and returns the answer."""
        credential = {"authorization": f"Bearer {self.secret_key}"}
        return self.request("POST", path, headers=credential, json=body)

    def token(self, **more):
        """The token of a new session; `more` has further fields of its request."""
        return self.mint("/connect/sessions", {"tags": {}} | more).json()["data"]["token"]

    def import_connections(self):
        """Makes the connections that the examples assume, including that of the first example of an
        import."""
        _, described = operation("POST", "/connections")
        body = next(iter(request_examples(described).values()))
        credential = {"authorization": f"Bearer {self.secret_key}"}
        # One with an expired token, whose refresh token the provider refuses.
        ended = {
            "provider_config_key": "calendar",
            "connection_id": "conn-ended",
            "credentials": {
                "type": "OAUTH2",
                "access_token": "ended",
                "refresh_token": "fail400",
                "expires_at": "2020-01-01T00:00:00.000Z",
            },
        }
        for body in (body, ended):
            answer = self.request("POST", "/connections", headers=credential, json=body)
            assert answer.status_code == 201, answer.text

    def token_of_deleted_connection(self, integration):
        """The token of a session that reconnects a connection which was deleted afterwards."""
        body = {"connection_id": "conn-gone", "integration_id": integration}
        token = self.mint("/connect/sessions/reconnect", body).json()["data"]["token"]
        answer = self.request(
            "DELETE",
            f"/connections/conn-gone?provider_config_key={integration}",
            headers={"authorization": f"Bearer {self.secret_key}"},
        )
        assert answer.status_code == 200, answer.text
        return token

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.reader.wait()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="session")
def provider():
    running = Provider()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def service(tmp_path_factory, provider):
    running = Service(tmp_path_factory.mktemp("service"), provider, "--in-memory")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def service_without_dynamodb(tmp_path_factory, provider):
    """A server that has lost its DynamoDB, and a token that was valid."""
    folder = tmp_path_factory.mktemp("engine")
    port = free_port()
    # Without secrets, because each server has a KMS key of its own.
    engine = Service(
        folder, provider, "--in-memory", "--engine", f"127.0.0.1:{port}", is_empty=True
    )
    folder = tmp_path_factory.mktemp("without")
    running = Service(folder, provider, "--dynamodb", f"http://127.0.0.1:{port}")
    running.good_token = running.token()
    engine.stop()
    yield running
    running.stop()
