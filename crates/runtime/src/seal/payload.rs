//! Sealing under keys of the book. Each payload has a key of its own, derived (HKDF-SHA256) from the keys of all the
//! people that it is about, or of its run, and of its period; AES-256-GCM with the place as associated data. GCM does
//! not commit to its key, so the header holds a key commitment and the entry a keyed commitment to the content.

use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{constant_time, digest, hmac};
use zeroize::Zeroizing;

use super::book::KeyName;
use super::header::Header;
use super::padding::{pad, unpad};
use super::{MarkKeys, MarkedBy, Place, SealFault, Sealed, SealedRef, Sealer, Terms};
use crate::clock::Entropy;
use crate::keys::{DataKey, KeyFault, Keys, ProviderFault, expand};

/// Bytes of one payload.
const CONTENT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Seals under data keys.
pub struct PayloadSealer {
    keys: Arc<Keys>,
    entropy: Arc<dyn Entropy>,
}

/// The three keys of one payload.
struct PayloadKeys {
    encryption: Zeroizing<[u8; 32]>,
    commitment: Zeroizing<[u8; 32]>,
    key_commitment: [u8; 32],
}

impl PayloadSealer {
    /// From the data keys and a source of randomness.
    #[must_use]
    pub const fn new(keys: Arc<Keys>, entropy: Arc<dyn Entropy>) -> Self {
        Self { keys, entropy }
    }

    /// A data key; made where `make` says so and there is none.
    async fn data_key(
        &self,
        place: &Place,
        name: &KeyName,
        make: bool,
    ) -> Result<DataKey, SealFault> {
        let found = if make {
            self.keys.made(&place.tenant, name).await.map(Some)
        } else {
            self.keys.found(&place.tenant, name).await
        };
        match found {
            Ok(Some(key)) => Ok(key),
            // A page whose epoch was destroyed is a destroyed key too: the store is an old backup's.
            Ok(None) | Err(KeyFault::Provider(ProviderFault::Gone(_))) => {
                Err(SealFault::Gone(place.payload))
            }
            Err(fault) => Err(SealFault::Keys(place.payload, fault)),
        }
    }

    async fn payload_keys(
        &self,
        place: &Place,
        names: &[KeyName],
        make: bool,
    ) -> Result<PayloadKeys, SealFault> {
        let mut secret = Zeroizing::new(Vec::with_capacity(32 * names.len()));
        for name in names {
            secret.extend_from_slice(self.data_key(place, name, make).await?.as_slice());
        }
        let salt = place.payload.to_bytes();
        let derive = |part: &str| {
            expand(
                &secret,
                &salt,
                format!("interlock/payload/v1/{part}").as_bytes(),
            )
        };
        Ok(PayloadKeys {
            encryption: derive("encryption"),
            commitment: derive("commitment"),
            key_commitment: *derive("key-commitment"),
        })
    }
}

/// The keys that a payload of these terms depends on, in the order in which they are used.
fn names_of(place: &Place, terms: &Terms) -> Vec<KeyName> {
    let mut names: Vec<KeyName> = terms
        .subjects
        .iter()
        .map(|subject| KeyName::subject(*subject))
        .collect();
    if names.is_empty() {
        names.push(KeyName::run(place.run));
    }
    names.push(KeyName::period(&terms.class, terms.at));
    names
}

/// The place in one spelling, as associated data.
fn associated(place: &Place, class: &str, names: &[KeyName]) -> String {
    let names: Vec<&str> = names.iter().map(KeyName::as_str).collect();
    format!(
        "interlock/payload/v1\n{}\n{}\n{}\n{}\n{}\n{class}\n{}",
        place.tenant,
        place.environment,
        place.run,
        place.slot,
        place.payload,
        names.join(" "),
    )
}

pub(super) fn commit(key: &[u8; 32], slot: &str, plaintext: &[u8]) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let mut context = hmac::Context::with_key(&key);
    context.update(b"payload/v1\0");
    context.update(slot.as_bytes());
    context.update(b"\0");
    context.update(plaintext);
    let mut out = [0u8; 32];
    out.iter_mut()
        .zip(context.sign().as_ref())
        .for_each(|(slot, b)| *slot = *b);
    out
}

fn digest_of(nonce: &[u8; 12], ciphertext: &[u8]) -> [u8; 32] {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(nonce);
    hash.update(ciphertext);
    let mut out = [0u8; 32];
    out.iter_mut()
        .zip(hash.finish().as_ref())
        .for_each(|(slot, b)| *slot = *b);
    out
}

/// The names of the keys that a payload depends on; `None` where the header has another form. Needs no key.
#[must_use]
pub fn key_names(header: &[u8]) -> Option<Vec<KeyName>> {
    Header::decode(header).map(|header| header.keys)
}

