"""The environments that the recorded cases and the examples of openapi.yaml assume."""

import json

from description import ROOT

# The integrations of the recorded cases of sessions.
PLAIN = ["github", "slack", "my integration", "hubspot", "a"]


def text(title, description, **more):
    return {"type": "string", "title": title, "description": description} | more


def examples(provider):
    """An integration of each auth mode, whose provider is at `provider`. Each needs a `subdomain`,
    and verifies credentials at a path that contains it."""
    at = provider + "/${connectionConfig.subdomain}"

    def api(**headers):
        verification = {"method": "GET", "endpoints": ["/verify"]}
        return {"base_url": at, "headers": headers, "verification": verification}

    templates = {
        "mailer": {
            "display_name": "Mailer",
            "categories": ["communication"],
            "auth_mode": "API_KEY",
            "docs": "https://docs.example.com/mailer",
            "credentials": {
                "apiKey": text("API key", "From the settings of your account", secret=True)
            },
            "connection_config": {
                "subdomain": text("Subdomain", "The first part of your address")
            },
            "proxy": api(authorization="Bearer ${apiKey}"),
        },
        "wiki": {"auth_mode": "BASIC", "proxy": api()},
        "warehouse": {
            "auth_mode": "OAUTH2_CC",
            "token_url": at + "/cc-token",
            "token_params": {"grant_type": "client_credentials"},
        },
        "blog": {
            "auth_mode": "JWT",
            "signature": {"protocol": "HMAC"},
            "token": {
                "signing_key": "${credentials.privateKey.secret}",
                "expires_in_ms": 300000,
                "header": {"alg": "HS256", "kid": "${credentials.privateKey.id}"},
                "payload": {"aud": "/admin/"},
            },
            "proxy": api(authorization="Ghost ${accessToken}"),
        },
        "bank": {
            "auth_mode": "TWO_STEP",
            "token_url": at + "/twostep-token",
            "token_params": {"user": "${credentials.username}", "pass": "${credentials.password}"},
            "token_response": {"token": "data.jwt"},
            "proxy": api(authorization="Bearer ${accessToken}"),
        },
        "erp": {"auth_mode": "TBA", "signature_method": "HMAC-SHA256", "proxy": api()},
        "crm": {
            "auth_mode": "SIGNATURE",
            "signature": {"protocol": "WSSE"},
            "token": {"expires_in_ms": 300000},
            "proxy": api(**{"x-wsse": "${accessToken}"}),
        },
        "bills": {"auth_mode": "BILL", "token_url": at + "/bill-token", "proxy": api()},
        "calendar": {
            "display_name": "Calendar",
            "auth_mode": "OAUTH2",
            "authorization_url": provider + "/authorize",
            "token_url": provider + "/token",
        },
    }
    filled = {"categories": ["other"], "docs": "https://docs.example.com"}
    providers = [
        {"name": f"{name}-demo", "display_name": name.capitalize(), **filled, **template}
        for name, template in templates.items()
    ]
    integrations = [
        {"unique_key": name, "provider": f"{name}-demo"} for name in templates
    ] + [{"unique_key": "weather", "provider": "unauthenticated"}]
    client = {"client_id": "client-1", "client_secret": "secret-1"}
    for integration in integrations:
        if integration["unique_key"] == "calendar":
            integration["credentials"] = {"type": "OAUTH2", "scopes": "read,write", **client}
        if integration["unique_key"] == "erp":
            integration["credentials"] = {"type": "TBA", **client}
    return providers, integrations


def recorded(stand_in):
    """The environments of the recorded flow cases, as tests/harness/flow.rs makes them."""
    file = ROOT / "tests/contract/cases-flow-environment.json"
    world = json.loads(stand_in(file.read_text()))
    providers = [{"name": name, **template} for name, template in world["providers"].items()]
    for environment in world["environments"]:
        integrations = [
            {key: value for key, value in integration.items() if key != "note"}
            for integration in environment["integrations"]
            if integration["provider"] != "no-such-provider"
        ]
        yield {
            "name": "recorded " + environment["name"],
            "secret_keys": environment["secret_keys"],
            "providers": providers,
            "integrations": integrations,
        }


def document(keys, stand_in, provider):
    """The environment document of a server; `keys` has a secret for each name."""
    providers, integrations = examples(provider)
    plain = [{"unique_key": key, "provider": "unauthenticated"} for key in PLAIN]
    connections = [{"connection_id": "conn-1", "integration_id": "github"}]
    # For sessions that reconnect a deleted connection.
    connections += [
        {"connection_id": "conn-gone", "integration_id": integration["unique_key"]}
        for integration in integrations
    ]
    secret_keys = [
        {"name": "server", "secret": keys["server"], "scopes": ["environment:*"]},
        {"name": "no scope", "secret": keys["noScope"], "scopes": []},
        {
            "name": "read only",
            "secret": keys["readOnly"],
            "scopes": ["environment:connections:read"],
        },
    ]
    common = {"integrations": plain, "connections": connections[:1]}
    dev = {
        "name": "dev",
        "secret_keys": secret_keys,
        "providers": providers,
        "integrations": plain + integrations,
        "connections": connections,
    }
    no_docs = {
        "name": "no docs",
        "secret_keys": [{"name": "server", "secret": keys["noDocs"]}],
        "allow_docs_connect_override": False,
        **common,
    }
    return {"environments": [dev, no_docs, *recorded(stand_in)]}
