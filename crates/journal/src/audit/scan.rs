//! A reader of entries that borrows: it accepts exactly the bytes that `Entry::parse` accepts and allocates
//! nothing, because a verifier reads millions. A differential test holds the two together; where they would
//! ever differ, the strict parser is right and the audit reports a fault.

#[cfg(test)]
mod tests;

use crate::canonical::{DEPTH_MAX, INTEGER_MAX};
use crate::entry::{ENTRY_BYTES_MAX, form};
use crate::hash::LeafHash;

/// One entry as its bytes say it; every part is checked and borrowed from the bytes.
#[derive(Debug, Clone, Copy)]
pub struct Scanned<'a> {
    /// Owner of the log.
    pub tenant: &'a str,
    /// The store's environment.
    pub environment: &'a str,
    /// The run, with its prefix.
    pub run: &'a str,
    /// Place in the run, from 0.
    pub seq: u64,
    /// Leaf hash of the run's entry before this one.
    pub prev: LeafHash,
    /// Fencing epoch of the writer.
    pub epoch: u64,
    /// The writer's clock, 27 characters.
    pub time: &'a str,
    /// Kind of event.
    pub event: &'a str,
    /// The event's own members: an object.
    pub body: Raw<'a>,
}

/// Reads one entry; `None` exactly where `Entry::parse` has an error.
#[must_use]
pub fn scan(bytes: &[u8]) -> Option<Scanned<'_>> {
    if bytes.len() > ENTRY_BYTES_MAX {
        return None;
    }
    // The ten members are there exactly once and their keys rise, so there is one order in which they can stand.
    let mut reader = Reader { rest: bytes };
    reader.literal(b"{\"body\":")?;
    let body = reader.spanned(|reader| reader.object(DEPTH_MAX.checked_sub(2)?))?;
    reader.literal(b",\"env\":")?;
    let environment = reader.text()?;
    reader.literal(b",\"epoch\":")?;
    let epoch = reader.count()?;
    reader.literal(b",\"event\":")?;
    let event = reader.text()?;
    reader.literal(b",\"prev\":")?;
    let prev = LeafHash::parse_hex(reader.text()?)?;
    reader.literal(b",\"run\":")?;
    let run = reader.text()?;
    reader.literal(b",\"seq\":")?;
    let seq = reader.count()?;
    reader.literal(b",\"tenant\":")?;
    let tenant = reader.text()?;
    reader.literal(b",\"time\":")?;
    let time = reader.text()?;
    reader.literal(b",\"v\":1}")?;
    let holds = reader.rest.is_empty()
        && form::is_name(tenant)
        && form::is_name(environment)
        && form::is_run(run)
        && form::is_time(time)
        && form::is_event(event)
        && (seq == 0) == (prev == LeafHash::ZERO);
    holds.then_some(Scanned {
        tenant,
        environment,
        run,
        seq,
        prev,
        epoch,
        time,
        event,
        body,
    })
}

/// A value whose bytes are the one spelling of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a>(&'a [u8]);

impl<'a> Raw<'a> {
    /// Checks that bytes are the one spelling of a value of at most `bytes_max` bytes and [`DEPTH_MAX`] levels.
    #[must_use]
    pub fn parse(bytes: &'a [u8], bytes_max: usize) -> Option<Self> {
        if bytes.len() > bytes_max {
            return None;
        }
        let mut reader = Reader { rest: bytes };
        reader.value(DEPTH_MAX)?;
        reader.rest.is_empty().then_some(Self(bytes))
    }

    /// The bytes, which are printable ASCII.
    #[must_use]
    pub fn spelled(self) -> &'a str {
        std::str::from_utf8(self.0).unwrap_or_default()
    }

    /// The text, where it is one.
    #[must_use]
    pub fn text(self) -> Option<&'a str> {
        let [b'"', inner @ .., b'"'] = self.0 else {
            return None;
        };
        std::str::from_utf8(inner).ok()
    }

    /// The integer, where it is one and not negative.
    #[must_use]
    pub fn count(self) -> Option<u64> {
        let mut reader = Reader { rest: self.0 };
        reader.count()
    }

    /// The boolean, where it is one.
    #[must_use]
    pub const fn boolean(self) -> Option<bool> {
        match self.0 {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }

    /// Whether it is an object.
    #[must_use]
    pub fn is_object(self) -> bool {
        self.0.starts_with(b"{")
    }

    /// Whether it is an array.
    #[must_use]
    pub fn is_array(self) -> bool {
        self.0.starts_with(b"[")
    }

    /// Key and value of each member, in order; none where it is no object.
    #[must_use]
    pub fn members(self) -> Members<'a> {
        Members(Items(inside(self.0, b'{')))
    }

    /// The items, in order; none where it is no array.
    #[must_use]
    pub fn items(self) -> Items<'a> {
        Items(inside(self.0, b'['))
    }

    /// The member of that name, where it is an object that has one.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Self> {
        self.members()
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
pub struct Items<'a>(&'a [u8]);

