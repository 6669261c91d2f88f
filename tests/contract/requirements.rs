//! Every requirement and every deviation is shown by a test that cites it.

use std::collections::BTreeSet;
use std::path::Path;

/// Completing an authorization is not built yet. R6 is cited for what it says of the session; its
/// second half, the copying onto the connection, waits for R7.
const OPEN: [&str; 1] = ["R7"];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The words of the test sources' `// R1 D2` lines.
fn cited() -> BTreeSet<String> {
    let mut cited = BTreeSet::new();
    for folder in ["tests/contract", "tests/e2e"] {
        for entry in std::fs::read_dir(root().join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(path).expect("text");
                let comments = text.lines().filter_map(|line| line.trim().strip_prefix("// "));
                cited.extend(comments.flat_map(str::split_whitespace).map(str::to_owned));
            }
        }
    }
    let replayed = tests::case::deviations().into_iter();
    cited.extend(replayed.filter_map(|deviation| deviation.deviation));
    cited
}

fn numbered(file: &str, marker: &str, letter: char) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join(file)).expect("text");
    let rows = text.lines().filter_map(|line| line.strip_prefix(marker));
    rows.filter(|row| row.starts_with(letter))
        .map(|row| row.split_whitespace().next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn every_requirement_is_cited_by_a_test() {
    let requirements = numbered("docs/REQUIREMENTS.md", "- ", 'R');
    assert_eq!(requirements.len(), 20);
    let missing: Vec<_> = requirements.difference(&cited()).cloned().collect();
    assert_eq!(missing, OPEN);
}

#[test]
fn every_deviation_is_cited_by_a_test() {
    let deviations = numbered("docs/compatibility.md", "| ", 'D');
    assert_eq!(deviations.len(), 20);
    let missing: Vec<_> = deviations.difference(&cited()).cloned().collect();
    assert_eq!(missing, Vec::<String>::new());
}
