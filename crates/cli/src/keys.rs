//! The key provider of an installation, as its configuration names it. A passphrase is asked for at the terminal or read
//! from where the configuration says; never from the environment or the configuration itself.

use std::path::Path;
use std::sync::Arc;

use interlock_runtime::keys::{FileKeys, KeyFileFault, KeyProvider};
use interlock_runtime::secret::Secret;

use crate::exit::Failure;

/// Opens it.
pub(crate) fn provider(dir: &Path) -> Result<Arc<dyn KeyProvider>, Failure> {
    let keys =
        FileKeys::open(dir, &ask).map_err(|fault| Failure::failed(format!("failed to {fault}")))?;
    Ok(Arc::new(keys))
}

/// Asks at the terminal, if there is one.
pub(crate) fn ask() -> Result<Secret, KeyFileFault> {
    if !std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        return Err(KeyFileFault::Locked);
    }
    rpassword::prompt_password("passphrase of the key file (not shown): ")
        .map(|text| Secret::new(&text))
        .map_err(|fault| KeyFileFault::Source(fault.to_string()))
}
