//! The local server answers as API Gateway does with `template.yaml`: the same routes, the same
//! CORS, the same answers if there is no route.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};

use api::request::path_parameter;
use api::{App, Error, Request, Response, Timestamp, response};
use axum::body::{Bytes, to_bytes};
use local::routes::Router;
use local::{gateway, handler};
use serde_json::{Value, json};
use tests::{Call, World};
use yaml_rust2::{Yaml, YamlLoader};

fn template() -> Yaml {
    let text = include_str!("../../template.yaml");
    YamlLoader::load_from_str(text).expect("YAML").remove(0)
}

fn strings(list: &Yaml) -> Vec<&str> {
    list.as_vec().expect("a list").iter().map(|item| item.as_str().expect("text")).collect()
}

// R20
#[test]
fn the_routes_are_those_of_the_template_and_each_endpoint_is_a_function() {
    let template = template();
    let mut routes = BTreeSet::new();
    let mut functions = BTreeSet::new();
    for (_, resource) in template["Resources"].as_hash().expect("resources") {
        if resource["Type"].as_str() != Some("AWS::Serverless::Function") {
            continue;
        }
        functions.insert(resource["Properties"]["CodeUri"].as_str().expect("a path").to_owned());
        let events = resource["Properties"]["Events"].as_hash().into_iter().flatten();
        for (_, event) in events.filter(|(_, event)| event["Type"].as_str() == Some("HttpApi")) {
            let text = |key: &str| event["Properties"][key].as_str().expect("text").to_owned();
            routes.insert(format!("{} {}", text("Method").to_uppercase(), text("Path")));
        }
    }
    let served: BTreeSet<_> =
        local::routes::ROUTES.iter().map(|(route, _)| (*route).to_owned()).collect();
    assert_eq!(served, routes);
    let folders = concat!(env!("CARGO_MANIFEST_DIR"), "/../functions");
    let folders = std::fs::read_dir(folders).expect("a folder");
    let crates = folders.map(|entry| entry.expect("an entry").file_name());
    let crates = crates.map(|name| format!("functions/{}", name.to_str().expect("Unicode")));
    assert_eq!(functions, crates.collect());
}

// D8 D9
#[tokio::test]
async fn without_a_route_api_gateway_answers_itself() {
    let world = World::start().await;
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/connect/sessions"),
        ("PUT", "/connect/sessions"),
        ("PATCH", "/connect/session"),
        ("DELETE", "/connect/sessions"),
        ("HEAD", "/connect/sessions"),
        ("POST", "/connect/sessions/"),
        ("POST", "/Connect/Sessions"),
        ("POST", "//connect/sessions"),
        ("POST", "/connect%2Fsession"),
        ("GET", "/connect/%zz"),
    ] {
        let call = Call::new(method, path).header("content-type", "text/plain");
        let reply = world.send(call).await;
        assert_eq!((reply.status, reply.json()), (404, json!({ "message": "Not Found" })));
        assert_eq!(reply.header("content-type"), Some("application/json"));
    }
}

/// Answers with the parameter `id`.
async fn echo(_: &App, request: Request, _: Timestamp) -> Result<Response, Error> {
    response::ok(&path_parameter(&request, "id"))
}

/// Answers with the parameters `id` and `part`.
async fn echo_both(_: &App, request: Request, _: Timestamp) -> Result<Response, Error> {
    response::ok(&["id", "part"].map(|name| path_parameter(&request, name)))
}

#[tokio::test]
async fn path_parameters_reach_the_handler_as_api_gateway_decodes_them() {
    let router = Router::new(&[
        ("GET /things/{id}", handler!(app: echo)),
        ("PATCH /things/{id}", handler!(app: echo_both)),
        ("GET /things/new", handler!(app: echo)),
        ("GET /things/{id}/parts/{part}", handler!(app: echo_both)),
    ]);
    let world = World::start().await;
    let send = async |method: &str, path: &str| {
        let mut request = axum::http::Request::new(Bytes::new());
        *request.method_mut() = method.parse().expect("a method");
        *request.uri_mut() = path.parse().expect("a path");
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 50_000));
        let reply =
            gateway::respond_with(&router, world.state, request, peer, world.now).await.into_body();
        let body = to_bytes(reply, usize::MAX).await.expect("a whole body");
        serde_json::from_slice::<Value>(&body).expect("JSON")
    };
    for (path, id) in [
        ("/things/a", json!("a")),
        ("/things/A~b:c.d@e_f-g", json!("A~b:c.d@e_f-g")),
        ("/things/a+b", json!("a+b")),
        ("/things/a%20b", json!("a b")),
        ("/things/%C3%A9", json!("é")),
        ("/things/%ff", json!("\u{fffd}")),
        ("/things/%00", json!("\0")),
        ("/things/100%25", json!("100%")),
        ("/things/a%2520b", json!("a%20b")),
        ("/things/%zz%", json!("%zz%")),
        ("/things/..", json!("..")),
        ("/things/a%3Fb?id=c", json!("a?b")),
        ("/%74hings/a", json!("a")),
        // A literal route has no parameters.
        ("/things/new", json!(null)),
        ("/things/news", json!("news")),
    ] {
        assert_eq!(send("GET", path).await, json!({ "data": id }), "{path}");
    }
    let both = json!({ "data": ["a", "b c"] });
    assert_eq!(send("GET", "/things/a/parts/b%20c").await, both);
    assert_eq!(send("PATCH", "/things/new").await, json!({ "data": ["new", null] }));
    for path in ["/things", "/things/", "/things/a/", "/things/a%2Fb", "/things/a/parts/"] {
        assert_eq!(send("GET", path).await, json!({ "message": "Not Found" }), "{path}");
    }
    assert_eq!(send("POST", "/things/a").await, json!({ "message": "Not Found" }));
}

