//! Lengths are evidence too: content is padded to buckets of 256 bytes, and above 64 KiB to Padmé lengths (Nikitin et
//! al., "Reducing Metadata Leakage from Encrypted Files", PETS 2019), which leak O(log log n) bits.

const BUCKET: usize = 256;
const PADME_FROM: usize = 64 * 1024;
const PREFIX: usize = 8;

/// The length that content of so many bytes is padded to, its own length's eight bytes included.
pub(super) fn padded_length(content: usize) -> usize {
    let length = content.saturating_add(PREFIX);
    if length <= PADME_FROM {
        return length.div_ceil(BUCKET) * BUCKET;
    }
    let exponent = usize::BITS - 1 - length.leading_zeros();
    let bits = u32::BITS - exponent.leading_zeros();
    let mask = (1usize << exponent.saturating_sub(bits)) - 1;
    length.saturating_add(mask) & !mask
}

/// Content with its length before it and zeros after.
pub(super) fn pad(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(padded_length(content.len()) + 16);
    out.extend_from_slice(&(content.len() as u64).to_be_bytes());
    out.extend_from_slice(content);
    out.resize(padded_length(content.len()), 0);
    out
}

/// The content again; `None` where the padding is not ours.
pub(super) fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let (prefix, rest) = padded.split_at_checked(PREFIX)?;
    let length = usize::try_from(u64::from_be_bytes(prefix.try_into().ok()?)).ok()?;
    let (content, zeros) = rest.split_at_checked(length)?;
    (padded.len() == padded_length(length) && zeros.iter().all(|b| *b == 0)).then_some(content)
}
