//! Which addresses belong to the public internet.

use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// An address that is not called, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefusedAddress {
    /// The address. It may reveal the operator's network, so it is for the log only.
    pub address: IpAddr,
    /// The purpose of the address range.
    pub reason: &'static str,
}

impl Display for RefusedAddress {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} is refused: {}", self.address, self.reason)
    }
}

impl std::error::Error for RefusedAddress {}

/// The whole IANA IPv4 Special-Purpose Address Registry, with multicast (RFC 5771) and the platform
/// address of Azure, which looks public but is not.
const SPECIAL_V4: [(Ipv4Net, &str); 19] = [
    (v4(0, 0, 0, 0, 8), "this network"),
    (v4(10, 0, 0, 0, 8), "private use"),
    (v4(100, 64, 0, 0, 10), "shared address space of carriers"),
    (v4(127, 0, 0, 0, 8), "loopback"),
    (v4(168, 63, 129, 16, 32), "platform of Azure"),
    (v4(169, 254, 0, 0, 16), "link-local"),
    (v4(172, 16, 0, 0, 12), "private use"),
    (v4(192, 0, 0, 0, 24), "IETF protocol assignments"),
    (v4(192, 0, 2, 0, 24), "documentation"),
    (v4(192, 31, 196, 0, 24), "AS112"),
    (v4(192, 52, 193, 0, 24), "AMT"),
    (v4(192, 88, 99, 0, 24), "6to4 relays"),
    (v4(192, 168, 0, 0, 16), "private use"),
    (v4(192, 175, 48, 0, 24), "AS112"),
    (v4(198, 18, 0, 0, 15), "benchmarking"),
    (v4(198, 51, 100, 0, 24), "documentation"),
    (v4(203, 0, 113, 0, 24), "documentation"),
    (v4(224, 0, 0, 0, 4), "multicast"),
    (v4(240, 0, 0, 0, 4), "reserved or broadcast"),
];

/// The range that IANA assigns as global unicast (RFC 4291 section 2.4). Everything else, such as
/// loopback, `fc00::/7`, `fe80::/10`, `fec0::/10` and `5f00::/16`, is outside of it.
const GLOBAL_UNICAST_V6: Ipv6Net = v6(0x2000, 0, 0, 3);

/// The ranges of the IANA IPv6 Special-Purpose Address Registry within global unicast.
const SPECIAL_V6: [(Ipv6Net, &str); 4] = [
    (v6(0x2001, 0, 0, 23), "IETF protocol assignments, Teredo and ORCHID among them"),
    (v6(0x2001, 0xdb8, 0, 32), "documentation"),
    (v6(0x2620, 0x4f, 0x8000, 48), "AS112"),
    (v6(0x3fff, 0, 0, 20), "documentation"),
];

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, c: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

/// Refuses an address that is not public unicast.
pub(crate) fn require_public(address: IpAddr) -> Result<(), RefusedAddress> {
    special_purpose(address).map_or(Ok(()), |reason| Err(RefusedAddress { address, reason }))
}

fn special_purpose(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => {
            SPECIAL_V4.iter().find(|(range, _)| range.contains(&address)).map(|(_, name)| *name)
        }
        IpAddr::V6(address) => {
            if let Some(embedded) = embedded_v4(address) {
                return special_purpose(embedded.into());
            }
            if !GLOBAL_UNICAST_V6.contains(&address) {
                return Some("not global unicast");
            }
            SPECIAL_V6.iter().find(|(range, _)| range.contains(&address)).map(|(_, name)| *name)
        }
    }
}

/// The IPv4 address that packets reach through an IPv6 address: IPv4-mapped (RFC 4291), NAT64 (RFC
/// 6052) and 6to4 (RFC 3056). NAT64's local prefix `64:ff9b:1::/48` belongs to the operator's
/// network and is refused as not global.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))),
        _ => None,
    }
}
