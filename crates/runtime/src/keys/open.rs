//! The provider that a configuration names, opened. A key file that is still there when another provider keeps the keys
//! is its predecessor: the next rotation moves everything over and destroys it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::file::{FileKeys, KeyFileFault, Unlock};
use super::file_secret;
use super::kms::KmsKeys;
use super::provider::{KeyProvider, ProviderFault};
use super::succession::Succession;
use super::transit::TransitKeys;
use crate::clock::Clock;
use crate::config::{KeysConfig, PassphraseSource, ProviderConfig};
use crate::egress::Egress;
use crate::secret::Secret;

/// Bytes read from a descriptor.
const PASSPHRASE_BYTES_MAX: u64 = 4096;

/// Opens the provider; `ask` asks for a passphrase at the terminal. Nothing is called yet.
///
/// # Errors
/// The key file cannot be opened, or an address may not be called.
pub fn open(
    config: &KeysConfig,
    data_dir: &Path,
    egress: &Arc<Egress>,
    clock: &Arc<dyn Clock>,
    ask: Unlock<'_>,
) -> Result<Arc<dyn KeyProvider>, ProviderFault> {
    let one = |config: &ProviderConfig| one(config, data_dir, egress, clock, ask);
    let file_is_former = !matches!(config.provider, ProviderConfig::File(_))
        && config.former.is_none()
        && FileKeys::exists(data_dir);
    let terminal = ProviderConfig::File(PassphraseSource::Terminal);
    let former = match &config.former {
        // What the last rotation destroyed needs no predecessor any more.
        Some(ProviderConfig::File(_)) if !FileKeys::exists(data_dir) => None,
        Some(former) => Some(former),
        None => file_is_former.then_some(&terminal),
    };
    let starts_a_file = former.is_some()
        && matches!(config.provider, ProviderConfig::File(_))
        && !FileKeys::exists(data_dir);
    if starts_a_file {
        FileKeys::create(data_dir, clock.now())?;
    }
    let next = one(&config.provider)?;
    match former {
        None => Ok(next),
        Some(former) => Ok(Arc::new(Succession::new(one(former)?, next)?)),
    }
}

fn one(
    config: &ProviderConfig,
    data_dir: &Path,
    egress: &Arc<Egress>,
    clock: &Arc<dyn Clock>,
    ask: Unlock<'_>,
) -> Result<Arc<dyn KeyProvider>, ProviderFault> {
    Ok(match config {
        ProviderConfig::File(source) => {
            let unlock = || passphrase(source, ask);
            Arc::new(FileKeys::open(data_dir, &unlock)?)
        }
        ProviderConfig::Transit(access) => {
            Arc::new(TransitKeys::new(access.clone(), Arc::clone(egress))?)
        }
        ProviderConfig::Kms(access) => Arc::new(KmsKeys::new(
            access.clone(),
            Arc::clone(egress),
            Arc::clone(clock),
        )?),
    })
}

/// Reads the passphrase from where the configuration says.
///
/// # Errors
/// It cannot be read there.
pub fn passphrase(source: &PassphraseSource, ask: Unlock<'_>) -> Result<Secret, KeyFileFault> {
    match source {
        PassphraseSource::Terminal => ask(),
        PassphraseSource::File(path) => {
            file_secret(path).map_err(|fault| KeyFileFault::Source(fault.to_string()))
        }
        PassphraseSource::Descriptor(number) => {
            let source = |fault: std::io::Error| KeyFileFault::Source(fault.to_string());
            let path = PathBuf::from(format!("/dev/fd/{number}"));
            let mut text = Zeroizing::new(String::with_capacity(256));
            File::open(path)
                .map_err(source)?
                .take(PASSPHRASE_BYTES_MAX)
                .read_to_string(&mut text)
                .map_err(source)?;
            Ok(Secret::new(&text))
        }
    }
}
