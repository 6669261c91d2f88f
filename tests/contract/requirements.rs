//! Every requirement and every deviation has a test that cites it.
//!
//! A citation is a line `// R7 D2` of its own, directly above the attribute of a test that is not
//! ignored, or above a `test(` of the browser suite. A recorded case cites the deviation that
//! `deviations.jsonl` gives it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The test sources, by name.
fn sources() -> BTreeMap<String, String> {
    fn read(folder: &Path, found: &mut BTreeMap<String, String>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() {
                if name != "node_modules" {
                    read(&path, found);
                }
            } else if [".rs", ".spec.js"].iter().any(|ending| name.ends_with(ending)) {
                let text = std::fs::read_to_string(&path).expect("text");
                found.insert(path.display().to_string(), text);
            }
        }
    }
    let mut found = BTreeMap::new();
    read(&root().join("tests"), &mut found);
    found
}

/// `R7`, `D20`: a letter and a number.
fn is_number(word: &str) -> bool {
    let digits = word.strip_prefix(['R', 'D']).unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The numbers in a line that has the form of a citation.
fn citation(line: &str) -> Option<Vec<&str>> {
    let words: Vec<_> = line.trim().strip_prefix("// ")?.split(' ').collect();
    words.iter().all(|word| is_number(word)).then_some(words)
}

/// Whether the attributes at the start of `lines` are those of a test that runs.
fn is_test<'a>(lines: impl Iterator<Item = &'a str>) -> bool {
    let mut lines = lines.peekable();
    if lines.peek().is_some_and(|line| line.trim_start().starts_with("test(")) {
        return true;
    }
    let attributes: Vec<_> =
        lines.map(str::trim).take_while(|line| line.starts_with('#')).collect();
    attributes.iter().any(|line| *line == "#[test]" || line.starts_with("#[tokio::test"))
        && !attributes.iter().any(|line| line.starts_with("#[ignore"))
}

/// The numbers that the tests cite, and the citations that are not above a test.
fn cited(sources: &BTreeMap<String, String>) -> (BTreeSet<String>, Vec<String>) {
    let (mut cited, mut astray) = (BTreeSet::new(), Vec::new());
    for (name, text) in sources {
        let lines: Vec<_> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let Some(numbers) = citation(line) else { continue };
            if is_test(lines[at + 1..].iter().copied()) {
                cited.extend(numbers.into_iter().map(str::to_owned));
            } else {
                astray.push(format!("{name}:{}", at + 1));
            }
        }
    }
    (cited, astray)
}

/// The numbers in a document, each once and in order.
fn numbered(file: &str, marker: &str, letter: char) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(file)).expect("text");
    let rows = text.lines().filter_map(|line| line.strip_prefix(marker));
    let found: Vec<_> = rows
        .filter_map(|row| row.split_whitespace().next())
        .filter(|word| word.starts_with(letter) && is_number(word))
        .map(str::to_owned)
        .collect();
    let number = |word: &String| word[1..].parse::<u32>().expect("a number");
    let is_ascending = found.windows(2).all(|pair| number(&pair[0]) < number(&pair[1]));
    assert!(!found.is_empty() && is_ascending, "{file}: {found:?}");
    found
}

fn requirements() -> Vec<String> {
    numbered("docs/REQUIREMENTS.md", "- ", 'R')
}

fn deviations() -> Vec<String> {
    numbered("docs/compatibility.md", "| ", 'D')
}

/// The deviations of recorded cases that are replayed.
fn replayed() -> BTreeSet<String> {
    let runs = tests::case::deviations().into_iter();
    runs.filter(|deviation| deviation.cannot_arise.is_none())
        .filter_map(|deviation| deviation.deviation)
        .collect()
}

#[test]
fn every_requirement_and_every_deviation_is_cited_by_a_test() {
    let (mut cited, _) = cited(&sources());
    cited.extend(replayed());
    let numbers = requirements().into_iter().chain(deviations());
    let missing: Vec<_> = numbers.filter(|number| !cited.contains(number)).collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_citation_stands_above_a_test_and_names_what_exists() {
    let (mut cited, astray) = cited(&sources());
    assert_eq!(astray, Vec::<String>::new(), "a citation stands directly above a test");
    cited.extend(replayed());
    for number in requirements().into_iter().chain(deviations()) {
        cited.remove(&number);
    }
    assert_eq!(cited, BTreeSet::new(), "cited, and in neither document");
}

#[test]
fn a_requirement_whose_citations_are_taken_away_is_missed() {
    let sources = sources();
    for number in &requirements() {
        let without = |line: &str| match citation(line) {
            Some(numbers) => {
                let rest: Vec<_> = numbers.into_iter().filter(|cited| cited != number).collect();
                format!("// {}\n", rest.join(" "))
            }
            None => format!("{line}\n"),
        };
        let changed = (sources.iter())
            .map(|(name, text)| (name.clone(), text.lines().map(without).collect()))
            .collect();
        assert!(cited(&sources).0.contains(number), "{number}");
        assert!(!cited(&changed).0.contains(number), "{number}");
    }
}

#[test]
fn only_a_line_of_numbers_above_a_test_that_runs_is_a_citation() {
    for (text, is_cited, is_astray) in [
        ("// R1\n#[test]\nfn f() {}", true, false),
        ("    // D2 R1\n    #[tokio::test(flavor = \"multi_thread\")]\n", true, false),
        ("// R1\n#[should_panic]\n#[test]\nfn f() {}", true, false),
        ("// R1\n#[test]\n#[ignore = \"slow\"]\nfn f() {}", false, true),
        ("// R1\nfn f() {}", false, true),
        ("// R1\n\n#[test]\nfn f() {}", false, true),
        ("// as R1 says\n#[test]\nfn f() {}", false, false),
        ("/// R1\n#[test]\nfn f() {}", false, false),
        ("x(); // R1\n#[test]\nfn f() {}", false, false),
    ] {
        let (cited, astray) = cited(&BTreeMap::from([("a.rs".to_owned(), text.to_owned())]));
        assert_eq!((cited.contains("R1"), !astray.is_empty()), (is_cited, is_astray), "{text}");
    }
}
