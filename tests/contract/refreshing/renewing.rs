//! When credentials are renewed, with which request, and how the answer is stored.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tests::flow::connection_path;
use tests::token_endpoint::TokenReply;
use tests::{Call, Flow};

use super::{READ_KEY, Renewing, assert_token, import, numbered};

#[tokio::test]
async fn a_token_is_renewed_when_less_than_fifteen_minutes_are_left() {
    let renewing = Renewing::start(numbered).await;
    for (seconds, is_renewed) in [(16 * 60, false), (15 * 60, false), (899, true), (-1, true)] {
        let before = renewing.calls();
        let id = renewing.connection(seconds, "rt").await;
        assert_eq!(renewing.read(&id).await.status, 200);
        assert_eq!(renewing.calls() - before, usize::from(is_renewed), "{seconds}");
    }
}

#[tokio::test]
async fn a_token_is_renewed_by_itself_only_if_it_ends_and_can_be_renewed() {
    let renewing = Renewing::start(numbered).await;
    let flow = &renewing.flow;
    let ended = renewing.moment(-1);
    let no_end = json!({ "type": "OAUTH2", "access_token": "at-0", "refresh_token": "rt" });
    let no_refresh = json!({ "type": "OAUTH2", "access_token": "at-0", "expires_at": ended });
    let no_end = import(flow, "renewing", no_end).await;
    let no_refresh = import(flow, "renewing", no_refresh).await;
    for id in [&no_end, &no_refresh] {
        assert_token(&renewing.read(id).await, "at-0");
    }
    assert_token(&renewing.force(&no_refresh).await, "at-0");
    assert_eq!(renewing.calls(), 0);
    assert_token(&renewing.force(&no_end).await, "at-1");
}

#[tokio::test]
async fn who_insists_gets_a_new_token_and_who_may_not_read_it_causes_none() {
    let renewing = Renewing::start(numbered).await;
    let id = renewing.connection(7_200, "rt").await;
    assert_token(&renewing.read(&id).await, "at-0");
    assert_token(&renewing.force(&id).await, "at-1");
    assert_token(&renewing.read(&id).await, "at-1");

    let id = renewing.expired().await;
    let call = Call::new("GET", &connection_path("renewing", &id)).bearer(READ_KEY);
    let reply = renewing.flow.world.send(call).await;
    assert_eq!((reply.status, &reply.json()["credentials"]), (200, &json!({})));
    assert_eq!(renewing.calls(), 1);
}

/// The parameters in their order: `grant_type`, those that the provider adds, the refresh token,
/// and the client.
#[tokio::test]
async fn the_request_has_the_form_of_the_contract() {
    let flow = Flow::start().await;
    let expires_at = format!("{:.3}", flow.world.now);
    let credentials = json!({
        "type": "OAUTH2", "access_token": "at", "refresh_token": "rt", "expires_at": expires_at,
    });
    let mut own = credentials.clone();
    own["config_override"] = json!({ "client_id": "own id", "client_secret": "own secret" });
    for (integration, credentials, body, header) in [
        (
            "oauth",
            &credentials,
            "grant_type=refresh_token&extra_refresh_param=two&refresh_token=rt&\
             client_id=fake-client-id&client_secret=fake-client-secret",
            "",
        ),
        (
            "oauth",
            &own,
            "grant_type=refresh_token&extra_refresh_param=two&refresh_token=rt&\
             client_id=own+id&client_secret=own+secret",
            "",
        ),
        (
            "oauth-nopkce",
            &credentials,
            "grant_type=refresh_token&refresh_token=rt",
            "fake-client-id:fake-client-secret",
        ),
    ] {
        let id = import(&flow, integration, credentials.clone()).await;
        flow.connection(integration, &id).await;
        let calls = flow.provider.calls();
        let [call] = calls.as_slice() else { panic!("one call, not {calls:?}") };
        assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/token"));
        assert_eq!((call.body.as_str(), call.credential().as_str()), (body, header));
        assert_eq!(call.header("accept"), Some("application/json"));
        let form = Some("application/x-www-form-urlencoded");
        assert_eq!(call.header("content-type"), form);
    }
}

#[tokio::test]
async fn a_refresh_goes_to_its_own_url_with_values_of_the_connection() {
    let more = json!({ "refresh_url": "http://127.0.0.1:1/${connectionConfig.site}/refresh" });
    let renewing = Renewing::with_provider(more, numbered).await;
    // The environment has the provider only now.
    let port = renewing.endpoint.url.rsplit(':').next().expect("a port").to_owned();
    let body = json!({
        "provider_config_key": "renewing",
        "connection_config": { "port": port, "site": "a/b" },
        "credentials": {
            "type": "OAUTH2", "access_token": "at-0", "refresh_token": "rt",
            "expires_at": renewing.moment(0),
        },
    });
    let imported = renewing.flow.ask("POST", "/connections", Some(&body)).await.json();
    let id = imported["connection_id"].as_str().expect("an id");
    // Nothing listens there; the token endpoint is not asked instead.
    assert_eq!(renewing.read(id).await.status, 400);
    assert_eq!(renewing.calls(), 0);
}

