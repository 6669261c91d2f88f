//! `GET /connections/{connectionId}` (section 9 of the flow): the only place where credentials come
//! out.

use serde_json::{Value, json};
use tests::flow::connection_path;
use tests::{Call, Flow};

async fn session(flow: &Flow) -> String {
    flow.world.mint(json!({ "tags": {} })).await
}

/// Connects, and reads the credentials.
async fn credentials(flow: &Flow, path: &str, body: Value) -> Value {
    let token = session(flow).await;
    let id = flow.connected(path, &token, &body).await;
    let integration = path.split('?').next().and_then(|path| path.rsplit('/').next());
    flow.connection(integration.expect("a key"), &id).await["credentials"].clone()
}

/// The time in an hour, in the format of credentials.
fn in_an_hour(flow: &Flow) -> String {
    format!("{:.3}", flow.world.now + jiff::SignedDuration::from_hours(1))
}

#[tokio::test]
async fn credentials_of_every_mode_have_their_form() {
    let flow = Flow::start().await;
    let got = credentials(&flow, "/auth/unauthenticated/unauth", json!({})).await;
    assert_eq!(got, json!({}));

    let key = json!({ "apiKey": "k" });
    let got = credentials(&flow, "/api-auth/api-key/key-verify", key).await;
    assert_eq!(got, json!({ "type": "API_KEY", "apiKey": "k" }));

    let basic = json!({ "username": "u", "password": "" });
    let got = credentials(&flow, "/api-auth/basic/basic-verify", basic).await;
    assert_eq!(got, json!({ "type": "BASIC", "username": "u", "password": "" }));

    let client = json!({ "client_id": "a", "client_secret": "b" });
    let got = credentials(&flow, "/oauth2/auth/cc", client).await;
    assert_eq!(
        got,
        json!({
            "type": "OAUTH2_CC",
            "token": "cc-at-1",
            "client_id": "a",
            "client_secret": "b",
            "expires_at": in_an_hour(&flow),
            "raw": {
                "access_token": "cc-at-1", "token_type": "Bearer", "expires_in": 3600, "scope": "x",
            },
        })
    );

    let user = json!({ "username": "u", "password": "p", "extra": "e", "assertionOption": "a" });
    let got = credentials(&flow, "/auth/two-step/twostep", user).await;
    assert_eq!(
        got,
        json!({
            "type": "TWO_STEP",
            "token": "ts-jwt-1",
            "expires_at": in_an_hour(&flow),
            "raw": { "data": { "jwt": "ts-jwt-1", "expires": 3600 } },
            "username": "u",
            "password": "p",
            "extra": "e",
        })
    );

    let tokens = json!({ "token_id": "i", "token_secret": "s" });
    let got = credentials(&flow, "/auth/tba/tba?params[accountId]=1", tokens).await;
    assert_eq!(got["type"], "TBA");
    assert_eq!((&got["token_id"], &got["token_secret"]), (&json!("i"), &json!("s")));
    assert_eq!(got["config_override"], json!({}));

    let bill = json!({ "username": "u", "password": "p", "organization_id": "o", "dev_key": "d" });
    let got = credentials(&flow, "/auth/bill/bill", bill).await;
    for (field, value) in [
        ("type", "BILL"),
        ("username", "u"),
        ("password", "p"),
        ("organization_id", "o"),
        ("dev_key", "d"),
        ("session_id", "bill-sess"),
        ("user_id", "u-1"),
    ] {
        assert_eq!(got[field], value, "{field}");
    }
    assert!(got["expires_at"].is_string() && got["raw"].is_object(), "{got}");
    let names: Vec<_> = got.as_object().expect("an object").keys().collect();
    let sent = ["type", "username", "password", "organization_id", "dev_key"];
    assert_eq!(names, [&sent[..], &["raw", "session_id", "user_id", "expires_at"]].concat());
}

/// The parts of a signed token (RFC 7515 section 7.1).
fn parts(token: &str) -> (Value, Value) {
    use base64::Engine;
    let decode = |part: &str| {
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part);
        serde_json::from_slice(&bytes.expect("base64url")).expect("JSON")
    };
    let (header, rest) = token.split_once('.').expect("a header");
    (decode(header), decode(rest.split_once('.').expect("a payload").0))
}

