//! Where an export is written: a folder, or one tar in the form that makes the same bytes each time (POSIX ustar, plain
//! files, time 0, owner 0, in the order in which they are put).

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

/// A tar's block.
const BLOCK: usize = 512;
/// Bytes of a path's last part and of what stands before it (ustar `name` and `prefix`).
const NAME_MAX: usize = 100;
const PREFIX_MAX: usize = 155;

/// Takes files one after the other. After an error it is of no use.
pub trait Pack: Send {
    /// Writes a file. Paths are relative, of letters, digits, `.`, `_`, `-` and `/`.
    ///
    /// # Errors
    /// It cannot be written, or was written before.
    fn put(&mut self, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// Ends it; everything is durable after that.
    ///
    /// # Errors
    /// It cannot be written.
    fn finish(&mut self) -> io::Result<()>;
}

/// Into a folder, which must be new or empty.
pub struct FolderPack(PathBuf);

impl FolderPack {
    /// Makes the folder.
    ///
    /// # Errors
    /// It cannot be made, or holds something.
    pub fn new(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        if fs::read_dir(&folder)?.next().is_some() {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "the folder is not empty",
            ));
        }
        Ok(Self(folder))
    }
}

impl Pack for FolderPack {
    fn put(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.0.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(bytes)?;
        file.sync_data()
    }

    fn finish(&mut self) -> io::Result<()> {
        fs::File::open(&self.0)?.sync_all()
    }
}

/// Into one file.
pub struct TarPack<W>(W);

impl<W: Write> TarPack<W> {
    /// Over a writer; whoever made it makes it durable.
    pub const fn new(writer: W) -> Self {
        Self(writer)
    }
}

impl<W: Write + Send> Pack for TarPack<W> {
    fn put(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(&header(path, bytes.len())?)?;
        self.0.write_all(bytes)?;
        let rest = bytes.len().next_multiple_of(BLOCK) - bytes.len();
        self.0.write_all(&vec![0; rest])
    }

    fn finish(&mut self) -> io::Result<()> {
        self.0.write_all(&[0; 2 * BLOCK])?;
        self.0.flush()
    }
}

/// A ustar header (POSIX.1-1988, IEEE Std 1003.1, `pax`): octal fields end in a zero byte.
fn header(path: &str, length: usize) -> io::Result<Vec<u8>> {
    let unfit = || {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "a path or length that tar cannot hold",
        )
    };
    let (prefix, name) = if path.len() <= NAME_MAX {
        ("", path)
    } else {
        path.match_indices('/')
            .map(|(at, _)| path.split_at(at))
            .map(|(prefix, name)| (prefix, name.trim_start_matches('/')))
            .find(|(prefix, name)| prefix.len() <= PREFIX_MAX && name.len() <= NAME_MAX)
            .ok_or_else(unfit)?
    };
    if length >= 1 << 33 {
        return Err(unfit());
    }
    let mut out = Vec::with_capacity(BLOCK);
    field(&mut out, name.as_bytes(), NAME_MAX);
    field(&mut out, b"0000644", 8);
    field(&mut out, b"0000000", 8);
    field(&mut out, b"0000000", 8);
    field(&mut out, format!("{length:011o}").as_bytes(), 12);
    field(&mut out, b"00000000000", 12);
    // The checksum is over the header with spaces in its place.
    field(&mut out, b"        ", 8);
    out.push(b'0');
    field(&mut out, b"", 100);
    out.extend_from_slice(b"ustar\x0000");
    field(&mut out, b"", 32);
    field(&mut out, b"", 32);
    field(&mut out, b"0000000", 8);
    field(&mut out, b"0000000", 8);
    field(&mut out, prefix.as_bytes(), PREFIX_MAX);
    out.resize(BLOCK, 0);
    let sum: u32 = out.iter().map(|byte| u32::from(*byte)).sum();
    let text = format!("{sum:06o}\0 ");
    if let Some(slot) = out.get_mut(148..156) {
        slot.copy_from_slice(text.as_bytes());
    }
    Ok(out)
}

fn field(out: &mut Vec<u8>, bytes: &[u8], width: usize) {
    let end = out.len() + width;
    out.extend_from_slice(bytes);
    out.resize(end, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tar_is_the_same_each_time_and_a_path_too_long_is_refused() {
        let make = || {
            let mut bytes = Vec::new();
            let mut tar = TarPack::new(&mut bytes);
            tar.put("a/b.json", b"{}").unwrap();
            tar.put(&format!("{}/x", "d".repeat(120)), b"y").unwrap();
            tar.finish().unwrap();
            bytes
        };
        assert_eq!(make(), make());
        assert_eq!(make().len(), 6 * BLOCK);
        let mut none = Vec::new();
        assert!(TarPack::new(&mut none).put(&"x".repeat(300), b"").is_err());
    }

    #[test]
    fn a_folder_that_holds_something_is_not_written_into() {
        let dir = tempfile::tempdir().unwrap();
        let mut pack = FolderPack::new(dir.path().join("out")).unwrap();
        pack.put("a/b", b"1").unwrap();
        assert!(pack.put("a/b", b"2").is_err());
        pack.finish().unwrap();
        assert!(FolderPack::new(dir.path().join("out")).is_err());
    }
}
