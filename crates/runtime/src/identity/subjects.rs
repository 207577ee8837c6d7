//! Names of the people whom data is about, and the random pseudonyms that stand for them. A name is found by a keyed
//! index of a keyed index: the inner key stays, so that the outer can be made anew without knowing any name. Each
//! erasure does that and destroys the outer keys, or a backup and the keys of now would tell who was whom.

use interlock_core::id::SubjectId;
use interlock_store::RecordFault;
use serde::{Deserialize, Serialize};

use super::{PSEUDONYM, SUBJECT, spread};
use crate::deploy::record_fault;
use crate::engine::{Engine, Fault};
use crate::seal::KeyName;

/// Kind of the records, by the first two digits of the index.
const KIND: &str = "subject";
/// Where it is kept which keys are in use.
const STATE: &str = "subject_keys";
const KEY: &str = "generation";
/// The inner index, in hex.
const INNER_BYTES: usize = 64;

/// Which outer keys are in use. Generation 0 is the form before there were any: its index is the inner one.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Generations {
    current: u32,
    /// Records of it are still being moved.
    before: Option<u32>,
}

/// What a record holds.
struct Held {
    subject: SubjectId,
    inner: String,
}

impl Engine {
    /// A name as it is asked for everywhere else: HMAC under the key that stays.
    pub(crate) async fn name_index(&self, name: &str) -> Result<String, Fault> {
        let book = &self.parts.book;
        Ok(book.blind_index(self.tenant(), SUBJECT, name).await?)
    }

    /// The pseudonym that a name's inner index leads to.
    pub(crate) async fn subject_at(&self, inner: &str) -> Result<Option<SubjectId>, Fault> {
        for generation in self.generations().await?.all() {
            let (kind, key) = self.outer(generation, inner).await?;
            let found = self.store().record(self.tenant(), &kind, &key).await?;
            if let Some(record) = found {
                let held = self.held(&kind, &key, &record.bytes).await?;
                return Ok(Some(held.subject));
            }
        }
        Ok(None)
    }

    /// The pseudonym of a name, made where there is none.
    pub(super) async fn subject_named(&self, name: &str) -> Result<SubjectId, Fault> {
        let inner = self.name_index(name).await?;
        // What is made while the keys change would be made under those that are about to go.
        let _keys_stay = self.naming.read().await;
        if let Some(known) = self.subject_at(&inner).await? {
            return Ok(known);
        }
        let now = self.parts.clock.now();
        let id =
            crate::clock::ulid(now, self.parts.entropy.as_ref()).map_err(|_| Fault::Entropy)?;
        let subject = SubjectId::from_bytes(id);
        let generation = self.generations().await?.current;
        self.keep_name(
            generation,
            &Held {
                subject,
                inner: inner.clone(),
            },
        )
        .await?;
        // Of two that race both get the one that was kept.
        self.subject_at(&inner).await?.ok_or(Fault::Unknown)
    }

    /// The inner indexes of all names that lead to a pseudonym: every record is looked at. A dead one leads nowhere.
    pub(crate) async fn name_indexes_of(&self, subject: SubjectId) -> Result<Vec<String>, Fault> {
        let mut names = Vec::new();
        for kind in kinds() {
            for record in self.store().records(self.tenant(), &kind).await? {
                if self.is_dead(&kind, &record.bytes).await? {
                    continue;
                }
                let held = self.held(&kind, &record.key, &record.bytes).await?;
                if held.subject == subject {
                    names.push(held.inner);
                }
            }
        }
        Ok(names)
    }

    /// Forgets names. Those that are forgotten already are.
    pub(crate) async fn forget_name_indexes(&self, names: &[String]) -> Result<(), Fault> {
        for inner in names {
            for generation in self.generations().await?.all() {
                let (kind, key) = self.outer(generation, inner).await?;
                self.remove_record(&kind, &key).await?;
            }
        }
        Ok(())
    }

    /// Moves every name under new outer keys. Returns the keys that nothing uses any more, to be destroyed: until they
    /// are, a copy of the records can be searched with them. Asked again after a crash, it goes on.
    pub(crate) async fn renew_name_keys(&self) -> Result<Vec<KeyName>, Fault> {
        let _nobody_is_named = self.naming.write().await;
        let mut generations = self.generations().await?;
        if generations.before.is_none() {
            generations = Generations {
                current: generations.current.saturating_add(1),
                before: Some(generations.current),
            };
            self.keep_generations(generations).await?;
        }
        let mut dead = 0u64;
        for kind in kinds() {
            for record in self.store().records(self.tenant(), &kind).await? {
                if generation_of(&kind, &record.bytes) == Some(generations.current) {
                    continue;
                }
                if self.is_dead(&kind, &record.bytes).await? {
                    self.remove_record(&kind, &record.key).await?;
                    dead += 1;
                    continue;
                }
                let held = self.held(&kind, &record.key, &record.bytes).await?;
                self.keep_name(generations.current, &held).await?;
                self.remove_record(&kind, &record.key).await?;
            }
        }
        if dead > 0 {
            tracing::warn!(
                dead,
                "records of names of an older state of the store were deleted: their keys are gone"
            );
        }
        generations.before = None;
        self.keep_generations(generations).await?;
        let mut unused = Vec::new();
        for generation in (1..generations.current).rev() {
            let keys = keys_of(generation);
            let mut there = false;
            for key in keys {
                if !self.key_is_gone(&key).await? {
                    there = true;
                    unused.push(key);
                }
            }
            // Those before went with an earlier erasure.
            if !there && generation.saturating_add(2) < generations.current {
                break;
            }
        }
        Ok(unused)
    }

