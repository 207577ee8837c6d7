//! The file in which a verifier says whose cosignatures count, in the words of C2SP tlog-policy: `witness NAME VKEY`,
//! one `group NAME K MEMBERS…` (`K` is a number, `any` or `all`), `quorum NAME`. `#` begins a comment.

use std::collections::BTreeMap;
use std::fmt;

use interlock_journal::{VerifierKey, WitnessPolicy};

/// What is wrong with such a file, and in which line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyTextFault {
    /// The line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl std::error::Error for PolicyTextFault {}

impl fmt::Display for PolicyTextFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "witness policy {}", self.what)
        } else {
            write!(f, "line {} of the witness policy {}", self.line, self.what)
        }
    }
}

/// Reads a policy. `log` lines, which such files may have for others, are left out: the log's keys are arguments.
///
/// # Errors
/// A line of another form, an unknown name, more than one group, or no quorum.
pub fn parse_policy(text: &str) -> Result<WitnessPolicy, PolicyTextFault> {
    let mut witnesses: BTreeMap<&str, VerifierKey> = BTreeMap::new();
    let mut groups: BTreeMap<&str, (usize, Vec<VerifierKey>)> = BTreeMap::new();
    let mut quorum = None;
    for (line, number) in text.lines().zip(1..) {
        let fault = |what: &str| PolicyTextFault {
            line: number,
            what: what.to_owned(),
        };
        let content = line.split('#').next().unwrap_or_default();
        let words: Vec<&str> = content.split_whitespace().collect();
        match words.as_slice() {
            [] | ["log", ..] => {}
            ["witness", name, key] | ["witness", name, key, _] => {
                let key = VerifierKey::parse(key).map_err(|error| fault(&error.to_string()))?;
                if witnesses.insert(name, key).is_some() {
                    return Err(fault("names a witness twice"));
                }
            }
            ["group", name, need, members @ ..] => {
                let mut keys = Vec::new();
                for member in members {
                    let key = witnesses.get(member);
                    keys.push(
                        key.ok_or_else(|| fault("has a member that is no witness"))?
                            .clone(),
                    );
                }
                let need = match *need {
                    "any" => 1,
                    "all" => keys.len(),
                    count => count.parse().map_err(|_| fault("has no threshold"))?,
                };
                if groups.insert(name, (need, keys)).is_some() {
                    return Err(fault("names a group twice"));
                }
            }
            ["quorum", name] if quorum.is_none() => quorum = Some((*name, number)),
            _ => return Err(fault("is none of `witness`, `group`, `quorum`")),
        }
    }
    let (name, line) = quorum.ok_or_else(|| PolicyTextFault {
        line: 0,
        what: "has no `quorum`".to_owned(),
    })?;
    let fault = |what: String| PolicyTextFault { line, what };
    let (need, keys) = match (groups.remove(name), witnesses.remove(name)) {
        (Some(group), _) => group,
        (None, Some(witness)) => (1, vec![witness]),
        (None, None) => return Err(fault("names no group and no witness".to_owned())),
    };
    WitnessPolicy::new(need, keys).map_err(|error| fault(error.to_string()))
}
