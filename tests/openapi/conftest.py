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

from description import ROOT, answer_problems, code_of, operation

LOCAL = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "local"
INTEGRATIONS = ["github", "slack", "my integration", "hubspot", "a"]


class Service:
    """A running server: its URL, the credentials that open it, and what it has answered."""

    def __init__(self, folder, *arguments):
        self.secret_key = str(uuid.uuid4())
        self.secret_key_no_scope = str(uuid.uuid4())
        self.secret_key_no_docs = str(uuid.uuid4())
        # Method, path, status and code of each answer to a described operation.
        self.seen = set()
        file = folder / "environment.json"
        file.write_text(json.dumps(self.document()))
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
        # Its log goes on: somebody must read it, or the server waits for a full pipe.
        self.reader = subprocess.Popen(["cat"], stdin=self.process.stdout, stdout=self.log)

    def document(self):
        common = {
            "integrations": [{"unique_key": key, "provider": "unauthenticated"} for key in INTEGRATIONS],
            "connections": [{"connection_id": "conn-1", "integration_id": "github"}],
        }
        keys = [
            {"name": "server", "secret": self.secret_key},
            {"name": "no scope", "secret": self.secret_key_no_scope, "scopes": []},
        ]
        no_docs = [{"name": "server", "secret": self.secret_key_no_docs}]
        return {
            "environments": [
                {"name": "dev", "secret_keys": keys, **common},
                {
                    "name": "no docs",
                    "secret_keys": no_docs,
                    "allow_docs_connect_override": False,
                    **common,
                },
            ]
        }

    def request(self, method, path, **arguments):
        """An answer, which must be as described wherever the operation is."""
        answer = requests.request(method, self.url + path, **arguments)
        path = path.split("?")[0]
        found = operation(method, path)
        if found:
            body = answer.json() if answer.content else None
            described = answer_problems(found, answer.status_code, answer.headers, body)
            assert not described, (method, path, answer.status_code, answer.text, described)
            self.seen.add((method, path, answer.status_code, code_of(body)))
        return answer

    def mint(self, path, body):
        """The answer to a request for a session."""
        credential = {"authorization": f"Bearer {self.secret_key}"}
        return self.request("POST", path, headers=credential, json=body)

    def token(self):
        """That of a new session."""
        return self.mint("/connect/sessions", {"tags": {}}).json()["data"]["token"]

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.reader.wait()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    running = Service(tmp_path_factory.mktemp("service"), "--in-memory")
    yield running
    running.stop()


@pytest.fixture(scope="session")
def service_without_dynamodb(tmp_path_factory):
    """A server whose tables were on another one, which is gone, and a token that was good."""
    folder = tmp_path_factory.mktemp("engine")
    port = free_port()
    engine = Service(folder, "--in-memory", "--engine", f"127.0.0.1:{port}")
    folder = tmp_path_factory.mktemp("without")
    running = Service(folder, "--dynamodb", f"http://127.0.0.1:{port}")
    running.good_token = running.token()
    engine.stop()
    yield running
    running.stop()
