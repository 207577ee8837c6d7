//! Entries as runs write them: some 700 bytes, chained by run, of kinds that a verifier knows.

use interlock_journal::{Canon, Draft, Entry, LeafHash, Object, canonical};

use crate::Anything;

/// A body of a model call, as the examples of the format have it.
const BODY: &[u8] = include_bytes!("../../../testdata/entries/model.replied.json");

/// Writes entries of one run after the other.
pub(crate) struct Pen {
    body: Object,
    run: u64,
    seq: u64,
    prev: LeafHash,
}

/// Entries of one run.
pub(crate) const RUN_ENTRIES: u64 = 20;

impl Pen {
    pub(crate) fn new() -> Result<Self, Anything> {
        let body = body()?;
        Ok(Self {
            body,
            run: 1,
            seq: 0,
            prev: LeafHash::ZERO,
        })
    }

    pub(crate) fn entry(&mut self) -> Result<Entry, Anything> {
        if self.seq == RUN_ENTRIES {
            (self.run, self.seq, self.prev) = (self.run + 1, 0, LeafHash::ZERO);
        }
        let entry = Entry::new(Draft {
            tenant: "default".to_owned(),
            environment: "bench".to_owned(),
            run: interlock_core::id::RunId::from_bytes(u128::from(self.run).to_be_bytes())
                .to_string(),
            seq: self.seq,
            prev: self.prev,
            epoch: 1,
            time: "2026-11-20T23:59:59.999999Z".to_owned(),
            event: "model.replied".to_owned(),
            body: self.body.clone(),
        })?;
        self.seq += 1;
        self.prev = entry.leaf_hash();
        Ok(entry)
    }
}

/// The body of the example.
pub(crate) fn body() -> Result<Object, Anything> {
    match canonical::parse(BODY)? {
        Canon::Object(body) => Ok(body),
        _ => Err("the example is no object".into()),
    }
}
