//! Whether a stream as it was received is whole: indices without a gap, every leaf hash that of the entry beside it,
//! every chain link that of the line before it in its run. Needs the lines alone; no key, no store.

use std::collections::BTreeMap;

use interlock_journal::leaf_hash;
use serde_json::Value;

/// What a received stream holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Different entries.
    pub entries: u64,
    /// Lines that repeat one: delivery is at least once.
    pub repeated: u64,
    /// Index of the first entry; 0 where there is none.
    pub first: u64,
}

/// The first place at which a stream is not whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Gap {
    /// The line, from 1.
    pub line: usize,
    /// The log index that is missing or wrong, where it is known.
    pub index: Option<u64>,
    /// What is wrong.
    pub what: &'static str,
}

struct Place {
    index: u64,
    hash: String,
    run: String,
    seq: u64,
    prev: String,
    entry: Vec<u8>,
}

/// Checks lines of either format, in the order in which they came.
///
/// # Errors
/// The first gap.
pub fn check<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Held, Gap> {
    let mut held = Held {
        entries: 0,
        repeated: 0,
        first: 0,
    };
    let mut next = None;
    let mut seen: Vec<String> = Vec::new();
    let mut chains: BTreeMap<String, (u64, String)> = BTreeMap::new();
    for (line, text) in (1..).zip(lines) {
        let gap = |index, what| Gap { line, index, what };
        let place = read(text).ok_or_else(|| gap(None, "no line of this stream"))?;
        let here = Some(place.index);
        if leaf_hash(&place.entry).to_string() != place.hash {
            return Err(gap(here, "its leaf hash is not that of its entry"));
        }
        match next {
            Some(next) if place.index < next => {
                let before = place
                    .index
                    .checked_sub(held.first)
                    .and_then(|at| usize::try_from(at).ok());
                if before.and_then(|at| seen.get(at)) != Some(&place.hash) {
                    return Err(gap(here, "another entry came under this index before"));
                }
                held.repeated += 1;
                continue;
            }
            Some(next) if place.index > next => return Err(gap(Some(next), "entries are missing")),
            None => held.first = place.index,
            Some(_) => {}
        }
        if let Some((seq, hash)) = chains.get(&place.run)
            && (place.seq != seq + 1 || place.prev != *hash)
        {
            return Err(gap(
                here,
                "it does not follow the entry of its run before it",
            ));
        }
        seen.push(place.hash.clone());
        chains.insert(place.run, (place.seq, place.hash));
        next = Some(place.index + 1);
        held.entries += 1;
    }
    Ok(held)
}

fn read(text: &str) -> Option<Place> {
    let line: Value = serde_json::from_str(text).ok()?;
    let string = |value: &Value, key: &str| value.get(key)?.as_str().map(str::to_owned);
    let (whole, index, hash, run) = if line.get("specversion").is_some() {
        let index = string(&line, "logindex")?.parse().ok()?;
        (
            line.get("data")?,
            index,
            string(&line, "leafhash")?,
            string(&line, "subject")?,
        )
    } else {
        let place = line.get("unmapped")?;
        let index = place.get("log_index")?.as_u64()?;
        (
            place.get("entry")?,
            index,
            string(place, "leaf_hash")?,
            string(place, "run")?,
        )
    };
    Some(Place {
        index,
        hash,
        run,
        seq: whole.get("seq")?.as_u64()?,
        prev: string(whole, "prev")?,
        // An entry is its own canonical form: keys sorted, no floats, no escapes, no white space.
        entry: serde_json::to_vec(whole).ok()?,
    })
}
