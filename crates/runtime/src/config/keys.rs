//! `[keys]`: who keeps the key-encryption key. No key, token or passphrase stands in the configuration: it names files
//! of their owner's alone. What kept the keys before stands under `[keys.former]`, until a rotation has moved them.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::ConfigFault;
use super::raw::Reader;
use crate::keys::{KmsAccess, TransitAccess, TransitAuth};

/// Where the passphrase of a key file comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PassphraseSource {
    /// Asked for at the terminal.
    #[default]
    Terminal,
    /// A file of its owner's alone, such as a systemd credential.
    File(PathBuf),
    /// An open file descriptor of the process.
    Descriptor(u32),
}

/// Who keeps the key-encryption key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderConfig {
    /// The file `keys/local.key` in the data directory.
    File(PassphraseSource),
    /// The transit engine of OpenBao or Vault.
    Transit(TransitAccess),
    /// AWS KMS.
    Kms(KmsAccess),
}

/// `[keys]`, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysConfig {
    /// Who wraps from now on.
    pub provider: ProviderConfig,
    /// Who wrapped before.
    pub former: Option<ProviderConfig>,
}

impl Default for KeysConfig {
    fn default() -> Self {
        Self {
            provider: ProviderConfig::File(PassphraseSource::Terminal),
            former: None,
        }
    }
}

/// `[keys]` as typed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKeys {
    provider: Spanned<String>,
    #[serde(default)]
    passphrase_file: Option<Spanned<String>>,
    #[serde(default)]
    passphrase_fd: Option<Spanned<u32>>,
    #[serde(default)]
    url: Option<Spanned<String>>,
    #[serde(default)]
    allow_private: Option<Spanned<bool>>,
    #[serde(default)]
    mount: Option<Spanned<String>>,
    #[serde(default)]
    key: Option<Spanned<String>>,
    #[serde(default)]
    namespace: Option<Spanned<String>>,
    #[serde(default)]
    token_file: Option<Spanned<String>>,
    #[serde(default)]
    approle_mount: Option<Spanned<String>>,
    #[serde(default)]
    role_id: Option<Spanned<String>>,
    #[serde(default)]
    secret_id_file: Option<Spanned<String>>,
    #[serde(default)]
    region: Option<Spanned<String>>,
    #[serde(default)]
    alias: Option<Spanned<String>>,
    #[serde(default)]
    credentials_file: Option<Spanned<String>>,
    #[serde(default)]
    pending_days: Option<Spanned<u8>>,
    #[serde(default)]
    former: Option<Box<Self>>,
}

/// Which keys of the section belong to a provider.
const FILE: &[&str] = &["passphrase_file", "passphrase_fd"];
const TRANSIT: &[&str] = &[
    "url",
    "allow_private",
    "mount",
    "key",
    "namespace",
    "token_file",
    "approle_mount",
    "role_id",
    "secret_id_file",
];
const KMS: &[&str] = &[
    "url",
    "allow_private",
    "region",
    "alias",
    "credentials_file",
    "pending_days",
];

impl RawKeys {
    pub(super) fn check(&self, reader: &Reader<'_>) -> Result<KeysConfig, ConfigFault> {
        let provider = self.one(reader)?;
        let former = match &self.former {
            None => None,
            Some(former) if former.former.is_some() => {
                return Err(reader.fault(
                    former.provider.span().start,
                    "a former provider has a former one itself",
                    "rotate first: interlock key rotate",
                ));
            }
            Some(former) if former.provider.get_ref() == self.provider.get_ref() => {
                return Err(reader.fault(
                    former.provider.span().start,
                    "the former provider is of the same kind as the next one",
                    "move over a provider of another kind, such as file",
                ));
            }
            Some(former) => Some(former.one(reader)?),
        };
        Ok(KeysConfig { provider, former })
    }

