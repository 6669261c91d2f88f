//! Providers that are broken, slow or malicious, in every request for a token: with a code, with
//! client credentials, with a name and a password, and with a refresh token. Each is asked once,
//! makes the request fail, and leaves stored items unchanged.

use std::time::Instant;

use futures_util::future::join_all;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::flow::connection_path;
use tests::provider::hostile::ODD;
use tests::{Flow, Reply};

const BROKEN: [&str; 4] = ["drop", "huge", "circle", "inside"];

/// A session that may connect anything.
async fn session(flow: &Flow) -> String {
    flow.world.mint(json!({ "tags": {} })).await
}

/// Every word that makes the provider misbehave, except those that make it slow.
fn words() -> impl Iterator<Item = String> {
    BROKEN.map(str::to_owned).into_iter().chain(ODD.map(|kind| format!("odd-{kind}")))
}

/// A connection with an expired token and a refresh token.
async fn ended(flow: &Flow, refresh_token: &str) -> String {
    let credentials = json!({
        "type": "OAUTH2", "access_token": "at-0", "refresh_token": refresh_token,
        "expires_at": format!("{:.3}", flow.world.now - SignedDuration::from_secs(1)),
    });
    let body = json!({ "provider_config_key": "oauth", "credentials": credentials });
    let reply = flow.ask("POST", "/connections", Some(&body)).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    reply.json()["connection_id"].as_str().expect("an id").to_owned()
}

async fn read(flow: &Flow, id: &str) -> Reply {
    flow.ask("GET", &connection_path("oauth", id), None).await
}

async fn client_credentials(flow: &Flow, token: &str, client_id: &str) -> Reply {
    let client = json!({ "client_id": client_id, "client_secret": "s" });
    flow.post("/oauth2/auth/cc", token, &client).await
}

async fn two_step(flow: &Flow, token: &str, username: &str) -> Reply {
    let user = json!({ "username": username, "password": "p" });
    flow.post("/auth/two-step/twostep", token, &user).await
}

#[tokio::test]
async fn a_code_makes_no_connection() {
    let flow = Flow::start().await;
    let token = session(&flow).await;
    for word in words() {
        let page = flow.consent("oauth", &token, &word).await;
        assert_eq!(page.status, 400, "{word}: {page:?}");
        assert!(page.body.len() < 40_000, "{word}");
        assert_eq!(flow.provider.calls().len(), 1, "{word}");
    }
    assert_eq!(flow.connections().await, Vec::<Value>::new());
    let outcomes = flow.outcomes(&token).await;
    let outcomes = outcomes.as_array().expect("a list");
    assert!(outcomes.iter().all(|outcome| outcome["error"] == "unknown_err"), "{outcomes:?}");
}

#[tokio::test]
async fn client_credentials_and_two_steps_make_no_connection() {
    let flow = Flow::start().await;
    let token = session(&flow).await;
    for word in words() {
        let reply = client_credentials(&flow, &token, &word).await;
        assert!(matches!(reply.status, 400 | 500), "{word}: {reply:?}");
        assert_eq!(flow.provider.calls().len(), 1, "{word}");
        let reply = two_step(&flow, &token, &word).await;
        assert_eq!(reply.status, 400, "{word}: {reply:?}");
        assert_eq!(flow.provider.calls().len(), 1, "{word}");
    }
    assert_eq!(flow.connections().await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_refresh_keeps_what_it_had() {
    let flow = Flow::start().await;
    for word in words() {
        let id = ended(&flow, &word).await;
        flow.provider.calls();
        let reply = read(&flow, &id).await;
        let code = reply.json()["error"]["code"].clone();
        assert_eq!((reply.status, code), (400, json!("invalid_credentials")), "{word}: {reply:?}");
        assert_eq!(flow.provider.calls().len(), 1, "{word}");
        // The refresh token is still stored, so a forced renewal can use it.
        let path = format!("{}&force_refresh=true", connection_path("oauth", &id));
        assert_eq!(flow.ask("GET", &path, None).await.status, 400, "{word}");
        let sent = flow.provider.calls().remove(0).parameters();
        assert_eq!(sent["refresh_token"], json!(word));
    }
}

// D42
#[tokio::test]
async fn a_refresh_may_be_answered_by_a_form() {
    let flow = Flow::start().await;
    let id = ended(&flow, "form").await;
    let credentials = read(&flow, &id).await.json()["credentials"].clone();
    assert_eq!(credentials["access_token"], "at-form");
    let in_an_hour = flow.world.now + SignedDuration::from_hours(1);
    assert_eq!(credentials["expires_at"], format!("{in_an_hour:.3}"));
}

/// D33, in every request for a token.
#[tokio::test]
async fn nobody_waits_for_a_token_longer_than_ten_seconds() {
    let flow = Flow::start().await;
    let token = session(&flow).await;
    let id = ended(&flow, "drip").await;
    let began = Instant::now();
    let slowly = ["slow", "drip"].map(|word| {
        let (flow, token) = (&flow, &token);
        async move {
            let (page, client, user) = tokio::join!(
                flow.consent("oauth", token, word),
                client_credentials(flow, token, word),
                two_step(flow, token, word),
            );
            [page.status, client.status, user.status]
        }
    });
    let (statuses, renewed) = tokio::join!(join_all(slowly), read(&flow, &id));
    assert_eq!(statuses, [[400; 3], [400; 3]]);
    assert_eq!(renewed.status, 400, "{renewed:?}");
    assert!((10..14).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    assert_eq!(flow.connections().await.len(), 1);
}

/// An absurd lifetime counts as a missing one: for client credentials the contract then assumes 55
/// minutes, for others none.
#[tokio::test]
async fn a_provider_may_lie_about_a_lifetime() {
    let flow = Flow::start().await;
    let token = session(&flow).await;
    let decade = 10 * 366 * 24 * 60 * 60;
    for (lifetime, told) in [
        ("3600", Some(3_600)),
        ("\"3600\"", Some(3_600)),
        ("1e300", Some(decade)),
        ("-1", None),
        ("-1e300", None),
        ("\"soon\"", None),
        ("null", None),
        ("[60]", None),
        ("{\"seconds\":60}", None),
        ("true", None),
    ] {
        let moment = |seconds: i64| {
            json!(format!("{:.3}", flow.world.now + SignedDuration::from_secs(seconds)))
        };
        let word = format!("lives={lifetime}");
        let reply = client_credentials(&flow, &token, &word).await;
        let id = reply.json()["connectionId"].as_str().expect(lifetime).to_owned();
        let stored = flow.connection("cc", &id).await["credentials"].clone();
        assert_eq!(stored["expires_at"], moment(told.unwrap_or(55 * 60)), "{lifetime}");

        let code: String = url::form_urlencoded::byte_serialize(word.as_bytes()).collect();
        assert_eq!(flow.consent("oauth", &token, &code).await.status, 200, "{lifetime}");
        let id = flow.outcomes(&token).await.as_array().expect("a list").last().expect("one")
            ["connection_id"]
            .as_str()
            .expect("an id")
            .to_owned();
        let stored = flow.connection("oauth", &id).await["credentials"].clone();
        assert_eq!(stored.get("expires_at").cloned(), told.map(moment), "{lifetime}");
    }
}