/// SHA-256 over nonce and ciphertext, as the entry has it; `None` where the header has another form. Needs no key.
#[must_use]
pub fn ciphertext_digest(header: &[u8], ciphertext: &[u8]) -> Option<[u8; 32]> {
    Header::decode(header).map(|header| digest_of(&header.nonce, ciphertext))
}

/// The bytes that the digest in an entry is over, nonce, ciphertext and tag; `None` where the header has another form.
#[must_use]
pub fn committed_bytes(header: &[u8], ciphertext: &[u8]) -> Option<Vec<u8>> {
    Header::decode(header).map(|header| [header.nonce.as_slice(), ciphertext].concat())
}

fn cipher(key: &[u8; 32], place: &Place) -> Result<LessSafeKey, SealFault> {
    UnboundKey::new(&AES_256_GCM, key)
        .map(LessSafeKey::new)
        .map_err(|_| SealFault::Mismatch(place.payload))
}

#[async_trait]
impl Sealer for PayloadSealer {
    async fn seal(
        &self,
        place: &Place,
        terms: &Terms,
        plaintext: &[u8],
    ) -> Result<Sealed, SealFault> {
        if plaintext.len() > CONTENT_BYTES_MAX {
            return Err(SealFault::Bound(place.payload));
        }
        let names = names_of(place, terms);
        let keys = self.payload_keys(place, &names, true).await?;
        let mut nonce = [0u8; 12];
        self.entropy
            .fill(&mut nonce)
            .map_err(|_| SealFault::Entropy)?;
        let aad = associated(place, &terms.class, &names);
        let mut content = pad(plaintext);
        let padded_bytes = content.len() as u64;
        cipher(&keys.encryption, place)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(aad.as_bytes()),
                &mut content,
            )
            .map_err(|_| SealFault::Bound(place.payload))?;
        let ciphertext_digest = digest_of(&nonce, &content);
        let header = Header {
            class: terms.class.clone(),
            keys: names,
            key_commitment: keys.key_commitment,
            nonce,
        };
        Ok(Sealed {
            header: header.encode(),
            ciphertext: content,
            ciphertext_digest,
            commitment: commit(&keys.commitment, &place.slot, plaintext),
            padded_bytes,
        })
    }

    async fn open(
        &self,
        place: &Place,
        sealed: &SealedRef<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, SealFault> {
        let mismatch = || SealFault::Mismatch(place.payload);
        let header = Header::decode(sealed.header).ok_or_else(mismatch)?;
        let keys = self.payload_keys(place, &header.keys, false).await?;
        constant_time::verify_slices_are_equal(&keys.key_commitment, &header.key_commitment)
            .map_err(|_| mismatch())?;
        let aad = associated(place, &header.class, &header.keys);
        let mut content = Zeroizing::new(sealed.ciphertext.to_vec());
        let padded = cipher(&keys.encryption, place)?
            .open_in_place(
                Nonce::assume_unique_for_key(header.nonce),
                Aad::from(aad.as_bytes()),
                &mut content,
            )
            .map_err(|_| mismatch())?;
        let plaintext = Zeroizing::new(unpad(padded).ok_or_else(mismatch)?.to_vec());
        let commitment = commit(&keys.commitment, &place.slot, &plaintext);
        constant_time::verify_slices_are_equal(&commitment, sealed.commitment)
            .map_err(|_| mismatch())?;
        Ok(plaintext)
    }

    async fn commitment_key(
        &self,
        place: &Place,
        header: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, SealFault> {
        let header = Header::decode(header).ok_or(SealFault::Mismatch(place.payload))?;
        let keys = self.payload_keys(place, &header.keys, false).await?;
        Ok(keys.commitment)
    }

    async fn mark_keys(&self, place: &Place, of: MarkedBy<'_>) -> Result<MarkKeys, SealFault> {
        let (names, make) = match of {
            MarkedBy::Terms(terms) => (names_of(place, terms), true),
            MarkedBy::Header(header) => {
                let header = Header::decode(header);
                let header = header.ok_or(SealFault::Mismatch(place.payload))?;
                (header.keys, false)
            }
        };
        let mut secret = Zeroizing::new(Vec::with_capacity(32 * names.len()));
        let mut found = Vec::with_capacity(names.len());
        for name in &names {
            let key = self.data_key(place, name, make).await?;
            secret.extend_from_slice(key.as_slice());
            found.push((name, key));
        }
        let of_people = names.iter().any(KeyName::is_subject);
        let links = found
            .iter()
            .filter(|(name, _)| !of_people || name.is_subject())
            .map(|(_, key)| expand(key.as_slice(), b"", b"interlock/mark/v1"))
            .collect();
        let salt = place.payload.to_bytes();
        Ok(MarkKeys {
            seal: expand(&secret, &salt, b"interlock/payload/v1/marks"),
            links,
        })
    }
}
