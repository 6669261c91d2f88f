//! Which imports are allowed: a crate imports only crates of lower rows, files do not import each
//! other in a cycle. And what each function links.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use regex_lite::Regex;

/// The crates, the lowest row first. A crate imports only crates of rows below its own.
const ROWS: [&[&str]; 7] = [
    &["aws", "catalogue", "outbound", "sealing"],
    &["session", "sockets", "vault"],
    &["queue", "tables"],
    &["api"],
    &["flow", "secrets"],
    &["connect"],
    &[
        "authorize",
        "connect-ui",
        "create-session",
        "delete-connection",
        "delete-session",
        "deliver-webhooks",
        "finish-oauth",
        "get-connection",
        "get-provider",
        "get-session",
        "greet-websocket",
        "import-connection",
        "list-connections",
        "list-integrations",
        "provision",
        "queue-webhooks",
        "reconnect-session",
        "record-telemetry",
        "refresh-connections",
        "start-oauth",
        "update-connection",
    ],
];

/// The folders of the crate `session`, the lowest first. A file imports only from its own folder
/// and from folders below.
const FOLDERS: [&str; 5] = ["input", "error", "environments", "connections", "sessions"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The crates of `shared/` and `functions/`, by name, with their folders.
fn crates() -> BTreeMap<String, PathBuf> {
    let folders = ["shared", "functions"].map(|folder| root().join(folder));
    let entries = folders.iter().flat_map(|folder| std::fs::read_dir(folder).expect("a folder"));
    entries
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| (entry.file_name().into_string().expect("a name"), entry.path()))
        .collect()
}

fn row(name: &str) -> usize {
    ROWS.iter().position(|row| row.contains(&name)).unwrap_or_else(|| {
        panic!("{name} stands in no row: add it to ROWS, as low as it can stand")
    })
}

#[test]
fn every_crate_imports_only_crates_of_lower_rows() {
    let crates = crates();
    let listed: BTreeSet<_> = ROWS.iter().flat_map(|row| row.iter()).copied().collect();
    let existing: BTreeSet<_> = crates.keys().map(String::as_str).collect();
    assert_eq!(listed, existing, "the crates that ROWS lists, and those that there are");
    for (name, folder) in &crates {
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
        let imported = manifest.lines().filter_map(|line| line.strip_suffix(".workspace = true"));
        for other in imported.filter(|other| crates.contains_key(*other)) {
            assert!(row(other) < row(name), "{name} imports {other}, which stands no lower");
        }
    }
}

/// The files of a crate by module path, each with the modules of the same crate that it names.
fn imports(folder: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let source = folder.join("src");
    let mut files = Vec::new();
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    let module = |path: &Path| {
        let path = path.strip_prefix(&source).expect("a file of the crate").with_extension("");
        path.to_str().expect("Unicode").replace('/', "::")
    };
    let modules: BTreeSet<_> = files
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| module(path))
        .filter(|module| module != "main")
        .collect();
    let named = Regex::new(r"\b(?:crate|super)::((?:\w+::)*(?:\w+|\{[^}]*\}))").expect("a pattern");
    let file = |module: &String| source.join(module.replace("::", "/")).with_extension("rs");
    (modules.iter().filter(|module| *module != "lib"))
        .map(|module| {
            let text = std::fs::read_to_string(file(module)).expect("a file");
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let code = code.collect::<Vec<_>>().join("\n");
            let named = named.captures_iter(&code).flat_map(|found| expanded(&found[1]));
            let target = |path: String| {
                let mut parts: Vec<_> = path.split("::").collect();
                while !parts.is_empty() && !modules.contains(&parts.join("::")) {
                    parts.pop();
                }
                assert!(!parts.is_empty(), "{module} names crate::{path}, which is no file's");
                parts.join("::")
            };
            let targets = named.map(target).filter(|target| target != module).collect();
            (module.clone(), targets)
        })
        .collect()
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`.
fn expanded(path: &str) -> Vec<String> {
    let Some((start, list)) = path.split_once('{') else { return vec![path.to_owned()] };
    let items = list.trim_end_matches('}').split(',').map(str::trim);
    items.filter(|item| !item.is_empty()).map(|item| format!("{start}{item}")).collect()
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    for (name, folder) in crates() {
        let mut imports = imports(&folder);
        // Files that import none of the remaining ones are removed; the files of a cycle remain.
        while let Some(free) = imports
            .iter()
            .find(|(_, targets)| !targets.iter().any(|target| imports.contains_key(target)))
            .map(|(module, _)| module.clone())
        {
            imports.remove(&free);
        }
        assert!(imports.is_empty(), "{name}: these import each other: {imports:?}");
    }
}

#[test]
fn the_folders_of_the_session_crate_import_only_what_stands_below() {
    let level = |module: &str| {
        let folder = module.split("::").next().unwrap_or_default();
        let level = FOLDERS.iter().position(|known| *known == folder);
        level.unwrap_or_else(|| panic!("{module} stands in no folder of FOLDERS"))
    };
    for (module, targets) in imports(&root().join("shared/session")) {
        for target in targets {
            assert!(level(&target) <= level(&module), "{module} imports {target}, which is higher");
        }
    }
}

#[test]
fn each_crate_lists_its_files_with_a_sentence() {
    for (name, folder) in crates() {
        let lib = std::fs::read_to_string(folder.join("src/lib.rs")).expect("a library");
        for module in imports(&folder).keys() {
            let file = module.rsplit("::").next().unwrap_or_default();
            let mut listed = lib.lines().filter(|line| line.starts_with("//!"));
            let is_listed = listed.any(|line| line.contains(&format!("`{file}`")));
            assert!(is_listed, "{name}: lib.rs says nothing of {module}");
        }
    }
}

/// Every crate that a function links, without versions.
fn linked(function: &str) -> BTreeSet<String> {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--prefix", "none", "--format", "{p}"])
        .args(["--edges", "normal,no-proc-macro", "--package", function])
        .current_dir(root())
        .output()
        .expect("cargo tree");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).expect("Unicode");
    let names = tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned);
    names.filter(|name| name != function).collect()
}

#[test]
fn each_function_links_exactly_the_crates_on_its_list() {
    let session = include_str!("linked/session-functions.txt");
    let connect = include_str!("linked/connect-functions.txt");
    for function in ROWS[ROWS.len() - 1] {
        let list = match *function {
            "authorize"
            | "delete-connection"
            | "get-connection"
            | "import-connection"
            | "refresh-connections" => connect,
            "list-integrations" => include_str!("linked/list-integrations.txt"),
            "provision" => include_str!("linked/provision.txt"),
            "finish-oauth" => include_str!("linked/finish-oauth.txt"),
            "start-oauth" => include_str!("linked/start-oauth.txt"),
            "get-provider" => include_str!("linked/get-provider.txt"),
            "greet-websocket" => include_str!("linked/greet-websocket.txt"),
            "queue-webhooks" => include_str!("linked/queue-webhooks.txt"),
            "deliver-webhooks" => include_str!("linked/deliver-webhooks.txt"),
            _ => session,
        };
        let listed: BTreeSet<_> = list.lines().map(str::to_owned).collect();
        let linked = linked(function);
        let more: Vec<_> = linked.difference(&listed).collect();
        let fewer: Vec<_> = listed.difference(&linked).collect();
        assert!(
            more.is_empty() && fewer.is_empty(),
            "{function} links {more:?}, which its list does not have, and not {fewer:?}"
        );
    }
}
