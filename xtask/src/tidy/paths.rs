//! No file names a place on one person's machine: a path that starts in a personal or working folder.
//! Paths inside the tree, addresses and system folders such as `/etc` are fine.

use super::Finding;
use crate::tree::Tree;

/// First folders of paths that exist on one machine only.
const FOLDERS: [&str; 4] = ["work", "root", "home", "Users"];

pub(super) fn inspect(tree: &Tree, findings: &mut Vec<Finding>) {
    let starts: Vec<String> = FOLDERS.iter().map(|folder| format!("/{folder}/")).collect();
    for file in &tree.files {
        for (index, line) in file.bytes.split(|byte| *byte == b'\n').enumerate() {
            for start in &starts {
                if has_path(line, start.as_bytes()) {
                    let message =
                        format!("a path under `{start}` is one machine's own: make it relative");
                    findings.push(Finding::new(&file.path, index + 1, message));
                }
            }
        }
    }
}

/// Whether `start` opens a path in `line`: what stands before it is not itself part of a path or an address.
fn has_path(line: &[u8], start: &[u8]) -> bool {
    line.windows(start.len()).enumerate().any(|(at, window)| {
        let before = at.checked_sub(1).and_then(|at| line.get(at));
        window == start && !before.is_some_and(|byte| continues_a_path(*byte))
    })
}

fn continues_a_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-~*}/)>]".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_path_is_found_wherever_it_stands() {
        for folder in FOLDERS {
            check(&format!("/{folder}/ada/notes"), 1);
            check(&format!("see `/{folder}/ada`"), 1);
            check(&format!("DIR=/{folder}/ada:/{folder}/bob"), 1);
            check(&format!("first\n\n \"/{folder}/ada\"\n/{folder}/"), 2);
        }
    }

    #[test]
    fn a_path_inside_something_else_is_not_one() {
        for folder in FOLDERS {
            check(&format!("src/{folder}/mod.rs"), 0);
            check(&format!("https://example.com/{folder}/page"), 0);
            check(
                &format!("../{folder}/x ~/{folder}/y $HOME/{folder}/z ${{DIR}}/{folder}/"),
                0,
            );
            check(&format!("/{folder}s"), 0);
        }
    }

    fn check(text: &str, expected: usize) {
        let mut findings = Vec::new();
        inspect(&Tree::of(&[("README.md", text)]), &mut findings);
        assert_eq!(findings.len(), expected, "{text:?}: {findings:?}");
    }
}
