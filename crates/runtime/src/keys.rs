//! Keys: data keys of runs, people, periods and of the tenant's own records, wrapped by a key-encryption key that a
//! provider keeps in epochs. Destroying a data key's page, wrapping the others anew and destroying the old epoch is
//! what makes an erasure reach every backup. Payloads are sealed elsewhere, in `seal`.

mod cache;
mod credential;
mod data;
mod engine;
mod file;
mod kms;
mod open;
mod place;
mod provider;
pub(crate) mod small;
mod succession;
mod transit;
mod turn;

#[cfg(test)]
mod tests;

pub(crate) use cache::Cache;
pub use credential::file_secret as credential;
pub(crate) use credential::file_secret;
pub(crate) use data::expand;
pub use data::{KeyFault, KeyHolder, Keys, KeysParts};
pub use engine::{Destroyed, KeyStatus, PagesOfEpoch, Rotation};
pub use file::{FileKeys, KeyFileFault, Unlock, no_passphrase};
pub use kms::{KmsAccess, KmsKeys};
pub use open::{open, passphrase};
pub use place::{DataKey, KeyPlace, Wrapped};
pub use provider::{Epoch, EpochState, KeyProvider, ProviderFault, ProviderKind, REWRAP_KEYS_MAX};
pub use succession::Succession;
pub(crate) use transit::allowed;
pub use transit::{TransitAccess, TransitAuth, TransitKeys};
pub use turn::{TurnFault, TurnProgress};
