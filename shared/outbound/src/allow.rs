//! The address ranges that an operator opens in addition to the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::address::{RefusedAddress, require_public};

/// Address ranges of providers and receivers inside the operator's network. Within them plain
/// `http` is also allowed. The default opens nothing.
#[derive(Debug, Clone, Default)]
pub struct AllowList(Vec<IpNet>);

impl AllowList {
    /// This machine: `127.0.0.0/8` and `::1/128`.
    pub fn loopback() -> Self {
        let v4 = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);
        let v6 = Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128);
        Self(vec![v4.into(), v6.into()])
    }

    /// Both lists in one.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Whether the operator has opened this address. An IPv4-mapped address (`::ffff:10.0.0.1`)
    /// counts as its IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|range| range.contains(&address))
    }

    /// Refuses an address that is neither public nor opened by the operator.
    pub fn judge(&self, address: IpAddr) -> Result<(), RefusedAddress> {
        if self.contains(address) { Ok(()) } else { require_public(address) }
    }

    /// Refuses an address that the operator has not opened, since plain `http` is allowed only
    /// there.
    pub fn judge_plain_http(&self, address: IpAddr) -> Result<(), RefusedAddress> {
        if self.contains(address) {
            Ok(())
        } else {
            Err(RefusedAddress {
                address,
                reason: "plain http is allowed within the allow list only",
            })
        }
    }
}

impl FromStr for AllowList {
    type Err = String;

    /// Reads comma-separated ranges in CIDR notation: `10.1.0.0/16, fd00:12::/32`. The error is a
    /// sentence that quotes the invalid range.
    fn from_str(text: &str) -> Result<Self, String> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(range).collect::<Result<_, _>>().map(Self)
    }
}

fn range(entry: &str) -> Result<IpNet, String> {
    let range: IpNet = entry.parse().map_err(|_| {
        format!("\"{entry}\" is not an address range in CIDR notation, such as 10.1.0.0/16")
    })?;
    if range.addr() == range.network() {
        Ok(range)
    } else {
        Err(format!("\"{entry}\" does not start its range; did you mean {}?", range.trunc()))
    }
}
