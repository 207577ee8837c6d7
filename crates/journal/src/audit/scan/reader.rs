//! Reading restricted JSON from text that nobody checked. Each method consumes what it accepts; after a `None` the
//! place is anywhere, and whoever reads gives up. Nesting is bounded, so the stack is.

use crate::canonical::INTEGER_MAX;

use super::raw::Raw;

/// A place in a text.
pub(in crate::audit) struct Reader<'a> {
    all: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(in crate::audit) const fn new(all: &'a str) -> Self {
        Self { all, at: 0 }
    }

    /// From a place in a text on.
    pub(super) const fn at_place(all: &'a str, at: usize) -> Self {
        Self { all, at }
    }

    /// Whether everything was consumed.
    pub(in crate::audit) const fn is_done(&self) -> bool {
        self.at == self.all.len()
    }

    /// Bytes consumed.
    pub(in crate::audit) const fn at(&self) -> usize {
        self.at
    }

    /// The whole text.
    pub(super) const fn all(&self) -> &'a str {
        self.all
    }

    /// The value that was consumed since a place.
    pub(in crate::audit) fn since(&self, from: usize) -> Option<Raw<'a>> {
        self.all.get(from..self.at).map(Raw)
    }

    fn rest(&self) -> &'a [u8] {
        self.all.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// The byte that comes next.
    pub(in crate::audit) fn peek(&self) -> Option<u8> {
        self.all.as_bytes().get(self.at).copied()
    }

    pub(in crate::audit) fn literal(&mut self, wanted: &str) -> Option<()> {
        self.rest().starts_with(wanted.as_bytes()).then(|| {
            self.at += wanted.len();
        })
    }

    pub(in crate::audit) fn take(&mut self, wanted: u8) -> bool {
        let there = self.peek() == Some(wanted);
        self.at += usize::from(there);
        there
    }

    /// Consumes a member's key if it is this one.
    pub(in crate::audit) fn key(&mut self, key: &Key) -> bool {
        let Some(rest) = self.rest().strip_prefix(b"\"") else {
            return false;
        };
        let name = key.name.as_bytes();
        // Most names are told apart, and known again, by the first eight bytes.
        let found = match rest.first_chunk::<8>() {
            Some(first) if u64::from_le_bytes(*first) & key.mask != key.head => false,
            Some(_) if name.len() <= 8 => true,
            Some(_) | None => rest.starts_with(name),
        };
        let found = found
            && rest
                .get(name.len()..)
                .is_some_and(|r| r.starts_with(b"\":"));
        if found {
            self.at += name.len() + 3;
        }
        found
    }

    /// Consumes a text of this many bytes for which a question holds, which no quote may pass.
    pub(in crate::audit) fn fixed(
        &mut self,
        len: usize,
        holds: impl FnOnce(&[u8]) -> bool,
    ) -> bool {
        let found = self.rest().get(..len + 2).is_some_and(|all| match all {
            [b'"', inner @ .., b'"'] => holds(inner),
            _ => false,
        });
        if found {
            self.at += len + 2;
        }
        found
    }

    pub(super) fn value(&mut self, depth: usize) -> Option<()> {
        match self.peek()? {
            b'"' => self.text_bytes().map(drop),
            b'{' => self.object(depth.checked_sub(1)?, &mut |_, _, _| {}),
            b'[' => self.array(depth.checked_sub(1)?),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            _ => self.integer().map(drop),
        }
    }

    /// Reads an object; `seen` is told where each member's key and value begin, and where the value ends.
    pub(super) fn object(
        &mut self,
        depth: usize,
        seen: &mut impl FnMut(usize, usize, usize),
    ) -> Option<()> {
        self.take(b'{').then_some(())?;
        if self.take(b'}') {
            return Some(());
        }
        let mut last: Option<&[u8]> = None;
        loop {
            let from = self.at + 1;
            let key = self.text_bytes()?;
            if last.is_some_and(|last| last >= key) {
                return None;
            }
            last = Some(key);
            self.take(b':').then_some(())?;
            let value = self.at;
            self.nested(depth)?;
            seen(from, value, self.at);
            if self.take(b'}') {
                return Some(());
            }
            self.take(b',').then_some(())?;
        }
    }

    // Apart from `value`, so that the closure's type does not grow with the depth.
    fn nested(&mut self, depth: usize) -> Option<()> {
        self.value(depth)
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

    /// A text, without its quotes.
    pub(in crate::audit) fn text(&mut self) -> Option<&'a str> {
        let from = self.at + 1;
        let len = self.text_bytes()?.len();
        self.all.get(from..from + len)
    }

    fn text_bytes(&mut self) -> Option<&'a [u8]> {
        let inner = self.rest().strip_prefix(b"\"")?;
        let (text, rest) = inner.split_at_checked(text_len(inner))?;
        let closed = rest.first() == Some(&b'"');
        self.at += text.len() + 2;
        closed.then_some(text)
    }

    fn integer(&mut self) -> Option<i64> {
        let negative = self.take(b'-');
        let rest = self.rest();
        let len = rest
            .iter()
            .position(|b| !b.is_ascii_digit())
            .unwrap_or(rest.len());
        let digits = rest.get(..len)?;
        let shortest = match digits {
            [] => false,
            [b'0'] => !negative,
            [first, ..] => *first != b'0',
        };
        // Sixteen digits cannot overflow, seventeen are beyond the bound anyway.
        if !shortest || len > 16 {
            return None;
        }
        let size = digits
            .iter()
            .fold(0i64, |n, b| n * 10 + i64::from(b - b'0'));
        self.at += len;
        (size <= INTEGER_MAX).then_some(if negative { -size } else { size })
    }

    /// An integer from 0.
    pub(in crate::audit) fn count(&mut self) -> Option<u64> {
        u64::try_from(self.integer()?).ok()
    }
}

