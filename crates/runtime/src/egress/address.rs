//! Which addresses a call may reach. An address is public only if nothing says otherwise: everything that the
//! IANA special-purpose registries reserve is refused, and so is any form that hides one IPv4 address in IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is, for the one question of whether a call may go there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    /// Globally reachable.
    Public,
    /// Loopback or the organisation's own: reached only by a destination that says so.
    Private,
    /// Link-local and cloud metadata, multicast, broadcast, reserved, translated: never reached.
    Never,
}

/// How far one call may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Public addresses.
    Public,
    /// Public and private ones.
    PublicOrPrivate,
    /// Private ones: calls without TLS stay inside.
    Private,
}

impl Reach {
    /// Whether a call of this reach may go to the address.
    pub(super) fn permits(self, address: IpAddr) -> bool {
        match (self, zone(address)) {
            (Self::Public | Self::PublicOrPrivate, Zone::Public)
            | (Self::Private | Self::PublicOrPrivate, Zone::Private) => true,
            (Self::Public, Zone::Private) | (Self::Private, Zone::Public) | (_, Zone::Never) => {
                false
            }
        }
    }
}

/// The zone of an address.
pub(super) fn zone(address: IpAddr) -> Zone {
    match address {
        IpAddr::V4(v4) => zone_v4(v4),
        IpAddr::V6(v6) => zone_v6(v6),
    }
}

fn zone_v4(address: Ipv4Addr) -> Zone {
    match address.octets() {
        // Loopback, RFC 1918, and 100.64/10 (RFC 6598), which carriers and overlay networks use inside.
        [127 | 10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [100, 64..=127, ..] => Zone::Private,
        // "This network", link-local with the metadata services, protocol assignments, documentation, 6to4
        // relays, benchmarks, multicast, reserved and broadcast.
        [0 | 224..=255, ..]
        | [169, 254, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        // Azure's metadata and DNS host is in public space.
        | [168, 63, 129, 16] => Zone::Never,
        _ => Zone::Public,
    }
}

fn zone_v6(address: Ipv6Addr) -> Zone {
    if address == Ipv6Addr::LOCALHOST {
        return Zone::Private;
    }
    match address.segments() {
        // Amazon's metadata services over IPv6.
        [0xfd00, 0x0ec2, ..] => Zone::Never,
        // Unique local.
        [0xfc00..=0xfdff, ..] => Zone::Private,
        // Only 2000::/3 is global unicast: this refuses ::, mapped and compatible IPv4, NAT64 64:ff9b::/96 and
        // 64:ff9b:1::/48, 100::/64, link-local, site-local, multicast and all that is not assigned.
        [0..=0x1fff | 0x4000..=0xffff, ..]
        // Protocol assignments with Teredo and ORCHID (2001::/23), documentation, 6to4, benchmarks are in the first.
        | [0x2001, 0..=0x01ff, ..]
        | [0x2001, 0x0db8, ..]
        | [0x2002, ..]
        | [0x3fff, 0..=0x0fff, ..] => Zone::Never,
        _ => Zone::Public,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_special_range_is_known() {
        use Zone::{Never, Private, Public};
        for (text, expected) in [
            ("1.1.1.1", Public),
            ("93.184.216.34", Public),
            ("172.15.255.255", Public),
            ("172.32.0.1", Public),
            ("100.63.255.255", Public),
            ("100.128.0.0", Public),
            ("192.0.1.1", Public),
            ("127.0.0.1", Private),
            ("127.255.255.254", Private),
            ("10.1.2.3", Private),
            ("172.16.0.1", Private),
            ("172.31.255.255", Private),
            ("192.168.1.1", Private),
            ("100.64.0.1", Private),
            ("100.127.255.255", Private),
            ("0.0.0.0", Never),
            ("0.1.2.3", Never),
            ("169.254.169.254", Never),
            ("169.254.0.1", Never),
            ("168.63.129.16", Never),
            ("192.0.0.192", Never),
            ("192.0.2.1", Never),
            ("192.88.99.1", Never),
            ("198.18.0.1", Never),
            ("198.19.255.255", Never),
            ("198.51.100.10", Never),
            ("203.0.113.5", Never),
            ("224.0.0.1", Never),
            ("240.0.0.1", Never),
            ("255.255.255.255", Never),
            ("2606:4700:4700::1111", Public),
            ("2a00:1450::1", Public),
            ("::1", Private),
            ("fc00::1", Private),
            ("fd12:3456::1", Private),
            ("fd00:ec2::254", Never),
            ("::", Never),
            ("::ffff:127.0.0.1", Never),
            ("::ffff:1.1.1.1", Never),
            ("::127.0.0.1", Never),
            ("::ffff:0:127.0.0.1", Never),
            ("64:ff9b::7f00:1", Never),
            ("64:ff9b:1::1", Never),
            ("100::1", Never),
            ("2001::1", Never),
            ("2001:db8::1", Never),
            ("2002:7f00:1::", Never),
            ("3fff::1", Never),
            ("fe80::1", Never),
            ("fec0::1", Never),
            ("ff02::1", Never),
            ("5f00::1", Never),
        ] {
            assert_eq!(zone(text.parse().unwrap()), expected, "{text}");
        }
    }
}
