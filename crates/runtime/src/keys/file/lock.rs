//! A key file's passphrase: argon2id (RFC 9106) makes a key of it, AES-256-GCM seals the epochs under that. The salt
//! stays as long as the passphrase, the nonce is new each time.

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::KeyFileFault;
use super::form::{self, Held, Sealed};
use crate::clock::Entropy;
use crate::keys::DataKey;
use crate::secret::Secret;

/// Memory of one derivation, in KiB: RFC 9106's second recommendation, 64 MiB with three passes.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;
/// What a file may ask for at most, in KiB.
const MEMORY_KIB_MAX: u32 = 1024 * 1024;
const PASSES_MAX: u32 = 16;
const LANES_MAX: u32 = 8;
/// Characters that a passphrase must have.
const PASSPHRASE_CHARACTERS_MIN: usize = 12;

/// How the key is made of the passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LockTerms {
    salt: [u8; 16],
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl LockTerms {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.salt);
        for number in [self.memory_kib, self.passes, self.lanes] {
            out.extend_from_slice(&number.to_be_bytes());
        }
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<(Self, &[u8])> {
        fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
            let (number, rest) = bytes.split_at_checked(4)?;
            Some((u32::from_be_bytes(number.try_into().ok()?), rest))
        }
        let (salt, rest) = bytes.split_at_checked(16)?;
        let (memory_kib, rest) = number(rest)?;
        let (passes, rest) = number(rest)?;
        let (lanes, rest) = number(rest)?;
        let within = memory_kib <= MEMORY_KIB_MAX && passes <= PASSES_MAX && lanes <= LANES_MAX;
        within.then_some((
            Self {
                salt: salt.try_into().ok()?,
                memory_kib,
                passes,
                lanes,
            },
            rest,
        ))
    }
}

/// The key made of a passphrase. Wiped when dropped.
pub(super) struct Lock {
    terms: LockTerms,
    key: DataKey,
}

impl Lock {
    /// For a file that is under a passphrase already.
    pub(super) fn new(passphrase: &Secret, terms: LockTerms) -> Result<Self, KeyFileFault> {
        let params = Params::new(terms.memory_kib, terms.passes, terms.lanes, Some(32))
            .map_err(|_| KeyFileFault::Form)?;
        let mut key = Zeroizing::new([0u8; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(
                passphrase.expose().as_bytes(),
                &terms.salt,
                key.as_mut_slice(),
            )
            .map_err(|_| KeyFileFault::Form)?;
        Ok(Self { terms, key })
    }

    /// For a new passphrase.
    pub(super) fn fresh(passphrase: &Secret, entropy: &dyn Entropy) -> Result<Self, KeyFileFault> {
        if passphrase.expose().chars().count() < PASSPHRASE_CHARACTERS_MIN {
            return Err(KeyFileFault::Source(format!(
                "it has fewer than {PASSPHRASE_CHARACTERS_MIN} characters"
            )));
        }
        let mut salt = [0u8; 16];
        entropy.fill(&mut salt).map_err(|_| KeyFileFault::Entropy)?;
        Self::new(
            passphrase,
            LockTerms {
                salt,
                memory_kib: MEMORY_KIB,
                passes: PASSES,
                lanes: LANES,
            },
        )
    }

    pub(super) const fn terms(&self) -> LockTerms {
        self.terms
    }

    fn cipher(&self) -> Result<LessSafeKey, KeyFileFault> {
        UnboundKey::new(&AES_256_GCM, self.key.as_slice())
            .map(LessSafeKey::new)
            .map_err(|_| KeyFileFault::Form)
    }

    pub(super) fn seal(&self, body: &[u8]) -> Result<Sealed, KeyFileFault> {
        let mut nonce = [0u8; NONCE_LEN];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| KeyFileFault::Entropy)?;
        let mut ciphertext = Vec::with_capacity(body.len() + 16);
        ciphertext.extend_from_slice(body);
        self.cipher()?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(form::header(&self.terms)),
                &mut ciphertext,
            )
            .map_err(|_| KeyFileFault::Form)?;
        Ok(Sealed {
            terms: self.terms,
            nonce,
            ciphertext,
        })
    }

    pub(super) fn open(&self, sealed: &Sealed) -> Result<Vec<Held>, KeyFileFault> {
        let mut body = Zeroizing::new(sealed.ciphertext.clone());
        let body = self
            .cipher()?
            .open_in_place(
                Nonce::assume_unique_for_key(sealed.nonce),
                Aad::from(form::header(&sealed.terms)),
                &mut body,
            )
            .map_err(|_| KeyFileFault::Passphrase)?;
        form::epochs(body)
    }
}
