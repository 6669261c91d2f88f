//! Builds the files that the function serves from `page/` and `logos.json`: the modules become one
//! script, the document becomes one for each language, and each file is stored plain and
//! compressed.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The modules, each after those that it imports.
const MODULES: [&str; 13] = [
    "dom", "messages", "host", "api", "reasons", "theme", "logos", "fields", "form", "consent",
    "views", "card", "app",
];
/// The languages. The first one is the default.
const LANGUAGES: [&str; 5] = ["en", "fr", "de", "es", "ja"];

fn main() -> Outcome {
    println!("cargo::rerun-if-changed=page");
    println!("cargo::rerun-if-changed=logos.json");
    // Cargo tells a build script where to write in this variable.
    #[expect(clippy::disallowed_methods, reason = "a build script has no settings")]
    let out = PathBuf::from(env::var("OUT_DIR")?);

    let script = script()?;
    let style = fs::read_to_string("page/style.css")?;
    let style = style.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let version = version(&[&script, &style]);
    let mut table = format!("const VERSION: &str = {version:?};\n");
    table.push_str("const SCRIPT: Asset = ");
    table.push_str(&asset(&out, "app.js", &script)?);
    table.push_str(";\nconst STYLE: Asset = ");
    table.push_str(&asset(&out, "style.css", &style)?);
    table.push_str(";\nconst DOCUMENTS: [(&str, Asset); 5] = [\n");
    for language in LANGUAGES {
        let document = document(language, &version)?;
        let asset = asset(&out, &format!("{language}.html"), &document)?;
        writeln!(table, "    ({language:?}, {asset}),")?;
    }
    table.push_str("];\n");
    fs::write(out.join("assets.rs"), table)?;
    fs::write(out.join("logos.rs"), logos()?)?;
    Ok(())
}

/// The modules as one script, which takes one request. Imports are removed, because no two modules
/// define the same name. (Browsers refuse to parse a script that defines a name twice.)
fn script() -> Outcome<String> {
    let mut script = String::new();
    for module in MODULES {
        let text = fs::read_to_string(format!("page/{module}.js"))?;
        for line in text.lines().filter(|line| !line.starts_with("import ")) {
            // Comments and indentation are for readers of the source.
            let line = line.trim();
            let is_comment = ["//", "/*", "* ", "*/"].iter().any(|mark| line.starts_with(mark));
            if line.is_empty() || line == "*" || is_comment {
                continue;
            }
            let line = without_types(line);
            script.push_str(line.strip_prefix("export ").unwrap_or(&line));
            script.push('\n');
        }
    }
    Ok(script)
}

/// A line without the type comments within it, such as `/** @type {Event} */`.
fn without_types(line: &str) -> String {
    let mut parts = line.split("/** ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once(" */ ").map_or(part, |(_, rest)| rest))
}

/// A version that names this content.
fn version(contents: &[&str]) -> String {
    let digest = Sha256::digest(contents.concat());
    digest[..8].iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// The document in a language, with its texts.
fn document(language: &str, version: &str) -> Outcome<String> {
    let texts = fs::read_to_string(format!("page/languages/{language}.json"))?;
    let texts: Map<String, Value> = serde_json::from_str(&texts)?;
    let text = |key: &str| texts.get(key).and_then(Value::as_str).unwrap_or_default();
    // Inside a script element `<` could end it.
    let messages = serde_json::to_string(&texts)?.replace('<', "\\u003c");
    Ok(fs::read_to_string("page/index.html")?
        .replace("{lang}", language)
        .replace("{dir}", text("dir"))
        .replace("{title}", text("list.title"))
        .replace("{noscript}", text("noscript"))
        .replace("{version}", version)
        .replace("{messages}", &messages))
}

/// Writes a file plain and compressed. Returns the expression that embeds both.
fn asset(out: &Path, name: &str, text: &str) -> Outcome<String> {
    let (plain, gzip) = (out.join(name), out.join(format!("{name}.gz")));
    fs::write(&plain, text)?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes())?;
    fs::write(&gzip, encoder.finish()?)?;
    let (plain, gzip) = (plain.to_string_lossy(), gzip.to_string_lossy());
    Ok(format!("Asset {{ plain: include_str!({plain:?}), gzip: include_bytes!({gzip:?}) }}"))
}

/// The logos of brands as a table, sorted by provider.
fn logos() -> Outcome<String> {
    let logos: Map<String, Value> = serde_json::from_str(&fs::read_to_string("logos.json")?)?;
    let mut rows: Vec<_> = logos
        .iter()
        .map(|(name, logo)| {
            let text = |key: &str| logo[key].as_str().unwrap_or_default();
            format!(
                "    ({name:?}, Logo {{ colour: {:?}, path: {:?} }}),\n",
                text("colour"),
                text("path")
            )
        })
        .collect();
    rows.sort();
    Ok(format!("&[\n{}]", rows.concat()))
}
