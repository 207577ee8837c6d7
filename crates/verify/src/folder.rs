//! A log's files below a folder. Links are not followed and nothing outside the folder is read, for the folder may
//! come from whoever is audited.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use interlock_journal::audit::{FILE_BYTES_MAX, LogFiles, ReadFault, is_path};

/// Folders within one another that are listed.
const DEPTH_MAX: usize = 16;
/// Files that are listed.
const FILES_MAX: usize = 8_000_000;

/// The files below a folder.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder at this path; nothing is read yet.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
        }
    }

    fn walk(&self, below: &str, depth: usize, found: &mut Vec<String>) -> io::Result<()> {
        for item in fs::read_dir(self.root.join(below))? {
            let item = item?;
            // A name that is no text is none that a log has.
            let Ok(name) = item.file_name().into_string() else {
                continue;
            };
            let path = if below.is_empty() {
                name
            } else {
                format!("{below}/{name}")
            };
            let kind = item.file_type()?;
            if kind.is_dir() && depth < DEPTH_MAX {
                self.walk(&path, depth + 1, found)?;
            } else if kind.is_file() {
                if found.len() >= FILES_MAX {
                    return Err(io::Error::other("too many files"));
                }
                found.push(path);
            }
        }
        Ok(())
    }
}

impl LogFiles for Folder {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, ReadFault> {
        if !is_path(path) {
            return Ok(None);
        }
        let mut at = self.root.clone();
        let mut last = None;
        for part in path.split('/') {
            at.push(part);
            match fs::symlink_metadata(&at) {
                Ok(found) if found.is_symlink() => {
                    return Err(ReadFault(
                        "is a link, and links are not followed".to_owned(),
                    ));
                }
                Ok(found) => last = Some(found),
                Err(error) if is_absent(&error) => return Ok(None),
                Err(error) => return Err(ReadFault(error.to_string())),
            }
        }
        // To open a pipe or a device may wait for ever.
        match last {
            Some(found) if found.is_file() => {}
            Some(found) if !found.is_dir() => return Err(ReadFault("is no file".to_owned())),
            _ => return Ok(None),
        }
        read_file(&at).map_err(|error| ReadFault(error.to_string()))
    }

    fn list(&self) -> Result<Option<Vec<String>>, ReadFault> {
        let mut found = Vec::new();
        self.walk("", 0, &mut found)
            .map_err(|error| ReadFault(error.to_string()))?;
        Ok(Some(found))
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn read_file(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = fs::File::open(path)?;
    let found = file.metadata()?;
    if found.is_dir() {
        return Ok(None);
    }
    if !found.is_file() {
        return Err(io::Error::other("is no file"));
    }
    let mut bytes = Vec::with_capacity(
        usize::try_from(found.len())
            .unwrap_or(0)
            .min(FILE_BYTES_MAX),
    );
    file.take(FILE_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(io::Error::other("is longer than any file of a log"));
    }
    Ok(Some(bytes))
}
