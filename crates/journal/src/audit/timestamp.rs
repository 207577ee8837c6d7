//! The message imprint of an RFC 3161 time stamp: which bytes it was given for, and when, as it says. A strict walk
//! over DER, bounded, without recursion into what is not asked for.
//! The token's own signature is not verified here: `docs/verify.md` says how `openssl ts` does that.

use sha2::{Digest as _, Sha256, Sha384, Sha512};

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
const SET: u8 = 0x31;
const EXPLICIT_0: u8 = 0xa0;
const GENERALIZED_TIME: u8 = 0x18;

const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const TST_INFO: &[u8] = &[
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04,
];
const SHA_256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
const SHA_384: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];
const SHA_512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];

/// What a time stamp says that it stamps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Imprint {
    algorithm: Algorithm,
    digest: Vec<u8>,
    /// As the authority spelled it: `20261121120000Z`.
    pub(super) time: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Algorithm {
    Sha256,
    Sha384,
    Sha512,
}

impl Imprint {
    /// From a response (`TimeStampResp`) or a bare token; `None` for anything else.
    pub(super) fn parse(der: &[u8]) -> Option<Self> {
        let outer = alone(der, SEQUENCE)?;
        let (first, rest) = element(outer)?;
        let token = match first.tag {
            // A response: its status, granted or granted with changes, and the token.
            SEQUENCE => {
                let (status, _) = expect(first.content, INTEGER)?;
                if !matches!(status, [0 | 1]) {
                    return None;
                }
                alone(rest, SEQUENCE)?
            }
            OID => outer,
            _ => return None,
        };
        let (kind, rest) = expect(token, OID)?;
        if kind != SIGNED_DATA {
            return None;
        }
        let signed = alone(alone(rest, EXPLICIT_0)?, SEQUENCE)?;
        let (_, rest) = expect(signed, INTEGER)?;
        let (_, rest) = expect(rest, SET)?;
        let (content, _) = expect(rest, SEQUENCE)?;
        let (kind, rest) = expect(content, OID)?;
        if kind != TST_INFO {
            return None;
        }
        Self::of_info(alone(alone(rest, EXPLICIT_0)?, OCTETS)?)
    }

    fn of_info(der: &[u8]) -> Option<Self> {
        let info = alone(der, SEQUENCE)?;
        let (version, rest) = expect(info, INTEGER)?;
        if version != [1] {
            return None;
        }
        let (_, rest) = expect(rest, OID)?;
        let (imprint, rest) = expect(rest, SEQUENCE)?;
        let (algorithm, digest) = expect(imprint, SEQUENCE)?;
        let (algorithm, _) = expect(algorithm, OID)?;
        let algorithm = match algorithm {
            SHA_256 => Algorithm::Sha256,
            SHA_384 => Algorithm::Sha384,
            SHA_512 => Algorithm::Sha512,
            _ => return None,
        };
        let digest = alone(digest, OCTETS)?;
        let (_serial, rest) = expect(rest, INTEGER)?;
        let (time, _) = expect(rest, GENERALIZED_TIME)?;
        let plain = time
            .iter()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'Z'));
        Some(Self {
            algorithm,
            digest: digest.to_vec(),
            time: plain.then(|| time.iter().map(|b| char::from(*b)).collect())?,
        })
    }

    /// How the bytes were digested, and to what.
    pub(super) fn stamped(&self) -> (Algorithm, &[u8]) {
        (self.algorithm, &self.digest)
    }
}

impl Algorithm {
    pub(super) fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha384 => Sha384::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }
}

struct Element<'a> {
    tag: u8,
    content: &'a [u8],
}

/// The first element and what follows it. Lengths are definite and in their shortest form, as DER has them.
fn element(der: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x83 => {
            let count = usize::from(first & 0x7f);
            let (digits, rest) = rest.split_at_checked(count)?;
            let length = digits.iter().fold(0usize, |n, b| n << 8 | usize::from(*b));
            let shortest = length > 0x7f && digits.first() != Some(&0);
            (shortest.then_some(length)?, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((Element { tag: *tag, content }, rest))
}

fn expect(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (element, rest) = element(der)?;
    (element.tag == tag).then_some((element.content, rest))
}

/// The only element there.
fn alone(der: &[u8], tag: u8) -> Option<&[u8]> {
    let (content, rest) = expect(der, tag)?;
    rest.is_empty().then_some(content)
}
