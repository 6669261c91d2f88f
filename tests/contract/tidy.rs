//! House style that no lint checks.

use std::path::{Path, PathBuf};

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

#[test]
fn every_file_says_what_it_is_and_stays_small() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut files = Vec::new();
    for folder in ["shared", "functions", "local", "tests", "bench"] {
        sources(&root.join(folder), &mut files);
    }
    assert!(files.len() > 40);
    for file in files {
        let text = std::fs::read_to_string(&file).expect("text");
        let name = file.display();
        assert!(text.starts_with("//! "), "{name} starts with what it is");
        let lines = text.lines().count();
        let limit = if file.components().any(|part| part.as_os_str() == "src") { 320 } else { 600 };
        assert!(lines <= limit, "{name} has {lines} lines");
        if file.ends_with("src/main.rs")
            && file.components().any(|part| part.as_os_str() == "functions")
        {
            assert_eq!(lines, 5, "{name} only starts things");
        }
        let mut start = 0;
        for (number, line) in text.lines().enumerate() {
            assert!(
                line.chars().count() <= 100 || line.contains('"'),
                "{name}:{number} is too long"
            );
            let is_function = line.trim_start().trim_start_matches("pub ").starts_with("fn ")
                || line.trim_start().trim_start_matches("pub ").starts_with("async fn ");
            if is_function {
                start = number;
            }
            let is_end = line == "}" || line == "    }";
            assert!(!is_end || number - start <= 120, "{name}:{start} is a long function");
        }
    }
}

#[test]
fn there_is_one_tls_stack() {
    let lock = include_str!("../../Cargo.lock");
    for forbidden in ["aws-lc-rs", "aws-lc-sys", "openssl-sys", "native-tls"] {
        assert!(!lock.contains(&format!("name = \"{forbidden}\"")), "{forbidden} is in Cargo.lock");
    }
}
