//! Starts that are refused, with one clear sentence and exit status 2.

use std::net::TcpListener;
use std::path::Path;

use serde_json::json;

use crate::process::{Process, command};

fn refused(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let mut local = command(folder, arguments);
    let output = local.envs(variables.iter().copied()).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(output.stdout, b"", "{output:?}");
    String::from_utf8(output.stderr).expect("UTF-8")
}

#[test]
fn every_refusal_is_one_clear_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = taken.local_addr().map(|address| (taken, address.to_string())).expect("an address");
    std::fs::write(folder.path().join("broken.json"), "{").expect("a file");
    std::fs::write(folder.path().join("no.db"), "this is no database, and long enough to see that")
        .expect("a file");
    std::fs::create_dir(folder.path().join("folder")).expect("a folder");
    let free = ["--listen", "127.0.0.1:0"];
    for (arguments, variables, sentence) in [
        (
            &["--listen", &taken.1][..],
            &[][..],
            format!(
                "error: {} is taken by another process; choose another with --listen\n",
                taken.1
            ),
        ),
        (
            &[free[0], free[1], "--environment", "missing.json"],
            &[],
            "error: the environment missing.json cannot be read: \
             No such file or directory (os error 2)\n"
                .to_owned(),
        ),
        (
            &[free[0], free[1], "--environment", "broken.json"],
            &[],
            "error: the environment broken.json is not JSON: \
             EOF while parsing an object at line 1 column 1\n"
                .to_owned(),
        ),
        (
            &[free[0], free[1], "--in-memory"],
            &[("SESSION_TTL_SECONDS", "5")],
            "error: SESSION_TTL_SECONDS must be 60 to 604800 seconds, not \"5\"\n".to_owned(),
        ),
        (
            &[free[0], free[1], "--dynamodb", "https://dynamodb.eu-west-1.amazonaws.com"],
            &[],
            "error: AWS needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment\n"
                .to_owned(),
        ),
    ] {
        assert_eq!(refused(folder.path(), arguments, variables), sentence);
    }
    for (arguments, start) in [
        (&["--listen", "nowhere"][..], "error: invalid value 'nowhere' for '--listen"),
        (&["--frobnicate"], "error: unexpected argument '--frobnicate'"),
        (&["--data", "x", "--in-memory"], "error: the argument '--data"),
        (&[free[0], free[1], "--data", "folder"], "error: the data file folder cannot be opened: "),
        (&[free[0], free[1], "--data", "no.db"], "error: the data file no.db cannot be opened: "),
    ] {
        let sentence = refused(folder.path(), arguments, &[]);
        assert!(sentence.starts_with(start), "{sentence}");
    }
}

#[test]
fn a_bad_document_is_refused_with_every_issue() {
    let folder = tempfile::tempdir().expect("a folder");
    let document = json!({ "environments": [ {
        "name": "dev",
        "secret_keys": [{ "name": "server", "secret": "hunter2" }],
        "integrations": [{ "unique_key": "a/b" }],
    } ] });
    std::fs::write(folder.path().join("e.json"), document.to_string()).expect("a file");
    let arguments = ["--listen", "127.0.0.1:0", "--in-memory", "--environment", "e.json"];
    let sentence = refused(folder.path(), &arguments, &[]);
    assert_eq!(
        sentence,
        "error: the environment document is refused:\n  \
         environments.0.secret_keys.0.secret: Invalid UUID v4\n  \
         environments.0.integrations.0.unique_key: \
         Invalid string: must match pattern /^[a-zA-Z0-9~:.@ _-]+$/\n  \
         environments.0.integrations.0.provider: \
         Invalid input: expected string, received undefined\n"
    );
}

#[test]
fn a_data_file_belongs_to_one_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = Process::start(folder.path(), &[]);
    let sentence = refused(folder.path(), &["--listen", "127.0.0.1:0"], &[]);
    assert_eq!(
        sentence,
        "error: the data file .local/tables.db is in use by another process; \
         choose another with --data\n"
    );
    drop(first);
}
