//! The settings: read in one place, refused with their name, set by the template.

use std::collections::BTreeSet;

use api::settings::Settings;
use yaml_rust2::YamlLoader;

fn read(change: (&str, Option<&str>)) -> Result<Settings, String> {
    let value = |name: &str| match name {
        name if name == change.0 => change.1,
        "SESSIONS_TABLE" => Some("sessions"),
        "REGISTRY_TABLE" => Some("registry"),
        "CONNECTIONS_TABLE" => Some("connections"),
        "EVENTS_TABLE" => Some("events"),
        "CONNECT_UI_URL" => Some("https://ui.example.com"),
        _ => None,
    };
    Settings::read(|name| value(name).map(str::to_owned)).map_err(|error| error.to_string())
}

#[test]
fn a_missing_or_malformed_setting_is_named_in_one_sentence() {
    for (change, sentence) in [
        (("SESSIONS_TABLE", None), "SESSIONS_TABLE is not set"),
        (("REGISTRY_TABLE", Some("")), "REGISTRY_TABLE is not set"),
        (
            ("CONNECT_UI_URL", Some("ui.example.com")),
            "CONNECT_UI_URL must be an absolute http(s) URL, not \"ui.example.com\"",
        ),
        (
            ("CONNECT_UI_URL", Some("ftp://x")),
            "CONNECT_UI_URL must be an absolute http(s) URL, not \"ftp://x\"",
        ),
        (
            ("SESSION_TTL_SECONDS", Some("59")),
            "SESSION_TTL_SECONDS must be 60 to 604800 seconds, not \"59\"",
        ),
        (
            ("SESSION_TTL_SECONDS", Some("604801")),
            "SESSION_TTL_SECONDS must be 60 to 604800 seconds, not \"604801\"",
        ),
        (
            ("SESSION_TTL_SECONDS", Some("30m")),
            "SESSION_TTL_SECONDS must be 60 to 604800 seconds, not \"30m\"",
        ),
        (
            ("REGISTRY_CACHE_SECONDS", Some("-1")),
            "REGISTRY_CACHE_SECONDS must be 0 to 3600 seconds, not \"-1\"",
        ),
        (
            ("RUST_LOG", Some("api=loud")),
            "RUST_LOG must be a level or a list of target=level, not \"api=loud\"",
        ),
    ] {
        assert_eq!(read(change).expect_err(sentence), sentence);
    }
}

// R2 D20
#[test]
fn what_is_left_out_has_a_default() {
    let settings = read(("", None)).expect("good settings");
    assert_eq!(settings.session_ttl_seconds, 1_800);
    assert_eq!(settings.registry_cache_seconds, 60);
    assert_eq!(settings.websockets_path, "/");
    for (name, value) in [
        ("SESSION_TTL_SECONDS", "60"),
        ("SESSION_TTL_SECONDS", "604800"),
        ("REGISTRY_CACHE_SECONDS", "0"),
        ("RUST_LOG", "warn,api=debug"),
        ("RUST_LOG", "INFO"),
    ] {
        assert!(read((name, Some(value))).is_ok(), "{name}={value}");
    }
}

#[test]
fn the_template_sets_every_variable_that_is_read_and_no_other() {
    let read = std::cell::RefCell::new(BTreeSet::new());
    let settings = Settings::read(|name| {
        read.borrow_mut().insert(name.to_owned());
        Some(if name == "CONNECT_UI_URL" { "https://x.y" } else { "60" }.to_owned())
            .filter(|_| name != "RUST_LOG")
    });
    assert!(settings.is_ok());
    let template = include_str!("../../template.yaml");
    let template = YamlLoader::load_from_str(template).expect("YAML").remove(0);
    let set = &template["Globals"]["Function"]["Environment"]["Variables"];
    let set: BTreeSet<_> = (set.as_hash().expect("variables").keys())
        .map(|name| name.as_str().expect("text").to_owned())
        .collect();
    // This one belongs to the machine, not to the template.
    let mut read = read.into_inner();
    assert!(read.remove("SSL_CERT_FILE"));
    assert_eq!(set, read);
}
