//! Restricted JSON that has one spelling: what its types can hold, RFC 8785 encodes in exactly one way.
//! No floats, no null, no escapes, ASCII only, sorted keys. `parse` accepts that one spelling alone.
//! Written by hand, so that no general JSON library's leniency leaks into what a verifier accepts.

mod parse;
#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;

pub use parse::parse;

/// Bytes of one encoded value.
pub const ENCODED_BYTES_MAX: usize = 8 * 1024;
/// Levels of arrays and objects inside one another; a bare scalar has none.
pub const DEPTH_MAX: usize = 16;
/// The largest integer that every JSON reader holds exactly: 2^53 - 1.
pub const INTEGER_MAX: i64 = (1 << 53) - 1;

/// Bytes or values that the restricted form does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CanonError {
    /// More bytes than an entry may have.
    #[error("{bytes} bytes are more than {ENCODED_BYTES_MAX}")]
    TooLong {
        /// How many there are.
        bytes: usize,
    },
    /// Containers nested deeper than allowed.
    #[error("nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    /// Bytes that are not the one spelling of any value.
    #[error("byte {offset}: {what}")]
    At {
        /// Offset of the first byte that does not fit.
        offset: usize,
        /// What was expected or is not allowed.
        what: &'static str,
    },
    /// Text with a character outside printable ASCII, or a quote or backslash.
    #[error("text has a character outside printable ascii, or a quote or backslash")]
    Text,
    /// An integer beyond +-(2^53 - 1).
    #[error("integer is beyond 2^53-1")]
    Integer,
}

/// Printable ASCII (0x20 to 0x7e) without `"` and `\`, so that JSON never needs an escape.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(String);

impl Text {
    /// Checks every character.
    ///
    /// # Errors
    /// A character is outside the set.
    pub fn parse(text: impl Into<String>) -> Result<Self, CanonError> {
        let text = text.into();
        if text.bytes().all(is_text_byte) {
            Ok(Self(text))
        } else {
            Err(CanonError::Text)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Keys of an object can be looked up by `&str`; the order of both is that of their bytes.
impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const fn is_text_byte(b: u8) -> bool {
    matches!(b, 0x20..=0x7e) && b != b'"' && b != b'\\'
}

/// An integer within +-(2^53 - 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Integer(i64);

impl Integer {
    /// Checks the bound.
    ///
    /// # Errors
    /// The integer is beyond it.
    pub fn new(n: i64) -> Result<Self, CanonError> {
        if (-INTEGER_MAX..=INTEGER_MAX).contains(&n) {
            Ok(Self(n))
        } else {
            Err(CanonError::Integer)
        }
    }

    /// From a count.
    ///
    /// # Errors
    /// The count is beyond 2^53 - 1.
    pub fn from_u64(n: u64) -> Result<Self, CanonError> {
        i64::try_from(n)
            .map_err(|_| CanonError::Integer)
            .and_then(Self::new)
    }

    /// The integer.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }
}

/// The members of an object, in the order of their keys' bytes.
pub type Object = BTreeMap<Text, Canon>;

/// A value of the restricted form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Canon {
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Integer(Integer),
    /// ASCII text.
    Text(Text),
    /// Values in order.
    Array(Vec<Self>),
    /// Members by key.
    Object(Object),
}

impl Canon {
    /// A text value.
    ///
    /// # Errors
    /// A character is outside the set.
    pub fn text(text: impl Into<String>) -> Result<Self, CanonError> {
        Text::parse(text).map(Self::Text)
    }

    /// An integer value.
    ///
    /// # Errors
    /// The integer is beyond +-(2^53 - 1).
    pub fn integer(n: i64) -> Result<Self, CanonError> {
        Integer::new(n).map(Self::Integer)
    }

    /// A count.
    ///
    /// # Errors
    /// The count is beyond 2^53 - 1.
    pub fn count(n: u64) -> Result<Self, CanonError> {
        Integer::from_u64(n).map(Self::Integer)
    }

    /// The boolean, where it is one.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(b) = self {
            Some(*b)
        } else {
            None
        }
    }

    /// The integer, where it is one.
    #[must_use]
    pub const fn as_i64(&self) -> Option<i64> {
        if let Self::Integer(n) = self {
            Some(n.get())
        } else {
            None
        }
    }

    /// The integer, where it is one and not negative.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        self.as_i64().and_then(|n| u64::try_from(n).ok())
    }

    /// The text, where it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::Text(text) = self {
            Some(text.as_str())
        } else {
            None
        }
    }

    /// The items, where it is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(items) = self {
            Some(items)
        } else {
            None
        }
    }

    /// The members, where it is an object.
    #[must_use]
    pub const fn as_object(&self) -> Option<&Object> {
        if let Self::Object(members) = self {
            Some(members)
        } else {
            None
        }
    }

    /// Levels of containers: 0 for a scalar, 1 for an empty array.
    #[must_use]
    pub fn depth(&self) -> usize {
        match self {
            Self::Bool(_) | Self::Integer(_) | Self::Text(_) => 0,
            Self::Array(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            Self::Object(members) => 1 + members.values().map(Self::depth).max().unwrap_or(0),
        }
    }
}

/// The one spelling of a value. Depth and length are the caller's to bound: `Entry::new` does.
#[must_use]
pub fn encode(value: &Canon) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    write(value, &mut out);
    out
}

fn write(value: &Canon, out: &mut Vec<u8>) {
    match value {
        Canon::Bool(true) => out.extend_from_slice(b"true"),
        Canon::Bool(false) => out.extend_from_slice(b"false"),
        Canon::Integer(n) => out.extend_from_slice(n.get().to_string().as_bytes()),
        Canon::Text(text) => write_text(text, out),
        Canon::Array(items) => {
            out.push(b'[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Canon::Object(members) => {
            out.push(b'{');
            for (i, (key, item)) in members.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                write_text(key, out);
                out.push(b':');
                write(item, out);
            }
            out.push(b'}');
        }
    }
}

fn write_text(text: &Text, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(text.as_str().as_bytes());
    out.push(b'"');
}