    /// Whether a record's keys went with an erasure: it came back with a copy of the store from before, and opens never
    /// again.
    async fn is_dead(&self, kind: &str, bytes: &[u8]) -> Result<bool, Fault> {
        match generation_of(kind, bytes) {
            None | Some(0) => Ok(false),
            Some(generation) => {
                let [_, seals] = keys_of(generation);
                self.key_is_gone(&seals).await
            }
        }
    }

    async fn generations(&self) -> Result<Generations, Fault> {
        let record = self.store().record(self.tenant(), STATE, KEY).await?;
        record.map_or(
            Ok(Generations {
                current: 1,
                before: None,
            }),
            |record| {
                serde_json::from_slice(&record.bytes)
                    .map_err(|_| Fault::Bug("a record of names of another form".to_owned()))
            },
        )
    }

    async fn keep_generations(&self, generations: Generations) -> Result<(), Fault> {
        let bytes =
            serde_json::to_vec(&generations).map_err(|fault| Fault::Bug(fault.to_string()))?;
        self.put(STATE, KEY, bytes).await
    }

    /// Where a name's record is in a generation.
    async fn outer(&self, generation: u32, inner: &str) -> Result<(String, String), Fault> {
        if generation == 0 {
            return Ok((spread(SUBJECT, inner), inner.to_owned()));
        }
        let [key, _] = keys_of(generation);
        let book = &self.parts.book;
        let outer = book
            .index_under(self.tenant(), &key, SUBJECT, inner)
            .await?;
        Ok((spread(KIND, &outer), outer))
    }

    async fn keep_name(&self, generation: u32, held: &Held) -> Result<(), Fault> {
        let (kind, key) = self.outer(generation, &held.inner).await?;
        let [_, seals] = keys_of(generation);
        let content = [held.subject.to_bytes().as_slice(), held.inner.as_bytes()].concat();
        let place = format!("{kind}/{key}");
        let book = &self.parts.book;
        let sealed = book
            .seal_under(self.tenant(), &seals, PSEUDONYM, place.as_bytes(), &content)
            .await?;
        let bytes = [generation.to_be_bytes().as_slice(), &sealed].concat();
        let store = self.store();
        match store
            .put_record(self.tenant(), &kind, &key, None, bytes)
            .await
        {
            Ok(_) | Err(RecordFault::Conflict { .. }) => Ok(()),
            Err(fault) => Err(record_fault(fault)),
        }
    }

    async fn held(&self, kind: &str, key: &str, bytes: &[u8]) -> Result<Held, Fault> {
        let form = || Fault::Bug("a pseudonym of another form".to_owned());
        let place = format!("{kind}/{key}");
        let (book, tenant) = (&self.parts.book, self.tenant());
        let generation = generation_of(kind, bytes).ok_or_else(form)?;
        let opened = if generation == 0 {
            book.open_small(tenant, PSEUDONYM, place.as_bytes(), bytes)
                .await?
        } else {
            let [_, seals] = keys_of(generation);
            let sealed = bytes.get(4..).ok_or_else(form)?;
            book.open_under(tenant, &seals, PSEUDONYM, place.as_bytes(), sealed)
                .await?
        };
        let (subject, inner) = opened.split_first_chunk::<16>().ok_or_else(form)?;
        let inner = if generation == 0 {
            key.to_owned()
        } else {
            std::str::from_utf8(inner)
                .ok()
                .filter(|inner| inner.len() == INNER_BYTES)
                .ok_or_else(form)?
                .to_owned()
        };
        Ok(Held {
            subject: SubjectId::from_bytes(*subject),
            inner,
        })
    }
}

impl Generations {
    /// Newest first; what was kept before there were generations may always be there.
    fn all(self) -> impl Iterator<Item = u32> {
        [
            Some(self.current),
            self.before.filter(|before| *before > 0),
            Some(0),
        ]
        .into_iter()
        .flatten()
    }
}

/// The outer index's key, and the one that seals.
fn keys_of(generation: u32) -> [KeyName; 2] {
    let name = format!("{KIND}.{generation}");
    [KeyName::index(&name), KeyName::records(&name)]
}

/// Every kind that a name's record may be of.
fn kinds() -> impl Iterator<Item = String> {
    [SUBJECT, KIND]
        .into_iter()
        .flat_map(|kind| (0..=u8::MAX).map(move |part| format!("{kind}.{part:02x}")))
}

fn generation_of(kind: &str, bytes: &[u8]) -> Option<u32> {
    if kind.starts_with(&format!("{SUBJECT}.")) {
        return Some(0);
    }
    bytes
        .first_chunk()
        .map(|number| u32::from_be_bytes(*number))
}
