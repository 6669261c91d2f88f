//! The authorization URL and the token request of ten providers, compared with their documentation.
//! Each row names the page.

use finish_oauth::exchange::{self, Grant};
use flow::providers::catalogued;
use flow::variables::Variables;
use secrets::clients::Client;
use serde_json::{Value, json};
use tests::Flow;

/// The requests that a provider's documentation requires.
struct Documented {
    provider: &'static str,
    /// The page of the documentation.
    page: &'static str,
    /// The values that the user enters.
    params: &'static [(&'static str, &'static str)],
    scopes: &'static str,
    authorization_url: &'static str,
    /// The value of `scope`.
    scope: &'static str,
    /// Parameters besides those of RFC 6749 and PKCE.
    authorization_params: &'static [(&'static str, &'static str)],
    has_pkce: bool,
    token_url: &'static str,
    /// The client in the `Authorization` header.
    is_basic: bool,
    is_json: bool,
    /// Parameters besides those of RFC 6749 and PKCE.
    token_params: &'static [(&'static str, &'static str)],
}

/// A provider that follows RFC 6749 and RFC 7636 to the letter.
const STANDARD: Documented = Documented {
    provider: "",
    page: "",
    params: &[],
    scopes: "a,b",
    authorization_url: "",
    scope: "a b",
    authorization_params: &[],
    has_pkce: true,
    token_url: "",
    is_basic: false,
    is_json: false,
    token_params: &[],
};

const DOCUMENTED: [Documented; 10] = [
    Documented {
        provider: "github",
        page: "https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps",
        authorization_url: "https://github.com/login/oauth/authorize",
        token_url: "https://github.com/login/oauth/access_token",
        ..STANDARD
    },
    Documented {
        provider: "slack",
        page: "https://docs.slack.dev/authentication/installing-with-oauth",
        authorization_url: "https://slack.com/oauth/v2/authorize",
        scope: "a,b",
        authorization_params: &[("user_scope", "search:read")],
        // PKCE is for apps that have opted in: https://docs.slack.dev/authentication/using-pkce
        has_pkce: false,
        token_url: "https://slack.com/api/oauth.v2.access",
        ..STANDARD
    },
    Documented {
        provider: "google",
        page: "https://developers.google.com/identity/protocols/oauth2/web-server",
        authorization_url: "https://accounts.google.com/o/oauth2/v2/auth",
        authorization_params: &[("access_type", "offline"), ("prompt", "consent")],
        token_url: "https://oauth2.googleapis.com/token",
        ..STANDARD
    },
    Documented {
        provider: "microsoft",
        page: "https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow",
        authorization_url: "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
        token_url: "https://login.microsoftonline.com/common/oauth2/v2.0/token",
        ..STANDARD
    },
    Documented {
        provider: "notion",
        page: "https://developers.notion.com/reference/create-a-token",
        authorization_url: "https://api.notion.com/v1/oauth/authorize",
        authorization_params: &[("owner", "user")],
        token_url: "https://api.notion.com/v1/oauth/token",
        is_basic: true,
        is_json: true,
        ..STANDARD
    },
    Documented {
        provider: "hubspot",
        page: "https://developers.hubspot.com/docs/api-reference/2026-03/authentication/manage-oauth-tokens",
        authorization_url: "https://app.hubspot.com/oauth/authorize",
        token_url: "https://api.hubapi.com/oauth/2026-03/token",
        ..STANDARD
    },
    Documented {
        provider: "salesforce",
        page: "https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_web_server_flow.htm&type=5",
        authorization_url: "https://login.salesforce.com/services/oauth2/authorize",
        token_url: "https://login.salesforce.com/services/oauth2/token",
        ..STANDARD
    },
    Documented {
        provider: "shopify",
        page: "https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant",
        params: &[("subdomain", "my-shop")],
        authorization_url: "https://my-shop.myshopify.com/admin/oauth/authorize",
        scope: "a,b",
        token_url: "https://my-shop.myshopify.com/admin/oauth/access_token",
        token_params: &[("expiring", "1")],
        ..STANDARD
    },
    Documented {
        provider: "zendesk",
        page: "https://developer.zendesk.com/api-reference/ticketing/oauth/grant_type_tokens/",
        params: &[("subdomain", "acme")],
        authorization_url: "https://acme.zendesk.com/oauth/authorizations/new",
        token_url: "https://acme.zendesk.com/oauth/tokens",
        ..STANDARD
    },
    Documented {
        provider: "jira",
        page: "https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/",
        authorization_url: "https://auth.atlassian.com/authorize",
        authorization_params: &[("audience", "api.atlassian.com"), ("prompt", "consent")],
        token_url: "https://auth.atlassian.com/oauth/token",
        ..STANDARD
    },
];

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn authorization_urls_are_as_documented() {
    let mut flow = Flow::start().await;
    let integrations: Vec<_> = DOCUMENTED
        .iter()
        .map(|documented| {
            json!({ "unique_key": documented.provider, "provider": documented.provider,
                    "credentials": { "type": "OAUTH2", "client_id": "id", "client_secret": "secret",
                                     "scopes": documented.scopes } })
        })
        .collect();
    flow.world.change_environment(json!({ "integrations": integrations })).await;
    let defaults = json!({ "slack": { "user_scopes": "search:read" } });
    let body = json!({ "tags": {}, "integrations_config_defaults": defaults });
    let token = flow.world.mint(body).await;
    for documented in DOCUMENTED {
        let params: Vec<_> = documented
            .params
            .iter()
            .map(|(name, value)| format!("params[{name}]={value}"))
            .collect();
        let path = format!("{}?{}", documented.provider, params.join("&"));
        let started = flow.start_oauth(&path, &token).await;
        let page = documented.page;
        let url = &started.location[..url::Position::AfterPath];
        assert_eq!(url, documented.authorization_url, "{page}");
        let mut expected = pairs(&[
            ("response_type", "code"),
            ("client_id", "id"),
            ("redirect_uri", "http://api.example.test/oauth/callback"),
            ("scope", documented.scope),
            ("state", &started.state()),
        ]);
        expected.extend(pairs(documented.authorization_params));
        let mut sent: Vec<(String, String)> = started.location.query_pairs().into_owned().collect();
        let challenge = started.parameter("code_challenge");
        assert_eq!(challenge.is_some(), documented.has_pkce, "{page}");
        sent.retain(|(name, _)| !name.starts_with("code_challenge"));
        assert_eq!(sent, expected, "{page}");
    }
}

