//! The state of the service in one container: settings, clients and caches.

use api::App;
use api::settings::Settings;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Credentials;
use connect::Connect;
use local::{State, dynamodb, websockets};
use vault::Vault;

use crate::wire::Wire;

/// The functions' settings: those that the template always sets, and those that a test adds.
pub fn settings(setting: impl Fn(&str) -> Option<&'static str>) -> Settings {
    let value = |name: &str| {
        setting(name).or(match name {
            "SESSIONS_TABLE" => Some("sessions"),
            "REGISTRY_TABLE" => Some("registry"),
            "CONNECTIONS_TABLE" => Some("connections"),
            "EVENTS_TABLE" => Some("events"),
            "KMS_KEY_ID" => Some(local::kms::KEY_ID),
            "OUTBOUND_ALLOW" => Some("127.0.0.0/8"),
            "CONNECT_UI_URL" => Some("http://localhost:3009"),
            _ => None,
        })
    };
    Settings::read(|name| value(name).map(str::to_owned)).expect("good settings")
}

/// A DynamoDB client with the timeouts of functions that answer HTTP requests.
pub fn client(url: &str) -> Client {
    let credentials = Credentials::new("test", "test", None, None, "test");
    dynamodb::client(url, "us-east-1".to_owned(), credentials)
}

/// A DynamoDB client with the timeouts of the other functions.
pub fn patient_client(url: &str) -> Client {
    dynamodb::patient_client(url, "us-east-1".to_owned(), Credentials::for_tests())
}

/// A new container, which reaches the engine and KMS over these wires.
pub fn container_at(settings: &Settings, wire: &Wire, kms_wire: &Wire) -> &'static State {
    let url = format!("http://{}", wire.address);
    let client = client(&url);
    container_on(&Settings { endpoint_url: Some(url), ..settings.clone() }, client, kms_wire)
}

/// The same with any DynamoDB client. The state is leaked because it lives as long as its
/// container.
pub fn container_on(settings: &Settings, client: Client, kms_wire: &Wire) -> &'static State {
    let credentials = Credentials::new("test", "test", None, None, "test");
    let kms_url = format!("http://{}", kms_wire.address);
    let kms = local::kms::client(&kms_url, "us-east-1".to_owned(), credentials);
    let connect = Connect {
        app: App::new(settings.clone(), client),
        vault: Vault::new(kms, settings.kms_key_id.clone()),
        outbound: connect::connect::outbound(settings).expect("good settings"),
    };
    Box::leak(Box::new(State {
        connect,
        sockets: websockets::sockets(settings.websocket_api_url.clone()),
    }))
}
