//! The log's signing key: an Ed25519 seed of 32 bytes in `keys/log.key`, made once and readable by its owner alone.
//! It signs checkpoints and nothing else. No `Debug`, text or fault here shows any of it.

use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use zeroize::Zeroizing;

use super::durable;
use crate::clock::{Entropy, random};

const FILE: &str = "keys/log.key";
/// A key that was made, until the log's record names it.
const NEXT: &str = "keys/log.key.next";
const SEED_BYTES: usize = 32;

/// Why there is no signing key.
#[derive(Debug, thiserror::Error)]
pub enum SignerFault {
    /// The file cannot be read or written.
    #[error("use the log's signing key: {0}")]
    Io(#[from] std::io::Error),
    /// It is not 32 bytes.
    #[error("use the log's signing key: it is not a seed of 32 bytes")]
    Form,
    /// No randomness.
    #[error("make the log's signing key: the system gives no randomness")]
    Entropy,
    /// The library refused to sign.
    #[error("sign the checkpoint: the key cannot be used")]
    Refused,
}

/// See the module's text.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: [u8; 32],
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

impl SigningKey {
    /// Reads the key of a data directory; `None` where it has none.
    ///
    /// # Errors
    /// It cannot be read, others may read it, or it has another form.
    pub fn open(data_dir: &Path) -> Result<Option<Self>, SignerFault> {
        Self::read(&data_dir.join(FILE))
    }

    /// The key that a first opening or a rotation under way has made.
    pub(super) fn open_next(data_dir: &Path) -> Result<Option<Self>, SignerFault> {
        Self::read(&data_dir.join(NEXT))
    }

    /// Makes the key of a first opening or a rotation; never replaces one. It gets its own name by `promote_next`, once
    /// the log's record names it.
    pub(super) fn create_next(data_dir: &Path, entropy: &dyn Entropy) -> Result<Self, SignerFault> {
        Self::make(&data_dir.join(NEXT), entropy)
    }

    /// The next key takes over; the one before it is gone from the disk's names, for nothing needs it again.
    pub(super) fn promote_next(data_dir: &Path) -> Result<(), SignerFault> {
        let path = data_dir.join(FILE);
        std::fs::rename(data_dir.join(NEXT), &path)?;
        Ok(path.parent().map_or(Ok(()), durable::sync)?)
    }

    fn read(path: &Path) -> Result<Option<Self>, SignerFault> {
        match durable::read(path, SEED_BYTES)? {
            None => Ok(None),
            Some(seed) if seed.len() == SEED_BYTES => Self::from_seed(&seed).map(Some),
            Some(_) => Err(SignerFault::Form),
        }
    }

    fn make(path: &Path, entropy: &dyn Entropy) -> Result<Self, SignerFault> {
        let seed = Zeroizing::new(random::<SEED_BYTES>(entropy).map_err(|_| SignerFault::Entropy)?);
        let key = Self::from_seed(seed.as_slice())?;
        if let Some(dir) = path.parent() {
            durable::make_dir(dir)?;
        }
        durable::create(path, seed.as_slice())?;
        Ok(key)
    }

    /// From the 32 bytes of a seed.
    ///
    /// # Errors
    /// There are not 32.
    pub fn from_seed(seed: &[u8]) -> Result<Self, SignerFault> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| SignerFault::Form)?;
        let public =
            <[u8; 32]>::try_from(pair.public_key().as_ref()).map_err(|_| SignerFault::Form)?;
        Ok(Self { pair, public })
    }

    /// The public key.
    #[must_use]
    pub const fn public(&self) -> &[u8; 32] {
        &self.public
    }

    /// Signs bytes: the same bytes give the same signature (RFC 8032).
    ///
    /// # Errors
    /// The library refuses.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerFault> {
        let signature = self.pair.try_sign(message);
        Ok(signature
            .map_err(|_| SignerFault::Refused)?
            .as_ref()
            .to_vec())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::clock::{SeededEntropy, SystemEntropy};

    #[test]
    fn it_signs_as_rfc_8032_says() {
        // RFC 8032, section 7.1, test 1.
        let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
        let bytes: Vec<u8> = (0..32)
            .map(|at| u8::from_str_radix(&seed[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        let key = SigningKey::from_seed(&bytes).unwrap();
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert_eq!(hex(key.public()), public);
        assert_eq!(hex(&key.sign(b"").unwrap()), signature);
        assert_eq!(format!("{key:?}"), "SigningKey(..)");
    }

    #[test]
    fn its_file_is_its_owners_and_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        assert!(SigningKey::open(dir.path()).unwrap().is_none());
        let made = SigningKey::create_next(dir.path(), &SystemEntropy).unwrap();
        assert!(SigningKey::create_next(dir.path(), &SystemEntropy).is_err());
        assert!(SigningKey::open(dir.path()).unwrap().is_none());
        SigningKey::promote_next(dir.path()).unwrap();
        let path = dir.path().join(FILE);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = SigningKey::open(dir.path()).unwrap().unwrap();
        assert_eq!(made.public(), again.public());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(SigningKey::open(dir.path()).is_err());
    }

    #[test]
    fn another_form_is_no_key() {
        for length in [0, 31, 33, 64] {
            let dir = tempfile::tempdir().unwrap();
            std::fs::create_dir(dir.path().join("keys")).unwrap();
            durable::replace(&dir.path().join(FILE), &vec![7; length]).unwrap();
            let read = SigningKey::open(dir.path());
            assert!(matches!(read, Err(SignerFault::Form)), "{length}");
        }
    }

    #[test]
    fn the_next_key_takes_over() {
        let dir = tempfile::tempdir().unwrap();
        SigningKey::create_next(dir.path(), &SeededEntropy::new(1)).unwrap();
        SigningKey::promote_next(dir.path()).unwrap();
        let next = SigningKey::create_next(dir.path(), &SeededEntropy::new(2)).unwrap();
        assert!(SigningKey::create_next(dir.path(), &SeededEntropy::new(3)).is_err());
        SigningKey::promote_next(dir.path()).unwrap();
        let now = SigningKey::open(dir.path()).unwrap().unwrap();
        assert_eq!(now.public(), next.public());
        assert!(SigningKey::open_next(dir.path()).unwrap().is_none());
    }
}
