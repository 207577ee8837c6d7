//! The strict reader of the restricted form: a recursive descent that has a rule for each byte it accepts.
//! Whatever it accepts, `encode` gives back byte for byte; the tests hold it to that.

use super::{Canon, CanonError, DEPTH_MAX, ENCODED_BYTES_MAX, Integer, Object, Text, is_text_byte};

/// Reads the one spelling of a value.
///
/// # Errors
/// The bytes are not canonical (white space, escapes, unsorted or duplicate keys, other numbers than plain
/// integers, null), deeper than [`DEPTH_MAX`] or longer than [`ENCODED_BYTES_MAX`].
pub fn parse(bytes: &[u8]) -> Result<Canon, CanonError> {
    if bytes.len() > ENCODED_BYTES_MAX {
        return Err(CanonError::TooLong { bytes: bytes.len() });
    }
    let mut reader = Reader { bytes, at: 0 };
    let value = reader.value(DEPTH_MAX)?;
    if reader.peek().is_some() {
        return Err(reader.fault("expected the end"));
    }
    Ok(value)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    const fn fault(&self, what: &'static str) -> CanonError {
        CanonError::At {
            offset: self.at,
            what,
        }
    }

    /// Steps over one byte, if it is the one named.
    fn take(&mut self, wanted: u8) -> bool {
        let here = self.peek() == Some(wanted);
        self.at += usize::from(here);
        here
    }

    fn expect(&mut self, wanted: u8, what: &'static str) -> Result<(), CanonError> {
        if self.take(wanted) {
            Ok(())
        } else {
            Err(self.fault(what))
        }
    }

    /// Takes bytes while they are of a class.
    fn run_of(&mut self, class: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let len = rest.iter().position(|b| !class(*b)).unwrap_or(rest.len());
        self.at += len;
        rest.get(..len).unwrap_or_default()
    }

    fn value(&mut self, depth: usize) -> Result<Canon, CanonError> {
        match self.peek() {
            Some(b'{') => self.object(depth.checked_sub(1).ok_or(CanonError::TooDeep)?),
            Some(b'[') => self.array(depth.checked_sub(1).ok_or(CanonError::TooDeep)?),
            Some(b'"') => self.text().map(Canon::Text),
            Some(b'-' | b'0'..=b'9') => self.integer(),
            Some(b't' | b'f') => self.boolean(),
            _ => Err(self.fault("expected an object, array, text, integer or boolean")),
        }
    }

    fn boolean(&mut self) -> Result<Canon, CanonError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        for (word, value) in [(b"true".as_slice(), true), (b"false", false)] {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(Canon::Bool(value));
            }
        }
        Err(self.fault("expected `true` or `false`"))
    }

    fn integer(&mut self) -> Result<Canon, CanonError> {
        let start = self.at;
        let fault = |what| CanonError::At {
            offset: start,
            what,
        };
        let negative = self.take(b'-');
        let digits = self.run_of(|b| b.is_ascii_digit());
        if digits.is_empty()
            || (digits.len() > 1 && digits.starts_with(b"0"))
            || (negative && digits == b"0")
        {
            return Err(fault("integer is not in its shortest form"));
        }
        if digits.len() > 16 {
            return Err(fault("integer is beyond 2^53-1"));
        }
        let size = digits
            .iter()
            .fold(0i64, |n, b| n * 10 + i64::from(b - b'0'));
        Integer::new(if negative { -size } else { size })
            .map(Canon::Integer)
            .map_err(|_| fault("integer is beyond 2^53-1"))
    }

    fn text(&mut self) -> Result<Text, CanonError> {
        self.expect(b'"', "expected text")?;
        let bytes = self.run_of(is_text_byte);
        self.expect(b'"', "character is not allowed in text")?;
        // Every byte is printable ASCII, so this is UTF-8.
        let text = std::str::from_utf8(bytes).map_err(|_| CanonError::Text)?;
        Text::parse(text)
    }

    fn array(&mut self, depth: usize) -> Result<Canon, CanonError> {
        self.expect(b'[', "expected `[`")?;
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Canon::Array(items));
        }
        loop {
            items.push(self.value(depth)?);
            if self.take(b']') {
                return Ok(Canon::Array(items));
            }
            self.expect(b',', "expected `,` or `]`")?;
        }
    }

    fn object(&mut self, depth: usize) -> Result<Canon, CanonError> {
        self.expect(b'{', "expected `{`")?;
        let mut members = Object::new();
        if self.take(b'}') {
            return Ok(Canon::Object(members));
        }
        loop {
            let start = self.at;
            let key = self.text()?;
            if members
                .last_key_value()
                .is_some_and(|(last, _)| *last >= key)
            {
                return Err(CanonError::At {
                    offset: start,
                    what: "key is out of order or there twice",
                });
            }
            self.expect(b':', "expected `:`")?;
            let value = self.value(depth)?;
            members.insert(key, value);
            if self.take(b'}') {
                return Ok(Canon::Object(members));
            }
            self.expect(b',', "expected `,` or `}`")?;
        }
    }
}
