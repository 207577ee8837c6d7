//! The shard of a tenant, stored in every row from the first day so that tenants can be moved apart later.

use interlock_core::id::TenantName;
use sha2::{Digest as _, Sha256};

/// The first byte of SHA-256 over the tenant's name: 0 to 255. It never changes.
#[must_use]
pub fn shard(tenant: &TenantName) -> u8 {
    let hash: [u8; 32] = Sha256::digest(tenant.as_str().as_bytes()).into();
    let [first, ..] = hash;
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_the_same_for_ever() {
        for (tenant, expected) in [("default", 55), ("acme", 130)] {
            assert_eq!(
                shard(&TenantName::parse(tenant).unwrap()),
                expected,
                "{tenant}"
            );
        }
    }
}
