//! Entry bundles: entries one after another, each behind its length as a big-endian uint16.
//! A bundle has exactly as many entries as its width says, and not one byte more.

use super::{TileFault, WIDTH};

/// Most bytes of an entry in a bundle; entries of the journal are shorter by their own rule.
pub const ENTRY_BYTES_MAX: usize = u16::MAX as usize;

/// The bytes of a bundle.
///
/// # Errors
/// No entry, more than 256, or one above `ENTRY_BYTES_MAX`.
pub fn encode_bundle<'a>(
    entries: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<u8>, TileFault> {
    let mut bytes = Vec::new();
    let mut count = 0usize;
    for entry in entries {
        count += 1;
        if count as u64 > WIDTH {
            return Err(TileFault::Width(count));
        }
        let length = u16::try_from(entry.len()).map_err(|_| TileFault::Entry(entry.len()))?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    if count == 0 {
        return Err(TileFault::Width(0));
    }
    Ok(bytes)
}

/// The entries of a bundle of `width` entries.
///
/// # Errors
/// A width outside 1 to 256, a bundle that ends early or goes on after its last entry.
pub fn decode_bundle(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, TileFault> {
    if width == 0 || u64::from(width) > WIDTH {
        return Err(TileFault::Width(usize::from(width)));
    }
    let mut entries = Vec::with_capacity(usize::from(width));
    let mut rest = bytes;
    for number in 0..width {
        let short = TileFault::Short(number);
        let Some((length, after)) = rest.split_first_chunk::<2>() else {
            return Err(short);
        };
        let length = usize::from(u16::from_be_bytes(*length));
        let Some((entry, after)) = after.split_at_checked(length) else {
            return Err(short);
        };
        entries.push(entry);
        rest = after;
    }
    if rest.is_empty() {
        Ok(entries)
    } else {
        Err(TileFault::Trailing(rest.len()))
    }
}