#[tokio::test]
async fn a_refresh_token_that_the_answer_leaves_out_stays() {
    let answers = [
        json!({}),
        json!({ "refresh_token": null }),
        json!({ "refresh_token": "" }),
        json!({ "refresh_token": "rt-new" }),
    ];
    let sent = answers.clone();
    let renewing =
        Renewing::start(move |number, _| TokenReply::token("at", sent[number - 1].clone())).await;
    let id = renewing.expired().await;
    for (answer, kept) in answers.iter().zip(["rt-0", "rt-0", "rt-0", "rt-new"]) {
        assert_token(&renewing.force(&id).await, "at");
        assert_eq!(renewing.credentials(&id).await["refresh_token"], kept, "{answer}");
    }
    let sent: Vec<_> = renewing.endpoint.requests();
    assert!(sent.iter().all(|request| request.parameter("refresh_token") == Some("rt-0")));
}

#[tokio::test]
async fn the_answer_replaces_the_last_one_and_nothing_else_of_the_connection() {
    let extra = json!({ "scope": "a", "instance_url": "https://refreshed.example.com" });
    let answer = extra.clone();
    let mut renewing = Renewing::start(move |_, _| TokenReply::token("at-1", answer.clone())).await;
    let own = json!({ "client_id": "c", "client_secret": "s" });
    let body = json!({
        "provider_config_key": "renewing",
        "connection_config": { "instance_url": "https://old.example.com" },
        "metadata": { "a": 1 },
        "tags": { "plan": "pro" },
        "credentials": {
            "type": "OAUTH2", "access_token": "at-0", "refresh_token": "rt",
            "expires_at": renewing.moment(0), "config_override": own,
        },
    });
    let before = renewing.flow.ask("POST", "/connections", Some(&body)).await.json();
    let id = before["connection_id"].as_str().expect("an id");
    renewing.flow.world.pass_ms(5_000);
    let after = renewing.read(id).await.json();
    let now = format!("{:.3}", renewing.flow.world.now).replace('Z', "+00:00");
    assert_eq!(after["updated_at"], now);
    for kept in ["id", "connection_config", "metadata", "tags", "errors"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    let expires_at = renewing.moment(3_600);
    assert_eq!(
        renewing.credentials(id).await,
        json!({
            "type": "OAUTH2",
            "access_token": "at-1",
            "refresh_token": "rt",
            "expires_at": expires_at,
            "config_override": own,
            "raw": {
                "access_token": "at-1", "token_type": "Bearer", "expires_in": 3_600,
                "scope": "a", "instance_url": "https://refreshed.example.com",
                "expires_at": expires_at,
            },
        })
    );
}

/// A lifetime counts from before the request, so that no stored expiry is later than the
/// provider's.
#[tokio::test]
async fn no_lifetime_makes_a_token_older_than_the_provider_says() {
    let lifetimes = [
        (json!(1), Some(1)),
        (json!(3_600), Some(3_600)),
        (json!("3600"), Some(3_600)),
        (json!(" 59 "), Some(59)),
        (json!(59.9), Some(59)),
        (json!("59.9"), Some(59)),
        (json!(0), Some(0)),
        (json!(-1), None),
        (json!("soon"), None),
        (json!(null), None),
        (json!([3_600]), None),
    ];
    for (sent, lifetime) in lifetimes {
        let answer = json!({ "expires_in": sent });
        let renewing = Renewing::start(move |_, _| TokenReply::token("at", answer.clone())).await;
        let id = renewing.expired().await;
        let credentials = renewing.read(&id).await.json()["credentials"].clone();
        let told = lifetime.map(|seconds| Value::String(renewing.moment(seconds)));
        assert_eq!(credentials.get("expires_at"), told.as_ref(), "{sent}");
    }
    // However long, it is a moment that can be printed.
    let answer = |_: usize, _: &_| TokenReply::token("at", json!({ "expires_in": 1e300 }));
    let renewing = Renewing::start(answer).await;
    let id = renewing.expired().await;
    let credentials = renewing.read(&id).await.json()["credentials"].clone();
    let end: Timestamp = credentials["expires_at"].as_str().expect("a text").parse().expect("one");
    assert!(end > renewing.flow.world.now + SignedDuration::from_hours(24 * 365));
}

#[tokio::test]
async fn tokens_of_other_modes_are_made_again_of_what_the_user_gave() {
    let mut flow = Flow::start().await;
    let user = json!({ "username": "u", "password": "p", "extra": "e" });
    let bill = json!({ "username": "u", "password": "p", "organization_id": "o", "dev_key": "d" });
    let signature = json!({ "username": "u", "password": "p", "type": "SIGNATURE" });
    let jwt = json!({ "privateKey": { "id": "6b7c", "secret": "00ff" } });
    let client = json!({ "client_id": "a", "client_secret": "b" });
    let modes = [
        ("/oauth2/auth/cc?params[oauth_scopes]=x,y", "cc", client, 1),
        ("/auth/two-step/twostep", "twostep", user, 1),
        ("/auth/bill/bill", "bill", bill, 1),
        ("/auth/signature/sig", "sig", signature, 0),
        ("/auth/jwt/jwt", "jwt", jwt, 0),
    ];
    let mut connected = Vec::new();
    let token = flow.world.mint(json!({ "tags": {} })).await;
    for (path, integration, body, calls) in modes {
        let id = flow.connected(path, &token, &body).await;
        let before = flow.ask("GET", &connection_path(integration, &id), None).await.json();
        let first = flow.provider.calls().pop().map(|call| call.body);
        connected.push((integration, id, before, calls, first));
    }
    // Tokens that live five minutes were renewed by the first read already.
    flow.world.pass_ms(3_590_000);
    for (integration, id, before, calls, first) in connected {
        let after = flow.connection(integration, &id).await;
        let made = flow.provider.calls();
        assert_eq!(made.len(), calls, "{integration}");
        if let Some(made) = made.first() {
            assert_eq!(Some(&made.body), first.as_ref(), "{integration} asks the same again");
        }
        let (before, after) = (&before["credentials"], &after["credentials"]);
        assert_ne!(before["expires_at"], after["expires_at"], "{integration}");
        for (name, value) in before.as_object().expect("an object") {
            if !["token", "expires_at", "raw", "session_id"].contains(&name.as_str()) {
                assert_eq!(&after[name], value, "{integration} {name}");
            }
        }
        let names = |value: &Value| -> Vec<_> {
            value.as_object().expect("an object").keys().cloned().collect()
        };
        assert_eq!(names(before), names(after), "{integration}");
    }
}

#[tokio::test]
async fn a_token_of_five_minutes_is_made_on_every_read() {
    let mut flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let user = json!({ "username": "u", "password": "p", "type": "SIGNATURE" });
    let id = flow.connected("/auth/signature/sig", &token, &user).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        flow.world.pass_ms(1_000);
        flow.world.wire.calls();
        let read = flow.connection("sig", &id).await;
        let now = format!("{:.3}", flow.world.now).replace('Z', "+00:00");
        assert_eq!(read["updated_at"], now);
        let token = read["credentials"]["token"].clone();
        assert!(!seen.contains(&token));
        seen.push(token);
    }
}