#[tokio::test]
async fn tokens_that_are_signed_here_have_their_form() {
    let flow = Flow::start().await;
    let private_key = json!({ "id": "6b7c", "secret": "00ff" });
    let body = json!({ "privateKey": private_key });
    let got = credentials(&flow, "/auth/jwt/jwt", body).await;
    assert_eq!((&got["type"], &got["privateKey"]), (&json!("JWT"), &private_key));
    let expires_at = flow.world.now + jiff::SignedDuration::from_mins(5);
    assert_eq!(got["expires_at"], format!("{expires_at:.3}"));
    let token = got["token"].as_str().expect("a token");
    let (header, payload) = parts(token);
    assert_eq!((&header["alg"], &header["kid"]), (&json!("HS256"), &json!("6b7c")));
    assert_eq!(payload["aud"], "/admin/");
    // The provider was asked with the token, and not with the key.
    let calls = flow.provider.calls();
    let expected = format!("Ghost {token}");
    assert_eq!(calls[0].header("authorization"), Some(expected.as_str()));

    let user = json!({ "username": "u", "password": "p", "type": "SIGNATURE" });
    let got = credentials(&flow, "/auth/signature/sig", user).await;
    assert_eq!(got["type"], "SIGNATURE");
    assert_eq!((&got["username"], &got["password"]), (&json!("u"), &json!("p")));
    let token = got["token"].as_str().expect("a token");
    assert!(token.contains("Username=\"u\"") && token.contains("PasswordDigest="), "{token}");
    assert_eq!(got["expires_at"], format!("{expires_at:.3}"));
}