    /// What is written, by name and place.
    fn written(&self) -> Vec<(&'static str, usize)> {
        fn at<T>(name: &'static str, value: Option<&Spanned<T>>) -> Option<(&'static str, usize)> {
            value.map(|value| (name, value.span().start))
        }
        [
            at("passphrase_file", self.passphrase_file.as_ref()),
            at("passphrase_fd", self.passphrase_fd.as_ref()),
            at("url", self.url.as_ref()),
            at("allow_private", self.allow_private.as_ref()),
            at("mount", self.mount.as_ref()),
            at("key", self.key.as_ref()),
            at("namespace", self.namespace.as_ref()),
            at("token_file", self.token_file.as_ref()),
            at("approle_mount", self.approle_mount.as_ref()),
            at("role_id", self.role_id.as_ref()),
            at("secret_id_file", self.secret_id_file.as_ref()),
            at("region", self.region.as_ref()),
            at("alias", self.alias.as_ref()),
            at("credentials_file", self.credentials_file.as_ref()),
            at("pending_days", self.pending_days.as_ref()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn one(&self, reader: &Reader<'_>) -> Result<ProviderConfig, ConfigFault> {
        let kind = self.provider.get_ref().as_str();
        let own = match kind {
            "file" => FILE,
            "transit" => TRANSIT,
            "kms" => KMS,
            _ => {
                return Err(reader.fault(
                    self.provider.span().start,
                    format!("key provider `{kind}` is not known"),
                    "one of file, transit, kms",
                ));
            }
        };
        for (name, at) in self.written() {
            if !own.contains(&name) {
                return Err(reader.fault(
                    at,
                    format!("`{name}` is no setting of key provider `{kind}`"),
                    format!("it takes {}", own.join(", ")),
                ));
            }
        }
        match kind {
            "file" => self.file(reader),
            "transit" => self.transit(reader),
            _ => self.kms(reader),
        }
    }

    fn file(&self, reader: &Reader<'_>) -> Result<ProviderConfig, ConfigFault> {
        let source = match (&self.passphrase_file, &self.passphrase_fd) {
            (None, None) => PassphraseSource::Terminal,
            (Some(file), None) => PassphraseSource::File(file.get_ref().into()),
            (None, Some(descriptor)) if (3..=1023).contains(descriptor.get_ref()) => {
                PassphraseSource::Descriptor(*descriptor.get_ref())
            }
            (_, Some(descriptor)) => {
                return Err(reader.fault(
                    descriptor.span().start,
                    "passphrase_fd is out of bounds, or there is a passphrase_file too",
                    "one of both; a descriptor of 3 to 1023",
                ));
            }
        };
        Ok(ProviderConfig::File(source))
    }

    fn transit(&self, reader: &Reader<'_>) -> Result<ProviderConfig, ConfigFault> {
        let at = self.provider.span().start;
        let auth = match (&self.token_file, &self.role_id, &self.secret_id_file) {
            (Some(file), None, None) => TransitAuth::TokenFile(file.get_ref().into()),
            (None, Some(role), Some(file)) => TransitAuth::AppRole {
                mount: path(reader, self.approle_mount.as_ref(), "approle")?,
                role_id: role.get_ref().clone(),
                secret_id_file: file.get_ref().into(),
            },
            _ => {
                return Err(reader.fault(
                    at,
                    "the transit engine's login is not clear",
                    "token_file = \"...\", or role_id = \"...\" with secret_id_file = \"...\"",
                ));
            }
        };
        Ok(ProviderConfig::Transit(TransitAccess {
            url: url(reader, at, self.url.as_ref(), None)?,
            allow_private: self.allow_private.as_ref().is_some_and(|v| *v.get_ref()),
            mount: path(reader, self.mount.as_ref(), "transit")?,
            key: path(reader, self.key.as_ref(), "interlock")?,
            namespace: self.namespace.as_ref().map(|v| v.get_ref().clone()),
            auth,
        }))
    }

    fn kms(&self, reader: &Reader<'_>) -> Result<ProviderConfig, ConfigFault> {
        let at = self.provider.span().start;
        let region = self.region.as_ref();
        let region = region.ok_or_else(|| {
            reader.fault(
                at,
                "KMS has no region",
                "for example region = \"eu-central-1\"",
            )
        })?;
        let region = path(reader, Some(region), "")?;
        let file = self.credentials_file.as_ref().ok_or_else(|| {
            reader.fault(
                at,
                "KMS has no credentials_file",
                "a file of AWS's shared form with a [default] profile, mode 600",
            )
        })?;
        let days = self.pending_days.as_ref();
        let pending_days = days.map_or(7, |days| *days.get_ref());
        if !(7..=30).contains(&pending_days) {
            return Err(reader.fault(
                days.map_or(at, |days| days.span().start),
                "pending_days is out of bounds",
                "7 to 30, as KMS has it",
            ));
        }
        let own = format!("https://kms.{region}.amazonaws.com");
        Ok(ProviderConfig::Kms(KmsAccess {
            endpoint: url(reader, at, self.url.as_ref(), Some(own))?,
            region,
            allow_private: self.allow_private.as_ref().is_some_and(|v| *v.get_ref()),
            alias: path(reader, self.alias.as_ref(), "interlock")?,
            credentials_file: file.get_ref().into(),
            pending_days,
        }))
    }
}

fn url(
    reader: &Reader<'_>,
    at: usize,
    url: Option<&Spanned<String>>,
    default: Option<String>,
) -> Result<String, ConfigFault> {
    let hint = "scheme, host and port, for example https://bao.internal:8200";
    match (url, default) {
        (Some(url), _) => {
            let text = url.get_ref().trim_end_matches('/');
            crate::keys::allowed(text, false)
                .map_err(|fault| reader.fault(url.span().start, fault.to_string(), hint))?;
            Ok(text.to_owned())
        }
        (None, Some(default)) => Ok(default),
        (None, None) => Err(reader.fault(at, "the key provider has no url", hint)),
    }
}

/// A part of a path or of an alias: nothing in it needs an escape.
fn path(
    reader: &Reader<'_>,
    value: Option<&Spanned<String>>,
    default: &str,
) -> Result<String, ConfigFault> {
    let Some(value) = value else {
        return Ok(default.to_owned());
    };
    let text = value.get_ref();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    if text.is_empty() || text.len() > 120 || !text.bytes().all(plain) {
        return Err(reader.fault(
            value.span().start,
            format!("`{text}` cannot stand in a path"),
            "letters, digits, `-` and `_`",
        ));
    }
    Ok(text.clone())
}
