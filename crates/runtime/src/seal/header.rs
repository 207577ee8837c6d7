//! The header of a sealed payload: format, key names, key commitment, nonce. Read strictly; what is not exactly of
//! this form is a mismatch.

use super::book::KeyName;

const FORMAT: u8 = 1;

/// What is needed to open a payload besides its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) class: String,
    pub(super) keys: Vec<KeyName>,
    pub(super) key_commitment: [u8; 32],
    pub(super) nonce: [u8; 12],
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = vec![FORMAT];
        let mut text = |text: &str| {
            out.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
            out.extend_from_slice(text.as_bytes());
        };
        text(&self.class);
        let names: Vec<&str> = self.keys.iter().map(KeyName::as_str).collect();
        text(&names.join(" "));
        out.extend_from_slice(&self.key_commitment);
        out.extend_from_slice(&self.nonce);
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        fn text(bytes: &[u8]) -> Option<(String, &[u8])> {
            let (length, rest) = bytes.split_at_checked(2)?;
            let length = usize::from(u16::from_be_bytes(length.try_into().ok()?));
            let (text, rest) = rest.split_at_checked(length)?;
            Some((String::from_utf8(text.to_vec()).ok()?, rest))
        }
        let (format, rest) = bytes.split_first()?;
        let (class, rest) = text(rest)?;
        let (names, rest) = text(rest)?;
        let (key_commitment, nonce) = rest.split_at_checked(32)?;
        let keys = names
            .split(' ')
            .map(KeyName::parse)
            .collect::<Option<Vec<_>>>()?;
        (*format == FORMAT).then_some(Self {
            class,
            keys,
            key_commitment: key_commitment.try_into().ok()?,
            nonce: nonce.try_into().ok()?,
        })
    }
}