async fn import(flow: &Flow, integration: &str, credentials: &Value) -> String {
    let body = json!({ "provider_config_key": integration, "credentials": credentials });
    let reply = flow.ask("POST", "/connections", Some(&body)).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()["connection_id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_refresh_token_is_shown_only_when_it_is_asked_for() {
    let flow = Flow::start().await;
    let sent = json!({ "type": "OAUTH2", "access_token": "at", "refresh_token": "rt" });
    let id = import(&flow, "oauth", &sent).await;
    let shown = flow.connection("oauth", &id).await["credentials"].clone();
    assert_eq!(shown["access_token"], "at");
    assert!(!shown.to_string().contains("refresh_token"), "{shown}");
    let path = connection_path("oauth", &id) + "&refresh_token=TRUE";
    let whole = flow.ask("GET", &path, None).await.json()["credentials"].clone();
    assert_eq!(
        whole,
        json!({
            "type": "OAUTH2", "access_token": "at", "refresh_token": "rt", "raw": sent,
        })
    );
}

#[tokio::test]
async fn every_option_is_a_word_for_yes_or_no() {
    const WORDS: [&str; 12] =
        ["true", "1", "yes", "on", "y", "enabled", "false", "0", "no", "off", "n", "disabled"];
    let flow = Flow::start().await;
    let token = session(&flow).await;
    let id = flow.connected("/auth/unauthenticated/unauth", &token, &json!({})).await;
    let path = connection_path("unauth", &id);
    let listed: Vec<_> = WORDS.iter().map(|word| format!("\"{word}\"")).collect();
    let message = format!("Invalid option: expected one of {}", listed.join("|"));
    for option in ["refresh_token", "force_refresh", "refresh_github_app_jwt_token"] {
        for word in WORDS {
            for word in [word.to_owned(), word.to_uppercase()] {
                let reply = flow.ask("GET", &format!("{path}&{option}={word}"), None).await;
                assert_eq!(reply.status, 200, "{option}={word}: {reply:?}");
            }
        }
        for word in ["", "maybe", "2"] {
            let reply = flow.ask("GET", &format!("{path}&{option}={word}"), None).await;
            let issue = json!({ "code": "invalid_value", "message": message, "path": [option] });
            let body = json!({ "error": { "code": "invalid_query_params", "errors": [issue] } });
            reply.assert(400, &body);
        }
        for (query, received) in [
            (format!("{option}=true&{option}=true"), "array"),
            (format!("{option}[]=true"), "array"),
            (format!("{option}[x]=true"), "object"),
        ] {
            let reply = flow.ask("GET", &format!("{path}&{query}"), None).await;
            let message = format!("Invalid input: expected string, received {received}");
            let issue = json!({ "code": "invalid_type", "message": message, "path": [option] });
            let body = json!({ "error": { "code": "invalid_query_params", "errors": [issue] } });
            reply.assert(400, &body);
        }
    }
}

/// A key of the recorded environment that may read connections but not their credentials.
const READ_KEY: &str = "11111111-2222-4333-8444-888888888802";

#[tokio::test]
async fn a_key_that_may_not_read_credentials_gets_none() {
    let flow = Flow::start().await;
    let token = session(&flow).await;
    let body = json!({ "apiKey": "k" });
    let id = flow.connected("/api-auth/api-key/key-verify", &token, &body).await;
    let path = connection_path("key-verify", &id);
    let reply = flow.world.send(Call::new("GET", &path).bearer(READ_KEY)).await;
    assert_eq!((reply.status, &reply.json()["credentials"]), (200, &json!({})));
    let refused = json!({ "error": {
        "code": "forbidden",
        "message": "Credential and refresh options require the \
                    environment:connections:read_credentials scope",
    } });
    for option in ["refresh_token", "force_refresh", "refresh_github_app_jwt_token"] {
        let asked = Call::new("GET", &format!("{path}&{option}=true")).bearer(READ_KEY);
        flow.world.send(asked).await.assert(403, &refused);
        let not_asked = Call::new("GET", &format!("{path}&{option}=false")).bearer(READ_KEY);
        assert_eq!(flow.world.send(not_asked).await.status, 200);
    }
}

// D49
#[tokio::test]
async fn each_reading_is_remembered_and_changes_nothing_else() {
    let mut flow = Flow::start().await;
    let token = session(&flow).await;
    let id = flow.connected("/auth/unauthenticated/unauth", &token, &json!({})).await;
    let mut before = flow.connection("unauth", &id).await;
    flow.world.pass_ms(5_000);
    let mut after = flow.connection("unauth", &id).await;
    let now = format!("{:.3}", flow.world.now).replace('Z', "+00:00");
    assert_eq!(after["last_fetched_at"], now);
    for connection in [&mut before, &mut after] {
        connection["last_fetched_at"] = Value::Null;
    }
    assert_eq!(after, before);
}

/// Query, path, scope of the options, integration, connection.
#[tokio::test]
async fn it_is_judged_in_order() {
    let flow = Flow::start().await;
    let token = session(&flow).await;
    let id = flow.connected("/auth/unauthenticated/unauth", &token, &json!({})).await;
    let all = flow.world.secret_key.as_str();
    for (key, path, status, error) in [
        (all, "/connections/z*z", 400, json!({ "code": "invalid_query_params" })),
        (
            all,
            "/connections/z*z?provider_config_key=u",
            400,
            json!({ "code": "invalid_uri_params" }),
        ),
        (
            READ_KEY,
            "/connections/z*z?provider_config_key=u&force_refresh=1",
            400,
            json!({ "code": "invalid_uri_params" }),
        ),
        (
            READ_KEY,
            "/connections/nope?provider_config_key=nope&force_refresh=1",
            403,
            json!({ "code": "forbidden" }),
        ),
        (
            all,
            "/connections/nope?provider_config_key=nope",
            400,
            json!({ "code": "unknown_provider_config", "message": "Provider does not exists" }),
        ),
        (
            all,
            "/connections/nope?provider_config_key=prod-only",
            400,
            json!({ "code": "unknown_provider_config", "message": "Provider does not exists" }),
        ),
        (
            all,
            "/connections/nope?provider_config_key=unauth",
            404,
            json!({ "code": "not_found", "message": "Failed to find connection" }),
        ),
        // A connection of another integration.
        (
            all,
            &connection_path("oauth", &id),
            404,
            json!({ "code": "not_found", "message": "Failed to find connection" }),
        ),
    ] {
        let reply = flow.world.send(Call::new("GET", path).bearer(key)).await;
        let told = reply.json()["error"].clone();
        assert_eq!((reply.status, &told["code"]), (status, &error["code"]), "{path} {told}");
        if error.get("message").is_some() {
            assert_eq!(told, error, "{path}");
        }
    }
}

// D41
#[tokio::test]
async fn the_older_paths_are_not_there() {
    let flow = Flow::start().await;
    let token = session(&flow).await;
    let id = flow.connected("/auth/unauthenticated/unauth", &token, &json!({})).await;
    for path in ["/connection".to_owned(), format!("/connection/{id}?provider_config_key=unauth")] {
        let reply = flow.ask("GET", &path, None).await;
        assert_eq!((reply.status, reply.body.as_str()), (404, r#"{"message":"Not Found"}"#));
    }
}