impl<'a> Iterator for Items<'a> {
    type Item = Raw<'a>;

    fn next(&mut self) -> Option<Raw<'a>> {
        let (value, rest) = split(self.0)?;
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

fn inside(bytes: &[u8], open: u8) -> &[u8] {
    match bytes {
        [first, inner @ .., _] if *first == open => inner,
        _ => &[],
    }
}

/// The first value of checked bytes, and what follows it; `None` at their end.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = match bytes.first()? {
        b'"' => bytes.iter().skip(1).position(|b| *b == b'"')? + 2,
        b'{' | b'[' => container_len(bytes)?,
        _ => bytes
            .iter()
            .position(|b| matches!(b, b',' | b'}' | b']'))
            .unwrap_or(bytes.len()),
    };
    bytes.split_at_checked(len)
}

fn container_len(bytes: &[u8]) -> Option<usize> {
    let mut open = 0usize;
    let mut at = 0usize;
    loop {
        match bytes.get(at)? {
            // Texts have no escapes, so each ends at the next quote; most bytes are within them.
            b'"' => at += 1 + bytes.get(at + 1..)?.iter().position(|b| *b == b'"')?,
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

const TEXT_BYTE: [bool; 256] = {
    let mut class = [false; 256];
    let mut b = 0x20u8;
    while b <= 0x7e {
        #[expect(
            clippy::indexing_slicing,
            reason = "a byte is below 256, and this runs when compiled"
        )]
        {
            class[b as usize] = b != b'"' && b != b'\\';
        }
        b += 1;
    }
    class
};

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn literal(&mut self, wanted: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(wanted)?;
        Some(())
    }

    fn take(&mut self, wanted: u8) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if *first == wanted => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// What a rule consumed.
    fn spanned(&mut self, rule: impl FnOnce(&mut Self) -> Option<()>) -> Option<Raw<'a>> {
        let before = self.rest;
        rule(self)?;
        before.get(..before.len() - self.rest.len()).map(Raw)
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        match self.rest.first()? {
            b'"' => self.text_bytes().map(drop),
            b'{' => self.object(depth.checked_sub(1)?),
            b'[' => self.array(depth.checked_sub(1)?),
            b't' => self.literal(b"true"),
            b'f' => self.literal(b"false"),
            _ => self.integer().map(drop),
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.take(b'{').then_some(())?;
        if self.take(b'}') {
            return Some(());
        }
        let mut last: Option<&[u8]> = None;
        loop {
            let key = self.text_bytes()?;
            if last.is_some_and(|last| last >= key) {
                return None;
            }
            last = Some(key);
            self.take(b':').then_some(())?;
            self.value(depth)?;
            if self.take(b'}') {
                return Some(());
            }
            self.take(b',').then_some(())?;
        }
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.take(b'[').then_some(())?;
        if self.take(b']') {
            return Some(());
        }
        loop {
            self.value(depth)?;
            if self.take(b']') {
                return Some(());
            }
            self.take(b',').then_some(())?;
        }
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.text_bytes()?).ok()
    }

    fn text_bytes(&mut self) -> Option<&'a [u8]> {
        let inner = self.rest.strip_prefix(b"\"")?;
        let len = inner
            .iter()
            .position(|b| !TEXT_BYTE.get(usize::from(*b)).copied().unwrap_or(false))?;
        let (text, rest) = inner.split_at_checked(len)?;
        self.rest = rest.strip_prefix(b"\"")?;
        Some(text)
    }

    fn integer(&mut self) -> Option<i64> {
        let negative = self.take(b'-');
        let len = self
            .rest
            .iter()
            .position(|b| !b.is_ascii_digit())
            .unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at_checked(len)?;
        let shortest = match digits {
            [] => false,
            [b'0'] => !negative,
            [first, ..] => *first != b'0',
        };
        // Sixteen digits cannot overflow, seventeen are beyond the bound anyway.
        if !shortest || digits.len() > 16 {
            return None;
        }
        let size = digits
            .iter()
            .fold(0i64, |n, b| n * 10 + i64::from(b - b'0'));
        self.rest = rest;
        (size <= INTEGER_MAX).then_some(if negative { -size } else { size })
    }

    fn count(&mut self) -> Option<u64> {
        u64::try_from(self.integer()?).ok()
    }
}
