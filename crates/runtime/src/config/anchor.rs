//! `[[anchor]]` and `[witnesses]`: who else is told what the log was, how often, and how old that may become. Checked
//! as typed; reaching them is `anchor`'s.

use interlock_core::id::SecretName;
use interlock_journal::note::{KeyKind, VerifierKey};
use serde::Deserialize;
use toml::Spanned;

use super::ConfigFault;
use super::raw::Reader;

/// Anchors of one configuration.
const ANCHORS_MAX: usize = 16;
/// Seconds between two rounds, and until an anchor is overdue.
const SECONDS_MAX: u32 = 366 * 86_400;
/// Days that an object may be locked for: nobody can undo it.
const RETAIN_DAYS_MAX: u32 = 366 * 20;

/// What an anchor is, with what it takes to reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnchorKind {
    /// A C2SP witness that cosigns honest growth.
    Witness {
        /// The key that its cosignatures verify under, type 0x04.
        key: VerifierKey,
    },
    /// A bucket with Object Lock.
    S3 {
        /// Its name; none where the host names it.
        bucket: Option<String>,
        /// What stands before the size in an object's key, without a slash at its end.
        prefix: String,
        /// The region that requests are signed for.
        region: String,
        /// The access key's id.
        access_key_id: String,
        /// The access key.
        secret: SecretName,
        /// Days that each object is locked for, in compliance mode.
        retain_days: u32,
    },
    /// An RFC 3161 timestamp authority.
    Timestamp,
}

impl AnchorKind {
    /// Its word.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Witness { .. } => "witness",
            Self::S3 { .. } => "s3",
            Self::Timestamp => "timestamp",
        }
    }
}

/// One anchor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchorConfig {
    /// What commands, metrics and alarms call it.
    pub name: String,
    /// What it is.
    pub kind: AnchorKind,
    /// Where: scheme, host and base path, without a slash at its end.
    pub url: String,
    /// Whether loopback and private addresses are meant.
    pub allow_private: bool,
    /// Seconds between two rounds.
    pub interval_seconds: u32,
    /// Seconds after which it is overdue.
    pub overdue_seconds: u32,
    /// Whether nothing may act while it is overdue or raises an alarm.
    pub required: bool,
}

