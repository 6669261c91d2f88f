//! The provider files: each fits the schema, cites its source and lets no user choose a host.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use boon::{Compiler, SchemaIndex, Schemas};
use regex_lite::Regex;
use serde_json::{Value, json};

const CRATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/catalogue");

/// Every file of the catalogue by the provider's name.
fn files() -> BTreeMap<String, Value> {
    let folder = Path::new(CRATE).join("providers");
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("the folder of providers") {
        let path: PathBuf = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        let text = std::fs::read_to_string(&path).expect("text");
        files.insert(name, serde_json::from_str(&text).expect("JSON"));
    }
    files
}

/// `provider.schema.json`, ready to validate.
struct Schema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Schema {
    fn read() -> Self {
        let path = Path::new(CRATE).join("provider.schema.json");
        let text = std::fs::read_to_string(path).expect("the schema");
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        let id = "https://example.com/provider.schema.json";
        compiler.add_resource(id, serde_json::from_str(&text).expect("JSON")).expect("a schema");
        let mut schemas = Schemas::new();
        let index = compiler.compile(id, &mut schemas).expect("a valid schema");
        Self { schemas, index }
    }

    fn check(&self, provider: &Value) -> Result<(), String> {
        self.schemas.validate(provider, self.index).map_err(|error| format!("{error:#}"))
    }
}

/// Every text in `value`, at any depth, with the name of its nearest key.
fn texts<'a>(key: &'a str, value: &'a Value, found: &mut Vec<(&'a str, &'a str)>) {
    match value {
        Value::String(text) => found.push((key, text)),
        Value::Array(items) => items.iter().for_each(|item| texts(key, item, found)),
        Value::Object(object) => object.iter().for_each(|(key, value)| texts(key, value, found)),
        _ => {}
    }
}

/// The names in `${...}`.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    text.split("${").skip(1).map(|rest| rest.split_once('}').expect("a closing brace").0)
}

