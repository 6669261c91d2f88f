"""The built local server, with the environment that the recorded cases and the examples assume."""

import json
import os
import pathlib
import re
import subprocess
import uuid

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOCAL = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug" / "local"


class Service:
    """A running server: its URL, and the credentials that open it."""

    def __init__(self, folder):
        self.secret_key = str(uuid.uuid4())
        self.secret_key_no_scope = str(uuid.uuid4())
        keys = ["github", "slack", "my integration", "hubspot", "a"]
        document = {
            "environments": [
                {
                    "name": "dev",
                    "secret_keys": [
                        {"name": "server", "secret": self.secret_key},
                        {"name": "no scope", "secret": self.secret_key_no_scope, "scopes": []},
                    ],
                    "integrations": [{"unique_key": key, "provider": key} for key in keys],
                    "connections": [{"connection_id": "conn-1", "integration_id": "github"}],
                }
            ]
        }
        environment = folder / "environment.json"
        environment.write_text(json.dumps(document))
        self.log = (folder / "local.log").open("w+")
        self.process = subprocess.Popen(
            [LOCAL, "--in-memory", "--listen", "127.0.0.1:0"]
            + ["--environment", environment],
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

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.reader.wait()


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    running = Service(tmp_path_factory.mktemp("service"))
    yield running
    running.stop()