#[test]
fn an_event_holds_the_path_and_its_parameters_decoded() {
    let uri = "/things/a%20b?x=%20";
    let (parts, ()) = axum::http::Request::get(uri).body(()).expect("a request").into_parts();
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 50_000));
    let now = Timestamp::UNIX_EPOCH;
    let event = |parameters: Value| {
        let parameters = parameters.as_object().expect("an object").clone();
        local::event::event("GET /things/{id}", parameters, &parts, b"", peer, "id", now)
    };
    let with_one = event(json!({ "id": "a b" }));
    assert_eq!(with_one["pathParameters"], json!({ "id": "a b" }));
    assert_eq!(with_one["rawPath"], "/things/a b");
    assert_eq!(with_one["requestContext"]["http"]["path"], "/things/a b");
    assert_eq!(with_one["rawQueryString"], "x=%20");
    assert_eq!(event(json!({})).get("pathParameters"), None);
}

// D10
#[tokio::test]
async fn cors_is_what_the_template_says_on_every_answer() {
    let template = template();
    let cors = &template["Resources"]["Api"]["Properties"]["CorsConfiguration"];
    let world = World::start().await;
    let exposed = strings(&cors["ExposeHeaders"]).join(", ");
    for call in [
        Call::create(&world.secret_key, &json!({ "tags": {} })),
        Call::create("x", &json!({})),
        Call::new("POST", "/connect/sessions").header("content-type", "application/json").body("{"),
        Call::new("GET", "/nope"),
        Call::new("OPTIONS", "/connect/session"),
    ] {
        let reply = world.send(call.header("origin", "https://app.example.com")).await;
        let origin = strings(&cors["AllowOrigins"]).join(", ");
        assert_eq!(reply.header("access-control-allow-origin"), Some(origin.as_str()));
        assert_eq!(reply.header("access-control-expose-headers"), Some(exposed.as_str()));
        assert_eq!(reply.header("access-control-allow-credentials"), None);
    }
    for path in ["/connect/sessions", "/connect/session", "/anything"] {
        let reply = world.send(Call::new("OPTIONS", path)).await;
        assert_eq!((reply.status, reply.body.as_str()), (204, ""));
        let header = |name: &str| reply.header(&format!("access-control-{name}"));
        assert_eq!(
            header("allow-methods"),
            Some(strings(&cors["AllowMethods"]).join(",").as_str())
        );
        assert_eq!(
            header("allow-headers"),
            Some(strings(&cors["AllowHeaders"]).join(", ").as_str())
        );
        assert_eq!(
            header("max-age"),
            Some(cors["MaxAge"].as_i64().expect("a number").to_string().as_str())
        );
    }
}

// D13
#[test]
fn throttling_is_api_gateways_and_a_parameter() {
    let template = template();
    let route = &template["Resources"]["Api"]["Properties"]["DefaultRouteSettings"];
    for (setting, parameter) in [
        ("ThrottlingRateLimit", "ThrottlingRateLimit"),
        ("ThrottlingBurstLimit", "ThrottlingBurstLimit"),
    ] {
        assert_eq!(route[setting].as_str(), Some(parameter));
        assert!(!template["Parameters"][parameter].is_badvalue());
    }
}

// R18
#[test]
fn the_tables_of_the_template_are_those_that_the_local_server_makes() {
    let template = template();
    let resources = &template["Resources"];
    let key = |table: &str| -> Vec<(String, String)> {
        let schema = resources[table]["Properties"]["KeySchema"].as_vec().expect("a key");
        let text = |element: &Yaml, key: &str| element[key].as_str().expect("text").to_owned();
        schema.iter().map(|e| (text(e, "AttributeName"), text(e, "KeyType"))).collect()
    };
    let pair = |name: &str, role: &str| (name.to_owned(), role.to_owned());
    assert_eq!(key("SessionsTable"), [pair("token_hash", "HASH")]);
    assert_eq!(key("RegistryTable"), [pair("pk", "HASH"), pair("sk", "RANGE")]);
    let ttl = &resources["SessionsTable"]["Properties"]["TimeToLiveSpecification"];
    assert_eq!(
        (ttl["AttributeName"].as_str(), ttl["Enabled"].as_bool()),
        (Some("ttl"), Some(true))
    );
}
