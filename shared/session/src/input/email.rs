//! E-mail addresses, by the contract's rule (section 1.1): ASCII only, stricter than RFC 5321 in
//! dots and in the domain, looser in length.

use serde_json::Value;

use crate::input::fields::{Issues, sized, utf16_length};

/// The fewest UTF-16 code units of an address.
const LENGTH_MIN: usize = 5;

/// Reads an address. An invalid format and an invalid length are both reported.
pub fn read(value: Option<Value>, issues: &mut Issues) -> Option<String> {
    sized(value, issues, LENGTH_MIN..=usize::MAX, |address, issues| {
        if !is_well_formed(address) {
            issues.push("invalid_format", "Invalid email address");
        }
    })
}

/// Whether `address` would be accepted.
pub fn is_valid(address: &str) -> bool {
    is_well_formed(address) && utf16_length(address) >= LENGTH_MIN
}

/// The local part has letters, digits and `_'+-.`, no dot first, last or doubled, and no `'` last;
/// the domain has labels that start with a letter or digit, and a last one of two letters or more.
fn is_well_formed(address: &str) -> bool {
    let Some((local, domain)) = address.split_once('@') else { return false };
    let Some((labels, top)) = domain.rsplit_once('.') else { return false };
    let local_is_good = local.bytes().all(|b| b.is_ascii_alphanumeric() || b"_'+-.".contains(&b))
        && local.ends_with(|c: char| c.is_ascii_alphanumeric() || "_+-".contains(c))
        && !local.starts_with('.')
        && !address.contains("..");
    let label_is_good = |label: &str| {
        label.starts_with(|c: char| c.is_ascii_alphanumeric())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    local_is_good
        && labels.split('.').all(label_is_good)
        && top.len() >= 2
        && top.bytes().all(|b| b.is_ascii_alphabetic())
}
