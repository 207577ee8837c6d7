//! A strict reader of the tar that exports are: POSIX ustar, plain files alone, each path once, two empty blocks at the
//! end. Its index is read when it is opened, its files when they are asked for.
//! Links, devices, extended headers and paths that leave the folder are refused, not skipped: none is in an export.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use interlock_journal::audit::{FILE_BYTES_MAX, LogFiles, ReadFault, is_path};

const BLOCK: usize = 512;
const FILES_MAX: usize = 8_000_000;

/// Why a file is not such a tar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TarFault {
    /// A header is out of form, at this block.
    Header(u64),
    /// A header's checksum is not that of its bytes.
    Checksum(u64),
    /// Something else than a plain file.
    Kind(u64),
    /// A path that no export has.
    Path(u64),
    /// A path that was there before.
    Twice(u64),
    /// The file ends within an entry, or without the two empty blocks.
    End,
    /// Something stands after the end.
    Trailing,
    /// More files than are read, or one that is too long.
    TooMuch,
}

impl std::error::Error for TarFault {}

impl std::fmt::Display for TarFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Header(at) => write!(f, "tar header at block {at} is out of form"),
            Self::Checksum(at) => write!(f, "tar header at block {at} has another checksum"),
            Self::Kind(at) => write!(f, "tar entry at block {at} is no plain file"),
            Self::Path(at) => write!(f, "tar entry at block {at} has a path that no export has"),
            Self::Twice(at) => write!(
                f,
                "tar entry at block {at} has a path that was there before"
            ),
            Self::End => write!(f, "tar ends too early"),
            Self::Trailing => write!(f, "tar goes on after its end"),
            Self::TooMuch => write!(f, "tar has more or longer files than any export"),
        }
    }
}

impl From<TarFault> for io::Error {
    fn from(fault: TarFault) -> Self {
        Self::new(io::ErrorKind::InvalidData, fault)
    }
}

/// An export in one file.
#[derive(Debug)]
pub struct Tar<R = BufReader<File>> {
    source: RefCell<R>,
    index: BTreeMap<String, (u64, usize)>,
}

impl Tar {
    /// Opens a file and reads its index.
    ///
    /// # Errors
    /// It cannot be read, or is no tar of the strict form ([`TarFault`] within).
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::new(BufReader::new(File::open(path)?))
    }
}

impl<R: Read + Seek> Tar<R> {
    /// Reads the index of a tar.
    ///
    /// # Errors
    /// It cannot be read, or is no tar of the strict form ([`TarFault`] within).
    pub fn new(mut source: R) -> io::Result<Self> {
        let mut index = BTreeMap::new();
        let mut at = 0u64;
        loop {
            let header = block(&mut source)?.ok_or(TarFault::End)?;
            if header == [0; BLOCK] {
                break;
            }
            let (path, length) = parse(&header, at)?;
            if index.len() >= FILES_MAX || length > FILE_BYTES_MAX {
                return Err(TarFault::TooMuch.into());
            }
            let content = (at + 1) * BLOCK as u64;
            if index.insert(path, (content, length)).is_some() {
                return Err(TarFault::Twice(at).into());
            }
            at += 1 + length.div_ceil(BLOCK) as u64;
            source.seek(SeekFrom::Start(at * BLOCK as u64))?;
        }
        if block(&mut source)? != Some([0; BLOCK]) {
            return Err(TarFault::End.into());
        }
        // Writers fill up to a record of 20 blocks with zeros; nothing else may follow.
        while let Some(rest) = block(&mut source)? {
            if rest != [0; BLOCK] {
                return Err(TarFault::Trailing.into());
            }
        }
        Ok(Self {
            source: RefCell::new(source),
            index,
        })
    }
}

impl<R: Read + Seek> LogFiles for Tar<R> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, ReadFault> {
        let Some((at, length)) = self.index.get(path) else {
            return Ok(None);
        };
        let mut source = self
            .source
            .try_borrow_mut()
            .map_err(|_| ReadFault("is being read already".to_owned()))?;
        let mut bytes = vec![0; *length];
        source
            .seek(SeekFrom::Start(*at))
            .and_then(|_| source.read_exact(&mut bytes))
            .map_err(|error| ReadFault(error.to_string()))?;
        Ok(Some(bytes))
    }

    fn list(&self) -> Result<Option<Vec<String>>, ReadFault> {
        Ok(Some(self.index.keys().cloned().collect()))
    }
}

/// The next block; none at the very end.
fn block(source: &mut impl Read) -> io::Result<Option<[u8; BLOCK]>> {
    let mut bytes = [0; BLOCK];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match source.read(rest) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(TarFault::End.into()),
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Some(bytes))
}

fn parse(header: &[u8; BLOCK], at: u64) -> Result<(String, usize), TarFault> {
    let field = |from: usize, to: usize| header.get(from..to).unwrap_or_default();
    if field(257, 265) != b"ustar\x0000" {
        return Err(TarFault::Header(at));
    }
    let sum: u64 = header
        .iter()
        .enumerate()
        .map(|(i, b)| {
            if (148..156).contains(&i) {
                32
            } else {
                u64::from(*b)
            }
        })
        .sum();
    if octal(field(148, 156)) != Some(sum) {
        return Err(TarFault::Checksum(at));
    }
    if field(156, 157) != b"0" {
        return Err(TarFault::Kind(at));
    }
    let length = octal(field(124, 136)).ok_or(TarFault::Header(at))?;
    let name = text(field(0, 100)).ok_or(TarFault::Path(at))?;
    let prefix = text(field(345, 500)).ok_or(TarFault::Path(at))?;
    let path = if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}/{name}")
    };
    if !is_path(&path) {
        return Err(TarFault::Path(at));
    }
    Ok((
        path,
        usize::try_from(length).map_err(|_| TarFault::TooMuch)?,
    ))
}

/// Octal digits, ended by a zero or a space, or filling the field.
fn octal(field: &[u8]) -> Option<u64> {
    let end = field
        .iter()
        .position(|b| matches!(b, 0 | b' '))
        .unwrap_or(field.len());
    let (digits, rest) = field.split_at_checked(end)?;
    if digits.is_empty() || !rest.iter().all(|b| matches!(b, 0 | b' ')) {
        return None;
    }
    digits.iter().try_fold(0u64, |n, b| match b {
        b'0'..=b'7' => n.checked_mul(8)?.checked_add(u64::from(b - b'0')),
        _ => None,
    })
}

/// Text that zeros fill up.
fn text(field: &[u8]) -> Option<&str> {
    let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    let (text, rest) = field.split_at_checked(end)?;
    rest.iter()
        .all(|b| *b == 0)
        .then(|| std::str::from_utf8(text).ok())
        .flatten()
}