// D58
#[test]
fn token_requests_are_as_documented() {
    let client = Client { id: "id".to_owned(), secret: "secret".to_owned() };
    for documented in DOCUMENTED {
        let page = documented.page;
        let provider = catalogued(documented.provider).expect("a provider");
        let params =
            documented.params.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
        let (connection_config, credentials) = (params.collect(), serde_json::Map::new());
        let variables = Variables {
            provider: &provider,
            connection_config: &connection_config,
            credentials: &credentials,
        };
        let grant = Grant {
            code: "code",
            redirect_uri: "https://api.example.test/oauth/callback",
            code_verifier: documented.has_pkce.then_some("verifier"),
            client: &client,
        };
        let request = exchange::request(&variables, &grant).expect("a request");
        assert_eq!((request.method.as_str(), request.url.as_str()), ("POST", documented.token_url));
        let header = |name: &str| request.headers.get(name).map(|v| v.to_str().expect("ASCII"));
        assert_eq!(header("accept"), Some("application/json"), "{page}");
        let basic = documented.is_basic.then_some("Basic aWQ6c2VjcmV0");
        assert_eq!(header("authorization"), basic, "{page}");

        let mut expected = pairs(&[
            ("grant_type", "authorization_code"),
            ("code", "code"),
            ("redirect_uri", "https://api.example.test/oauth/callback"),
        ]);
        expected.extend(pairs(documented.token_params));
        if documented.has_pkce {
            expected.extend(pairs(&[("code_verifier", "verifier")]));
        }
        if !documented.is_basic {
            expected.extend(pairs(&[("client_id", "id"), ("client_secret", "secret")]));
        }
        let sent: Vec<(String, String)> = if documented.is_json {
            assert_eq!(header("content-type"), Some("application/json"), "{page}");
            let body: Value = serde_json::from_slice(&request.body).expect("JSON");
            let fields = body.as_object().expect("an object").clone();
            fields.into_iter().map(|(n, v)| (n, v.as_str().expect("a text").to_owned())).collect()
        } else {
            assert_eq!(header("content-type"), Some("application/x-www-form-urlencoded"), "{page}");
            url::form_urlencoded::parse(&request.body).into_owned().collect()
        };
        assert_eq!(sent, expected, "{page}");
    }
}

/// The further fields of an answer that the connection needs.
#[test]
fn what_the_answers_of_these_providers_tell_is_kept() {
    for (provider, names) in [
        ("slack", json!(["team.id", "team.name", "bot_user_id", "authed_user.id"])),
        ("salesforce", json!(["instance_url", "id"])),
        ("notion", json!(["workspace_id", "workspace_name", "bot_id"])),
    ] {
        let provider = catalogued(provider).expect("a provider");
        assert_eq!(provider.template()["token_response_metadata"], names);
    }
}
