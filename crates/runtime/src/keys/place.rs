//! A data key in the open, wrapped, and the place that it is bound to. A wrapped key moved to another name, tenant or
//! environment does not open.

use interlock_core::id::{EnvironmentName, TenantName};
use zeroize::Zeroizing;

use super::provider::ProviderKind;

/// A data key in the open: 32 random bytes, wiped when dropped.
pub type DataKey = Zeroizing<[u8; 32]>;

/// Bytes of one wrapped key.
const WRAPPED_BYTES_MAX: usize = 4096;
/// What a wrapped key begins with.
const MAGIC: &[u8] = b"IK2";
/// Nonce, key and tag: how keys were wrapped before there were epochs.
const FIRST_FORM_BYTES: usize = 60;

/// Where a data key belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPlace {
    /// The tenant; none where it belongs to the installation as a whole.
    pub tenant: Option<TenantName>,
    /// The environment.
    pub environment: EnvironmentName,
    /// The key's name, which names nobody: names of people are pseudonyms.
    pub name: String,
}

impl KeyPlace {
    /// The place in one spelling, as associated data. No part can hold a line break.
    #[must_use]
    pub fn associated(&self) -> String {
        // No tenant has an empty name.
        let tenant = self.tenant.as_ref().map_or("", TenantName::as_str);
        format!(
            "interlock/data-key/v2\n{tenant}\n{}\n{}",
            self.environment, self.name
        )
    }
}

/// A data key as a provider wrapped it.
#[derive(Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// Who wrapped it.
    pub by: ProviderKind,
    /// Under which epoch of the key-encryption key, from 1.
    pub epoch: u32,
    /// What the provider gave.
    pub bytes: Vec<u8>,
    /// Wrapped before there were epochs: under the first one, bound to tenant and name alone.
    pub(super) first_form: bool,
}

impl std::fmt::Debug for Wrapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Wrapped({:?}, epoch {})", self.by, self.epoch)
    }
}

impl Wrapped {
    /// A key as it is wrapped now.
    #[must_use]
    pub const fn new(by: ProviderKind, epoch: u32, bytes: Vec<u8>) -> Self {
        Self {
            by,
            epoch,
            bytes,
            first_form: false,
        }
    }

    /// As it is stored: `IK2`, provider, epoch, bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        if self.first_form {
            return self.bytes.clone();
        }
        let mut out = MAGIC.to_vec();
        out.push(self.by.tag());
        out.extend_from_slice(&self.epoch.to_be_bytes());
        out.extend_from_slice(&self.bytes);
        out
    }

    /// From what is stored; `None`: it has no such form.
    #[must_use]
    pub fn decode(stored: &[u8]) -> Option<Self> {
        if stored.len() == FIRST_FORM_BYTES {
            return Some(Self {
                by: ProviderKind::File,
                epoch: 1,
                bytes: stored.to_vec(),
                first_form: true,
            });
        }
        let rest = stored.strip_prefix(MAGIC)?;
        let (tag, rest) = rest.split_first()?;
        let (epoch, bytes) = rest.split_at_checked(4)?;
        let epoch = u32::from_be_bytes(epoch.try_into().ok()?);
        (epoch > 0 && !bytes.is_empty() && bytes.len() <= WRAPPED_BYTES_MAX).then_some(Self::new(
            ProviderKind::of(*tag)?,
            epoch,
            bytes.to_vec(),
        ))
    }
}
