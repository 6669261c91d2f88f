//! The variables of a provider's template: `${connectionConfig.subdomain}`, `${apiKey}`.
//!
//! An end user chooses the values in a URL, so each is checked before it is used: in the host it
//! may contain letters, digits, dots and hyphens, in a path it is percent-encoded, and it must
//! match the pattern in the template. So it can change neither the scheme nor the registered domain
//! nor the number of path segments.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use regex_lite::Regex;
use serde_json::{Map, Value};
use session::Error;
use session::fields::Issues;
use session::provider::Provider;
use url::Url;

/// The values of variables.
#[derive(Debug, Clone, Copy)]
pub struct Variables<'a> {
    /// The provider, whose template says which values are optional and which patterns they match.
    pub provider: &'a Provider,
    /// `${connectionConfig.…}`.
    pub connection_config: &'a Map<String, Value>,
    /// `${credentials.…}`, and the same values without that prefix.
    pub credentials: &'a Map<String, Value>,
}

/// The place of a variable in a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the start of the URL: the value includes scheme and host.
    Start,
    /// In the host.
    Host,
    /// After the host.
    Path,
}

/// Why a template cannot be filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// A value was not given.
    Absent,
    /// A value is empty.
    Empty,
}

impl Variables<'_> {
    /// Why a template cannot be filled in, if it cannot.
    pub fn lack(&self, template: &str) -> Option<Lack> {
        let missing = names(template).find(|name| self.find(name).is_none())?;
        Some(if self.given(missing).is_some() { Lack::Empty } else { Lack::Absent })
    }

    /// A text with its variables filled in. The error names a missing value.
    pub fn fill(&self, template: &str) -> Result<String, Error> {
        self.fill_with(template, |_, name, _| self.value(name))
    }

    /// As [`fill`](Self::fill), but `None` if a value is missing that the template marks as
    /// optional.
    pub fn fill_optional(&self, template: &str) -> Result<Option<String>, Error> {
        let is_left_out =
            names(template).any(|name| self.find(name).is_none() && self.is_optional(name));
        if is_left_out { Ok(None) } else { self.fill(template).map(Some) }
    }

    /// A parameter of a form, as [`fill_optional`](Self::fill_optional). Numbers and booleans of a
    /// template stand for their text.
    pub fn fill_parameter(&self, template: &Value) -> Result<Option<String>, Error> {
        match template {
            Value::String(text) => self.fill_optional(text),
            other => Ok(Some(other.to_string())),
        }
    }

    /// A value of a JSON body, as [`fill_optional`](Self::fill_optional), at any depth: an object
    /// stays without the fields that are left out.
    pub fn fill_json(&self, template: &Value) -> Result<Option<Value>, Error> {
        match template {
            Value::String(text) => Ok(self.fill_optional(text)?.map(Value::String)),
            Value::Object(fields) => {
                let mut filled = Map::new();
                for (name, value) in fields {
                    if let Some(value) = self.fill_json(value)? {
                        filled.insert(name.clone(), value);
                    }
                }
                Ok(Some(Value::Object(filled)))
            }
            other => Ok(Some(other.clone())),
        }
    }

    /// A URL with its variables filled in.
    pub fn fill_url(&self, template: &str) -> Result<Url, Error> {
        let filled = self.fill_with(template, |before, name, _| {
            let value = self.value(name)?;
            self.judge_pattern(name, &value)?;
            match place(before) {
                Place::Start if is_base_url(&value) => Ok(value.trim_end_matches('/').to_owned()),
                Place::Host if is_host(&value) => Ok(value),
                // Such a segment would be removed when the URL is resolved (RFC 3986 section
                // 5.2.4).
                Place::Path if matches!(value.as_str(), "." | "..") => Err(invalid(name)),
                Place::Path => Ok(percent_encoded(&value)),
                _ => Err(invalid(name)),
            }
        })?;
        Url::parse(&filled).map_err(|_| {
            Error::refused(400, "invalid_connection_config", "The provider's URL is not valid")
        })
    }

    fn fill_with(
        &self,
        template: &str,
        value: impl Fn(&str, &str, &Self) -> Result<String, Error>,
    ) -> Result<String, Error> {
        let mut filled = String::with_capacity(template.len());
        let mut rest = template;
        while let Some(start) = rest.find("${") {
            filled.push_str(&rest[..start]);
            let Some(end) = rest[start..].find('}') else { break };
            let name = &rest[start + 2..start + end];
            let value = value(&filled, name, self)?;
            filled.push_str(&value);
            rest = &rest[start + end + 1..];
        }
        filled.push_str(rest);
        Ok(filled)
    }

    fn value(&self, name: &str) -> Result<String, Error> {
        if let Some(value) = self.find(name) {
            return Ok(value);
        }
        if let Some(path) = name.strip_prefix("credentials.") {
            let mut issues = Issues::default();
            judge_shape(self.credentials, path, &mut issues);
            issues.finish(Some(())).map_err(Error::InvalidBody)?;
        }
        let message = format!("Missing value: {}", short(name));
        Err(Error::refused(400, "invalid_connection_config", message))
    }

    /// The value of a variable, if there is one that is not empty.
    fn find(&self, name: &str) -> Option<String> {
        match self.given(name)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(value) => Some(value.to_string()),
            _ => None,
        }
    }

    /// The value that was given for a variable, of any type.
    fn given(&self, name: &str) -> Option<&Value> {
        // Templates write `${accessToken}`, while credentials store the token as `token`.
        let name = if name == "accessToken" { "token" } else { name };
        let (map, path) = match name.split_once('.') {
            Some(("connectionConfig" | "connection_config", path)) => {
                (self.connection_config, path)
            }
            Some(("credentials", path)) => (self.credentials, path),
            _ => (self.credentials, name),
        };
        // A key of a configuration may itself hold dots: `team.id`.
        map.get(path).or_else(|| {
            let mut segments = path.split('.');
            let first = map.get(segments.next()?)?;
            segments.try_fold(first, |value, segment| value.get(segment))
        })
    }

    fn field(&self, name: &str) -> Option<&Value> {
        let (group, name) = match name.split_once('.') {
            Some(("connectionConfig" | "connection_config", name)) => ("connection_config", name),
            Some(("credentials", name)) => ("credentials", name),
            _ => ("credentials", name),
        };
        self.provider.object(group)?.get(name)
    }

    fn is_optional(&self, name: &str) -> bool {
        self.field(name).is_some_and(|field| field["optional"] == true)
    }

    fn judge_pattern(&self, name: &str, value: &str) -> Result<(), Error> {
        let pattern = self.field(name).and_then(|field| field.get("pattern")?.as_str());
        let is_good = match pattern.map(Regex::new) {
            None => true,
            Some(Ok(pattern)) => pattern.is_match(value),
            Some(Err(_)) => false,
        };
        if is_good { Ok(()) } else { Err(invalid(name)) }
    }
}

