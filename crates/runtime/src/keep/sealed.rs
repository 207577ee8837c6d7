//! The marks of a payload as they are stored: canonical JSON, sealed under a key that dies with any key that the payload
//! depends on. Tokens in it are made with the keys of the people whom it is about, or of its run and its period.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use interlock_core::id::RunId;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::find::Found;
use super::token::token;
use crate::codec::PayloadNote;
use crate::engine::{Engine, Fault};
use crate::seal::{MarkKeys, MarkedBy, Place, SealFault};

/// Bytes of a nonce, which stands in front.
const NONCE_BYTES: usize = 12;
/// Bytes of the marks of one payload, opened.
const MARKS_BYTES_MAX: usize = 1024 * 1024;

/// A place in a payload where a secret or personal value stands. Never the value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// Where: declared names and places in lists; `*` for a name that nobody declared.
    pub at: String,
    /// Its categories, or `restricted`.
    pub cat: Vec<String>,
    /// Equal values have equal tokens. Empty for what is too short to be told apart safely.
    pub tok: Vec<String>,
}

/// The marks of one payload.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marks {
    /// How many more there are beyond the bound, or were not looked for.
    pub left_out: usize,
    /// By place.
    pub marks: Vec<Mark>,
}

/// What is stored of a payload's marks, and its digest.
pub(crate) struct SealedMarks {
    pub(crate) bytes: Vec<u8>,
    pub(crate) digest: [u8; 32],
}

impl Marks {
    /// Of what was found, with tokens under these keys.
    pub(crate) fn of(found: &Found, links: &[Zeroizing<[u8; 32]>]) -> Self {
        let mut marks: Vec<Mark> = found
            .findings
            .iter()
            .map(|finding| Mark {
                at: finding.at.clone(),
                cat: finding.categories.clone(),
                tok: finding.secret.as_ref().map_or_else(Vec::new, |secret| {
                    links.iter().map(|key| token(key, secret)).collect()
                }),
            })
            .collect();
        // In an order that tells nothing: findings are sorted by value.
        marks.sort();
        Self {
            left_out: found.left_out,
            marks,
        }
    }
}

impl Engine {
    /// Seals marks for their place; none where there is nothing to mark.
    pub(crate) fn seal_marks(
        &self,
        place: &Place,
        found: &Found,
        keys: &MarkKeys,
    ) -> Result<Option<SealedMarks>, Fault> {
        if found.findings.is_empty() {
            return Ok(None);
        }
        let marks = Marks::of(found, &keys.links);
        let mut content =
            serde_json::to_vec(&marks).map_err(|_| Fault::Bug("marks are JSON".to_owned()))?;
        let mut nonce = [0u8; NONCE_BYTES];
        self.parts
            .entropy
            .fill(&mut nonce)
            .map_err(|_| Fault::Entropy)?;
        cipher(keys, place)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(associated(place)),
                &mut content,
            )
            .map_err(|_| SealFault::Bound(place.payload))?;
        let mut bytes = nonce.to_vec();
        bytes.append(&mut content);
        let digest = sha256(&bytes);
        Ok(Some(SealedMarks { bytes, digest }))
    }

    /// The marks of a payload: where secret and personal values stand in it, never what they are. `None` where a key
    /// that it depends on was destroyed, or nothing of it is stored any more.
    ///
    /// # Errors
    /// The store or the keys cannot be reached, or the marks are not those that the entry committed to.
    pub async fn marks(&self, run: RunId, note: &PayloadNote) -> Result<Option<Marks>, Fault> {
        let Some(committed) = note.marks else {
            return Ok(Some(Marks::default()));
        };
        let Some(sealed) = self.parts.store.payload(self.tenant(), note.id).await? else {
            return Ok(None);
        };
        let place = self.place(run, note.id, note.slot.as_str());
        let keys = match self
            .parts
            .sealer
            .mark_keys(&place, MarkedBy::Header(&sealed.header))
            .await
        {
            Ok(keys) => keys,
            Err(SealFault::Gone(_)) => return Ok(None),
            Err(fault) => return Err(fault.into()),
        };
        let mismatch = || Fault::from(SealFault::Mismatch(note.id));
        if sha256(&sealed.marks) != committed || sealed.marks.len() > MARKS_BYTES_MAX {
            return Err(mismatch());
        }
        let (nonce, content) = sealed
            .marks
            .split_at_checked(NONCE_BYTES)
            .ok_or_else(mismatch)?;
        let nonce = <[u8; NONCE_BYTES]>::try_from(nonce).map_err(|_| mismatch())?;
        let mut content = content.to_vec();
        let opened = cipher(&keys, &place)?
            .open_in_place(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(associated(&place)),
                &mut content,
            )
            .map_err(|_| mismatch())?;
        serde_json::from_slice(opened)
            .map(Some)
            .map_err(|_| mismatch())
    }
}

fn cipher(keys: &MarkKeys, place: &Place) -> Result<LessSafeKey, SealFault> {
    UnboundKey::new(&AES_256_GCM, keys.seal.as_slice())
        .map(LessSafeKey::new)
        .map_err(|_| SealFault::Mismatch(place.payload))
}

fn associated(place: &Place) -> Vec<u8> {
    format!(
        "interlock/marks/v1\n{}\n{}\n{}\n{}\n{}",
        place.tenant, place.environment, place.run, place.slot, place.payload
    )
    .into_bytes()
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use aws_lc_rs::digest;
    let mut out = [0u8; 32];
    out.iter_mut()
        .zip(digest::digest(&digest::SHA256, bytes).as_ref())
        .for_each(|(slot, byte)| *slot = *byte);
    out
}
