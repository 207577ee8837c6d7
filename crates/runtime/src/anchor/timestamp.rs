//! RFC 3161: the query for a token over a checkpoint's bytes, and what a reply must say to be kept. The token's own
//! signature and its certificate are not checked here: `openssl ts -verify` and other strangers do, against an
//! authority that the auditor trusts (docs/anchors.md).

use aws_lc_rs::digest;
use interlock_core::time::Timestamp;

mod der;
mod time;

use der::{
    BIT_STRING, BOOLEAN, CONTEXT_0, CONTEXT_1, INTEGER, NULL, NotDer, OCTET_STRING, OID, Reader,
    SEQUENCE, SET, TIME, short,
};

/// Bytes of a reply: certificates of the authority and its chain come with it.
pub(super) const REPLY_BYTES_MAX: usize = 64 * 1024;

/// 2.16.840.1.101.3.4.2.1
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// 1.2.840.113549.1.7.2
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// 1.2.840.113549.1.9.16.1.4
const TST_INFO: &[u8] = &[
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04,
];

/// Why a reply is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplyFault {
    /// No DER, or not the form of RFC 3161.
    #[error("the reply is not the DER of a timestamp reply")]
    Form,
    /// The authority gives no token.
    #[error("the authority refused: status {0}")]
    Refused(u8),
    /// The token is over other bytes: it proves nothing of this checkpoint.
    #[error("the token is over another file")]
    Imprint,
    /// The token answers another query: an old one replayed.
    #[error("the token answers another query")]
    Nonce,
}

impl From<NotDer> for ReplyFault {
    fn from(_: NotDer) -> Self {
        Self::Form
    }
}

/// What a kept token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// When the authority says that the bytes were there, to its own accuracy.
    pub time: Timestamp,
}

/// A query and what its reply is held against.
pub(super) struct Query {
    imprint: Vec<u8>,
    nonce: [u8; 8],
    /// The bytes to send, `application/timestamp-query`.
    pub(super) bytes: Vec<u8>,
}

impl Query {
    /// For a token over these bytes that names this nonce and comes with the authority's certificate.
    pub(super) fn new(bytes: &[u8], random: [u8; 8]) -> Option<Self> {
        // A positive integer in its shortest form, whatever was drawn: the first bits are 01.
        let [first, rest @ ..] = random;
        let [b, c, d, e, f, g, h] = rest;
        let nonce = [(first & 0x3f) | 0x40, b, c, d, e, f, g, h];
        let imprint = imprint(bytes)?;
        let mut content = short(INTEGER, &[1])?;
        content.extend_from_slice(&imprint);
        content.extend(short(INTEGER, &nonce)?);
        content.extend(short(BOOLEAN, &[0xff])?);
        Some(Self {
            imprint,
            nonce,
            bytes: short(SEQUENCE, &content)?,
        })
    }

    /// Whether a reply grants a token over these very bytes, in answer to this very query.
    pub(super) fn check(&self, reply: &[u8]) -> Result<Token, ReplyFault> {
        let said = read(reply)?;
        if said.imprint != self.imprint {
            return Err(ReplyFault::Imprint);
        }
        if said.nonce != Some(self.nonce.as_slice()) {
            return Err(ReplyFault::Nonce);
        }
        Ok(Token { time: said.time })
    }
}

/// What the token in a kept reply says of these bytes: for readers who hold no query any more.
///
/// # Errors
/// See [`ReplyFault`]; the nonce cannot be told then.
pub fn token_over(bytes: &[u8], reply: &[u8]) -> Result<Token, ReplyFault> {
    let said = read(reply)?;
    if Some(said.imprint) != imprint(bytes).as_deref() {
        return Err(ReplyFault::Imprint);
    }
    Ok(Token { time: said.time })
}

/// `MessageImprint`: SHA-256 and the digest, in the one form that we send and take.
fn imprint(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut algorithm = short(OID, SHA256)?;
    algorithm.extend(short(NULL, &[])?);
    let mut content = short(SEQUENCE, &algorithm)?;
    let hash = digest::digest(&digest::SHA256, bytes);
    content.extend(short(OCTET_STRING, hash.as_ref())?);
    short(SEQUENCE, &content)
}

struct Said<'a> {
    imprint: &'a [u8],
    nonce: Option<&'a [u8]>,
    time: Timestamp,
}

fn read(reply: &[u8]) -> Result<Said<'_>, ReplyFault> {
    if reply.len() > REPLY_BYTES_MAX {
        return Err(ReplyFault::Form);
    }
    let mut outer = Reader::new(reply);
    let mut answer = outer.within(SEQUENCE)?;
    outer.end()?;
    let mut status = answer.within(SEQUENCE)?;
    // 0 is granted, 1 granted with changes; what was changed is checked below like all else.
    match status.take(INTEGER)? {
        [0 | 1] => {}
        [other] => return Err(ReplyFault::Refused(*other)),
        _ => return Err(ReplyFault::Form),
    }
    status.take_if(SEQUENCE)?;
    status.take_if(BIT_STRING)?;
    status.end()?;
    let mut token = answer.within(SEQUENCE)?;
    answer.end()?;
    if token.take(OID)? != SIGNED_DATA {
        return Err(ReplyFault::Form);
    }
    let mut signed = token.within(CONTEXT_0)?;
    token.end()?;
    let mut data = signed.within(SEQUENCE)?;
    signed.end()?;
    data.take(INTEGER)?;
    data.take(SET)?;
    let mut content = data.within(SEQUENCE)?;
    data.take_if(CONTEXT_0)?;
    data.take_if(CONTEXT_1)?;
    data.take(SET)?;
    data.end()?;
    if content.take(OID)? != TST_INFO {
        return Err(ReplyFault::Form);
    }
    let mut wrapped = content.within(CONTEXT_0)?;
    content.end()?;
    let info = wrapped.take(OCTET_STRING)?;
    wrapped.end()?;
    info_of(info)
}

/// `TSTInfo`
fn info_of(bytes: &[u8]) -> Result<Said<'_>, ReplyFault> {
    let mut outer = Reader::new(bytes);
    let mut info = outer.within(SEQUENCE)?;
    outer.end()?;
    if info.take(INTEGER)? != [1] {
        return Err(ReplyFault::Form);
    }
    info.take(OID)?;
    // An authority that leaves out the algorithm's NULL did not repeat our imprint, as RFC 3161 asks it to.
    let imprint = info.take_whole(SEQUENCE)?;
    info.take(INTEGER)?;
    let time = time::parse(info.take(TIME)?).ok_or(ReplyFault::Form)?;
    info.take_if(SEQUENCE)?;
    info.take_if(BOOLEAN)?;
    let nonce = info.take_if(INTEGER)?;
    info.take_if(CONTEXT_0)?;
    info.take_if(CONTEXT_1)?;
    info.end()?;
    Ok(Said {
        imprint,
        nonce,
        time,
    })
}

#[cfg(test)]
mod tests;
