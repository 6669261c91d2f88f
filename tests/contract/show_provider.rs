//! `GET /providers` and `GET /providers/{provider}` (section 3 of the flow), and the integrations
//! as a session and a key see them (section 2).

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use tests::{Call, Flow};

async fn get(flow: &Flow, path: &str, credential: &str) -> Value {
    let reply = flow.world.send(Call::new("GET", path).bearer(credential)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["data"].clone()
}

fn names(list: &Value, field: &str) -> Vec<String> {
    let list = list.as_array().expect("a list");
    list.iter().map(|entry| entry[field].as_str().expect("a name").to_owned()).collect()
}

// D26
#[tokio::test]
async fn a_session_sees_what_a_form_needs_and_a_key_sees_all() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    for name in ["github", "fk-apikey", "fk-oauth2-tpl", "fk-twostep", "fk-jwt"] {
        let path = format!("/providers/{name}");
        let whole = get(&flow, &path, &flow.world.secret_key).await;
        let shown = get(&flow, &path, &token).await;
        for (field, value) in shown.as_object().expect("an object") {
            assert_eq!(whole[field], *value, "{name} {field}");
        }
        for field in ["display_name", "categories", "auth_mode", "docs", "name", "logo_url"] {
            assert!(shown.get(field).is_some(), "{name} {field}");
        }
        for field in ["credentials", "connection_config"] {
            assert_eq!(shown.get(field), whole.get(field), "{name} {field}");
        }
        for hidden in ["proxy", "token_url", "token_params", "authorization_params", "token"] {
            assert_eq!(shown.get(hidden), None, "{name} {hidden}");
        }
        assert!(whole.get("proxy").is_some(), "{name}");
    }
}

// D30
#[tokio::test]
async fn providers_are_searched_for_as_text() {
    let flow = Flow::start().await;
    let key = flow.world.secret_key.as_str();
    let all = names(&get(&flow, "/providers", key).await, "name");
    assert!(all.len() >= 100 && all.contains(&"fk-apikey".to_owned()));
    let found = names(&get(&flow, "/providers?search=GitHub", key).await, "name");
    assert!(found.contains(&"github".to_owned()));
    assert!(found.iter().all(|name| name.contains("github")), "{found:?}");
    // As a regular expression it would match them all.
    assert_eq!(get(&flow, "/providers?search=g.thub", key).await, json!([]));
    let own = names(&get(&flow, "/providers?search=fk-apikey", key).await, "name");
    assert_eq!(own, ["fk-apikey", "fk-apikey-tpl"]);
}

#[tokio::test]
async fn names_of_javascript_are_no_providers() {
    let flow = Flow::start().await;
    for name in ["__proto__", "constructor", "toString"] {
        let reply = flow.ask("GET", &format!("/providers/{name}"), None).await;
        let message = format!("Unknown provider {name}");
        reply.assert(404, &json!({ "error": { "code": "not_found", "message": message } }));
    }
}

#[tokio::test]
async fn a_provider_of_one_environment_is_unknown_in_another() {
    let flow = Flow::start().await;
    let secret = uuid::Uuid::new_v4().to_string();
    let environment = json!({
        "name": "other", "secret_keys": [ { "name": "server", "secret": secret } ],
    });
    let document = json!({ "environments": [environment] });
    flow.world.provision(document).await.expect("a good document");
    let call = Call::new("GET", "/providers/fk-apikey").bearer(&secret);
    assert_eq!(flow.world.send(call).await.status, 404);
    let listed = get(&flow, "/providers?search=fk-", &secret).await;
    assert_eq!(listed, json!([]));
}

#[tokio::test]
async fn a_search_knows_no_case() {
    let mut flow = Flow::start().await;
    let own = json!({
        "name": "In-House", "display_name": "In-house", "auth_mode": "NONE",
        "categories": ["other"], "docs": "https://example.com/docs",
    });
    flow.world.change_environment(json!({ "providers": [own] })).await;
    for search in ["in-h", "IN-HOUSE", "In-House"] {
        let path = format!("/providers?search={search}");
        let found = get(&flow, &path, &flow.world.secret_key).await;
        assert_eq!(names(&found, "name"), ["In-House"], "{search}");
    }
    let found = get(&flow, "/providers?search=AIRTABLE-P", &flow.world.secret_key).await;
    assert_eq!(names(&found, "name"), ["airtable-pat"]);
}

#[tokio::test]
async fn a_session_sees_the_integrations_that_it_allows() {
    let mut flow = Flow::start().await;
    let everything = flow.world.mint(json!({ "tags": {} })).await;
    let allowed = json!({ "tags": {}, "allowed_integrations": ["unauth", "cc", "unauth"] });
    let some = flow.world.mint(allowed).await;
    let of_key = get(&flow, "/integrations", &flow.world.secret_key).await;
    assert_eq!(get(&flow, "/integrations", &everything).await, of_key);
    // By provider, then by age.
    assert_eq!(names(&get(&flow, "/integrations", &some).await, "unique_key"), ["cc", "unauth"]);
    let providers = names(&of_key, "provider");
    assert!(providers.is_sorted(), "{providers:?}");
    assert!(!of_key.to_string().contains("secret"), "{of_key}");

    let gone = json!({ "integrations": [ { "unique_key": "cc", "state": "absent" } ] });
    flow.world.change_environment(gone).await;
    assert_eq!(names(&get(&flow, "/integrations", &some).await, "unique_key"), ["unauth"]);
}

// D64
#[tokio::test]
async fn texts_are_those_of_the_file_whatever_the_language() {
    let flow = Flow::start().await;
    let call = Call::new("GET", "/providers/fk-apikey").bearer(&flow.world.secret_key);
    let plain = flow.world.send(call.clone()).await.body;
    for language in ["fr", "de-CH,de;q=0.9", "*"] {
        let reply = flow.world.send(call.clone().header("accept-language", language)).await;
        assert_eq!(reply.body, plain, "{language}");
    }
}

// D66
#[tokio::test]
async fn an_integration_without_a_provider_hides_no_other() {
    let flow = Flow::start().await;
    let token = flow.world.mint(json!({ "tags": {} })).await;
    let before = names(&get(&flow, "/integrations", &token).await, "unique_key");
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let environment = flow.world.environment_id().await;
    let update = flow.world.client.update_item().table_name("registry");
    let update = update.key("pk", text(&format!("ENV#{environment}")));
    let update = update.key("sk", text("INTEGRATION#key-verify"));
    let update = update.update_expression("SET provider = :gone");
    update.expression_attribute_values(":gone", text("gone")).send().await.expect("an answer");
    let list = get(&flow, "/integrations", &token).await;
    assert_eq!(names(&list, "unique_key").len(), before.len());
    let list = list.as_array().expect("a list").iter();
    let mut gone = list.filter(|integration| integration["unique_key"] == "key-verify");
    assert_eq!(gone.next().expect("it is listed")["display_name"], "gone");
}

// D48
#[tokio::test]
async fn no_integration_has_an_address_for_the_webhooks_of_its_provider() {
    let flow = Flow::start().await;
    let path = "/integrations/unauth?include=webhook";
    let integration = get(&flow, path, &flow.world.secret_key).await;
    assert_eq!(integration.get("webhook_url"), Some(&Value::Null));
    let integration = get(&flow, "/integrations/unauth", &flow.world.secret_key).await;
    assert_eq!(integration.get("webhook_url"), None);
}
