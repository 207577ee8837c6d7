//! Small records (accounts, API keys, pseudonyms) sealed under the tenant's own data keys, and indexes that find a text
//! again without telling it. Each purpose has a key of its own. An index key keeps its value for ever, or nothing
//! would be found again; it is wrapped anew like every other.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use interlock_core::id::TenantName;
use zeroize::Zeroizing;

use super::data::Keys;
use super::place::DataKey;
use crate::seal::{KeyName, SealFault};

impl Keys {
    /// An index that finds a text again and does not tell it: HMAC-SHA256 under the purpose's key, as hex.
    ///
    /// # Errors
    /// The key cannot be had.
    pub async fn blind_index(
        &self,
        tenant: &TenantName,
        purpose: &'static str,
        text: &str,
    ) -> Result<String, SealFault> {
        let key = KeyName::index(purpose);
        self.index_under(tenant, &key, purpose, text).await
    }

    /// The same under a key of another name.
    ///
    /// # Errors
    /// The key cannot be had.
    pub(crate) async fn index_under(
        &self,
        tenant: &TenantName,
        key: &KeyName,
        purpose: &'static str,
        text: &str,
    ) -> Result<String, SealFault> {
        let key = self
            .made(tenant, key)
            .await
            .map_err(|fault| SealFault::Record(purpose, fault))?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_slice());
        let index = hmac::sign(&key, text.as_bytes());
        Ok(index.as_ref().iter().map(|b| format!("{b:02x}")).collect())
    }

    /// Seals a small record under the purpose's key; `aad` names where it belongs.
    ///
    /// # Errors
    /// The key cannot be had, or there is no randomness.
    pub async fn seal_small(
        &self,
        tenant: &TenantName,
        purpose: &'static str,
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, SealFault> {
        let key = KeyName::records(purpose);
        self.seal_under(tenant, &key, purpose, aad, plaintext).await
    }

    /// The same under a key of another name.
    ///
    /// # Errors
    /// As [`Keys::seal_small`].
    pub(crate) async fn seal_under(
        &self,
        tenant: &TenantName,
        key: &KeyName,
        purpose: &'static str,
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, SealFault> {
        let key = self
            .made(tenant, key)
            .await
            .map_err(|fault| SealFault::Record(purpose, fault))?;
        seal(&key, purpose, aad, plaintext)
    }

    /// Opens a small record.
    ///
    /// # Errors
    /// The key cannot be had or is gone; it was sealed by another key, for another place, or was changed.
    pub async fn open_small(
        &self,
        tenant: &TenantName,
        purpose: &'static str,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealFault> {
        let key = KeyName::records(purpose);
        self.open_under(tenant, &key, purpose, aad, sealed).await
    }

    /// The same under a key of another name.
    ///
    /// # Errors
    /// As [`Keys::open_small`].
    pub(crate) async fn open_under(
        &self,
        tenant: &TenantName,
        key: &KeyName,
        purpose: &'static str,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealFault> {
        let key = self
            .found(tenant, key)
            .await
            .map_err(|fault| SealFault::Record(purpose, fault))?;
        open(&key.ok_or(SealFault::Small(purpose))?, purpose, aad, sealed)
    }
}

/// Nonce, ciphertext and tag of a small content.
pub(crate) fn seal(
    key: &DataKey,
    purpose: &'static str,
    aad: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, SealFault> {
    let mut nonce = [0u8; NONCE_LEN];
    aws_lc_rs::rand::fill(&mut nonce).map_err(|_| SealFault::Entropy)?;
    let mut content = Vec::with_capacity(plaintext.len() + 16);
    content.extend_from_slice(plaintext);
    cipher(key, purpose)?
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(aad),
            &mut content,
        )
        .map_err(|_| SealFault::Small(purpose))?;
    Ok([nonce.as_slice(), &content].concat())
}

/// Opens what [`seal`] made.
pub(crate) fn open(
    key: &DataKey,
    purpose: &'static str,
    aad: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SealFault> {
    let fault = || SealFault::Small(purpose);
    let (nonce, content) = sealed.split_at_checked(NONCE_LEN).ok_or_else(fault)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| fault())?;
    let mut content = Zeroizing::new(content.to_vec());
    let length = cipher(key, purpose)?
        .open_in_place(nonce, Aad::from(aad), &mut content)
        .map_err(|_| fault())?
        .len();
    content.truncate(length);
    Ok(content)
}

fn cipher(key: &DataKey, purpose: &'static str) -> Result<LessSafeKey, SealFault> {
    UnboundKey::new(&AES_256_GCM, key.as_slice())
        .map(LessSafeKey::new)
        .map_err(|_| SealFault::Small(purpose))
}
