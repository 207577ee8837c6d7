//! Cosignatures of witnesses, `cosignature/v1` of C2SP tlog-cosignature: an Ed25519 signature of a time and
//! the whole text of a checkpoint. `note` verifies them as it does any signature; these are their bytes.

use crate::note::{NoteFault, SignatureLine, SignedNote, Verified, VerifierKey, verify_line};

/// Latest time that a cosignature can name, in seconds since 1970.
pub const TIME_MAX: u64 = i64::MAX as u64;

/// The signed message: the header line, the time in seconds since 1970, and the checkpoint's text.
#[must_use]
pub fn message(time: u64, text: &str) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
}

/// The bytes of a cosignature for its line: the time as 8 bytes, big-endian, and the signature.
#[must_use]
pub fn join(time: u64, signature: &[u8; 64]) -> Vec<u8> {
    let mut bytes = time.to_be_bytes().to_vec();
    bytes.extend_from_slice(signature);
    bytes
}

/// Time and signature of a cosignature; `None` unless it is 72 bytes with a time up to `TIME_MAX`.
pub(crate) fn split(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (time, signature) = bytes.split_first_chunk::<8>()?;
    let time = u64::from_be_bytes(*time);
    (signature.len() == 64 && time <= TIME_MAX).then_some((time, signature))
}

/// Reads what a witness answered to a checkpoint: signature lines, of which those of known witnesses are
/// verified over the checkpoint's text. Lines of other keys are left out.
///
/// # Errors
/// A malformed answer, a cosignature of a known witness that does not verify, and none of a known one.
pub fn answered(
    checkpoint: &SignedNote,
    answer: &str,
    witnesses: &[VerifierKey],
) -> Result<Vec<(SignatureLine, Verified)>, NoteFault> {
    let mut known = Vec::new();
    for line in SignatureLine::parse_all(answer)? {
        let of = |key: &&VerifierKey| key.name() == line.name && key.key_id() == line.key_id;
        if let Some(key) = witnesses.iter().find(of) {
            let verified = verify_line(checkpoint.text(), &line, key)?;
            known.push((line, verified));
        }
    }
    if known.is_empty() {
        Err(NoteFault::Unsigned)
    } else {
        Ok(known)
    }
}
