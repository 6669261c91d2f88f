//! `cargo run` calls its engine without a connection: every operation that it needs has the same
//! answers and errors as over HTTP.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Credentials;
use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput;
use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::types::{
    AttributeValue, DeleteRequest, KeysAndAttributes, Put, TransactWriteItem, WriteRequest,
};
use local::dynamodb::{self, Engine};
use tests::container::settings;

/// Attributes by their names.
type Item = HashMap<String, AttributeValue>;

/// What the calls of [`calls`] have answered, one after the other.
type Answers = Vec<String>;

#[tokio::test]
async fn the_embedded_engine_answers_without_a_connection_as_it_does_over_http() {
    let engine = Engine::start(None).await.expect("an engine");
    let directly = calls(&engine.client()).await;
    let engine = Engine::start(None).await.expect("an engine");
    let credentials = Credentials::for_tests();
    let client = dynamodb::client(&engine.url(), "us-east-1".to_owned(), credentials);
    assert_eq!(directly, calls(&client).await);

    let all = directly.join("\n");
    for code in ["ConditionalCheckFailed", "ResourceNotFoundException", "ValidationException"] {
        assert!(all.contains(code), "no {code} in {all}");
    }
}

/// Each operation, in an order in which they see what those before have written.
async fn calls(client: &Client) -> Answers {
    let mut answers = Answers::new();
    // CreateTable and UpdateTimeToLive: the second time both are there.
    for _ in 0..2 {
        dynamodb::create_tables(client, &settings(|_| None)).await.expect("tables");
    }
    macro_rules! call {
        ($request:expr) => {
            call!($request, |_| Vec::new())
        };
        ($request:expr, $items:expr) => {
            answers.push(match $request.send().await {
                Ok(answer) => format!("{:?}", sorted($items(answer))),
                Err(error) => {
                    let text = format!("{:?}", error.as_service_error());
                    // What follows is the id of the request, which only HTTP has.
                    text.split(", extras:").next().unwrap_or_default().to_owned()
                }
            })
        };
    }
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let key = |sk: &str| [("pk".to_owned(), text("a")), ("sk".to_owned(), text(sk))];
    let put = |sk: &str| {
        client
            .put_item()
            .table_name("registry")
            .set_item(Some(key(sk).into()))
            .item("text", text("ü \" \\ \u{1f600}"))
            .item("number", AttributeValue::N("-12.50".to_owned()))
            .item("bytes", AttributeValue::B(b"\0\xff".as_slice().to_vec().into()))
            .item("list", AttributeValue::L(vec![AttributeValue::Bool(true), text("")]))
            .condition_expression("attribute_not_exists(pk)")
    };
    for sk in ["1", "2", "1"] {
        call!(put(sk));
    }
    let get = |table: &str, sk| client.get_item().table_name(table).set_key(Some(key(sk).into()));
    call!(get("registry", "1"), |answer: GetItemOutput| Vec::from_iter(answer.item));
    call!(client.get_item().table_name("registry").key("pk", text("a")));
    call!(get("elsewhere", "1"));
    let update = client
        .update_item()
        .table_name("registry")
        .set_key(Some(key("2").into()))
        .update_expression("SET #text = :text REMOVE #list")
        .expression_attribute_names("#text", "text")
        .expression_attribute_names("#list", "list")
        .expression_attribute_values(":text", text("new"));
    call!(update);
    let transaction = |sks: &[&str]| {
        let puts = sks.iter().map(|sk| {
            let put = Put::builder().table_name("registry").set_item(Some(key(sk).into()));
            let put = put.condition_expression("attribute_not_exists(pk)").build();
            TransactWriteItem::builder().put(put.expect("a put")).build()
        });
        Some(puts.collect())
    };
    call!(client.transact_write_items().set_transact_items(transaction(&["3", "4"])));
    call!(client.transact_write_items().set_transact_items(transaction(&["5", "1"])));
    let query = |condition| {
        let query = client.query().table_name("registry").key_condition_expression(condition);
        query.expression_attribute_values(":pk", text("a")).limit(3)
    };
    call!(query("pk = :pk"), |answer: QueryOutput| answer.items.unwrap_or_default());
    call!(query("pk ="));
    let keys = KeysAndAttributes::builder().keys(key("1").into()).keys(key("3").into()).build();
    let batch = client.batch_get_item().request_items("registry", keys.expect("keys"));
    call!(batch, |answer: BatchGetItemOutput| {
        answer.responses.unwrap_or_default().into_values().flatten().collect()
    });
    let delete = DeleteRequest::builder().set_key(Some(key("3").into())).build().expect("a delete");
    let delete = WriteRequest::builder().delete_request(delete).build();
    call!(client.batch_write_item().request_items("registry", vec![delete]));
    call!(client.delete_item().table_name("registry").set_key(Some(key("4").into())));
    call!(get("registry", "4"), |answer: GetItemOutput| Vec::from_iter(answer.item));
    answers
}

/// Items whose attributes have an order.
fn sorted(items: Vec<Item>) -> Vec<BTreeMap<String, AttributeValue>> {
    items.into_iter().map(BTreeMap::from_iter).collect()
}
