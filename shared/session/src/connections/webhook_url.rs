//! The URL to which a customer wants the webhooks of one connection (contract section 1.4).
//!
//! The check keeps requests out of the operator's own network: only http(s), no local names, and no
//! private addresses in any spelling that a URL parser normalises. User names and passwords are
//! refused too, since they are secrets and URLs are stored and returned in clear.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::Value;
use url::{Host, Url};

use crate::input::fields::Issues;

/// The most bytes of a normalised URL. Percent-encoding can triple what was sent, and an item of
/// DynamoDB holds 400 KB.
const LENGTH_MAX: usize = 65_536;

/// Why a URL is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Not a string, or not an absolute URL.
    Malformed,
    /// Nango's own domain.
    NangoDomain,
    /// A scheme, host or address that webhooks must not reach, or a user name or password in the
    /// URL.
    NotAllowed,
}

impl Refusal {
    /// The issue code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "invalid_union",
            Self::NangoDomain | Self::NotAllowed => "custom",
        }
    }

    /// The sentence for people.
    pub fn message(self) -> &'static str {
        match self {
            Self::Malformed => "Invalid input",
            Self::NangoDomain => "Webhook URLs cannot point to Nango's domain (nango.dev).",
            Self::NotAllowed => "This webhook URL is not allowed.",
        }
    }
}

/// Reads `webhook_url_override`. The inner `None` is the empty string: no override.
#[expect(clippy::needless_pass_by_value, reason = "the signature of every reading function")]
pub fn read(value: Option<Value>, issues: &mut Issues) -> Option<Option<String>> {
    match parse(value.as_ref().unwrap_or(&Value::Null)) {
        Ok(url) => Some(url),
        Err(refusal) => {
            issues.push(refusal.code(), refusal.message());
            None
        }
    }
}

/// The URL in the form of the WHATWG URL Standard, without a trailing slash that was not sent;
/// `None` for the empty string.
pub fn parse(value: &Value) -> Result<Option<String>, Refusal> {
    let sent = value.as_str().ok_or(Refusal::Malformed)?;
    if sent.is_empty() {
        return Ok(None);
    }
    let url = Url::parse(sent).map_err(|_| Refusal::Malformed)?;
    if matches!(url.host(), Some(Host::Domain(name)) if is_nango(name)) {
        return Err(Refusal::NangoDomain);
    }
    if !is_allowed(&url) || url.as_str().len() > LENGTH_MAX {
        return Err(Refusal::NotAllowed);
    }
    let mut normalised = String::from(url);
    if normalised.ends_with('/') && !sent.ends_with('/') {
        normalised.pop();
    }
    Ok(Some(normalised))
}

fn is_nango(name: &str) -> bool {
    // The parser lowercases host names only for http(s).
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "nango.dev" || name.ends_with(".nango.dev")
}

fn is_allowed(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && match url.host() {
            None => false,
            Some(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                !["localhost", "metadata.google.internal"].contains(&name)
                    && !name.parse().is_ok_and(is_internal_v4)
            }
            Some(Host::Ipv4(address)) => !is_internal_v4(address),
            Some(Host::Ipv6(address)) => !is_internal_v6(address),
        }
}

/// 0/8, 10/8, 100.64/10 (RFC 6598), 127/8, 169.254/16, 172.16/12, 192.168/16.
fn is_internal_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    first == 0
        || (first == 100 && (64..128).contains(&second))
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
}

/// `::`, `::1`, `fe80::/10`, `fc00::/7`, Teredo, and the forms that carry an IPv4 address:
/// compatible and mapped (RFC 4291), 6to4 (RFC 3056), NAT64 (RFC 6052).
fn is_internal_v6(address: Ipv6Addr) -> bool {
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0x2001, 0, ..] => true,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => is_internal_v4(v4(high, low)),
        _ => address.is_unicast_link_local() || address.is_unique_local(),
    }
}
