//! DER as far as a timestamp needs it: single-byte tags and definite lengths in their shortest form; whatever else
//! BER would allow is refused. Writes what a query is made of. No meaning is here, only form.

/// `INTEGER`
pub(super) const INTEGER: u8 = 0x02;
/// `BIT STRING`
pub(super) const BIT_STRING: u8 = 0x03;
/// `OCTET STRING`
pub(super) const OCTET_STRING: u8 = 0x04;
/// `NULL`
pub(super) const NULL: u8 = 0x05;
/// `OBJECT IDENTIFIER`
pub(super) const OID: u8 = 0x06;
/// `BOOLEAN`
pub(super) const BOOLEAN: u8 = 0x01;
/// `GeneralizedTime`
pub(super) const TIME: u8 = 0x18;
/// `SEQUENCE`
pub(super) const SEQUENCE: u8 = 0x30;
/// `SET`
pub(super) const SET: u8 = 0x31;
/// `[0]`, constructed
pub(super) const CONTEXT_0: u8 = 0xa0;
/// `[1]`, constructed
pub(super) const CONTEXT_1: u8 = 0xa1;

/// The bytes are not DER, or not what is to stand at this place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotDer;

/// Reads values one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The content of the next value, which must have this tag.
    pub(super) fn take(&mut self, tag: u8) -> Result<&'a [u8], NotDer> {
        let (found, rest) = self.rest.split_first().ok_or(NotDer)?;
        let (length, rest) = length(rest)?;
        let (content, rest) = rest.split_at_checked(length).ok_or(NotDer)?;
        if *found != tag {
            return Err(NotDer);
        }
        self.rest = rest;
        Ok(content)
    }

    /// The next value, if it has this tag.
    pub(super) fn take_if(&mut self, tag: u8) -> Result<Option<&'a [u8]>, NotDer> {
        if self.rest.first() == Some(&tag) {
            self.take(tag).map(Some)
        } else {
            Ok(None)
        }
    }

    /// The next value with its tag and length, which must have this tag.
    pub(super) fn take_whole(&mut self, tag: u8) -> Result<&'a [u8], NotDer> {
        let before = self.rest;
        self.take(tag)?;
        before.get(..before.len() - self.rest.len()).ok_or(NotDer)
    }

    /// A reader of what stands within the next value, which must have this tag.
    pub(super) fn within(&mut self, tag: u8) -> Result<Self, NotDer> {
        self.take(tag).map(Reader::new)
    }

    /// Nothing may follow.
    pub(super) const fn end(self) -> Result<(), NotDer> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(NotDer)
        }
    }
}

fn length(bytes: &[u8]) -> Result<(usize, &[u8]), NotDer> {
    let (first, rest) = bytes.split_first().ok_or(NotDer)?;
    if *first < 0x80 {
        return Ok((usize::from(*first), rest));
    }
    // 0x80 is the indefinite form; more than four bytes is more than anything here may have.
    let count = usize::from(*first & 0x7f);
    if !(1..=4).contains(&count) {
        return Err(NotDer);
    }
    let (digits, rest) = rest.split_at_checked(count).ok_or(NotDer)?;
    let length = digits
        .iter()
        .fold(0usize, |length, digit| (length << 8) | usize::from(*digit));
    let shortest = length >= 0x80 && digits.first() != Some(&0);
    if shortest {
        Ok((length, rest))
    } else {
        Err(NotDer)
    }
}

/// A value of at most 127 bytes.
pub(super) fn short(tag: u8, content: &[u8]) -> Option<Vec<u8>> {
    let length = u8::try_from(content.len()).ok().filter(|n| *n < 0x80)?;
    let mut out = vec![tag, length];
    out.extend_from_slice(content);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expected: Result<&[u8], NotDer>) {
        let mut reader = Reader::new(bytes);
        let read = reader.take(SEQUENCE).and_then(|content| {
            reader.end()?;
            Ok(content)
        });
        assert_eq!(read, expected, "{bytes:02x?}");
    }

    #[test]
    fn one_form_alone_is_read() {
        check(&[0x30, 0x02, 1, 2], Ok(&[1, 2]));
        check(&[0x30, 0x00], Ok(&[]));
        let mut long = vec![0x30, 0x81, 0x80];
        long.extend([7; 128]);
        check(&long, Ok(&[7; 128]));
        for bad in [
            &[][..],
            &[0x30],
            &[0x31, 0x00],
            &[0x30, 0x01],
            &[0x30, 0x00, 0x00],
            // Longer lengths than need be, and the indefinite one.
            &[0x30, 0x81, 0x01, 0],
            &[0x30, 0x82, 0x00, 0x80],
            &[0x30, 0x80, 0, 0],
            &[0x30, 0x85, 1, 1, 1, 1, 1],
            &[0x30, 0xff],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
        ] {
            check(bad, Err(NotDer));
        }
    }
}
