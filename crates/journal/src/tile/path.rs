//! Paths of tiles and bundles: `tile/<L>/<N>[.p/<W>]` and `tile/entries/<N>[.p/<W>]`, where N is in
//! elements of three digits, all but the last behind an `x`. Each tile has one path; no other text is one.

use super::{BundleId, LEVELS, TileFault, TileId, WIDTH};
use crate::tree::SIZE_MAX;

/// Longest path: seven elements of an index, a level and a width.
const PATH_BYTES_MAX: usize = 64;

/// What an index of any tile of a tree stays below.
const INDEX_END: u64 = (SIZE_MAX / WIDTH) + 1;

impl TileId {
    /// Path below the log's root, without a leading `/`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("tile/{}/{}", self.level, place(self.index, self.width))
    }

    /// From such a path, with the width 256 where the path names none.
    ///
    /// # Errors
    /// Any text that is not the path of a tile of some tree.
    pub fn parse_path(path: &str) -> Result<Self, TileFault> {
        let fault = || fault(path);
        let rest = head(path)?.strip_prefix("tile/").ok_or_else(fault)?;
        let (level, rest) = rest.split_once('/').ok_or_else(fault)?;
        let level = level
            .parse::<u8>()
            .ok()
            .filter(|n| *n < LEVELS && n.to_string() == level)
            .ok_or_else(fault)?;
        let (index, width) = parse_place(rest).ok_or_else(fault)?;
        let id = Self {
            level,
            index,
            width,
        };
        if id.exists() { Ok(id) } else { Err(fault()) }
    }

    /// Bytes of the tile.
    #[must_use]
    pub const fn bytes_len(&self) -> usize {
        self.width as usize * super::HASH_BYTES
    }

    /// Whether some tree of at most `SIZE_MAX` leaves has this tile.
    pub(super) fn exists(&self) -> bool {
        let width = u64::from(self.width);
        let hashes = super::hashes_at(self.level, SIZE_MAX);
        (1..=WIDTH).contains(&width)
            && self
                .index
                .checked_mul(WIDTH)
                .and_then(|first| first.checked_add(width))
                .is_some_and(|end| end <= hashes)
    }
}

impl BundleId {
    /// Path below the log's root, without a leading `/`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("tile/entries/{}", place(self.index, self.width))
    }

    /// From such a path, with the width 256 where the path names none.
    ///
    /// # Errors
    /// Any text that is not the path of a bundle of some tree.
    pub fn parse_path(path: &str) -> Result<Self, TileFault> {
        let fault = || fault(path);
        let rest = head(path)?
            .strip_prefix("tile/entries/")
            .ok_or_else(fault)?;
        let (index, width) = parse_place(rest).ok_or_else(fault)?;
        Ok(Self { index, width })
    }
}

/// A path of bounded length, or the fault, which repeats no more than that.
fn head(path: &str) -> Result<&str, TileFault> {
    if path.len() <= PATH_BYTES_MAX {
        Ok(path)
    } else {
        Err(fault(path))
    }
}

fn fault(path: &str) -> TileFault {
    TileFault::Path(path.chars().take(PATH_BYTES_MAX).collect())
}

fn place(index: u64, width: u16) -> String {
    let mut text = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        text = format!("x{:03}/{text}", rest % 1000);
        rest /= 1000;
    }
    if u64::from(width) < WIDTH {
        text.push_str(&format!(".p/{width}"));
    }
    text
}

fn parse_place(text: &str) -> Option<(u64, u16)> {
    let (index, width) = match text.split_once(".p/") {
        Some((index, width)) => (index, width.parse::<u16>().ok()?),
        None => (text, WIDTH as u16),
    };
    let mut number = 0u64;
    for element in index.split('/') {
        let digits = element.strip_prefix('x').unwrap_or(element);
        if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let digits = digits.parse::<u64>().ok()?;
        number = number.checked_mul(1000)?.checked_add(digits)?;
    }
    // One spelling for each place: missing or surplus `x`, leading `x000`, `.p/0`, `.p/256` and `.p/+1`
    // all print differently.
    (number < INDEX_END && width > 0 && place(number, width) == text).then_some((number, width))
}
