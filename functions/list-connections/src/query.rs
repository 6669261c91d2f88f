//! Filters and paging of the list. A connection must match all filters.

use std::collections::BTreeSet;

use serde_json::Value;
use session::fields::{Fields, Issues, string, text};
use session::integration::IntegrationKey;
use session::tags::Tags;
use tables::connection_list::{Cursor, Filter, INTEGRATIONS_MAX, Page};

/// The most connections of a page, by default and on request.
const LIMIT_DEFAULT: f64 = 1_000.0;
const LIMIT_MAX: f64 = 2_000.0;

/// The query of a client.
pub struct Query {
    /// Which connections.
    pub filter: Filter,
    /// Which part of the list of them.
    pub page: Page,
}

impl Query {
    /// Reads the query. A negative limit or page is an issue.
    #[expect(clippy::cast_sign_loss, reason = "a negative number is an issue")]
    #[expect(clippy::unnecessary_wraps, reason = "the signature of every reading function")]
    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let connection_id = fields.optional("connectionId", text::<1, 255>);
        let search = fields.optional("search", text::<1, 255>);
        let end_user_id = fields.optional("endUserId", text::<1, 255>);
        let organization_id = fields.optional("endUserOrganizationId", text::<1, 255>);
        let integrations = fields.optional("integrationId", integrations);
        let tags = fields.optional("tags", Tags::read);
        let limit = fields.optional("limit", limit);
        let page = fields.optional("page", page).unwrap_or_default();
        let cursor = fields.optional("cursor", cursor);
        let per_page = limit.unwrap_or(LIMIT_DEFAULT);
        Some(Self {
            filter: Filter {
                connection_id,
                search: search.map(|text| text.to_lowercase()),
                end_user_id,
                organization_id,
                integrations,
                tags: tags.unwrap_or_default(),
            },
            page: Page { cursor, offset: (page * per_page) as usize, limit: per_page as usize },
        })
    }
}

/// A comma-separated list. An entry that is not an integration key matches nothing and is dropped.
fn integrations(value: Option<Value>, issues: &mut Issues) -> Option<Vec<String>> {
    let list = text::<1, { usize::MAX }>(value, issues)?;
    let keys = list.split(',').map(str::trim);
    let keys: BTreeSet<_> = keys.filter(|key| IntegrationKey::parse(key).is_some()).collect();
    if keys.len() > INTEGRATIONS_MAX {
        let message = format!("Too big: expected array to have <={INTEGRATIONS_MAX} items");
        issues.push("too_big", message);
    }
    Some(keys.into_iter().map(str::to_owned).collect())
}

/// A number, from a text or from a list with one text, as JavaScript's `Number` reads it.
fn number(value: Option<Value>, issues: &mut Issues) -> Option<f64> {
    let number = value.map_or(f64::NAN, to_number);
    if !number.is_finite() {
        let received = if number.is_nan() { "NaN" } else { "number" };
        let message = format!("Invalid input: expected number, received {received}");
        issues.push("invalid_type", message);
    }
    Some(number).filter(|number| number.is_finite())
}

fn to_number(value: Value) -> f64 {
    match value {
        Value::String(text) => text_to_number(text.trim_matches(is_blank)),
        Value::Array(list) => match <[Value; 1]>::try_from(list) {
            Ok([only]) => to_number(only),
            Err(_) => f64::NAN,
        },
        _ => f64::NAN,
    }
}

/// `StringToNumber` of ECMA-262 (section 7.1.4.1.1): besides decimals it accepts `0x10`, `0o17`,
/// `0b11` and `Infinity`, and reads an empty text as zero.
fn text_to_number(text: &str) -> f64 {
    for (prefixes, radix) in [(["0x", "0X"], 16), (["0o", "0O"], 8), (["0b", "0B"], 2)] {
        if let Some(digits) = prefixes.iter().find_map(|prefix| text.strip_prefix(prefix)) {
            let digits = Some(digits).filter(|digits| !digits.is_empty());
            let number = digits.and_then(|digits| {
                digits.chars().try_fold(0.0, |number, digit| {
                    Some(number * f64::from(radix) + f64::from(digit.to_digit(radix)?))
                })
            });
            return number.unwrap_or(f64::NAN);
        }
    }
    match text {
        "" => 0.0,
        "Infinity" | "+Infinity" | "-Infinity" => f64::INFINITY,
        // Rust would also accept `inf` and `nan`, in any case.
        _ if text.contains(|c: char| c.is_alphabetic() && !matches!(c, 'e' | 'E')) => f64::NAN,
        _ => text.parse().unwrap_or(f64::NAN),
    }
}

/// The characters that JavaScript trims: Unicode's white space without U+0085, and the byte order
/// mark.
fn is_blank(c: char) -> bool {
    c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}')
}

fn limit(value: Option<Value>, issues: &mut Issues) -> Option<f64> {
    let limit = number(value, issues)?;
    if limit < 1.0 {
        issues.push("too_small", "Too small: expected number to be >=1");
    }
    if limit > LIMIT_MAX {
        issues.push("too_big", "Too big: expected number to be <=2000");
    }
    Some(limit)
}

fn page(value: Option<Value>, issues: &mut Issues) -> Option<f64> {
    let page = number(value, issues)?;
    if page < 0.0 {
        issues.push("too_small", "Too small: expected number to be >=0");
    }
    Some(page)
}

fn cursor(value: Option<Value>, issues: &mut Issues) -> Option<Cursor> {
    let cursor = Cursor::parse(&string(value, issues)?);
    if cursor.is_none() {
        issues.push("invalid_format", "Invalid cursor");
    }
    cursor
}
