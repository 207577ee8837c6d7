//! The key file's bytes: `interlock-keys/2`, a line break, protection, then the epochs, in the clear or sealed under a
//! passphrase. Read strictly; every number is bounded before it is believed.

use interlock_core::time::Timestamp;
use zeroize::Zeroizing;

use super::lock::{Lock, LockTerms};
use super::{EPOCHS_MAX, KeyFileFault};
use crate::clock::Entropy;
use crate::keys::DataKey;

const MAGIC: &[u8] = b"interlock-keys/2\n";
const PLAIN: u8 = 0;
const PASSPHRASE: u8 = 1;

/// One epoch's key.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) number: u32,
    pub(super) made_at: Option<Timestamp>,
    pub(super) key: DataKey,
    /// The whole file of an installation made before there were epochs.
    pub(super) first_form: bool,
}

impl Held {
    pub(super) fn draw(
        number: u32,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Self, KeyFileFault> {
        let mut key = Zeroizing::new([0u8; 32]);
        entropy
            .fill(key.as_mut_slice())
            .map_err(|_| KeyFileFault::Entropy)?;
        Ok(Self {
            number,
            made_at: Some(now),
            key,
            first_form: false,
        })
    }
}

/// Epochs under a passphrase.
pub(super) struct Sealed {
    pub(super) terms: LockTerms,
    pub(super) nonce: [u8; 12],
    pub(super) ciphertext: Vec<u8>,
}

pub(super) enum Content {
    Open(Vec<Held>),
    Locked(Sealed),
}

/// Everything before the sealed epochs: it is associated data.
pub(super) fn header(terms: &LockTerms) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.push(PASSPHRASE);
    terms.encode(&mut out);
    out
}

pub(super) fn encode(
    held: &[Held],
    lock: Option<&Lock>,
) -> Result<Zeroizing<Vec<u8>>, KeyFileFault> {
    // Room for all of it at once: a vector that grows leaves copies behind.
    let mut body = Zeroizing::new(Vec::with_capacity(2 + 44 * held.len() + 16));
    body.extend_from_slice(
        &u16::try_from(held.len())
            .map_err(|_| KeyFileFault::Form)?
            .to_be_bytes(),
    );
    for epoch in held {
        body.extend_from_slice(&epoch.number.to_be_bytes());
        let made_at = epoch.made_at.map_or(0, Timestamp::as_micros);
        body.extend_from_slice(&made_at.to_be_bytes());
        body.extend_from_slice(epoch.key.as_slice());
    }
    let mut out = Zeroizing::new(Vec::with_capacity(128 + body.len()));
    match lock {
        None => {
            out.extend_from_slice(MAGIC);
            out.push(PLAIN);
            out.extend_from_slice(&body);
        }
        Some(lock) => {
            let sealed = lock.seal(&body)?;
            out.extend_from_slice(&header(&sealed.terms));
            out.extend_from_slice(&sealed.nonce);
            out.extend_from_slice(&sealed.ciphertext);
        }
    }
    Ok(out)
}

pub(super) fn decode(bytes: &[u8]) -> Result<Content, KeyFileFault> {
    if let Ok(key) = <[u8; 32]>::try_from(bytes) {
        return Ok(Content::Open(vec![Held {
            number: 1,
            made_at: None,
            key: Zeroizing::new(key),
            first_form: true,
        }]));
    }
    let rest = bytes.strip_prefix(MAGIC).ok_or(KeyFileFault::Form)?;
    match rest.split_first() {
        Some((&PLAIN, body)) => epochs(body).map(Content::Open),
        Some((&PASSPHRASE, rest)) => {
            let (terms, rest) = LockTerms::decode(rest).ok_or(KeyFileFault::Form)?;
            let (nonce, ciphertext) = rest.split_at_checked(12).ok_or(KeyFileFault::Form)?;
            Ok(Content::Locked(Sealed {
                terms,
                nonce: nonce.try_into().map_err(|_| KeyFileFault::Form)?,
                ciphertext: ciphertext.to_vec(),
            }))
        }
        _ => Err(KeyFileFault::Form),
    }
}

/// The epochs: at least one, rising.
pub(super) fn epochs(body: &[u8]) -> Result<Vec<Held>, KeyFileFault> {
    let mut held: Vec<Held> = Vec::new();
    let (count, mut rest) = body.split_at_checked(2).ok_or(KeyFileFault::Form)?;
    let count = usize::from(u16::from_be_bytes(
        count.try_into().map_err(|_| KeyFileFault::Form)?,
    ));
    while !rest.is_empty() && held.len() < EPOCHS_MAX {
        let (epoch, after) = rest.split_at_checked(44).ok_or(KeyFileFault::Form)?;
        rest = after;
        let (number, epoch) = epoch.split_at_checked(4).ok_or(KeyFileFault::Form)?;
        let (made_at, key) = epoch.split_at_checked(8).ok_or(KeyFileFault::Form)?;
        let number = u32::from_be_bytes(number.try_into().map_err(|_| KeyFileFault::Form)?);
        let made_at = u64::from_be_bytes(made_at.try_into().map_err(|_| KeyFileFault::Form)?);
        let key = <[u8; 32]>::try_from(key).map_err(|_| KeyFileFault::Form)?;
        if held.last().map_or(0, |last| last.number) >= number {
            return Err(KeyFileFault::Form);
        }
        held.push(Held {
            number,
            made_at: (made_at > 0).then(|| Timestamp::from_micros(made_at)),
            key: Zeroizing::new(key),
            first_form: false,
        });
    }
    if held.is_empty() || held.len() != count || !rest.is_empty() {
        return Err(KeyFileFault::Form);
    }
    Ok(held)
}