/// A member's name, with its first eight bytes as a number.
#[derive(Debug, Clone, Copy)]
pub(in crate::audit) struct Key {
    name: &'static str,
    head: u64,
    mask: u64,
}

impl Key {
    /// The key of that name.
    #[must_use]
    pub(in crate::audit) const fn of(name: &'static str) -> Self {
        let (mut head, mut mask, mut rest, mut shift) = (0, 0, name.as_bytes(), 0);
        while let [first, after @ ..] = rest
            && shift < 64
        {
            head |= (*first as u64) << shift;
            mask |= 0xff << shift;
            shift += 8;
            rest = after;
        }
        Self { name, head, mask }
    }
}

/// How many bytes of a text come first: up to a quote, or whatever no text can have.
pub(super) fn text_len(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut len = 0;
    for word in words {
        let ends = ends_in(u64::from_le_bytes(*word));
        if ends != 0 {
            return len + (ends.trailing_zeros() / 8) as usize;
        }
        len += 8;
    }
    let is_text = |b: &u8| matches!(b, 0x20..=0x7e) && !matches!(b, b'"' | b'\\');
    len + rest.iter().take_while(|b| is_text(b)).count()
}

/// Marks, in eight bytes at once, those that end a text. The lowest mark is exact; those above it may be false,
/// because a borrow runs upward from it.
const fn ends_in(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const fn is(word: u64, byte: u64) -> u64 {
        let other = word ^ (ONES * byte);
        other.wrapping_sub(ONES) & !other
    }
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (control | is(word, b'"' as u64) | is(word, b'\\' as u64) | is(word, 0x7f) | word) & HIGH
}

#[cfg(test)]
mod tests {
    use super::text_len;

    #[test]
    fn a_text_ends_at_the_same_byte_wherever_it_stands() {
        for end in 0..=255u8 {
            let ends = !(0x20..=0x7e).contains(&end) || matches!(end, b'"' | b'\\');
            for before in 0..20 {
                for fill in [b' ', b'!', b'#', b'[', b']', b'~', b'a'] {
                    let mut bytes = vec![fill; before];
                    bytes.push(end);
                    bytes.extend_from_slice(b"aaaaaaaaaaaaaaaaaaaa\"");
                    let expected = if ends { before } else { before + 21 };
                    assert_eq!(text_len(&bytes), expected, "{bytes:?}");
                }
            }
        }
        assert_eq!(text_len(b"abc"), 3);
    }
}
