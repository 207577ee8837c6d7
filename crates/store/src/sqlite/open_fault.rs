//! Why a store was not opened, with what to do about it.

use std::path::PathBuf;

/// The store was not opened; nothing was changed, but for a data directory that may have been created.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenFault {
    /// The data directory or a file in it cannot be made or read.
    #[error("open store: {operation} `{}`: {cause}", path.display())]
    Directory {
        /// What was tried.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// The kind of fault.
        cause: String,
    },
    /// Other users may enter the data directory.
    #[error("open store: data directory `{}` has mode {mode:o}: other users may enter it", path.display())]
    Exposed {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A network file system does not keep SQLite's promises.
    #[error("open store: data directory `{}` is on a network file system", path.display())]
    Network {
        /// The directory.
        path: PathBuf,
    },
    /// Another process has the store.
    #[error("open store: data directory `{}` is in use by {}", path.display(), holder.as_deref().unwrap_or("another process"))]
    Locked {
        /// The directory.
        path: PathBuf,
        /// Who, as the lock file says.
        holder: Option<String>,
    },
    /// There is no store.
    #[error("open store: there is no store in `{}`", path.display())]
    Missing {
        /// The directory.
        path: PathBuf,
    },
    /// The file is a database of something else, or its `meta` table was damaged.
    #[error("open store: `{}` is not a store of interlock", path.display())]
    Foreign {
        /// The database file.
        path: PathBuf,
    },
    /// The store was written by a newer version.
    #[error("open store: store has schema {found}, this version knows up to {known}")]
    Newer {
        /// The store's.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// The store was written by an older version, and is open for reading only.
    #[error("open store: store has schema {found}, reading needs {known}")]
    Older {
        /// The store's.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// The store is another environment.
    #[error("open store: store is environment `{found}`, not `{asked}`")]
    Environment {
        /// The store's.
        found: String,
        /// The one asked for.
        asked: String,
    },
    /// A setting that durability rests on did not take.
    #[error("open store: setting {name} is `{found}`, not `{wanted}`")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What it must be.
        wanted: &'static str,
        /// What it is.
        found: String,
    },
    /// SQLite refused.
    #[error("open store: {operation}: {cause}")]
    Database {
        /// What was tried.
        operation: &'static str,
        /// The kind of fault.
        cause: String,
    },
}

impl OpenFault {
    /// What the person at the terminal can do about it, as a lower-case sentence.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Directory { .. } => "check that the path exists and that you own it",
            Self::Exposed { .. } => {
                "run chmod 700 on it, or name a directory inside it that does not exist yet: it will be created"
            }
            Self::Network { .. } => "use a local disk, or the postgresql store",
            Self::Locked { .. } => {
                "stop the other process, send the command to its server, or name another --data-dir"
            }
            Self::Missing { .. } => {
                "check --data-dir; a store is made by the first command that writes"
            }
            Self::Foreign { .. } => "name another --data-dir; nothing was changed in this one",
            Self::Newer { .. } => "use the version of interlock that wrote it, or a later one",
            Self::Older { .. } => "open it once for writing with this version, after a backup",
            Self::Environment { .. } => "name the store's own environment, or another --data-dir",
            Self::Setting { .. } => {
                "the file system may not support what durability needs: use a local disk"
            }
            Self::Database { .. } => {
                "check the disk's space and health; restore a backup if the file is damaged"
            }
        }
    }
}
