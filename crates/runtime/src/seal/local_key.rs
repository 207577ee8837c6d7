//! The key-encryption key as a local file: 32 random bytes, created once, readable by its owner alone. It wraps data
//! keys, seals small records, and gives keys for blind indexes, each under its own purpose.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use zeroize::Zeroizing;

use super::SealFault;
use crate::clock::Entropy;

/// Why there is no local key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileFault {
    /// The file cannot be read or written.
    #[error("use the key file: {0}")]
    Io(#[from] std::io::Error),
    /// Others can read it.
    #[error(
        "use the key file: others than its owner may read it\nhint: chmod 600 the file, and change the key if somebody did"
    )]
    Permissions,
    /// It is not 32 bytes.
    #[error("use the key file: it is not a key of 32 bytes")]
    Form,
    /// No randomness.
    #[error("make the key file: the system gives no randomness")]
    Entropy,
}

/// The local key-encryption key. Its `Debug` shows nothing.
pub struct LocalKey {
    key: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LocalKey(..)")
    }
}

const FILE: &str = "keys/local.key";

impl LocalKey {
    /// Reads the key of a data directory.
    ///
    /// # Errors
    /// It is not there, of another form, or readable by others.
    pub fn open(data_dir: &Path) -> Result<Self, KeyFileFault> {
        let file = fs::File::open(data_dir.join(FILE))?;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            return Err(KeyFileFault::Permissions);
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(33));
        file.take(33).read_to_end(&mut bytes)?;
        let key = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| KeyFileFault::Form)?;
        Ok(Self {
            key: Zeroizing::new(key),
        })
    }

    /// Makes the key of a new data directory; never replaces one.
    ///
    /// # Errors
    /// One is there already, or the file cannot be written.
    pub fn create(data_dir: &Path, entropy: &dyn Entropy) -> Result<Self, KeyFileFault> {
        let mut key = Zeroizing::new([0u8; 32]);
        entropy
            .fill(key.as_mut_slice())
            .map_err(|_| KeyFileFault::Entropy)?;
        let path = data_dir.join(FILE);
        if let Some(dir) = path.parent() {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(dir)?;
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(key.as_slice())?;
        file.sync_all()?;
        if let Some(dir) = path.parent() {
            fs::File::open(dir)?.sync_all()?;
        }
        Ok(Self { key })
    }

    /// A key that lives as long as the process, for tests and cases: what it seals dies with it.
    ///
    /// # Errors
    /// No randomness.
    pub fn ephemeral(entropy: &dyn Entropy) -> Result<Self, KeyFileFault> {
        let mut key = Zeroizing::new([0u8; 32]);
        entropy
            .fill(key.as_mut_slice())
            .map_err(|_| KeyFileFault::Entropy)?;
        Ok(Self { key })
    }

    /// Opens the key, or makes it where the data directory has none.
    ///
    /// # Errors
    /// As [`LocalKey::open`] and [`LocalKey::create`].
    pub fn open_or_create(data_dir: &Path, entropy: &dyn Entropy) -> Result<Self, KeyFileFault> {
        match Self::open(data_dir) {
            Err(KeyFileFault::Io(fault)) if fault.kind() == std::io::ErrorKind::NotFound => {
                Self::create(data_dir, entropy)
            }
            other => other,
        }
    }

    /// A key of its own for a purpose (HKDF-SHA256, RFC 5869).
    #[must_use]
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        expand(
            self.key.as_slice(),
            b"interlock/local-key/v1",
            purpose.as_bytes(),
        )
    }

    /// An index that finds a text again and does not tell it: HMAC-SHA256 under a key of this purpose, as hex.
    #[must_use]
    pub fn blind_index(&self, purpose: &str, text: &str) -> String {
        let key = self.derive(&format!("index/{purpose}"));
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_slice());
        hmac::sign(&key, text.as_bytes())
            .as_ref()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect()
    }

    /// Seals a small record under this key; `aad` names where it belongs.
    ///
    /// # Errors
    /// The engine refuses: no randomness.
    pub fn seal_small(
        &self,
        purpose: &'static str,
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, SealFault> {
        let mut nonce = [0u8; NONCE_LEN];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| SealFault::Entropy)?;
        let mut sealed = nonce.to_vec();
        let mut content = plaintext.to_vec();
        let key = self.small_key(purpose)?;
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(aad),
            &mut content,
        )
        .map_err(|_| SealFault::Small(purpose))?;
        sealed.extend_from_slice(&content);
        Ok(sealed)
    }

    /// Opens a small record.
    ///
    /// # Errors
    /// It was sealed by another key, for another place, or was changed.
    pub fn open_small(
        &self,
        purpose: &'static str,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealFault> {
        let fault = || SealFault::Small(purpose);
        let (nonce, content) = sealed.split_at_checked(NONCE_LEN).ok_or_else(fault)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| fault())?;
        let mut content = Zeroizing::new(content.to_vec());
        let length = {
            let key = self.small_key(purpose)?;
            key.open_in_place(nonce, Aad::from(aad), &mut content)
                .map_err(|_| fault())?
                .len()
        };
        content.truncate(length);
        Ok(content)
    }

    fn small_key(&self, purpose: &'static str) -> Result<LessSafeKey, SealFault> {
        let key = self.derive(&format!("small/{purpose}"));
        Ok(LessSafeKey::new(
            UnboundKey::new(&AES_256_GCM, key.as_slice()).map_err(|_| SealFault::Small(purpose))?,
        ))
    }
}

/// HKDF-SHA256 to exactly 32 bytes.
pub(super) fn expand(secret: &[u8], salt: &[u8], info: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut out = Zeroizing::new([0u8; 32]);
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    let filled = prk
        .expand(&[info], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(out.as_mut_slice()));
    // 32 bytes are one block of HKDF-SHA256, which never fails; were it to, a random key opens and seals nothing
    // that anything else would accept.
    if filled.is_err() {
        let _ = aws_lc_rs::rand::fill(out.as_mut_slice());
    }
    out
}
