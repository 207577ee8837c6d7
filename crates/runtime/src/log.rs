//! The log as outsiders see it: the publisher that turns sequenced entries into signed checkpoints of one tree, the
//! signing key, and the guard that keeps it from ever signing two trees that contradict each other. The formats are
//! `journal`'s, the rows are the store's; what an entry means is of no concern here.

mod adoption;
mod durable;
mod fault;
mod files;
mod gate;
pub mod guard;
mod lag;
mod look;
mod opening;
mod press;
mod publisher;
mod record;
mod refusal;
mod rotation;
mod signer;

pub use adoption::{adopt_guard, renew_log};
pub use fault::PublishFault;
pub use files::{BlockingLogFiles, StoreLogFiles};
pub(crate) use gate::Gate;
pub use guard::{FileGuard, Guard, GuardFault, Guarded};
pub use lag::{PublicationLag, publication_lag};
pub use look::{Looked, look};
pub use publisher::{LogPlace, Publisher, Publishing};
pub use record::{LogRecord, SignedFrom, key_digest};
pub use refusal::Refusal;
pub use rotation::Rotated;
pub use signer::{SignerFault, SigningKey};

#[cfg(test)]
mod tests;
