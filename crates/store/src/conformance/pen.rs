//! Writes well-formed appends for the cases, which then spoil them.

use interlock_core::digest::Digest;
use interlock_core::id::{PayloadId, PrincipalId, RunId, TenantName};
use interlock_core::time::Timestamp;
use interlock_journal::{Canon, Draft, Entry, LeafHash, Object, Text};

use super::Failure;
use crate::rows::{Append, Head, NewEntry, RunRow, RunStatus, SealedPayload};

/// A tenant by name.
///
/// # Errors
/// The text is no name.
pub fn tenant(name: &str) -> Result<TenantName, Failure> {
    Ok(TenantName::parse(name)?)
}

/// A writer of one run in the environment `dev`.
#[derive(Debug, Clone)]
pub struct Pen {
    /// Whose run.
    pub tenant: TenantName,
    /// The run.
    pub run: RunId,
    /// Where its chain ends, as far as this pen knows.
    pub head: Option<Head>,
    /// The epoch it writes with.
    pub epoch: u64,
}

impl Pen {
    /// A pen for run number `n` of the tenant `default`, which does not exist yet.
    ///
    /// # Errors
    /// Never in practice.
    pub fn new(n: u8) -> Result<Self, Failure> {
        // Never the administration chain's, whatever the number.
        let mut id = [0; 16];
        id[14] = 1;
        id[15] = n;
        Ok(Self {
            tenant: tenant("default")?,
            run: RunId::from_bytes(id),
            head: None,
            epoch: 1,
        })
    }

    /// The next append, of so many entries; the last has the event given.
    ///
    /// # Errors
    /// The event has another form.
    pub fn write(&self, count: u64, event: &str) -> Result<Append, Failure> {
        let mut entries: Vec<NewEntry> = Vec::new();
        let first = self.head.map_or(0, |head| head.seq + 1);
        let mut prev = self.head.map_or(LeafHash::ZERO, |head| head.hash);
        for seq in first..first + count {
            let last = seq + 1 == first + count;
            let entry = Entry::new(Draft {
                tenant: self.tenant.to_string(),
                environment: "dev".to_owned(),
                run: self.run.to_string(),
                seq,
                prev,
                epoch: self.epoch,
                time: Timestamp::from_micros(seq).to_string(),
                event: if last { event } else { "model.requested" }.to_owned(),
                body: Object::from([(Text::parse("tokens")?, Canon::count(seq)?)]),
            })?;
            prev = entry.leaf_hash();
            entries.push(NewEntry {
                seq,
                hash: prev,
                bytes: entry.into_bytes(),
            });
        }
        Ok(Append {
            run: self.run,
            expected: self.head,
            epoch: self.epoch,
            entries,
            payloads: Vec::new(),
            row: self.row(RunStatus::Active),
            waits: Vec::new(),
            request_key: None,
        })
    }

    /// The run's row in some state.
    #[must_use]
    pub fn row(&self, state: RunStatus) -> RunRow {
        RunRow {
            run: self.run,
            workflow: "triage".to_owned(),
            bundle: Digest::from_bytes([7; 32]),
            state,
            outcome: None,
            wake_at: None,
            started: Timestamp::from_micros(1),
            updated: Timestamp::from_micros(2),
            requester: PrincipalId::from_bytes([9; 16]),
            parent: None,
        }
    }

    /// A payload of this run.
    #[must_use]
    pub fn payload(&self, n: u8, bytes: usize) -> SealedPayload {
        SealedPayload {
            id: PayloadId::from_bytes([n; 16]),
            run: self.run,
            class: "standard".to_owned(),
            header: vec![1, 2, 3],
            ciphertext: (0..=255).cycle().take(bytes).collect(),
            marks: vec![n; usize::from(n % 3)],
        }
    }
}
