//! House style that no lint checks.

use std::path::{Path, PathBuf};
use std::process::Command;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// The most lines of a file, and of a function from its `fn` to its closing brace. Tests and fuzz
/// targets may be longer, because they are mostly tables of cases.
struct Limits {
    file: usize,
    function: usize,
}

const CODE: Limits = Limits { file: 300, function: 75 };
const TESTS: Limits = Limits { file: 350, function: 95 };
const LINE_LENGTH_MAX: usize = 100;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("target") {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The name, first and last line of every function, those inside of macros and of other functions
/// included. `fn` is a keyword and names a function where an identifier follows it: `fn(u8)` is a
/// type, and a declaration without a body ends with a semicolon.
fn functions(tokens: TokenStream, found: &mut Vec<(String, usize, usize)>) {
    let mut open = None;
    let mut after_fn = None;
    for token in tokens {
        match token {
            TokenTree::Ident(word) if word == "fn" => after_fn = Some(word.span().start().line),
            TokenTree::Ident(name) => {
                if let Some(start) = after_fn.take() {
                    open = Some((name.to_string(), start));
                }
            }
            TokenTree::Group(group) => {
                after_fn = None;
                if group.delimiter() == Delimiter::Brace
                    && let Some((name, start)) = open.take()
                {
                    found.push((name, start, group.span_close().end().line));
                }
                functions(group.stream(), found);
            }
            TokenTree::Punct(mark) if mark.as_char() == ';' && mark.spacing() == Spacing::Alone => {
                open = None;
            }
            _ => {}
        }
    }
}

fn functions_of(text: &str) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    functions(text.parse().expect("tokens"), &mut found);
    found
}

/// What is wrong with a file.
fn findings(name: &str, text: &str, limits: &Limits) -> Vec<String> {
    let mut findings = Vec::new();
    if !text.starts_with("//! ") {
        findings.push(format!("{name} does not start with what it is"));
    }
    let lines = text.lines().count();
    if lines > limits.file {
        findings.push(format!("{name} has {lines} lines, more than {}", limits.file));
    }
    for (number, line) in (1..).zip(text.lines()) {
        if line.chars().count() > LINE_LENGTH_MAX && !line.contains('"') {
            findings.push(format!("{name}:{number} is longer than {LINE_LENGTH_MAX} characters"));
        }
    }
    for (function, start, end) in functions_of(text) {
        let length = end - start + 1;
        if length > limits.function {
            let limit = limits.function;
            findings.push(format!(
                "{name}:{start} fn {function} has {length} lines, more than {limit}"
            ));
        }
    }
    findings
}

#[test]
fn every_file_says_what_it_is_and_stays_small() {
    let mut files = Vec::new();
    for folder in ["shared", "functions", "local", "tests", "bench", "fuzz"] {
        sources(&root().join(folder), &mut files);
    }
    assert!(files.len() > 40);
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("text");
        let name = file.strip_prefix(root()).expect("a file of the workspace");
        let is_test = name.starts_with("tests") || name.starts_with("fuzz");
        let limits = if is_test { &TESTS } else { &CODE };
        found.extend(findings(&name.display().to_string(), &text, limits));
        if name.starts_with("functions") && name.ends_with("src/main.rs") {
            let lines = text.lines().count();
            assert!(lines <= 11, "{} only starts things", name.display());
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_function_of_every_form_is_measured() {
    let body = "{\n    x()\n}";
    for head in [
        "fn f()",
        "pub fn f<T: Into<u8>>(x: fn(u8) -> u8) -> impl Fn()",
        "pub(crate) const fn f()",
        "pub(in crate::a) async fn f() where u8: Copy",
        "unsafe extern \"C\" fn f()",
        "impl A { fn g(); } #[test] fn f()",
        "fn f(x: [u8; 2]) -> [u8; 2]",
    ] {
        assert_eq!(functions_of(&format!("{head} {body}")), [("f".to_owned(), 1, 3)], "{head}");
    }
    for around in ["mod m { BODY }", "impl A for B { BODY }", "proptest! { BODY }", "x!(a, BODY)"] {
        let text = around.replace("BODY", &format!("fn f(a in 0..9) {body}"));
        assert_eq!(functions_of(&text), [("f".to_owned(), 1, 3)], "{around}");
    }
    let nested = format!("fn outer() {{ let s = \"fn s() {{\"; /* fn c() */ fn inner() {body}\n}}");
    let names: Vec<_> = functions_of(&nested).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["outer", "inner"]);
}

#[test]
fn what_is_too_long_is_found() {
    let limits = Limits { file: 4, function: 3 };
    let good = "//! A file.\nfn f() {\n    x()\n}";
    assert_eq!(findings("a.rs", good, &limits), Vec::<String>::new());
    let long = format!("fn f() {{\n\n\n}}\n// {}", "x".repeat(98));
    assert_eq!(
        findings("a.rs", &long, &limits),
        [
            "a.rs does not start with what it is",
            "a.rs has 5 lines, more than 4",
            "a.rs:5 is longer than 100 characters",
            "a.rs:1 fn f has 4 lines, more than 3",
        ]
    );
}

#[test]
fn there_is_one_tls_stack() {
    let lock = include_str!("../../Cargo.lock");
    for forbidden in ["aws-lc-rs", "aws-lc-sys", "openssl-sys", "native-tls"] {
        assert!(!lock.contains(&format!("name = \"{forbidden}\"")), "{forbidden} is in Cargo.lock");
    }
}

/// The names of tests that a text cites: sentences in code font, with the file before them or not.
fn cited(text: &str) -> Vec<&str> {
    let code = text.split('`').skip(1).step_by(2);
    let last = code.filter_map(|code| code.rsplit("::").next());
    last.filter(|name| {
        name.matches('_').count() >= 3
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    })
    .collect()
}

#[test]
fn the_tests_that_the_decisions_cite_exist() {
    let mut files = Vec::new();
    sources(&root().join("tests"), &mut files);
    files.push(root().join("tests/template/test_template.py"));
    files.push(root().join("tests/openapi/test_description.py"));
    let tests: String =
        files.iter().map(|file| std::fs::read_to_string(file).expect("a file")).collect();
    let decisions = std::fs::read_to_string(root().join("docs/decisions.md")).expect("a file");
    let cited = cited(&decisions);
    assert!(cited.len() > 20, "{cited:?}");
    for name in cited {
        let is_there = [format!("fn {name}("), format!("def {name}(")];
        assert!(is_there.iter().any(|start| tests.contains(start)), "no test {name}");
    }
}

#[test]
fn the_patches_of_the_choices_apply() {
    let patches = std::fs::read_dir(root().join("bench/choices")).expect("a folder");
    let patches = patches.map(|entry| entry.expect("an entry").path());
    let patches: Vec<_> =
        patches.filter(|path| path.extension().is_some_and(|end| end == "patch")).collect();
    assert_eq!(patches.len(), 5);
    for patch in patches {
        let mut git = Command::new("git");
        git.arg("apply").arg("--check").arg(&patch).current_dir(root());
        let output = git.output().expect("git runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
