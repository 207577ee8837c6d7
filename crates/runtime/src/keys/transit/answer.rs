//! What the transit engine answers, read as far as it is needed. An error's text is never repeated: only what kind it
//! is.

use std::collections::BTreeMap;

use interlock_core::time::Timestamp;
use serde::Deserialize;
use zeroize::{Zeroize, Zeroizing};

use super::malformed;
use crate::keys::ProviderFault;

/// Versions of one key that are read.
const VERSIONS_MAX: usize = 4096;

/// Every answer's frame.
#[derive(Deserialize)]
pub(super) struct Framed<T> {
    pub(super) data: Option<T>,
}

/// An answer whose content does not matter.
#[derive(Deserialize)]
pub(super) struct Item<T> {
    #[serde(skip)]
    _content: std::marker::PhantomData<T>,
}

/// How the key stands.
#[derive(Deserialize)]
pub(super) struct KeyFacts {
    pub(super) latest_version: u32,
    pub(super) min_decryption_version: u32,
    #[serde(default)]
    pub(super) min_encryption_version: u32,
    #[serde(default)]
    pub(super) min_available_version: u32,
    keys: BTreeMap<String, serde_json::Value>,
}

impl KeyFacts {
    /// Each version and when it was made, in seconds since 1970.
    pub(super) fn made(&self) -> Result<BTreeMap<u32, Option<Timestamp>>, ProviderFault> {
        if self.keys.len() > VERSIONS_MAX {
            return Err(malformed());
        }
        let made = self.keys.iter().map(|(version, seconds)| {
            let version = version.parse().map_err(|_| malformed())?;
            let micros = seconds
                .as_u64()
                .and_then(|seconds| seconds.checked_mul(1_000_000));
            Ok((version, micros.map(Timestamp::from_micros)))
        });
        made.collect()
    }
}

/// The answers to a batch.
#[derive(Deserialize)]
pub(super) struct Batch {
    #[serde(default)]
    batch_results: Vec<BatchItem>,
}

/// One of them.
#[derive(Deserialize)]
pub(super) struct BatchItem {
    #[serde(default)]
    error: String,
    #[serde(default)]
    plaintext: String,
    #[serde(default)]
    ciphertext: String,
}

impl Drop for BatchItem {
    fn drop(&mut self) {
        self.plaintext.zeroize();
    }
}

impl Batch {
    pub(super) fn results(self, asked: usize) -> Result<Vec<BatchItem>, ProviderFault> {
        if self.batch_results.len() == asked {
            Ok(self.batch_results)
        } else {
            Err(malformed())
        }
    }
}

impl BatchItem {
    pub(super) fn ciphertext(&self) -> Option<String> {
        (self.error.is_empty() && !self.ciphertext.is_empty()).then(|| self.ciphertext.clone())
    }

    pub(super) fn plaintext(&self, epoch: u32) -> Result<Zeroizing<String>, ProviderFault> {
        if !self.error.is_empty() {
            return Err(of_text(&self.error, epoch));
        }
        if self.plaintext.is_empty() {
            return Err(malformed());
        }
        Ok(Zeroizing::new(self.plaintext.clone()))
    }
}

/// What an error's text says about a ciphertext.
fn of_text(text: &str, epoch: u32) -> ProviderFault {
    if text.contains("too old") || text.contains("disallowed by policy") {
        ProviderFault::Gone(epoch)
    } else {
        ProviderFault::Refused
    }
}
