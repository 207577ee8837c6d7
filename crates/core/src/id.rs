//! Every identifier of the system: random ids that print with a prefix, and names that people chose.
//! Ids are made from a time and random bytes that the caller supplies; nothing here draws randomness.
//! Parsing is strict: one spelling per id (Crockford base 32, upper case, as in the ULID specification).

use std::fmt;

/// The text is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read {kind}: `{text}` is not of the form {form}")]
pub struct IdError {
    kind: &'static str,
    form: &'static str,
    text: String,
}

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

fn encode(bytes: [u8; 16]) -> String {
    let mut n = u128::from_be_bytes(bytes);
    let mut out = [b'0'; 26];
    for slot in out.iter_mut().rev() {
        let digit = usize::try_from(n & 31).unwrap_or(0);
        *slot = ALPHABET.get(digit).copied().unwrap_or(b'0');
        n >>= 5;
    }
    out.iter().map(|b| char::from(*b)).collect()
}

fn decode(text: &str) -> Option<[u8; 16]> {
    if text.len() != 26 {
        return None;
    }
    let mut n: u128 = 0;
    for (i, b) in text.bytes().enumerate() {
        let digit = ALPHABET.iter().position(|a| *a == b)?;
        if i == 0 && digit > 7 {
            return None;
        }
        n = (n << 5) | u128::try_from(digit).ok()?;
    }
    Some(n.to_be_bytes())
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// What the printed form starts with, before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// From 16 bytes, which the caller took from time and randomness (ULID layout).
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The 16 bytes.
            #[must_use]
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix(concat!($prefix, "_")).and_then(decode).map(Self).ok_or_else(|| IdError {
                    kind: stringify!($name),
                    form: concat!($prefix, "_<26 characters>"),
                    text: text.chars().take(64).collect(),
                })
            }
        }
    )*};
}

ids! {
    /// One execution of a workflow.
    RunId = "run";
    /// One effect to be performed: review, grant, start and result all cite it.
    ActId = "act";
    /// One policy decision.
    DecisionId = "dec";
    /// One call of a model or a source.
    CallId = "call";
    /// What waits for people's verdict on one proposal.
    ReviewId = "rev";
    /// Signed right to perform one action once.
    GrantId = "grant";
    /// Sealed content that the journal refers to.
    PayloadId = "pay";
    /// One thing that waits for a person.
    InboxId = "inb";
    /// A principal as the journal knows it: a random pseudonym, never a name.
    PrincipalId = "prn";
    /// A person that data is about, as the journal knows them.
    SubjectId = "sub";
    /// One API key of a service account.
    ApiKeyId = "key";
    /// One erasure of a person.
    ErasureId = "era";
    /// One legal hold.
    HoldId = "hold";
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Parses a name: `a-z`, `0-9`, `_`, `-`, `.`, starting with a letter or digit, 1 to 64 characters.
            ///
            /// # Errors
            /// The text has another form.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                if is_name(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(IdError {
                        kind: stringify!($name),
                        form: "[a-z0-9][a-z0-9_.-]{0,63}",
                        text: text.chars().take(64).collect(),
                    })
                }
            }

            /// The name.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }
    )*};
}

fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    let first = bytes
        .next()
        .is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    first
        && text.len() <= crate::limits::NAME_BYTES_MAX
        && bytes.all(|b| {
            b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.')
        })
}

names! {
    /// Owner of log, keys, principals and bundles; `default` always exists.
    TenantName;
    /// dev, test, staging, production: a store is one environment.
    EnvironmentName;
    /// A bundle's name, as its `interlock.yaml` gives it.
    BundleName;
    /// A declared process.
    WorkflowName;
    /// One stage of a workflow.
    StepName;
    /// A tool, named verb_object_scope.
    ToolName;
    /// A source that may be read.
    SourceName;
    /// What a step calls a model: an alias that the operator's configuration resolves to endpoints.
    ModelAlias;
    /// A model endpoint of the operator's registry.
    EndpointName;
    /// A prompt of a bundle, by its file name without `.md`.
    PromptName;
    /// A schema of a bundle, by its file name without `.json`.
    SchemaName;
    /// A policy's `@id`.
    PolicyId;
    /// A role that a principal may hold.
    RoleName;
    /// A data category: `pii`, `phi`, `pci`, `credential`, `customer`, `source_code`, or the operator's own.
    Category;
    /// A region that data may be in, for example `eu` or `us`.
    Region;
    /// A principal or domain that may see a value, for example `role:analyst` spelled `role.analyst`.
    Reader;
    /// Where a value came from: an input, source, step or tool.
    Provenance;
    /// A secret, by the name that configuration refers to it by.
    SecretName;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_prints_and_parses_back_in_one_spelling_only() {
        let id = RunId::from_bytes([0x01, 0x93, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 255]);
        let text = id.to_string();
        assert_eq!(text.parse::<RunId>(), Ok(id));
        for bad in [
            text.to_lowercase(),
            text.replace("run_", "act_"),
            format!("{text}0"),
            "run_".to_owned(),
        ] {
            assert!(bad.parse::<RunId>().is_err(), "{bad}");
        }
        assert!("run_ZZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<RunId>().is_err());
    }

    #[test]
    fn a_name_has_one_form() {
        for good in ["a", "submit_summary", "act.irreversible", "0-1"] {
            assert!(StepName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "A", "_a", "a b", "a/b", "ä", &"a".repeat(65)] {
            assert!(StepName::parse(bad).is_err(), "{bad}");
        }
    }
}
