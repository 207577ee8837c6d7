//! The arguments of `interlock-verify`, read by hand: seven options are not worth a colleague in a program that strangers
//! are to read whole.

use std::ffi::OsString;
use std::path::PathBuf;

use interlock_journal::VerifierKey;
use interlock_journal::audit::Part;

/// What `--help` says.
pub const HELP: &str = "\
interlock-verify: is this the log that was signed, whole, and does it make sense?

usage: interlock-verify PATH --key VKEY [options]

PATH is a folder of log tiles, a folder of an export, or an export's tar.

  --key VKEY              a key that you trust to sign this log, as its owner gave it to you by another way than
                          the log itself; may be given again, for a log whose key was rotated
  --origin NAME           which log it has to be; without it, the one that a trusted key is named for
  --kept FILE             the newest checkpoint that you kept from an earlier look
  --witness-policy FILE   whose cosignatures count (lines `witness NAME VKEY`, `group NAME K NAMES`, `quorum NAME`)
  --expect PART           what an export has to be, whatever it says itself: log, range, run=RUN-ID or subject
  --payloads              sealed payloads have to be there or erased on record, in a folder of tiles too
  --no-payloads           do not look for sealed payloads: without it, an export that was made without them cannot
                          be told to be whole
  --tree-only             hash the entries and do not read them: signature, append-only, inclusion and anchors alone
  --json                  one JSON object instead of lines
  --help                  this

exit code: 0 verified, 1 tampered, 2 cannot tell (wrong arguments too)

examples:
  interlock-verify ./log --key 'example.org/log+1a2b3c4d+AbCd...'
  interlock-verify export.tar --key \"$(cat trusted.vkey)\" --kept last-month.checkpoint --json
";

/// What is asked for.
#[derive(Debug)]
pub struct Arguments {
    /// Where the log is.
    pub path: PathBuf,
    /// Keys that are trusted.
    pub keys: Vec<VerifierKey>,
    /// The log's name.
    pub origin: Option<String>,
    /// File of the kept checkpoint.
    pub kept: Option<PathBuf>,
    /// File of the witness policy.
    pub witnesses: Option<PathBuf>,
    /// What kind of export it has to be.
    pub part: Option<Part>,
    /// Whether payloads have to be there.
    pub payloads: Option<bool>,
    /// Whether entries are hashed only.
    pub tree_only: bool,
    /// JSON instead of lines.
    pub json: bool,
}

/// A verification, or the help.
#[derive(Debug)]
pub enum Asked {
    /// Verify.
    Verify(Arguments),
    /// Show [`HELP`].
    Help,
}

/// Arguments that cannot be: the reason as a lower-case fragment, and what helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// What is wrong.
    pub what: String,
    /// What helps.
    pub hint: &'static str,
}

impl Arguments {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    /// An unknown option, one without its value or given twice, no path, no key.
    pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Asked, Usage> {
        let mut words = words.into_iter();
        let mut path = None;
        let mut found = Self {
            path: PathBuf::new(),
            keys: Vec::new(),
            origin: None,
            kept: None,
            witnesses: None,
            part: None,
            payloads: None,
            tree_only: false,
            json: false,
        };
        while let Some(word) = words.next() {
            let mut value = || {
                words.next().ok_or_else(|| Usage {
                    what: format!("`{}` has no value", word.to_string_lossy()),
                    hint: "see `interlock-verify --help`",
                })
            };
            match word.to_str() {
                Some("--help" | "-h") => return Ok(Asked::Help),
                Some("--json") => found.json = true,
                Some("--tree-only") => found.tree_only = true,
                Some("--payloads") => found.payloads = Some(true),
                Some("--no-payloads") => found.payloads = Some(false),
                Some("--key") => found.keys.push(key(&value()?)?),
                Some("--origin") => once(&mut found.origin, text(value()?)?, "--origin")?,
                Some("--expect") => {
                    let words = text(value()?)?;
                    let part = Part::parse(&words).ok_or_else(|| Usage {
                        what: format!("`{words}` is no part of a log"),
                        hint: "`--expect` is followed by log, range, run=RUN-ID or subject",
                    })?;
                    once(&mut found.part, part, "--expect")?;
                }
                Some("--kept") => once(&mut found.kept, value()?.into(), "--kept")?,
                Some("--witness-policy") => {
                    once(&mut found.witnesses, value()?.into(), "--witness-policy")?;
                }
                Some(option) if option.starts_with("--") => {
                    return Err(Usage {
                        what: format!("unknown option `{option}`"),
                        hint: "see `interlock-verify --help`",
                    });
                }
                _ => once(&mut path, PathBuf::from(word), "PATH")?,
            }
        }
        found.path = path.ok_or(Usage {
            what: "no path was given".to_owned(),
            hint: "name the folder or tar: `interlock-verify PATH --key VKEY`",
        })?;
        if found.keys.is_empty() {
            return Err(Usage {
                what: "no key was given".to_owned(),
                hint: "`--key VKEY`, from the log's owner and not from the log: its own key proves nothing",
            });
        }
        Ok(Asked::Verify(found))
    }
}

fn once<T>(slot: &mut Option<T>, value: T, name: &str) -> Result<(), Usage> {
    if slot.replace(value).is_some() {
        return Err(Usage {
            what: format!("`{name}` was given twice"),
            hint: "see `interlock-verify --help`",
        });
    }
    Ok(())
}

fn text(word: OsString) -> Result<String, Usage> {
    word.into_string().map_err(|_| Usage {
        what: "an argument is no text".to_owned(),
        hint: "see `interlock-verify --help`",
    })
}

fn key(word: &OsString) -> Result<VerifierKey, Usage> {
    let printed = word.to_str().unwrap_or_default().trim();
    VerifierKey::parse(printed).map_err(|fault| Usage {
        what: format!("key `{printed}` cannot be read: {fault}"),
        hint: "a verifier key is `NAME+8 HEX DIGITS+BASE64`, in quotes",
    })
}
