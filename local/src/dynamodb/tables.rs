//! The tables of `template.yaml`.

use std::collections::BTreeMap;

use api::InitError;
use api::settings::Settings;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata};
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType,
    TimeToLiveSpecification,
};

/// Makes the missing tables, and enables their TTL.
pub async fn create_tables(client: &Client, settings: &Settings) -> Result<(), InitError> {
    let sessions = [("token_hash", ScalarAttributeType::B, KeyType::Hash)];
    let registry = [
        ("pk", ScalarAttributeType::S, KeyType::Hash),
        ("sk", ScalarAttributeType::S, KeyType::Range),
    ];
    let names = &settings.tables;
    create_table(client, &names.registry, &registry, &[], false).await?;
    create_table(client, &names.sessions, &sessions, &[], false).await?;
    create_table(client, &names.connections, &registry, &CONNECTION_INDEXES, false).await?;
    create_table(client, &names.events, &registry, &[], true).await?;
    turn_on_ttl(client, &names.sessions).await?;
    turn_on_ttl(client, &names.events).await
}

async fn turn_on_ttl(client: &Client, table: &str) -> Result<(), InitError> {
    let ttl = TimeToLiveSpecification::builder()
        .attribute_name("ttl")
        .enabled(true)
        .build()
        .map_err(|error| InitError::new(error.to_string()))?;
    let ttl =
        client.update_time_to_live().table_name(table).time_to_live_specification(ttl).send().await;
    match ttl.map_err(aws_sdk_dynamodb::Error::from) {
        Ok(_) => Ok(()),
        // TTL is enabled already.
        Err(error) if error.to_string().contains("ValidationException") => Ok(()),
        Err(error) => Err(InitError::new(format!(
            "TTL of table {table} cannot be turned on: {}",
            error.code().unwrap_or("no answer")
        ))),
    }
}

/// The indexes of the connections table: name, partition key, sort key, projection.
const CONNECTION_INDEXES: [(&str, &str, &str, ProjectionType); 3] = [
    ("by-created", "pk", "created_sk", ProjectionType::All),
    ("by-end-user", "end_user_pk", "created_sk", ProjectionType::All),
    ("by-refresh-due", "refresh_shard", "refresh_due_at", ProjectionType::KeysOnly),
];

async fn create_table(
    client: &Client,
    name: &str,
    key: &[(&str, ScalarAttributeType, KeyType)],
    indexes: &[(&str, &str, &str, ProjectionType)],
    has_stream: bool,
) -> Result<(), InitError> {
    let problem = |error: BuildError| InitError::new(error.to_string());
    let element = |attribute: &str, role: KeyType| {
        let element = KeySchemaElement::builder().attribute_name(attribute).key_type(role);
        element.build().map_err(problem)
    };
    let mut request =
        client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    if has_stream {
        let stream = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(StreamViewType::NewImage);
        request = request.stream_specification(stream.build().map_err(problem)?);
    }
    let mut attributes: BTreeMap<&str, ScalarAttributeType> = BTreeMap::new();
    for (attribute, kind, role) in key {
        attributes.insert(attribute, kind.clone());
        request = request.key_schema(element(attribute, role.clone())?);
    }
    for (index, partition, sort, projection) in indexes {
        attributes.extend([partition, sort].map(|name| (*name, ScalarAttributeType::S)));
        let index = GlobalSecondaryIndex::builder()
            .index_name(*index)
            .key_schema(element(partition, KeyType::Hash)?)
            .key_schema(element(sort, KeyType::Range)?)
            .projection(Projection::builder().projection_type(projection.clone()).build());
        request = request.global_secondary_indexes(index.build().map_err(problem)?);
    }
    for (attribute, kind) in attributes {
        let definition =
            AttributeDefinition::builder().attribute_name(attribute).attribute_type(kind);
        request = request.attribute_definitions(definition.build().map_err(problem)?);
    }
    match request.send().await {
        Ok(_) => Ok(()),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(CreateTableError::is_resource_in_use_exception) =>
        {
            Ok(())
        }
        Err(error) => Err(InitError::new(format!(
            "table {name} cannot be created: {}",
            error.code().unwrap_or("DynamoDB does not answer; is the URL of --dynamodb right?")
        ))),
    }
}
