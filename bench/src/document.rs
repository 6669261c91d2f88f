//! The measured parts of a document, whose other parts are written by hand.

use std::fs;
use std::path::Path;

use crate::Failure;

/// Replaces the text between `<!-- NAME -->` and `<!-- /NAME -->`.
pub fn write(file: &Path, name: &str, text: &str) -> Result<(), Failure> {
    let document = fs::read_to_string(file)?;
    let (start, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let missing = || format!("{}: no part {name}", file.display());
    let (before, rest) = document.split_once(&start).ok_or_else(missing)?;
    let (_, after) = rest.split_once(&end).ok_or_else(missing)?;
    Ok(fs::write(file, format!("{before}{start}\n{text}\n{end}{after}"))?)
}