/// Notes a field that was sent, but as something without fields where the template wants one of
/// them, or as an object or a list where it wants a text.
fn judge_shape(fields: &Map<String, Value>, path: &str, issues: &mut Issues) {
    let (name, rest) = match path.split_once('.') {
        Some((name, rest)) => (name, Some(rest)),
        None => (path, None),
    };
    let Some(value) = fields.get(name) else { return };
    issues.within(name, |issues| match (value, rest) {
        (Value::Object(fields), Some(rest)) => judge_shape(fields, rest, issues),
        (_, Some(_)) => issues.wrong_type("object", Some(value)),
        (Value::Object(_) | Value::Array(_), None) => issues.wrong_type("string", Some(value)),
        (_, None) => {}
    });
}

/// The name of a value in a form: `subdomain` for `connectionConfig.subdomain`.
fn short(name: &str) -> &str {
    name.split_once('.').map_or(name, |(_, name)| name)
}

fn invalid(name: &str) -> Error {
    let message = format!("Invalid value: {}", short(name));
    Error::refused(400, "invalid_connection_config", message)
}

/// The names of the variables of a template.
fn names(template: &str) -> impl Iterator<Item = &str> {
    template.split("${").skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}

/// The place of a variable that follows the text `before`.
fn place(before: &str) -> Place {
    match before.split_once("://") {
        None if before.is_empty() => Place::Start,
        None => Place::Path,
        Some((_, rest)) if rest.contains(['/', '?', '#']) => Place::Path,
        Some(_) => Place::Host,
    }
}

/// Letters, digits, dots and hyphens, no dot at an end or doubled.
fn is_host(value: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'-';
    value.bytes().all(allowed) && value.split('.').all(|label| !label.is_empty())
}

/// Whether a path can be appended to a URL: http(s), with a host, without user, query or fragment.
fn is_base_url(value: &str) -> bool {
    Url::parse(value).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

/// A value with everything percent-encoded but the unreserved characters of RFC 3986 section 2.3.
pub fn percent_encoded(value: &str) -> String {
    const RESERVED: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(value, RESERVED).to_string()
}
