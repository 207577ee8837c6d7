//! The files of the workspace, read once: what `git` tracks and what it would track if it were added.
//! Ignored files are not ours and are not looked at. No rule lives here.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

/// One file: its path from the root with `/` between the parts, and its bytes.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) bytes: Vec<u8>,
}

impl File {
    /// The text, or nothing where the bytes are not UTF-8.
    pub(crate) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes).ok()
    }
}

/// All files, in the order of their paths.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) files: Vec<File>,
}

impl Tree {
    /// Reads every file that `git` lists under `root`. A file deleted but not yet committed is left out.
    ///
    /// # Errors
    /// Where `git` cannot list the files, or one of them cannot be read.
    pub(crate) fn read(root: &Path) -> Result<Self, ReadError> {
        let mut files = Vec::new();
        for path in listed(root)? {
            match fs::symlink_metadata(root.join(&path)) {
                Ok(found) if found.is_file() => {}
                Ok(_) => continue,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(ReadError::File(path, error)),
            }
            match fs::read(root.join(&path)) {
                Ok(bytes) => files.push(File { path, bytes }),
                Err(error) => return Err(ReadError::File(path, error)),
            }
        }
        Ok(Self { files })
    }

    /// The file at `path`, where there is one.
    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The text of every file whose path ends in `ending`; files that are not UTF-8 are left out.
    pub(crate) fn texts<'a>(
        &'a self,
        ending: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> + 'a {
        self.files
            .iter()
            .filter(move |file| file.path.ends_with(ending))
            .filter_map(|file| Some((file.path.as_str(), file.text()?)))
    }
}

/// Why the tree could not be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    Git(String),
    File(String, io::Error),
}

impl fmt::Display for ReadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Git(said) => write!(out, "list the files with `git ls-files`: {said}"),
            Self::File(path, error) => write!(out, "read `{path}`: {error}"),
        }
    }
}

/// The folder that holds `xtask`, as it was when this was built.
pub(crate) fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

fn listed(root: &Path) -> Result<Vec<String>, ReadError> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .map_err(|error| ReadError::Git(error.to_string()))?;
    if !output.status.success() {
        return Err(ReadError::Git(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        ));
    }
    let names = String::from_utf8(output.stdout)
        .map_err(|_| ReadError::Git("a file name is not UTF-8".to_owned()))?;
    let mut paths: Vec<String> = names
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}

#[cfg(test)]
impl Tree {
    /// A tree made of (path, text) pairs, for a test's table.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| File {
            path: (*path).to_owned(),
            bytes: text.as_bytes().to_vec(),
        });
        Self {
            files: files.collect(),
        }
    }
}
