"""Credentials for generated requests."""

import os

import requests
import schemathesis


class Bearer:
    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.auth(refresh_interval=None).apply_to(path_regex="^/connect/sessions")
class SecretKey(Bearer):
    def get(self, case, context):
        return os.environ["SECRET_KEY"]


@schemathesis.auth(refresh_interval=None).apply_to(path="/connect/session")
class FreshSession(Bearer):
    """A live session for every request, since some of them end it."""

    def get(self, case, context):
        answer = requests.post(
            os.environ["SERVICE_URL"] + "/connect/sessions",
            headers={"authorization": "Bearer " + os.environ["SECRET_KEY"]},
            json={"end_user": {"id": "user_8412"}},
        )
        return answer.json()["data"]["token"]
