//! Tags: contract sections 1.1 and 7.1.

use serde_json::{Value, json};
use session::token::SessionToken;
use tests::World;

async fn stored_tags(world: &World, token: &str) -> Value {
    let hash = SessionToken::parse(token).expect("a token").hash();
    let session = world.app.tables.session(&hash).await.expect("an answer").expect("a session");
    json!(session.tags)
}

// R6
#[tokio::test]
async fn tags_are_derived_merged_and_stored_in_lowercase() {
    let world = World::start().await;
    let long = "x".repeat(255);
    for (body, tags) in [
        (json!({ "tags": {} }), json!({})),
        (
            json!({ "tags": { "Project.Id/x_-": " Value " } }),
            json!({ "project.id/x_-": " Value " }),
        ),
        (
            json!({ "end_user": { "id": "u", "tags": { "Team": "a", "End_User_ID": "x" } } }),
            json!({ "end_user_id": "x", "team": "a" }),
        ),
        (
            json!({ "end_user": { "id": "u", "tags": { "team": "a" } },
                    "organization": { "id": "o", "display_name": "O" },
                    "tags": { "TEAM": "b", "organization_id": "p" } }),
            json!({ "end_user_id": "u", "organization_display_name": "O", "organization_id": "p",
                    "team": "b" }),
        ),
        // One empty value drops all tags of the end user, and nothing else.
        (
            json!({ "end_user": { "id": "u", "tags": { "a": "", "b": "c" } } }),
            json!({ "end_user_id": "u" }),
        ),
        // An e-mail address that is invalid once truncated drops the derived tags, and nothing
        // else.
        (
            json!({ "end_user": { "id": "u", "email": format!("{long}@example.com") },
                    "tags": { "a": "b" } }),
            json!({ "a": "b" }),
        ),
        (
            json!({ "end_user": { "id": "u", "email": format!("{long}@example.com"),
                    "tags": { "end_user_email": "a@b.co" } } }),
            json!({ "end_user_id": "u", "end_user_email": "a@b.co" }),
        ),
    ] {
        let token = world.mint(body).await;
        assert_eq!(stored_tags(&world, &token).await, tags);
    }
}

// R6
#[tokio::test]
async fn tags_of_an_end_user_that_do_not_fit_are_dropped_together() {
    let world = World::start().await;
    let tags = |count: usize| -> Value {
        (0..count).map(|n| (format!("k{n}"), json!("v"))).collect::<serde_json::Map<_, _>>().into()
    };
    let body = |count| json!({ "end_user": { "id": "u", "email": "a@b.co", "tags": tags(count) } });
    let token = world.mint(body(8)).await;
    assert_eq!(stored_tags(&world, &token).await.as_object().map(serde_json::Map::len), Some(10));
    let token = world.mint(body(9)).await;
    let described = json!({ "end_user_id": "u", "end_user_email": "a@b.co" });
    assert_eq!(stored_tags(&world, &token).await, described);
}

// D1
#[tokio::test]
async fn more_than_ten_tags_after_merging_are_the_callers_mistake() {
    let world = World::start().await;
    let tags: serde_json::Map<_, _> = (0..10).map(|n| (format!("k{n}"), json!("v"))).collect();
    assert_eq!(world.create(json!({ "tags": tags })).await.status, 201);
    let issues = json!([{ "code": "custom", "message": "Tags cannot contain more than 10 keys",
                          "path": ["tags"] }]);
    let body = json!({ "end_user": { "id": "u" }, "tags": tags });
    world.create(body.clone()).await.assert_issues(&issues);
    let mut body = body;
    body["connection_id"] = json!("conn-1");
    body["integration_id"] = json!("github");
    world.reconnect(body).await.assert_issues(&issues);
}

#[tokio::test]
async fn a_map_of_tags_is_judged_as_a_whole_once_its_entries_have_the_right_form() {
    let world = World::start().await;
    let duplicate = |key: &str| {
        json!({ "code": "custom",
        "message": format!("Duplicate tag key after case normalization: \"{key}\""), "path": ["tags"] })
    };
    let email = json!({ "code": "custom", "message": "Tag \"end_user_email\" must be a valid email",
        "path": ["tags"] });
    let key = |key: &str| {
        json!({ "code": "invalid_key", "message": "Invalid key in record",
        "path": ["tags", key] })
    };
    for (tags, issues) in [
        (
            json!({ "projectId": "1", "ProjectID": "2", "PROJECTID": "3" }),
            json!([duplicate("projectid"), duplicate("projectid")]),
        ),
        (json!({ "End_User_Email": "nope" }), json!([email])),
        (json!({ "a": "1", "A": "2", "_x": "3", "end_user_email": "no" }), json!([key("_x")])),
        (
            json!({ "-x": "1", "x y": "1", "x@": "1", "x:": "1", "é": "1" }),
            json!([key("-x"), key("x y"), key("x@"), key("x:"), key("é")]),
        ),
    ] {
        world.create(json!({ "tags": tags })).await.assert_issues(&issues);
    }
    // With too many tags, no other issue of the object as a whole is reported.
    let mut many: serde_json::Map<_, _> = (0..9).map(|n| (format!("k{n}"), json!("v"))).collect();
    many.extend([("K0".to_owned(), json!("v")), ("end_user_email".to_owned(), json!("no"))]);
    world.create(json!({ "tags": many })).await.assert_issues(&json!([
        { "code": "custom", "message": "Tags cannot contain more than 10 keys", "path": ["tags"] },
    ]));
}