#[test]
fn every_provider_fits_the_schema() {
    let schema = Schema::read();
    for (name, file) in files() {
        schema.check(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(file.get("name").is_none(), "{name}: the file's name is the provider's");
        let names = Regex::new("^[a-z0-9-]+$").expect("a pattern");
        assert!(names.is_match(&name), "{name} is not a good name");
    }
}

#[test]
fn the_schema_refuses_what_is_missing_unknown_or_of_another_mode() {
    let schema = Schema::read();
    let github = &files()["github"];
    let change = |key: &str, value: Option<Value>| {
        let mut provider = github.clone();
        let keys = provider.as_object_mut().expect("an object");
        match value {
            Some(value) => keys.insert(key.to_owned(), value),
            None => keys.shift_remove(key),
        };
        schema.check(&provider)
    };
    assert_eq!(change("source", None), Ok(()));
    for key in ["display_name", "categories", "auth_mode", "authorization_url", "token_url", "docs"]
    {
        change(key, None).expect_err(key);
    }
    for (key, value) in [
        ("autorization_params", json!({})),
        ("auth_mode", json!("OAUTH1")),
        ("auth_mode", json!("API_KEY")),
        ("authorization_url", json!("javascript:alert(1)")),
        ("token_url", json!("https://github.com/login#fragment")),
        ("authorization_params", json!({"prompt": 1})),
        ("scope_separator", json!("|")),
        ("token_request_auth_method", json!("private_key_jwt")),
        ("proxy", json!({"base_url": "https://api.github.com", "verification": {}})),
        ("docs", json!("http://docs.github.com")),
        ("connection_config", json!({"subdomain": {"type": "string"}})),
        (
            "connection_config",
            json!({"a": {"type": "string", "title": "", "description": "", "pattern": "("}}),
        ),
        ("source", json!({"page": "https://docs.github.com"})),
    ] {
        change(key, Some(value)).expect_err(key);
    }
}

#[test]
fn what_is_sent_is_the_file_without_what_is_for_people() {
    let files = files();
    assert!(files.len() >= 100);
    assert!(catalogue::names().eq(files.keys()), "sorted by name, each once");
    for (name, mut file) in files {
        let text = catalogue::template(&name).expect("a provider");
        assert!(!text.contains("$schema") && !text.contains("\"source\""), "{name}");
        assert!(!text.contains('\n'), "{name}: one line");
        let keys = file.as_object_mut().expect("an object");
        assert!(keys.shift_remove("$schema").is_some(), "{name} names the schema for editors");
        assert!(keys.shift_remove("source").is_some(), "{name} says where it is from");
        assert_eq!(serde_json::to_string(&file).expect("JSON"), text, "{name}: the file's order");
    }
}

#[test]
fn an_unknown_name_has_no_template() {
    for name in ["", "nope", "GitHub", "github.json", "../github", "__proto__", "constructor"] {
        assert_eq!(catalogue::template(name), None, "{name}");
    }
}

#[test]
fn urls_are_https() {
    for (name, file) in files() {
        let mut found = Vec::new();
        texts("", &file, &mut found);
        assert!(found.iter().all(|(_, text)| !text.starts_with("http:")), "{name}");
        for (key, url) in found.into_iter().filter(|(key, _)| key.ends_with("_url")) {
            let start = url.split("${").next().unwrap_or_default();
            assert!(start.is_empty() || start.starts_with("https://"), "{name}: {key}");
            assert!(!url.ends_with('/') || key != "base_url", "{name}: {key} ends with a slash");
        }
    }
}

#[test]
fn every_template_variable_is_declared() {
    for (name, file) in files() {
        let mode = file["auth_mode"].as_str().expect("a mode");
        let known: &[&str] = match mode {
            "API_KEY" => &["apiKey"],
            "BASIC" => &["username", "password"],
            "NONE" => &[],
            _ => &["accessToken"],
        };
        let mut found = Vec::new();
        texts("", &file, &mut found);
        for variable in found.iter().flat_map(|(_, text)| variables(text)) {
            let declared = match variable.split_once('.') {
                Some(("connectionConfig", field)) => file["connection_config"].get(field).is_some(),
                Some(("credentials", path)) => {
                    let field = path.split('.').next().unwrap_or_default();
                    file["credentials"].get(field).is_some()
                }
                _ => known.contains(&variable),
            };
            assert!(declared, "{name}: ${{{variable}}}");
        }
        let asked: &[&str] = match mode {
            "API_KEY" => &["apiKey"],
            "BASIC" | "SIGNATURE" => &["username", "password"],
            "OAUTH2_CC" => &["client_id", "client_secret"],
            "JWT" => &["privateKey"],
            _ => &[],
        };
        for field in asked {
            assert!(file["credentials"].get(field).is_some(), "{name} asks for {field}");
        }
        for section in ["token_response_metadata", "redirect_uri_metadata"] {
            for value in file[section].as_array().into_iter().flatten() {
                let field = &file["connection_config"][value.as_str().expect("a name")];
                assert_eq!(field["automated"], true, "{name} declares {value}");
            }
        }
    }
}

/// A host that is partly the user's must stay within the provider's domain: RFC 3986, section 3.2.
#[test]
fn no_value_of_a_user_can_change_the_host() {
    for (name, file) in files() {
        let mut found = Vec::new();
        texts("", &file, &mut found);
        for (key, url) in found.into_iter().filter(|(key, _)| key.ends_with("_url")) {
            let authority = url.strip_prefix("https://").unwrap_or(url);
            let authority = authority.split('/').next().unwrap_or_default();
            for variable in variables(authority) {
                let field = variable.strip_prefix("connectionConfig.").expect("a configuration");
                let pattern = file["connection_config"][field]["pattern"].as_str();
                let pattern = pattern.unwrap_or_else(|| panic!("{name}: {field} has no pattern"));
                assert!(pattern.starts_with('^') && pattern.ends_with('$'), "{name}: {pattern}");
                let pattern = Regex::new(pattern).expect("a pattern");
                let whole = url.starts_with("${");
                for value in [
                    "",
                    "a.b",
                    "evil.example",
                    "evil.example/",
                    "a/b",
                    "a\\b",
                    "a@b",
                    "a:1",
                    "a?b",
                    "a#b",
                    "a%2fb",
                    "a b",
                    "a\n",
                    "ä",
                    "http://evil.example",
                    "https://evil.example",
                    "https://evil.example/.salesforce.com",
                    "https://evil.example#.salesforce.com",
                    "https://a@evil.example",
                ] {
                    assert!(!pattern.is_match(value), "{name}: {key}: {field} admits {value:?}");
                }
                let example = file["connection_config"][field]["example"].as_str();
                let example = example.unwrap_or_else(|| panic!("{name}: {field} has no example"));
                assert!(pattern.is_match(example), "{name}: {field}: {example}");
                assert_eq!(whole, example.starts_with("https://"), "{name}: {field}: {example}");
            }
        }
    }
}

#[test]
fn the_list_in_the_docs_is_the_catalogue() {
    let mut modes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, file) in files() {
        let open = file["source"]["not_verified"].as_array().expect("a list").len();
        let mark = if open == 0 { "" } else { "\\*" };
        let mode = file["auth_mode"].as_str().expect("a mode").to_owned();
        modes.entry(mode).or_default().push(format!("`{name}`{mark}"));
    }
    let list: Vec<_> = modes
        .iter()
        .map(|(mode, names)| format!("- **{mode}** ({}): {}", names.len(), names.join(", ")))
        .collect();
    let list = list.join("\n");
    let docs = include_str!("../../docs/providers.md");
    assert!(docs.contains(&list), "docs/providers.md should contain:\n{list}");
}
