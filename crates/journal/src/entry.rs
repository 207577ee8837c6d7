//! One journal entry: what it carries, its bounds, its exact bytes. An `Entry` exists only if every bound
//! holds and its bytes are canonical; the bytes are kept, and hashes are over them, never over fields.
//! What a body means is the writer's; here it is an object of ids, enums, integers and digests.

pub(crate) mod form;
#[cfg(test)]
pub(crate) mod tests;

use crate::canonical::{self, Canon, CanonError, DEPTH_MAX, ENCODED_BYTES_MAX, Object, Text};
use crate::hash::{LeafHash, leaf_hash};

/// The version of the entry format that this crate writes and reads.
pub const VERSION: u64 = 1;
/// Bytes of one entry.
pub const ENTRY_BYTES_MAX: usize = ENCODED_BYTES_MAX;
/// The event of a run's last entry; none may follow it in the run.
pub const RUN_ENDED: &str = "run.ended";

const MEMBERS: [&str; 10] = [
    "body", "env", "epoch", "event", "prev", "run", "seq", "tenant", "time", "v",
];

/// What an entry is to carry, before it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Owner of the log: `[a-z0-9][a-z0-9_.-]{0,63}`.
    pub tenant: String,
    /// The store's environment, of the same form.
    pub environment: String,
    /// The run: `run_` and 26 characters of Crockford base 32.
    pub run: String,
    /// Place in the run, from 0, without gaps; at most 2^53 - 1.
    pub seq: u64,
    /// Leaf hash of the run's entry before this one; [`LeafHash::ZERO`] exactly where `seq` is 0.
    pub prev: LeafHash,
    /// Fencing epoch of the writer; never goes back within a run; at most 2^53 - 1.
    pub epoch: u64,
    /// The writer's clock: RFC 3339, UTC, six decimals, 27 characters.
    pub time: String,
    /// Kind of event, as `model.requested`: two to four words of `[a-z][a-z0-9_]*` joined by dots, at most
    /// 64 bytes.
    pub event: String,
    /// The event's own members.
    pub body: Object,
}

/// Why bytes or a draft are not an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Not the restricted canonical JSON.
    #[error("not canonical: {0}")]
    Canonical(#[from] CanonError),
    /// A member is missing, has another type or form, or breaks its bound.
    #[error("member `{0}` is missing or out of form")]
    Member(&'static str),
    /// A member that the format does not have.
    #[error("a member that the format does not have")]
    Unknown,
    /// A version that this reader does not know.
    #[error("unknown version")]
    Version,
    /// `prev` is zero at a later place, or something else at the first.
    #[error("`prev` must be zero in a run's first entry and nowhere else")]
    Prev,
}

/// A checked entry with its exact bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    draft: Draft,
    bytes: Vec<u8>,
}

impl Entry {
    /// Checks every bound and fixes the bytes.
    ///
    /// # Errors
    /// The member or bound that does not hold; more than [`ENTRY_BYTES_MAX`] bytes.
    pub fn new(draft: Draft) -> Result<Self, EntryError> {
        check(&draft)?;
        let body = Canon::Object(draft.body.clone());
        if body.depth() >= DEPTH_MAX {
            return Err(CanonError::TooDeep.into());
        }
        let mut members = Object::new();
        for (key, value) in [
            ("body", body),
            ("env", Canon::text(&*draft.environment)?),
            ("epoch", Canon::count(draft.epoch)?),
            ("event", Canon::text(&*draft.event)?),
            ("prev", Canon::text(draft.prev.to_string())?),
            ("run", Canon::text(&*draft.run)?),
            ("seq", Canon::count(draft.seq)?),
            ("tenant", Canon::text(&*draft.tenant)?),
            ("time", Canon::text(&*draft.time)?),
            ("v", Canon::count(VERSION)?),
        ] {
            members.insert(Text::parse(key)?, value);
        }
        let bytes = canonical::encode(&Canon::Object(members));
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(CanonError::TooLong { bytes: bytes.len() }.into());
        }
        Ok(Self { draft, bytes })
    }

    /// Reads stored bytes; they are kept as they are.
    ///
    /// # Errors
    /// The bytes are not canonical, have a member too many or too few, or break a bound.
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        let Canon::Object(mut members) = canonical::parse(bytes)? else {
            return Err(CanonError::At {
                offset: 0,
                what: "expected an object",
            }
            .into());
        };
        if members.keys().any(|key| !MEMBERS.contains(&key.as_str())) {
            return Err(EntryError::Unknown);
        }
        if count(&members, "v")? != VERSION {
            return Err(EntryError::Version);
        }
        let draft = Draft {
            tenant: text(&members, "tenant")?,
            environment: text(&members, "env")?,
            run: text(&members, "run")?,
            seq: count(&members, "seq")?,
            prev: members
                .get("prev")
                .and_then(Canon::as_str)
                .and_then(LeafHash::parse_hex)
                .ok_or(EntryError::Member("prev"))?,
            epoch: count(&members, "epoch")?,
            time: text(&members, "time")?,
            event: text(&members, "event")?,
            body: match members.remove("body") {
                Some(Canon::Object(body)) => body,
                _ => return Err(EntryError::Member("body")),
            },
        };
        check(&draft)?;
        Ok(Self {
            draft,
            bytes: bytes.to_vec(),
        })
    }

    /// Owner of the log.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.draft.tenant
    }

    /// The store's environment.
    #[must_use]
    pub fn environment(&self) -> &str {
        &self.draft.environment
    }

    /// The run.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.draft.run
    }

    /// Place in the run, from 0.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.draft.seq
    }

    /// Leaf hash of the entry before this one.
    #[must_use]
    pub const fn prev(&self) -> LeafHash {
        self.draft.prev
    }

    /// Fencing epoch of the writer.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.draft.epoch
    }

    /// The writer's clock.
    #[must_use]
    pub fn time(&self) -> &str {
        &self.draft.time
    }

    /// Kind of event.
    #[must_use]
    pub fn event(&self) -> &str {
        &self.draft.event
    }

    /// The event's own members.
    #[must_use]
    pub const fn body(&self) -> &Object {
        &self.draft.body
    }

    /// The exact bytes to store and hash.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, for the store to keep.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// SHA-256(0x00 || bytes).
    #[must_use]
    pub fn leaf_hash(&self) -> LeafHash {
        leaf_hash(&self.bytes)
    }
}

fn check(draft: &Draft) -> Result<(), EntryError> {
    for (holds, member) in [
        (form::is_name(&draft.tenant), "tenant"),
        (form::is_name(&draft.environment), "env"),
        (form::is_run(&draft.run), "run"),
        (form::is_time(&draft.time), "time"),
        (form::is_event(&draft.event), "event"),
        (Canon::count(draft.seq).is_ok(), "seq"),
        (Canon::count(draft.epoch).is_ok(), "epoch"),
    ] {
        if !holds {
            return Err(EntryError::Member(member));
        }
    }
    if (draft.seq == 0) != (draft.prev == LeafHash::ZERO) {
        return Err(EntryError::Prev);
    }
    Ok(())
}

fn text(members: &Object, key: &'static str) -> Result<String, EntryError> {
    members
        .get(key)
        .and_then(Canon::as_str)
        .map(str::to_owned)
        .ok_or(EntryError::Member(key))
}

fn count(members: &Object, key: &'static str) -> Result<u64, EntryError> {
    members
        .get(key)
        .and_then(Canon::as_u64)
        .ok_or(EntryError::Member(key))
}
