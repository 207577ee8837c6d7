//! A value whose text was checked, and its parts. Each look walks over the text before what is looked for, so
//! whoever asks much of one value walks its members once.

use crate::canonical::DEPTH_MAX;

use super::reader::{Reader, text_len};

/// A value whose text is the one spelling of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Raw<'a>(pub(super) &'a str);

impl<'a> Raw<'a> {
    /// Reads one value of restricted JSON; `None` for anything else, and above `bytes_max` bytes.
    #[must_use]
    pub fn parse(bytes: &'a [u8], bytes_max: usize) -> Option<Self> {
        if bytes.len() > bytes_max {
            return None;
        }
        let text = std::str::from_utf8(bytes).ok()?;
        let mut reader = Reader::new(text);
        reader.value(DEPTH_MAX)?;
        reader.is_done().then_some(Self(text))
    }

    /// The text as it is spelled: printable ASCII.
    #[must_use]
    pub const fn spelled(self) -> &'a str {
        self.0
    }

    /// A reader of this value.
    pub(in crate::audit) const fn reader(self) -> Reader<'a> {
        Reader::new(self.0)
    }

    /// The text, where it is one.
    #[must_use]
    pub fn text(self) -> Option<&'a str> {
        self.0.strip_prefix('"')?.strip_suffix('"')
    }

    /// The integer, where it is one and not negative.
    #[must_use]
    pub fn count(self) -> Option<u64> {
        self.reader().count()
    }

    /// The boolean, where it is one.
    #[must_use]
    pub fn boolean(self) -> Option<bool> {
        match self.0 {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// Whether it is an object.
    #[must_use]
    pub fn is_object(self) -> bool {
        self.0.starts_with('{')
    }

    /// Whether it is an array.
    #[must_use]
    pub fn is_array(self) -> bool {
        self.0.starts_with('[')
    }

    /// Key and value of each member, in order; none where it is no object.
    #[must_use]
    pub fn members(self) -> Members<'a> {
        Members(Items(inside(self.0, '{')))
    }

    /// The items, in order; none where it is no array.
    #[must_use]
    pub fn items(self) -> Items<'a> {
        Items(inside(self.0, '['))
    }

    /// The member of that name, where it is an object that has one.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Self> {
        // Keys rise: what is not there by its place is nowhere.
        self.members()
            .take_while(|(name, _)| *name <= key)
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value)
    }

    /// The text of the member of that name.
    #[must_use]
    pub fn text_of(self, key: &str) -> Option<&'a str> {
        self.get(key)?.text()
    }
}

/// The items of an array.
#[derive(Debug, Clone)]
pub struct Items<'a>(&'a str);

impl<'a> Iterator for Items<'a> {
    type Item = Raw<'a>;

    fn next(&mut self) -> Option<Raw<'a>> {
        let (value, rest) = self.0.split_at_checked(value_len(self.0.as_bytes())?)?;
        self.0 = rest.get(1..).unwrap_or_default();
        Some(Raw(value))
    }
}

/// The members of an object.
#[derive(Debug, Clone)]
pub struct Members<'a>(Items<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, Raw<'a>);

    fn next(&mut self) -> Option<(&'a str, Raw<'a>)> {
        // The byte that `Items` steps over is the comma between items, and here also the colon.
        let key = self.0.next()?.text()?;
        Some((key, self.0.next()?))
    }
}

fn inside(text: &str, open: char) -> &str {
    text.strip_prefix(open)
        .and_then(|rest| rest.get(..rest.len().checked_sub(1)?))
        .unwrap_or_default()
}

/// Bytes of the first value of checked text; `None` at its end.
fn value_len(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [] => None,
        // Texts have no escapes, so each ends at the next quote.
        [b'"', rest @ ..] => Some(text_len(rest) + 2),
        [b'{' | b'[', ..] => container_len(bytes),
        _ => {
            let end = bytes.iter().position(|b| matches!(b, b',' | b'}' | b']'));
            Some(end.unwrap_or(bytes.len()))
        }
    }
}

fn container_len(bytes: &[u8]) -> Option<usize> {
    let mut open = 0usize;
    let mut at = 0usize;
    loop {
        match bytes.get(at)? {
            b'"' => at += 1 + text_len(bytes.get(at + 1..)?),
            b'{' | b'[' => open += 1,
            b'}' | b']' => {
                open = open.checked_sub(1)?;
                if open == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
}
