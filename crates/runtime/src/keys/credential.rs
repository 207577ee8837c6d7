//! Credentials of the provider itself lie in files of their owner's alone: an agent's token sink, or a systemd
//! credential. They cannot lie among the secrets, which the provider's key seals.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use zeroize::Zeroizing;

use super::ProviderFault;
use crate::secret::Secret;

/// Bytes of one credential file.
const CREDENTIAL_BYTES_MAX: u64 = 16 * 1024;

/// What a file holds, without white space at its ends.
///
/// # Errors
/// It cannot be read, is empty, too long, no text, or readable by others.
pub fn file_secret(path: &Path) -> Result<Secret, ProviderFault> {
    let fault = |why: &str| {
        ProviderFault::Configuration(format!("the credential file `{}` {why}", path.display()))
    };
    let file = File::open(path).map_err(|_| fault("cannot be opened"))?;
    let metadata = file.metadata().map_err(|_| fault("cannot be opened"))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(fault(
            "may be read by others than its owner\nhint: chmod 600 it",
        ));
    }
    let mut text = Zeroizing::new(String::with_capacity(1024));
    let read = file
        .take(CREDENTIAL_BYTES_MAX + 1)
        .read_to_string(&mut text);
    read.map_err(|_| fault("cannot be read as text"))?;
    if text.trim().is_empty() || text.len() as u64 > CREDENTIAL_BYTES_MAX {
        return Err(fault("is empty or too long"));
    }
    Ok(Secret::new(&text))
}
