"""Credentials for generated requests."""

import datetime
import os

import requests
import schemathesis


def token():
    """The token of a new session for every request, because some requests end it."""
    answer = requests.post(
        os.environ["SERVICE_URL"] + "/connect/sessions",
        headers={"authorization": "Bearer " + os.environ["SECRET_KEY"]},
        json={"end_user": {"id": "user_8412"}},
    )
    return answer.json()["data"]["token"]


@schemathesis.auth(refresh_interval=None).apply_to(
    path_regex="^/(connect/sessions|connections|integrations/)"
)
class SecretKey:
    def get(self, case, context):
        return os.environ["SECRET_KEY"]

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.auth(refresh_interval=None).apply_to(
    path_regex="^/(connect/session|connect/session/outcomes|integrations|providers|providers/.*)$"
)
class SessionToken:
    def get(self, case, context):
        return token()

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.auth(refresh_interval=None).apply_to(path_regex="^/(auth|api-auth|oauth2)/")
class SessionTokenInQuery:
    def get(self, case, context):
        return token()

    def set(self, case, data, context):
        case.query["connect_session_token"] = data


@schemathesis.hook.apply_to(path="/connect/telemetry")
def before_call(context, case, **kwargs):
    """Puts a valid token and the current time into a body that has them in the right form."""
    if isinstance(case.body, dict):
        if str(case.body.get("token")).startswith("nango_connect_session_"):
            case.body["token"] = token()
        if isinstance(case.body.get("timestamp"), str):
            case.body["timestamp"] = datetime.datetime.now(datetime.UTC).isoformat()
