//! `[log]`: the log's name, where the signer's guard lies, and how soon entries are published. All of it has a
//! default; the name's is made at the first opening and kept in the store.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::ConfigFault;
use super::raw::Reader;

/// Milliseconds between two publications at most: what the log promises.
const PUBLISH_MILLIS_MAX: u32 = 1000;
/// Where nothing is said: a quarter of what is promised, so that a slow disk does not break it.
const PUBLISH_MILLIS: u32 = 250;
/// Bytes of an origin.
const ORIGIN_BYTES_MAX: usize = 160;

/// The `[log]` section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// The log's name; none: one that is made at the first opening.
    pub origin: Option<String>,
    /// Directory of the signer's guard; none: `guard` in the data directory. A relative one is taken from there.
    pub guard: Option<PathBuf>,
    /// Milliseconds from an append to its publication, 10 to 1000.
    pub publish_millis: u32,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            origin: None,
            guard: None,
            publish_millis: PUBLISH_MILLIS,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLog {
    #[serde(default)]
    origin: Option<Spanned<String>>,
    #[serde(default)]
    guard: Option<Spanned<String>>,
    #[serde(default)]
    publish_millis: Option<Spanned<u32>>,
}

impl RawLog {
    pub(super) fn check(&self, reader: &Reader<'_>) -> Result<LogConfig, ConfigFault> {
        let origin = match &self.origin {
            Some(origin) if !is_origin(origin.get_ref()) => {
                return Err(reader.fault(
                    origin.span().start,
                    "the log's origin is not of its form",
                    "a name of yours without scheme, for example log.example.org/acme; a-z, A-Z, 0-9, `.`, `-`, `_`, `/`",
                ));
            }
            origin => origin.as_ref().map(|origin| origin.get_ref().clone()),
        };
        let guard = match &self.guard {
            Some(guard) if guard.get_ref().is_empty() => {
                return Err(reader.fault(
                    guard.span().start,
                    "the guard's directory is empty",
                    "name a directory, best on another disk, or leave the line out",
                ));
            }
            guard => guard.as_ref().map(|guard| guard.get_ref().into()),
        };
        let publish_millis = match &self.publish_millis {
            None => PUBLISH_MILLIS,
            Some(millis) if (10..=PUBLISH_MILLIS_MAX).contains(millis.get_ref()) => {
                *millis.get_ref()
            }
            Some(millis) => {
                return Err(reader.fault(
                    millis.span().start,
                    "publish_millis is out of bounds",
                    "10 to 1000: an entry is published within a second",
                ));
            }
        };
        Ok(LogConfig {
            origin,
            guard,
            publish_millis,
        })
    }
}

/// What a checkpoint's first line may be here: narrower than C2SP's key names, so that it needs no escaping anywhere.
fn is_origin(text: &str) -> bool {
    let sound = |word: &str| !word.is_empty() && word != "." && word != "..";
    text.len() <= ORIGIN_BYTES_MAX
        && text.split('/').all(sound)
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_/".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn the_section_is_checked() {
        check("", Ok(LogConfig::default()));
        check(
            "[log]\norigin = \"log.example.org/acme\"\nguard = \"/mnt/guard\"\npublish_millis = 1000",
            Ok(LogConfig {
                origin: Some("log.example.org/acme".to_owned()),
                guard: Some("/mnt/guard".into()),
                publish_millis: 1000,
            }),
        );
        for bad in [
            "origin = \"\"",
            "origin = \"a b\"",
            "origin = \"a+b\"",
            "origin = \"https://a\"",
            "origin = \"a/../b\"",
            "origin = \"ä.org\"",
            "publish_millis = 9",
            "publish_millis = 1001",
            "guard = \"\"",
            "key = \"x\"",
        ] {
            check(&format!("[log]\n{bad}"), Err(3));
        }
    }

    /// The section of a configuration, or the line of its fault.
    fn check(section: &str, expected: Result<LogConfig, usize>) {
        let text = format!("environment = \"test\"\n{section}\n");
        let read = Config::parse(&text, "interlock.toml");
        let found = read.map(|config| config.log).map_err(|fault| fault.line);
        assert_eq!(found, expected, "{section}");
    }
}
