//! What every store refuses, before it looks at what it holds and after: one set of rules for all of them.
//! The first half needs nothing but the append and runs on the caller's task; the second is the guard.

pub(crate) mod log;

use interlock_core::id::{EnvironmentName, TenantName};
use interlock_core::limits::{ENTRY_BYTES_MAX, RUN_ENTRIES_MAX};
use interlock_journal::entry::RUN_ENDED;
use interlock_journal::{Entry, LeafHash, leaf_hash};

use crate::fault::{AppendFault, StoreFault};
use crate::limits::{
    APPEND_BYTES_MAX, APPEND_ENTRIES_MAX, APPEND_PAYLOADS_MAX, APPEND_WAITS_MAX, HEADER_BYTES_MAX,
    KEY_BYTES_MAX, MARKS_BYTES_MAX, RECORD_BYTES_MAX, WORD_BYTES_MAX,
};
use crate::log::ADMINISTRATION_RUN;
use crate::rows::{Append, Head, RunStatus};

/// What the guard compares an append with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guarded {
    pub(crate) head: Head,
    pub(crate) epoch: u64,
    pub(crate) state: RunStatus,
}

/// Checks an append against itself and returns the head that it leads to.
pub(crate) fn append(
    tenant: &TenantName,
    environment: &EnvironmentName,
    append: &Append,
) -> Result<Head, AppendFault> {
    bounds(append)?;
    let run = append.run.to_string();
    let first = append.expected.map_or(0, |head| head.seq.saturating_add(1));
    let mut prev = append.expected.map_or(LeafHash::ZERO, |head| head.hash);
    let mut ended = false;
    let mut head = None;
    for (seq, new) in (first..).zip(&append.entries) {
        let broken = |what| AppendFault::Broken { seq, what };
        if leaf_hash(&new.bytes) != new.hash {
            return Err(broken("hash is not that of the bytes"));
        }
        let entry = Entry::parse(&new.bytes).map_err(|_| broken("bytes are no valid entry"))?;
        for (holds, what) in [
            (
                new.seq == seq && entry.seq() == seq,
                "place does not follow",
            ),
            (entry.prev() == prev, "`prev` is another hash"),
            (entry.tenant() == tenant.as_str(), "another tenant"),
            (
                entry.environment() == environment.as_str(),
                "another environment",
            ),
            (entry.run() == run, "another run"),
            (
                entry.epoch() == append.epoch,
                "another epoch than the append's",
            ),
            (!ended, "it follows the end of the run"),
        ] {
            if !holds {
                return Err(broken(what));
            }
        }
        ended = entry.event() == RUN_ENDED;
        prev = new.hash;
        head = Some(Head {
            seq,
            hash: new.hash,
        });
    }
    let broken = |what| Err(AppendFault::Broken { seq: first, what });
    let Some(head) = head else {
        return broken("there is no entry");
    };
    if ended && append.row.state != RunStatus::Ended {
        return broken("the run ends and its row says otherwise");
    }
    if append.row.run != append.run
        || append.waits.iter().any(|wait| wait.run != append.run)
        || append
            .payloads
            .iter()
            .any(|payload| payload.run != append.run)
    {
        return broken("row, wait or payload of another run");
    }
    if !all_apart(append.payloads.iter().map(|payload| payload.id))
        || !all_apart(append.waits.iter().map(|wait| &wait.id))
    {
        return broken("an id is there twice");
    }
    if append.request_key.is_some() && append.expected.is_some() {
        return broken("an idempotency key belongs to the first append");
    }
    Ok(head)
}

