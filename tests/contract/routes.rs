//! The local server answers as API Gateway would with `template.yaml`: same routes, same CORS,
//! same answers where there is no route.

use std::collections::BTreeSet;

use serde_json::json;
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
        for (_, event) in resource["Properties"]["Events"].as_hash().into_iter().flatten() {
            let text = |key: &str| event["Properties"][key].as_str().expect("text").to_owned();
            routes.insert(format!("{} {}", text("Method").to_uppercase(), text("Path")));
        }
    }
    let served: BTreeSet<_> =
        local::gateway::ROUTES.iter().map(|(route, _)| (*route).to_owned()).collect();
    assert_eq!(served, routes);
    let crates =
        ["create-session", "delete-session", "get-session", "provision", "reconnect-session"];
    assert_eq!(functions, crates.iter().map(|name| format!("functions/{name}")).collect());
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
        ("POST", "/connect/%73essions"),
        ("GET", "/connect/%zz"),
    ] {
        let call = Call::new(method, path).header("content-type", "text/plain");
        let reply = world.send(call).await;
        assert_eq!((reply.status, reply.json()), (404, json!({ "message": "Not Found" })));
        assert_eq!(reply.header("content-type"), Some("application/json"));
    }
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
