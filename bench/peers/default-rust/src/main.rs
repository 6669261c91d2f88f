//! A create function as the documentation of the SDK and of the runtime shows it: default features,
//! the default credentials chain, the tokio runtime of the macro. As in `create-session`, the first
//! call makes three DynamoDB calls and later ones make one.

use std::sync::OnceLock;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use lambda_http::{Body, Error, Request, Response, run, service_fn};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

static ENVIRONMENT: OnceLock<String> = OnceLock::new();

#[tokio::main]
async fn main() -> Result<(), Error> {
    lambda_http::tracing::init_default_subscriber();
    let client = Client::new(&aws_config::load_from_env().await);
    run(service_fn(|request: Request| create(&client, request))).await
}

async fn create(client: &Client, request: Request) -> Result<Response<Body>, Error> {
    let key = request.headers()["authorization"].to_str()?.trim_start_matches("Bearer ");
    let body: Value = serde_json::from_slice(request.body())?;
    let environment = match ENVIRONMENT.get() {
        Some(environment) => environment,
        None => {
            let environment = read(client, key).await?;
            ENVIRONMENT.get_or_init(|| environment)
        }
    };
    let token = format!("nango_connect_session_{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    client
        .put_item()
        .table_name(std::env::var("SESSIONS_TABLE")?)
        .item("token_hash", AttributeValue::B(Blob::new(Sha256::digest(&token).to_vec())))
        .item("environment_id", AttributeValue::S(environment.clone()))
        .item("session_id", AttributeValue::S(Uuid::new_v4().to_string()))
        .item("body", AttributeValue::S(body.to_string()))
        .condition_expression("attribute_not_exists(token_hash)")
        .send()
        .await?;
    let answer = json!({ "data": { "token": token } }).to_string();
    Ok(Response::builder().status(201).header("content-type", "application/json").body(answer.into())?)
}

async fn read(client: &Client, key: &str) -> Result<String, Error> {
    let table = std::env::var("REGISTRY_TABLE")?;
    let hash: String = Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect();
    let found = client
        .get_item()
        .table_name(&table)
        .key("pk", AttributeValue::S(format!("KEY#{hash}")))
        .key("sk", AttributeValue::S("KEY".to_owned()))
        .consistent_read(true)
        .send()
        .await?;
    let id = found.item().and_then(|item| item["environment_id"].as_s().ok()).ok_or("no key")?;
    client
        .query()
        .table_name(&table)
        .key_condition_expression("pk = :pk AND sk >= :sk")
        .expression_attribute_values(":pk", AttributeValue::S(format!("ENV#{id}")))
        .expression_attribute_values(":sk", AttributeValue::S("ENV".to_owned()))
        .consistent_read(true)
        .limit(201)
        .send()
        .await?;
    Ok(id.clone())
}
