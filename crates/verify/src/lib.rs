//! Logs on a disk, as the audit in `journal` reads them: a folder of tiles or of an export, or an export's tar; and
//! what the program `interlock-verify` says of them. It reads, and writes nothing.
//! Not here: anything that decides. The verdicts are `journal`'s, so that every caller gets the same.

mod arguments;
mod folder;
mod say;
mod tar;
mod witnesses;

use std::io;
use std::path::Path;

use interlock_journal::audit::LogFiles;

pub use arguments::{Arguments, Asked, HELP, Usage};
pub use folder::Folder;
pub use say::{json, lines, plain};
pub use tar::{Tar, TarFault};
pub use witnesses::{PolicyTextFault, parse_policy};

/// Opens a folder, or a tar.
///
/// # Errors
/// Nothing is there, it cannot be read, or it is no tar in the strict form that exports have.
pub fn open(path: &Path) -> io::Result<Box<dyn LogFiles>> {
    let found = std::fs::metadata(path)?;
    if found.is_dir() {
        Ok(Box::new(Folder::new(path)))
    } else if !found.is_file() {
        // To open a pipe or a device may wait for ever, and a tar is read from any place of it.
        Err(io::Error::other("is neither a folder nor a file"))
    } else {
        let tar = Tar::open(path)?;
        Ok(Box::new(tar))
    }
}
