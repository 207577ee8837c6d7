//! The key provider of an installation, as its configuration names it. A passphrase is asked for at the terminal or read
//! from where the configuration says; never from the environment or the configuration itself.

use std::path::Path;
use std::sync::Arc;

use interlock_runtime::clock::{Clock, SystemClock};
use interlock_runtime::config::{Config, PassphraseSource, ProviderConfig};
use interlock_runtime::egress::{Egress, EgressOptions};
use interlock_runtime::keys::{self, KeyFileFault, KeyProvider};
use interlock_runtime::secret::Secret;

use crate::exit::Failure;

/// Opens it. A provider over the network is not called yet.
pub(crate) fn provider(dir: &Path, config: &Config) -> Result<Arc<dyn KeyProvider>, Failure> {
    let options = EgressOptions {
        ca_file: config.ca_file.clone(),
    };
    let egress =
        Egress::new(&options).map_err(|fault| Failure::failed(format!("failed to {fault}")))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    keys::open(&config.keys, dir, &Arc::new(egress), &clock, &ask)
        .map_err(|fault| Failure::failed(format!("failed to {fault}")))
}

/// Where the key file's passphrase comes from, as the configuration says.
pub(crate) fn of(config: &Config) -> impl Fn() -> Result<Secret, KeyFileFault> {
    let source = match &config.keys.provider {
        ProviderConfig::File(source) => source.clone(),
        ProviderConfig::Transit(_) | ProviderConfig::Kms(_) => PassphraseSource::Terminal,
    };
    move || keys::passphrase(&source, &ask)
}

/// Asks at the terminal, if there is one.
fn ask() -> Result<Secret, KeyFileFault> {
    if !std::io::IsTerminal::is_terminal(&std::io::stdin()) {
        return Err(KeyFileFault::Locked);
    }
    rpassword::prompt_password("passphrase of the key file (not shown): ")
        .map(|text| Secret::new(&text))
        .map_err(|fault| KeyFileFault::Source(fault.to_string()))
}
