//! The files of a bundle: read from a folder within bounds, nothing through a link, or handed in by whoever has
//! them pinned. A file that belongs to no part of a bundle is refused: it would be in the version and do nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use interlock_core::digest::Digest;
use interlock_core::limits::{BUNDLE_FILE_BYTES_MAX, BUNDLE_FILES_MAX};

use crate::problem::{Report, one_of};

/// The folders that a bundle may have, with the ending of the files in each; `data` takes any.
const FOLDERS: [(&str, &str); 8] = [
    ("workflows", ".yaml"),
    ("prompts", ".md"),
    ("policies", ".cedar"),
    ("sources", ".yaml"),
    ("tools", ".yaml"),
    ("schemas", ".json"),
    ("tests", ".yaml"),
    ("data", ""),
];

/// Files at the top.
const TOP: [&str; 3] = ["interlock.yaml", "README.md", "LICENSE"];

/// Levels of folders under `data`.
const DEPTH_MAX: usize = 8;

/// Reads the files of a folder, by path with `/` between folders.
pub(crate) fn read(dir: &Path, report: &mut Report) -> Option<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    match fs::metadata(dir) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => {
            report.refuse(
                &dir.display().to_string(),
                0..0,
                "a bundle is a folder, and this is a file",
                "give the folder that holds `interlock.yaml`",
            );
            return None;
        }
        Err(fault) => {
            let message = format!("this folder cannot be read: {}", reason(&fault));
            report.refuse(
                &dir.display().to_string(),
                0..0,
                message,
                "give the folder that holds `interlock.yaml`",
            );
            return None;
        }
    }
    walk(dir, "", 0, &mut files, report).then_some(files)
}

fn walk(
    dir: &Path,
    prefix: &str,
    depth: usize,
    files: &mut BTreeMap<String, Vec<u8>>,
    report: &mut Report,
) -> bool {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(fault) => {
            report.refuse(
                prefix,
                0..0,
                format!("this folder cannot be read: {}", reason(&fault)),
                "",
            );
            return false;
        }
    };
    let mut sound = true;
    for entry in entries {
        let Ok(entry) = entry else {
            report.refuse(prefix, 0..0, "this folder cannot be listed to its end", "");
            return false;
        };
        let Ok(name) = entry.file_name().into_string() else {
            report.refuse(prefix, 0..0, "a file's name here is not UTF-8", "rename it");
            sound = false;
            continue;
        };
        let path = format!("{prefix}{name}");
        // Editors and version control leave hidden files at the top; deeper, and in data, nothing is hidden.
        if name.starts_with('.') && prefix.is_empty() {
            continue;
        }
        if files.len() >= BUNDLE_FILES_MAX {
            report.refuse(
                &path,
                0..0,
                format!("more than {BUNDLE_FILES_MAX} files"),
                "keep large data out of the bundle",
            );
            return false;
        }
        // Of the entry itself, not of what a link leads to.
        let Ok(kind) = entry.file_type() else {
            report.refuse(&path, 0..0, "this file cannot be read", "");
            sound = false;
            continue;
        };
        if kind.is_dir() && depth < DEPTH_MAX {
            sound &= walk(&entry.path(), &format!("{path}/"), depth + 1, files, report);
        } else if kind.is_file() {
            sound &= take(&entry.path(), path, files, report);
        } else {
            let message = if kind.is_dir() {
                "folders are nested too deep"
            } else {
                "this is neither a file nor a folder"
            };
            report.refuse(
                &path,
                0..0,
                message,
                "a bundle holds plain files; links are not followed",
            );
            sound = false;
        }
    }
    sound
}

fn take(
    from: &Path,
    path: String,
    files: &mut BTreeMap<String, Vec<u8>>,
    report: &mut Report,
) -> bool {
    use std::io::Read as _;
    let bound = BUNDLE_FILE_BYTES_MAX as u64 + 1;
    let mut bytes = Vec::new();
    let read = fs::File::open(from).and_then(|file| file.take(bound).read_to_end(&mut bytes));
    if let Err(fault) = read {
        report.refuse(
            &path,
            0..0,
            format!("this file cannot be read: {}", reason(&fault)),
            "",
        );
        return false;
    }
    files.insert(path, bytes);
    true
}

fn reason(fault: &std::io::Error) -> &'static str {
    match fault.kind() {
        std::io::ErrorKind::NotFound => "it is not there",
        std::io::ErrorKind::PermissionDenied => "permission denied",
        _ => "the system refused",
    }
}

/// The texts of the files, each in its place; what does not belong is refused.
pub(crate) fn texts(
    files: &BTreeMap<String, Vec<u8>>,
    report: &mut Report,
) -> BTreeMap<String, Arc<str>> {
    let mut texts = BTreeMap::new();
    if files.len() > BUNDLE_FILES_MAX {
        report.refuse(
            "interlock.yaml",
            0..0,
            format!("more than {BUNDLE_FILES_MAX} files"),
            "keep large data out of the bundle",
        );
        return texts;
    }
    for (path, bytes) in files {
        if !placed(path, report) {
            continue;
        }
        if bytes.len() > BUNDLE_FILE_BYTES_MAX {
            report.refuse(
                path,
                0..0,
                format!("over {BUNDLE_FILE_BYTES_MAX} bytes"),
                "keep large data out of the bundle",
            );
            continue;
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => {
                let text: Arc<str> = text.into();
                report.show(path, Arc::clone(&text));
                texts.insert(path.clone(), text);
            }
            Err(fault) => {
                let message = format!("this file is not UTF-8 at byte {}", fault.valid_up_to());
                report.refuse(path, 0..0, message, "save it as UTF-8");
            }
        }
    }
    texts
}

fn placed(path: &str, report: &mut Report) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let plain = |part: &&str| {
        !part.is_empty() && *part != "." && *part != ".." && !part.contains(['\\', '\0'])
    };
    if !parts.iter().all(plain) {
        report.refuse(path, 0..0, "this is not a path inside the bundle", "");
        return false;
    }
    match parts.as_slice() {
        [file] if TOP.contains(file) => true,
        [file] => {
            report.refuse(
                path,
                0..0,
                format!("`{file}` belongs to no part of a bundle"),
                one_of(file, TOP),
            );
            false
        }
        [folder, rest @ ..] => match FOLDERS.iter().find(|(known, _)| known == folder) {
            None => {
                let hint = one_of(folder, FOLDERS.iter().map(|(name, _)| *name));
                report.refuse(
                    path,
                    0..0,
                    format!("the folder `{folder}` belongs to no part of a bundle"),
                    hint,
                );
                false
            }
            Some((_, "")) => true,
            Some((_, ending)) if rest.len() == 1 && path.ends_with(ending) => true,
            Some((folder, ending)) => {
                let message = format!(
                    "only `*{ending}` files belong into `{folder}`, without further folders"
                );
                report.refuse(
                    path,
                    0..0,
                    message,
                    "files that sources read belong into `data`",
                );
                false
            }
        },
        [] => false,
    }
}

/// The version: SHA-256 over (path, bytes) of every file in order of paths, each part after its length.
pub(crate) fn version(files: &BTreeMap<String, Vec<u8>>) -> Digest {
    Digest::of_parts(
        files
            .iter()
            .flat_map(|(path, bytes)| [path.as_bytes(), bytes.as_slice()]),
    )
}