/// All anchors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnchorsConfig {
    /// One by one, each name once.
    pub anchors: Vec<AnchorConfig>,
    /// How many witnesses must have cosigned one checkpoint for it to count as witnessed; 0 without witnesses.
    pub witnesses_needed: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAnchor {
    name: Spanned<String>,
    kind: Spanned<String>,
    url: Spanned<String>,
    #[serde(default)]
    allow_private: bool,
    #[serde(default)]
    interval_seconds: Option<Spanned<u32>>,
    #[serde(default)]
    overdue_seconds: Option<Spanned<u32>>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    key: Option<Spanned<String>>,
    #[serde(default)]
    bucket: Option<Spanned<String>>,
    #[serde(default)]
    prefix: Option<Spanned<String>>,
    #[serde(default)]
    region: Option<Spanned<String>>,
    #[serde(default)]
    access_key_id: Option<Spanned<String>>,
    #[serde(default)]
    secret: Option<Spanned<String>>,
    #[serde(default)]
    retain_days: Option<Spanned<u32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWitnesses {
    needed: Spanned<usize>,
}

/// Checks both sections.
pub(super) fn check(
    raw: &[RawAnchor],
    witnesses: Option<&RawWitnesses>,
    reader: &Reader<'_>,
) -> Result<AnchorsConfig, ConfigFault> {
    let mut anchors: Vec<AnchorConfig> = Vec::with_capacity(raw.len());
    for one in raw {
        let anchor = one.check(reader)?;
        let at = one.name.span().start;
        if anchors.iter().any(|other| other.name == anchor.name) {
            let message = format!("anchor `{}` is there twice", anchor.name);
            return Err(reader.fault(at, message, "give each its own name"));
        }
        if anchors.len() == ANCHORS_MAX {
            return Err(reader.fault(at, "there are more than 16 anchors", "remove some"));
        }
        if let AnchorKind::Witness { key } = &anchor.kind {
            let same = |other: &AnchorConfig| matches!(&other.kind, AnchorKind::Witness { key: known } if known.public() == key.public());
            if anchors.iter().any(same) {
                let hint = "one key is one witness, under however many names";
                return Err(reader.fault(at, "the key of another witness is used again", hint));
            }
        }
        anchors.push(anchor);
    }
    let there = anchors
        .iter()
        .filter(|anchor| matches!(anchor.kind, AnchorKind::Witness { .. }))
        .count();
    let witnesses_needed = match witnesses {
        // Without a word on it, all of them.
        None => there,
        Some(raw) if (1..=there).contains(raw.needed.get_ref()) => *raw.needed.get_ref(),
        Some(raw) => {
            let message = format!("`needed` is out of bounds: {there} witnesses are configured");
            let hint = "1 to the number of [[anchor]] tables with kind = \"witness\"";
            return Err(reader.fault(raw.needed.span().start, message, hint));
        }
    };
    Ok(AnchorsConfig {
        anchors,
        witnesses_needed,
    })
}

impl RawAnchor {
    fn check(&self, reader: &Reader<'_>) -> Result<AnchorConfig, ConfigFault> {
        let name = reader.name(
            &self.name,
            "anchor name",
            anchor_name,
            "use a-z, 0-9, `_`, `-`",
        )?;
        let url = reader.name(
            &self.url,
            "url",
            base_url,
            "scheme, host and base path, for example https://witness.example.org",
        )?;
        if url.starts_with("http:") && !self.allow_private {
            let hint = "https://…, or allow_private = true where it is on a private address";
            return Err(reader.fault(self.url.span().start, "the url has no TLS", hint));
        }
        let (kind, interval) = match self.kind.get_ref().as_str() {
            "witness" => (self.witness(reader)?, 60),
            "s3" => (self.s3(reader)?, 3600),
            "timestamp" => (AnchorKind::Timestamp, 3600),
            other => {
                let message = format!("kind `{other}` is not known");
                let hint = "one of witness, s3, timestamp";
                return Err(reader.fault(self.kind.span().start, message, hint));
            }
        };
        self.no_strange_keys(&kind, reader)?;
        let seconds = |value: &Option<Spanned<u32>>, absent: u32, least: u32| match value {
            None => Ok(absent),
            Some(value) if (least..=SECONDS_MAX).contains(value.get_ref()) => Ok(*value.get_ref()),
            Some(value) => Err(reader.fault(
                value.span().start,
                "a time is out of bounds",
                format!(
                    "{least} to {SECONDS_MAX} seconds; overdue_seconds no less than the interval"
                ),
            )),
        };
        let interval_seconds = seconds(&self.interval_seconds, interval, 1)?;
        let absent = interval_seconds.saturating_mul(3).min(SECONDS_MAX);
        Ok(AnchorConfig {
            name,
            kind,
            url,
            allow_private: self.allow_private,
            interval_seconds,
            overdue_seconds: seconds(&self.overdue_seconds, absent, interval_seconds)?,
            required: self.required,
        })
    }

    fn witness(&self, reader: &Reader<'_>) -> Result<AnchorKind, ConfigFault> {
        let key = self.needed(&self.key, "key", reader)?;
        let hint = "the witness's verifier key, NAME+8 hex digits+base64, of type 0x04";
        let parsed = VerifierKey::parse(key.get_ref())
            .ok()
            .filter(|key| key.kind() == KeyKind::Cosignature);
        let key = parsed.ok_or_else(|| {
            reader.fault(key.span().start, "a witness's key cannot be read", hint)
        })?;
        Ok(AnchorKind::Witness { key })
    }

    fn s3(&self, reader: &Reader<'_>) -> Result<AnchorKind, ConfigFault> {
        let word = |text: &Spanned<String>, what: &str| {
            reader.name(text, what, plain, "a-z, A-Z, 0-9, `_`, `-`, `.`")
        };
        let days = self.needed(&self.retain_days, "retain_days", reader)?;
        if !(1..=RETAIN_DAYS_MAX).contains(days.get_ref()) {
            let message = "retain_days is out of bounds";
            return Err(reader.fault(days.span().start, message, "1 to 7320: nobody can undo it"));
        }
        let prefix = match &self.prefix {
            None => "checkpoints".to_owned(),
            Some(text) => {
                let parts = |text: &str| {
                    let fit =
                        text.len() <= 512 && text.split('/').all(|part| plain(part).is_some());
                    fit.then(|| text.to_owned())
                };
                reader.name(text, "prefix", parts, "words with `/` between them")?
            }
        };
        Ok(AnchorKind::S3 {
            bucket: self
                .bucket
                .as_ref()
                .map(|text| word(text, "bucket"))
                .transpose()?,
            prefix,
            region: word(self.needed(&self.region, "region", reader)?, "region")?,
            access_key_id: word(
                self.needed(&self.access_key_id, "access_key_id", reader)?,
                "access key id",
            )?,
            secret: reader.secret(self.needed(&self.secret, "secret", reader)?)?,
            retain_days: *days.get_ref(),
        })
    }

    fn needed<'a, T>(
        &self,
        value: &'a Option<T>,
        key: &str,
        reader: &Reader<'_>,
    ) -> Result<&'a T, ConfigFault> {
        let name = self.name.get_ref();
        let message = format!("anchor `{name}` has no `{key}`");
        let hint = "docs/anchors.md lists what each kind needs";
        value
            .as_ref()
            .ok_or_else(|| reader.fault(self.name.span().start, message, hint))
    }

    /// A key of another kind is a misunderstanding, and perhaps a lock that the operator believes to be there.
    fn no_strange_keys(&self, kind: &AnchorKind, reader: &Reader<'_>) -> Result<(), ConfigFault> {
        let witness = matches!(kind, AnchorKind::Witness { .. });
        let s3 = matches!(kind, AnchorKind::S3 { .. });
        for (key, there, meant) in [
            ("key", self.key.is_some(), witness),
            ("bucket", self.bucket.is_some(), s3),
            ("prefix", self.prefix.is_some(), s3),
            ("region", self.region.is_some(), s3),
            ("access_key_id", self.access_key_id.is_some(), s3),
            ("secret", self.secret.is_some(), s3),
            ("retain_days", self.retain_days.is_some(), s3),
        ] {
            if there && !meant {
                let message = format!(
                    "anchor `{}` has `{key}`, which its kind does not take",
                    self.name.get_ref()
                );
                return Err(reader.fault(
                    self.name.span().start,
                    message,
                    "docs/anchors.md lists what each kind takes",
                ));
            }
        }
        Ok(())
    }
}

/// 1 to 32 of `a-z0-9_-`, the first a letter or digit: a metric's label and a record's kind.
fn anchor_name(text: &str) -> Option<String> {
    let fit = (1..=32).contains(&text.len())
        && !text.starts_with(['_', '-'])
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b));
    fit.then(|| text.to_owned())
}

fn plain(text: &str) -> Option<String> {
    let fit = (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
        && !text.bytes().all(|b| b == b'.');
    fit.then(|| text.to_owned())
}

/// Scheme, host, port and path: no user, query or fragment.
fn base_url(text: &str) -> Option<String> {
    let url = reqwest::Url::parse(text).ok()?;
    let fit = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    fit.then(|| text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests;