#[tokio::test]
async fn what_does_not_end_stays_even_if_somebody_insists() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let basic = json!({ "username": "u", "password": "p" });
    for (path, integration, body) in [
        ("/auth/unauthenticated/unauth", "unauth", json!({})),
        ("/api-auth/api-key/key-verify", "key-verify", json!({ "apiKey": "k" })),
        ("/api-auth/basic/basic-verify", "basic-verify", basic),
    ] {
        let id = flow.connected(path, &token, &body).await;
        flow.provider.calls();
        let path = connection_path(integration, &id) + "&force_refresh=1";
        let mut first = flow.ask("GET", &path, None).await.json();
        let mut second = flow.ask("GET", &path, None).await.json();
        for read in [&mut first, &mut second] {
            read["last_fetched_at"] = Value::Null;
        }
        assert_eq!(first, second);
        assert_eq!(flow.provider.calls().len(), 0, "{integration}");
    }
}

/// Slack answers the user's token within another object, and errors with status 200.
#[tokio::test]
async fn a_nested_token_is_found_and_an_error_with_status_200_is_one() {
    let more = json!({ "token_response": {
        "token": "authed_user.access_token",
        "refresh_token": "authed_user.refresh_token",
        "token_expiration": "authed_user.expires_in",
    } });
    let answer = |number: usize, _: &_| match number {
        1 => TokenReply::json(
            200,
            &json!({ "ok": true, "authed_user": {
                "access_token": "xoxe", "refresh_token": "xoxe-1", "expires_in": 43_200,
            } }),
        ),
        _ => TokenReply::json(200, &json!({ "ok": false, "error": "invalid_refresh_token" })),
    };
    let renewing = Renewing::with_provider(more, answer).await;
    let id = renewing.expired().await;
    assert_token(&renewing.read(&id).await, "xoxe");
    let credentials = renewing.credentials(&id).await;
    assert_eq!(credentials["refresh_token"], "xoxe-1");
    assert_eq!(credentials["expires_at"], renewing.moment(43_200));
    assert_eq!(renewing.force(&id).await.status, 400);
    assert_ne!(renewing.errors(&id).await, json!([]));
}