fn bounds(append: &Append) -> Result<(), AppendFault> {
    let row = &append.row;
    // The administration chain has no end; the log's own bound is enough for it.
    let last = if append.run == ADMINISTRATION_RUN {
        0
    } else {
        append
            .expected
            .map_or(0, |head| head.seq)
            .saturating_add(append.entries.len() as u64)
    };
    let words = [row.workflow.as_str()]
        .into_iter()
        .chain(row.outcome.as_deref())
        .chain(
            append
                .waits
                .iter()
                .flat_map(|wait| [wait.id.as_str(), wait.detail.as_str()]),
        )
        .chain(append.payloads.iter().map(|payload| payload.class.as_str()));
    let word_bytes = if words.clone().all(is_printable) {
        words.map(str::len).max().unwrap_or(0)
    } else {
        usize::MAX
    };
    let key = append.request_key.as_ref().map(|(key, _)| key.as_str());
    let key_bytes = key.map_or(0, |key| {
        if is_printable(key) {
            key.len()
        } else {
            usize::MAX
        }
    });
    for (size, max, what) in [
        (
            usize::try_from(last).unwrap_or(usize::MAX),
            usize::try_from(RUN_ENTRIES_MAX).unwrap_or(0),
            "entries of a run",
        ),
        (
            append.entries.len(),
            APPEND_ENTRIES_MAX,
            "entries of an append",
        ),
        (
            append.payloads.len(),
            APPEND_PAYLOADS_MAX,
            "payloads of an append",
        ),
        (append.waits.len(), APPEND_WAITS_MAX, "waits of a run"),
        (
            append
                .entries
                .iter()
                .map(|e| e.bytes.len())
                .max()
                .unwrap_or(0),
            ENTRY_BYTES_MAX,
            "bytes of an entry",
        ),
        (
            append
                .payloads
                .iter()
                .map(|p| p.header.len())
                .max()
                .unwrap_or(0),
            HEADER_BYTES_MAX,
            "bytes of a header",
        ),
        (
            append
                .payloads
                .iter()
                .map(|p| p.marks.len())
                .max()
                .unwrap_or(0),
            MARKS_BYTES_MAX,
            "bytes of marks",
        ),
        (append_bytes(append), APPEND_BYTES_MAX, "bytes of an append"),
        (
            word_bytes,
            WORD_BYTES_MAX,
            "bytes of a word, or characters out of form",
        ),
        (
            key_bytes,
            KEY_BYTES_MAX,
            "bytes of an idempotency key, or characters out of form",
        ),
    ] {
        if size > max {
            return Err(AppendFault::TooLarge {
                what,
                max: max as u64,
            });
        }
    }
    Ok(())
}

/// Bytes that an append holds in memory and will write.
pub(crate) fn append_bytes(append: &Append) -> usize {
    let entries = append.entries.iter().map(|entry| entry.bytes.len());
    let payloads = append
        .payloads
        .iter()
        .map(|payload| payload.header.len() + payload.ciphertext.len() + payload.marks.len());
    entries.chain(payloads).fold(0, usize::saturating_add)
}

/// The guard: what is stored of the run against what the append expects.
pub(crate) fn guard(stored: Option<Guarded>, append: &Append) -> Result<(), AppendFault> {
    let found = stored.map(|stored| stored.head);
    if let (Some(stored), Some(expected)) = (stored, append.expected) {
        if stored.epoch != append.epoch {
            return Err(AppendFault::Fenced {
                epoch: stored.epoch,
            });
        }
        if stored.state == RunStatus::Ended && stored.head == expected {
            let seq = stored.head.seq.saturating_add(1);
            return Err(AppendFault::Broken {
                seq,
                what: "it follows the end of the run",
            });
        }
    }
    if found == append.expected {
        Ok(())
    } else {
        Err(AppendFault::Conflict { found })
    }
}

/// Checks a record's kind, key and size.
pub(crate) fn record(
    operation: &'static str,
    kind: &str,
    key: &str,
    bytes: &[u8],
) -> Result<(), StoreFault> {
    for (holds, what) in [
        (is_word(kind, WORD_BYTES_MAX), "kind of the record"),
        (is_word(key, KEY_BYTES_MAX), "key of the record"),
        (bytes.len() <= RECORD_BYTES_MAX, "size of the record"),
    ] {
        if !holds {
            return Err(StoreFault::Refused { operation, what });
        }
    }
    Ok(())
}

/// Checks the texts of a rejection.
pub(crate) fn rejection(
    operation: &'static str,
    source: &str,
    address: &str,
    fault: &str,
) -> Result<(), StoreFault> {
    for (text, what) in [(source, "source"), (address, "address"), (fault, "fault")] {
        if !is_word(text, KEY_BYTES_MAX) {
            return Err(StoreFault::Refused { operation, what });
        }
    }
    Ok(())
}

fn is_word(text: &str, bytes_max: usize) -> bool {
    !text.is_empty() && text.len() <= bytes_max && is_printable(text)
}

fn is_printable(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, 0x20..=0x7e))
}

fn all_apart<T: Ord>(mut ids: impl Iterator<Item = T>) -> bool {
    let mut seen = std::collections::BTreeSet::new();
    ids.all(|id| seen.insert(id))
}
