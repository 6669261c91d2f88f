//! Turns `providers/*.json` into one table, sorted by name, that is compiled into the crate.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use serde_json::{Map, Value};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=providers");
    let mut providers = fs::read_dir("providers")?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>, Box<dyn Error>>>()?
        .iter()
        .map(|path| Ok((name(path)?, template(path)?)))
        .collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    providers.sort();

    let mut table = String::from("&[\n");
    for (name, template) in providers {
        writeln!(table, "    ({name:?}, {template:?}),")?;
    }
    table.push(']');
    // Cargo tells a build script where to write in this variable.
    #[expect(clippy::disallowed_methods, reason = "a build script has no settings")]
    let out = env::var("OUT_DIR")?;
    fs::write(Path::new(&out).join("providers.rs"), table)?;
    Ok(())
}

/// The file's name without `.json`, which is the name of the provider.
fn name(path: &Path) -> Result<String, Box<dyn Error>> {
    if path.extension().is_none_or(|extension| extension != "json") {
        return Err(format!("{} is not a provider file", path.display()).into());
    }
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    Ok(stem.ok_or_else(|| format!("{} is not UTF-8", path.display()))?.to_owned())
}

/// The file without the two keys that are for people, in one line, with the order of keys kept.
fn template(path: &Path) -> Result<String, Box<dyn Error>> {
    let text = fs::read_to_string(path)?;
    let mut keys: Map<String, Value> =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    keys.shift_remove("$schema");
    keys.shift_remove("source");
    Ok(serde_json::to_string(&keys)?)
}
