//! Sealing under keys of the book. Each payload has a key of its own, derived (HKDF-SHA256) from the keys of all the
//! people that it is about, or of its run, and of its period; AES-256-GCM with the place as associated data. GCM does
//! not commit to its key, so the header holds a key commitment and the entry a keyed commitment to the content.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{constant_time, digest, hmac};
use interlock_core::id::TenantName;
use zeroize::Zeroizing;

use super::book::{KeyBook, KeyName};
use super::header::Header;
use super::local_key::{LocalKey, expand};
use super::padding::{pad, unpad};
use super::{Place, SealFault, Sealed, SealedRef, Sealer, Terms};
use crate::clock::Entropy;

/// Data keys kept open at most.
const CACHED_KEYS_MAX: usize = 1024;
/// Bytes of one payload.
const CONTENT_BYTES_MAX: usize = 8 * 1024 * 1024;

type DataKey = Zeroizing<[u8; 32]>;

/// Seals with data keys that a local key wraps.
pub struct LocalSealer {
    key: Arc<LocalKey>,
    book: Arc<dyn KeyBook>,
    entropy: Arc<dyn Entropy>,
    open: Mutex<BTreeMap<(TenantName, KeyName), DataKey>>,
}

/// The three keys of one payload.
struct PayloadKeys {
    encryption: Zeroizing<[u8; 32]>,
    commitment: Zeroizing<[u8; 32]>,
    key_commitment: [u8; 32],
}

impl LocalSealer {
    /// From a local key, the book and a source of randomness.
    #[must_use]
    pub fn new(key: Arc<LocalKey>, book: Arc<dyn KeyBook>, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            key,
            book,
            entropy,
            open: Mutex::default(),
        }
    }

    /// A data key; made where `make` says so and there is none.
    async fn data_key(
        &self,
        place: &Place,
        name: &KeyName,
        make: bool,
    ) -> Result<DataKey, SealFault> {
        let at = (place.tenant.clone(), name.clone());
        if let Some(key) = self
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&at)
        {
            return Ok(key.clone());
        }
        let keys = |fault| SealFault::Keys(place.payload, fault);
        let aad = format!("{}/{}", place.tenant, name.as_str());
        let wrapped = match self.book.get(&place.tenant, name).await.map_err(keys)? {
            Some(wrapped) => wrapped,
            None if make => {
                let mut fresh = Zeroizing::new([0u8; 32]);
                self.entropy
                    .fill(fresh.as_mut_slice())
                    .map_err(|_| SealFault::Entropy)?;
                let wrapped = self
                    .key
                    .seal_small("data_key", aad.as_bytes(), fresh.as_slice())?;
                self.book
                    .create(&place.tenant, name, &wrapped)
                    .await
                    .map_err(keys)?
            }
            None => return Err(SealFault::Gone(place.payload)),
        };
        let opened = self.key.open_small("data_key", aad.as_bytes(), &wrapped)?;
        let key =
            <[u8; 32]>::try_from(opened.as_slice()).map_err(|_| SealFault::Small("data_key"))?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= CACHED_KEYS_MAX {
            open.clear();
        }
        open.insert(at, Zeroizing::new(key));
        Ok(Zeroizing::new(key))
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

fn commit(key: &[u8; 32], slot: &str, plaintext: &[u8]) -> [u8; 32] {
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

/// SHA-256 over nonce and ciphertext, as the entry has it; `None` where the header has another form. Needs no key.
#[must_use]
pub fn ciphertext_digest(header: &[u8], ciphertext: &[u8]) -> Option<[u8; 32]> {
    Header::decode(header).map(|header| digest_of(&header.nonce, ciphertext))
}

fn cipher(key: &[u8; 32], place: &Place) -> Result<LessSafeKey, SealFault> {
    UnboundKey::new(&AES_256_GCM, key)
        .map(LessSafeKey::new)
        .map_err(|_| SealFault::Mismatch(place.payload))
}

#[async_trait]
impl Sealer for LocalSealer {
    async fn seal(
        &self,
        place: &Place,
        terms: &Terms,
        plaintext: &[u8],
    ) -> Result<Sealed, SealFault> {
        if plaintext.len() > CONTENT_BYTES_MAX {
            return Err(SealFault::Bound(place.payload));
        }
        let mut names: Vec<KeyName> = terms
            .subjects
            .iter()
            .map(|subject| KeyName::subject(*subject))
            .collect();
        if names.is_empty() {
            names.push(KeyName::run(place.run));
        }
        names.push(KeyName::period(&terms.class, terms.at));
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
}
